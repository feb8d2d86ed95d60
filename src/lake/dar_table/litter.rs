//! What runs that were killed have left behind, and files that no version of the table needs any more.
//!
//! A file that is no part of the table may be litter, or the work of a run that has not committed yet. Either nobody
//! else can be at work (the lock), or a commit has been made since the file was found: then whoever wrote it started
//! from an older version, cannot commit any more, and will write other files.

use std::collections::HashSet;
use std::fs::DirEntry;
use std::io::ErrorKind;
use std::path::Path as LocalPath;

use datafusion::error::{DataFusionError, Result};
use datafusion::object_store::path::Path;
use datafusion::object_store::{ObjectStore, ObjectStoreExt};
use futures::TryStreamExt;

use super::counts::{Counts, is_segment};
use super::day_rows::is_day_file;
use super::lock::NOTES;
use super::log::{Log, Snapshot};
use super::manifest::Manifest;
use super::place::Place;
use super::tally::is_tally;

/// The folder of the table's log.
const LOG: &str = "_delta_log";

/// Files of ours that the newest version of the table does not need, or will not.
#[derive(Debug, Default)]
pub(super) struct Litter {
    found: Vec<Path>,
    /// What the next version does not need either.
    outlived: Vec<Path>,
}

impl Litter {
    /// Looks for them; `before` is the snapshot's manifest. If nobody else can be at work, what the file system's own store
    /// leaves of a file that it was writing when it was killed is removed at once.
    pub(super) async fn find(
        place: &Place,
        log: &Log,
        snapshot: Option<&Snapshot>,
        before: &Manifest,
        is_alone: bool,
    ) -> Result<Self> {
        // Who reads the snapshot may have looked for the manifest before it; a tally is only for the next version.
        let mut outlived: Vec<&String> = before
            .previous
            .iter()
            .chain(before.tallies.values())
            .collect();
        let counts = before.counts.iter();
        outlived.extend(counts.clone().flat_map(Counts::former));
        let mut needed: HashSet<String> = outlived.iter().copied().cloned().collect();
        needed.extend(counts.flat_map(Counts::paths).cloned());
        if let Some(snapshot) = snapshot {
            needed.insert(snapshot.manifest.clone());
            needed.extend(snapshot.days.values().map(|file| file.path.clone()));
            // An earlier version that somebody may still be reading.
            needed.extend(log.retired(snapshot).await?);
        }
        let files = match &place.local {
            Some(folder) => below(folder, is_alone).map_err(DataFusionError::IoError)?,
            None => listed(place).await?,
        };
        let litter = files
            .into_iter()
            .filter(|below| is_ours(below))
            .map(|below| below.join("/"))
            .filter(|path| !needed.contains(path))
            .map(|path| place.below(&path));
        Ok(Self {
            found: litter.collect(),
            outlived: outlived.into_iter().map(|path| place.below(path)).collect(),
        })
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Takes it away, but for `kept`, which has become part of a new version since, if there is one. What cannot be taken
    /// away now is found again next time.
    pub(super) async fn remove(self, place: &Place, kept: &HashSet<String>) {
        let kept: HashSet<Path> = kept.iter().map(|path| place.below(path)).collect();
        let outlived = match kept.is_empty() {
            true => Vec::new(),
            false => self.outlived,
        };
        let litter = self.found.into_iter().chain(outlived);
        let mut days = HashSet::new();
        for path in litter.filter(|path| !kept.contains(path)) {
            let _ = place.store().delete(&path).await;
            let folders = path.parts().rev().nth(1);
            days.extend(folders.map(|folder| folder.as_ref().to_owned()));
        }
        if let Some(folder) = &place.local {
            for day in days.iter().filter(|day| is_day(day)) {
                // Fails for one that is not empty, which stays.
                let _ = std::fs::remove_dir(folder.join(day));
            }
        }
    }
}

/// Removes files of a run that will not be committed.
pub(super) async fn discard(place: &Place, paths: impl Iterator<Item = &str>) {
    for path in paths {
        let _ = place.store().delete(&place.below(path)).await;
    }
}

/// Whether a path below the table is one that runs give to their files.
fn is_ours(below: &[String]) -> bool {
    match below {
        [folder, file] if is_day(folder) => is_day_file(file),
        [folder, file] if folder == NOTES => {
            is_tally(file)
                || is_segment(file)
                || (file.starts_with("manifest-") && file.ends_with(".json"))
        }
        _ => false,
    }
}

fn is_day(folder: &str) -> bool {
    folder.starts_with("day=")
}

/// The paths of the files in a store below the table.
async fn listed(place: &Place) -> Result<Vec<Vec<String>>> {
    let mut files = Vec::new();
    let mut listed = place.store().list(Some(&place.folder.path));
    while let Some(meta) = listed.try_next().await.map_err(store_fault)? {
        let below = meta.location.prefix_match(&place.folder.path);
        files.extend(below.map(|parts| parts.map(|part| part.as_ref().to_owned()).collect()));
    }
    Ok(files)
}

/// The paths of the files in the folders of a table of this machine, by one look at each folder: there is one a day. If
/// nobody else can be at work, files that were half written are removed, and then folders of days that have none.
fn below(table: &LocalPath, is_alone: bool) -> std::io::Result<Vec<Vec<String>>> {
    let mut files = Vec::new();
    for entry in entries(table)? {
        let folder = entry?.file_name().to_string_lossy().into_owned();
        if !is_day(&folder) && folder != NOTES && folder != LOG {
            continue;
        }
        let place = table.join(&folder);
        let mut is_empty = true;
        for file in entries(&place)? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            if is_alone && is_half_written(&name) {
                std::fs::remove_file(file.path())?;
                continue;
            }
            is_empty = false;
            files.push(vec![folder.clone(), name]);
        }
        if is_alone && is_empty && is_day(&folder) {
            // Nothing depends on it.
            let _ = std::fs::remove_dir(place);
        }
    }
    Ok(files)
}

/// What is in a folder; nothing if there is none.
fn entries(folder: &LocalPath) -> std::io::Result<impl Iterator<Item = std::io::Result<DirEntry>>> {
    let found = match std::fs::read_dir(folder) {
        Ok(found) => Some(found),
        Err(cause) if cause.kind() == ErrorKind::NotFound => None,
        Err(cause) => return Err(cause),
    };
    Ok(found.into_iter().flatten())
}

fn is_half_written(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, number)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn store_fault(cause: datafusion::object_store::Error) -> DataFusionError {
    DataFusionError::ObjectStore(Box::new(cause))
}
