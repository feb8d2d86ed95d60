//! From a location to the files it stands for.

use std::path::{Path as LocalPath, PathBuf};
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionState;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::object_store::path::Path;
use datafusion::object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt};
use futures::TryStreamExt;
use glob::{MatchOptions, Pattern};

use super::stores::{self, Address, Service};
use super::{FileKind, Source, delta, folders};
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

/// Where a listing begins.
struct Root {
    url: ObjectStoreUrl,
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// The part of the location before any wildcard, as it was written.
    written: String,
    /// The pattern for what lies below.
    pattern: Option<Pattern>,
    /// The file, if the location is one.
    file: Option<ObjectMeta>,
}

/// `*` stays within a folder and `**` does not, as in a shell.
const LIKE_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

const WILDCARDS: [char; 3] = ['*', '?', '['];

/// Every data file of `source`.
pub(super) async fn list(state: &SessionState, source: &Source) -> Result<Listing> {
    let address = Address::of(&source.location)?;
    let root = match address.service {
        Service::Local => Root::local(state, source, address.path).await?,
        _ => Root::remote(state, source, &address).await?,
    };
    delta::refuse_inside(
        &root.store,
        &root.path,
        root.file.is_some(),
        &source.location,
    )
    .await?;
    if let Some(meta) = root.file {
        let kind = match source.format {
            Some(kind) => kind,
            None => {
                FileKind::of_file(&root.written)?.ok_or_else(|| unknown_ending(&root.written))?
            }
        };
        let found = Found {
            meta,
            folders: folders::of_path(&root.written, true),
            name: root.written,
        };
        return Ok(Listing {
            store: root.url,
            kind,
            files: vec![found],
        });
    }
    let mut kind: Option<(FileKind, String)> = None;
    let mut files = Vec::new();
    let mut others = Vec::new();
    let mut listed = root.store.list(Some(&root.path));
    while let Some(meta) = listed.try_next().await.map_err(store_error)? {
        let Some(below) = below(&root.path, &meta.location) else {
            continue;
        };
        if let Some(table) = delta::table_of_log(&below) {
            return Err(delta::inside(&source.location, &join(&root.written, table)));
        }
        if below
            .split('/')
            .any(|segment| segment.starts_with(['_', '.']))
        {
            continue;
        }
        if !root
            .pattern
            .as_ref()
            .is_none_or(|pattern| matches_file_or_folder(pattern, &below))
        {
            continue;
        }
        let name = join(&root.written, &below);
        if source.format.is_none() {
            match (FileKind::of_file(&name)?, &kind) {
                (None, _) => {
                    others.push(name);
                    continue;
                }
                (Some(found), Some((first, by))) if found != *first => {
                    return Err(mixed(source, (*first, by), (found, &name)));
                }
                (Some(found), None) => kind = Some((found, name.clone())),
                (Some(_), Some(_)) => {}
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
    match source.format.or(kind.map(|(kind, _)| kind)) {
        Some(kind) if !files.is_empty() => Ok(Listing {
            store: root.url,
            kind,
            files,
        }),
        _ => Err(nothing(source, root.pattern.is_some(), &others)),
    }
}

impl Root {
    /// A path of this machine.
    async fn local(state: &SessionState, source: &Source, local: &str) -> Result<Self> {
        if local.is_empty() {
            return Err(error::config(
                "a location is empty: write a file, a folder or a pattern such as 'exports/*.parquet'",
            ));
        }
        // A name that exists is meant as it stands, whatever letters it has.
        let (written, pattern) = match LocalPath::new(local).exists() {
            true => (local, None),
            false => split(local, &source.location)?,
        };
        let base = match written {
            "" => PathBuf::from("."),
            written => PathBuf::from(written),
        };
        let absolute = base
            .canonicalize()
            .map_err(|cause| missing(&source.location, &base, &cause))?;
        let path = Path::from_absolute_path(&absolute).map_err(store_error)?;
        let url = ObjectStoreUrl::local_filesystem();
        let store = state.runtime_env().object_store(&url)?;
        let file = match pattern.is_none() && !absolute.is_dir() {
            true => Some(store.head(&path).await.map_err(store_error)?),
            false => None,
        };
        Ok(Self {
            url,
            store,
            path,
            written: written.to_owned(),
            pattern,
            file,
        })
    }

    /// A place in a store.
    async fn remote(state: &SessionState, source: &Source, address: &Address<'_>) -> Result<Self> {
        let is_web = address.service == Service::Web;
        let (before, pattern) = match is_web {
            true => (address.path, None),
            false => split(address.path, &source.location)?,
        };
        let (url, store) = stores::open(state.runtime_env(), address)?;
        let path = match is_web {
            true => Path::from_url_path(before),
            false => Path::parse(before.trim_end_matches('/')),
        };
        let path = path.map_err(store_error)?;
        // A key may be a file, and also what other keys begin with; a slash at the end asks for those.
        let may_be_file = pattern.is_none() && !before.is_empty() && !before.ends_with('/');
        let is_folder = may_be_file
            && !is_web
            && !FileKind::is_data_file(before)
            && store
                .list(Some(&path))
                .try_next()
                .await
                .map_err(store_error)?
                .is_some();
        let file = match may_be_file && !is_folder {
            false => None,
            true => match store.head(&path).await {
                Ok(meta) => Some(meta),
                Err(Error::NotFound { .. }) if !is_web => None,
                Err(cause) => return Err(store_error(cause)),
            },
        };
        if is_web && file.is_none() {
            return Err(error::config(format!(
                "'{}' is no file: of a web server dayrate reads single files, because it cannot ask for a list",
                source.location
            )));
        }
        Ok(Self {
            url,
            store,
            path,
            written: format!("{}/{before}", address.store),
            pattern,
            file,
        })
    }
}

/// The part of a path before any wildcard, and the pattern for the rest.
fn split<'a>(path: &'a str, location: &str) -> Result<(&'a str, Option<Pattern>)> {
    let Some(wild) = path.find(WILDCARDS) else {
        return Ok((path, None));
    };
    let (written, rest) = match path[..wild].rfind('/') {
        Some(slash) => path.split_at(slash + 1),
        None => ("", path),
    };
    let pattern = Pattern::new(rest).map_err(|cause| {
        error::config(format!(
            "the pattern '{location}' cannot be understood: {cause}"
        ))
    })?;
    Ok((written, Some(pattern)))
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
         {{ path = \"{location}\", format = \"parquet\" }} (or {})",
        FileKind::NAMES[1..].join(", ")
    ))
}

fn mixed(source: &Source, first: (FileKind, &str), second: (FileKind, &str)) -> DataFusionError {
    error::config(format!(
        "'{}' has files of two formats: '{}' is {} and '{}' is {}. Read each by a pattern of its own, such as '*.{}', or \
         say in dayrate.toml which format all of them have: format = \"{}\"",
        source.location,
        first.1,
        first.0.name(),
        second.1,
        second.0.name(),
        second.0.name(),
        first.0.name(),
    ))
}

fn nothing(source: &Source, has_pattern: bool, others: &[String]) -> DataFusionError {
    let location = &source.location;
    let seen = match others {
        [] => String::new(),
        [only] => format!(" What is there is no data file: '{only}'."),
        [first, ..] => format!(
            " What is there are {} files that are no data files, such as '{first}'.",
            others.len()
        ),
    };
    let what = if has_pattern {
        format!("no data file matches '{location}'.")
    } else if location.contains("://") {
        format!("there is no file '{location}', and no data file below it.")
    } else {
        format!("the folder '{location}' has no data file in it or below.")
    };
    error::config(format!(
        "{what}{seen} dayrate reads files that end in .parquet, .csv, .ndjson or .arrow; names that start with '_' or \
         '.' are skipped"
    ))
}
