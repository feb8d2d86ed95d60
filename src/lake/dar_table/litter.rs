//! What runs that were killed have left behind, and files that no version of the table needs any more.
//!
//! A file that is no part of the table may be litter, or the work of a run that has not committed yet. Either nobody
//! else can be at work (the lock), or a commit has been made since the file was found: then whoever wrote it started
//! from an older version, cannot commit any more, and will write other files.

use std::collections::HashSet;
use std::path::Path as LocalPath;

use datafusion::error::{DataFusionError, Result};
use datafusion::object_store::path::Path;
use datafusion::object_store::{ObjectStore, ObjectStoreExt};
use futures::TryStreamExt;

use super::day_rows::is_day_file;
use super::lock::NOTES;
use super::log::{Log, Snapshot};
use super::manifest::Manifest;
use super::place::Place;
use super::tally::is_tally;

/// Files of ours that the newest version of the table does not need, or will not.
#[derive(Debug, Default)]
pub(super) struct Litter {
    found: Vec<Path>,
    /// What the next version does not need either.
    outlived: Vec<Path>,
}

impl Litter {
    /// Looks for them. `before` is the snapshot's manifest.
    pub(super) async fn find(
        place: &Place,
        log: &Log,
        snapshot: Option<&Snapshot>,
        before: &Manifest,
    ) -> Result<Self> {
        // Who reads the snapshot may have looked for the manifest before it; a tally is only for the next version.
        let outlived: Vec<&String> = before
            .previous
            .iter()
            .chain(before.tallies.values())
            .collect();
        let mut needed: HashSet<String> = outlived.iter().copied().cloned().collect();
        if let Some(snapshot) = snapshot {
            needed.insert(snapshot.manifest.clone());
            needed.extend(snapshot.days.values().map(|file| file.path.clone()));
            // An earlier version that somebody may still be reading.
            needed.extend(log.retired(snapshot).await?);
        }
        let mut litter = Vec::new();
        let mut listed = place.store().list(Some(&place.folder.path));
        while let Some(meta) = listed.try_next().await.map_err(store_fault)? {
            let below: Option<Vec<String>> = meta
                .location
                .prefix_match(&place.folder.path)
                .map(|parts| parts.map(|part| part.as_ref().to_owned()).collect());
            if let Some(below) = below
                && is_ours(&below)
                && !needed.contains(&below.join("/"))
            {
                litter.push(meta.location);
            }
        }
        Ok(Self {
            found: litter,
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
        for path in litter.filter(|path| !kept.contains(path)) {
            let _ = place.store().delete(&path).await;
        }
        if let Some(folder) = &place.local {
            let _ = remove_empty_days(folder);
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
        [folder, file] if folder.starts_with("day=") => is_day_file(file),
        [folder, file] if folder == NOTES => {
            is_tally(file) || (file.starts_with("manifest-") && file.ends_with(".json"))
        }
        _ => false,
    }
}

/// Removes what the file system's own store leaves of a file that it was writing when it was killed: `name#1`. Only for
/// whoever holds the lock.
pub(super) fn remove_half_written(folder: &LocalPath) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("day=") || name == NOTES || name == "_delta_log" {
            for file in std::fs::read_dir(entry.path())? {
                let file = file?;
                if is_half_written(&file.file_name().to_string_lossy()) {
                    std::fs::remove_file(file.path())?;
                }
            }
        }
    }
    Ok(())
}

fn is_half_written(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, number)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn remove_empty_days(folder: &LocalPath) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("day=") {
            // Fails for one that is not empty, which stays.
            let _ = std::fs::remove_dir(entry.path());
        }
    }
    Ok(())
}

fn store_fault(cause: datafusion::object_store::Error) -> DataFusionError {
    DataFusionError::ObjectStore(Box::new(cause))
}
