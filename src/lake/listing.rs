//! From a location to the files it stands for.

use std::path::{Path as LocalPath, PathBuf};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionState;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::object_store::path::Path;
use datafusion::object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use futures::TryStreamExt;
use glob::{MatchOptions, Pattern};

use super::{FileKind, Source, folders};
use crate::error;

/// The files of a location, in the order of their paths.
pub(super) struct Listing {
    pub(super) store: ObjectStoreUrl,
    pub(super) kind: FileKind,
    pub(super) files: Vec<Found>,
}

/// One file, and what the folders on its way say.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) meta: ObjectMeta,
    /// How people find it: the location as written, then the path below.
    pub(super) name: String,
    /// `k=v` folders from the first one written to the file.
    pub(super) folders: Vec<(String, Option<String>)>,
}

/// The part of a location before any wildcard, and the pattern for what lies below.
struct Place {
    base: PathBuf,
    written: String,
    pattern: Option<Pattern>,
}

/// `*` stays within a folder and `**` does not, as in a shell.
const LIKE_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Every data file of `source`.
pub(super) async fn list(state: &SessionState, source: &Source) -> Result<Listing> {
    let place = Place::of(&source.location)?;
    let store_url = ObjectStoreUrl::local_filesystem();
    let store = state.runtime_env().object_store(&store_url)?;
    let base = place
        .base
        .canonicalize()
        .map_err(|cause| missing(&source.location, &place.base, &cause))?;
    let root = Path::from_absolute_path(&base).map_err(store_error)?;

    if place.pattern.is_none() && !base.is_dir() {
        let kind = match source.format {
            Some(kind) => kind,
            None => FileKind::of_file(&source.location)?
                .ok_or_else(|| unknown_ending(&source.location))?,
        };
        let meta = store.head(&root).await.map_err(store_error)?;
        let found = Found {
            meta,
            name: source.location.clone(),
            folders: folders::of_path(&source.location, true),
        };
        return Ok(Listing {
            store: store_url,
            kind,
            files: vec![found],
        });
    }

    let mut kind = source.format;
    let mut files = Vec::new();
    let mut others = Vec::new();
    let mut listed = store.list(Some(&root));
    while let Some(meta) = listed.try_next().await.map_err(store_error)? {
        let Some(below) = below(&root, &meta.location) else {
            continue;
        };
        if below
            .split('/')
            .any(|segment| segment.starts_with(['_', '.']))
        {
            continue;
        }
        if !place
            .pattern
            .as_ref()
            .is_none_or(|pattern| matches_file_or_folder(pattern, &below))
        {
            continue;
        }
        let name = join(&place.written, &below);
        if source.format.is_none() {
            match FileKind::of_file(&name)? {
                Some(found) => kind = Some(found),
                None => {
                    others.push(name);
                    continue;
                }
            }
        }
        let folders = folders::of_path(&name, true);
        files.push(Found {
            meta,
            name,
            folders,
        });
    }
    files.sort_by(|a, b| a.meta.location.cmp(&b.meta.location));
    match kind {
        Some(kind) if !files.is_empty() => Ok(Listing {
            store: store_url,
            kind,
            files,
        }),
        _ => Err(nothing(source, &place, &others)),
    }
}

impl Place {
    fn of(location: &str) -> Result<Self> {
        let local = match location.split_once("://") {
            Some(("file", path)) => path,
            Some((scheme, _)) => {
                return Err(error::config(format!(
                    "'{location}' is a {scheme} address, and dayrate reads local files and folders. Copy the files \
                     here first"
                )));
            }
            None => location,
        };
        if local.is_empty() {
            return Err(error::config(
                "a location is empty: write a file, a folder or a pattern such as 'exports/*.parquet'",
            ));
        }
        // A name that exists is meant as it stands, whatever letters it has.
        if LocalPath::new(local).exists() || !local.contains(['*', '?', '[']) {
            return Ok(Self {
                base: PathBuf::from(local),
                written: local.to_owned(),
                pattern: None,
            });
        }
        let wild = local.find(['*', '?', '[']).unwrap_or(0);
        let (written, rest) = match local[..wild].rfind('/') {
            Some(slash) => local.split_at(slash + 1),
            None => ("", local),
        };
        let pattern = Pattern::new(rest).map_err(|cause| {
            error::config(format!(
                "the pattern '{location}' cannot be understood: {cause}"
            ))
        })?;
        let base = if written.is_empty() {
            PathBuf::from(".")
        } else {
            PathBuf::from(written)
        };
        Ok(Self {
            base,
            written: written.to_owned(),
            pattern: Some(pattern),
        })
    }
}

/// The path of `file` below `root`, if it is there.
fn below(root: &Path, file: &Path) -> Option<String> {
    let segments: Vec<_> = file
        .prefix_match(root)?
        .map(|part| part.as_ref().to_owned())
        .collect();
    Some(segments.join("/"))
}

/// A pattern may name files, or folders that are then read whole (`exports/2026-*`).
fn matches_file_or_folder(pattern: &Pattern, below: &str) -> bool {
    pattern.matches_with(below, LIKE_A_SHELL)
        || below
            .match_indices('/')
            .any(|(end, _)| pattern.matches_with(&below[..end], LIKE_A_SHELL))
}

fn join(written: &str, below: &str) -> String {
    if written.is_empty() || written.ends_with('/') {
        format!("{written}{below}")
    } else {
        format!("{written}/{below}")
    }
}

fn store_error(cause: impl Into<datafusion::object_store::Error>) -> DataFusionError {
    DataFusionError::ObjectStore(Box::new(cause.into()))
}

fn missing(location: &str, base: &LocalPath, cause: &std::io::Error) -> DataFusionError {
    let what = match cause.kind() {
        std::io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        _ => cause.to_string(),
    };
    let here =
        std::env::current_dir().map(|folder| format!(" (from the folder '{}')", folder.display()));
    error::config(format!(
        "'{location}' cannot be opened: '{}': {what}{}. Check the spelling, or give the whole path",
        base.display(),
        here.unwrap_or_default()
    ))
}

fn unknown_ending(location: &str) -> DataFusionError {
    error::config(format!(
        "the name of '{location}' does not tell its format. Name it '….parquet', or say so in dayrate.toml: \
         {{ path = \"{location}\", format = \"parquet\" }}"
    ))
}

fn nothing(source: &Source, place: &Place, others: &[String]) -> DataFusionError {
    let location = &source.location;
    let seen = match others {
        [] => String::new(),
        [only] => format!(" What is there is no data file: '{only}'."),
        [first, ..] => format!(
            " What is there are {} files that are no data files, such as '{first}'.",
            others.len()
        ),
    };
    let what = match &place.pattern {
        Some(_) => format!("no Parquet file matches '{location}'."),
        None => format!("the folder '{location}' has no Parquet file in it or below."),
    };
    error::config(format!(
        "{what}{seen} dayrate reads files that end in .parquet; names that start with '_' or '.' are skipped"
    ))
}
