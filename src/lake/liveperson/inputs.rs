//! Which files a history is in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use datafusion::error::Result;
use glob::MatchOptions;

use crate::error;

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    /// Where it is, whatever the folder of a process.
    pub(crate) path: PathBuf,
    /// What rows and errors call it.
    pub(crate) name: String,
    /// Its size on disk.
    pub(crate) bytes: u64,
}

/// `*` stays within a folder and `**` does not, as in a shell.
const LIKE_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The endings of histories in a folder, compressed or not. A file that is named itself may end in anything.
const ENDINGS: [&str; 3] = ["json", "ndjson", "jsonl"];

/// The files at these locations, in the order given, those of a folder or a pattern by their paths; each once.
///
/// # Errors
///
/// If nothing is at one of them.
pub(crate) fn find<T: AsRef<str>>(locations: &[T]) -> Result<Vec<Input>> {
    let mut found = Found::default();
    for location in locations {
        let location = location.as_ref();
        let before = found.inputs.len() + found.again;
        found.add_location(location)?;
        if found.inputs.len() + found.again == before {
            return Err(error::config(format!(
                "there is no history in '{location}': no file in it or below ends in .json, .ndjson or .jsonl (or one \
                 of them and .gz); names that start with '_' or '.' are skipped"
            )));
        }
    }
    Ok(found.inputs)
}

#[derive(Default)]
struct Found {
    inputs: Vec<Input>,
    /// Every path, without links, that has been looked at.
    seen: BTreeSet<PathBuf>,
    /// Files that were found a second time.
    again: usize,
}

impl Found {
    fn add_location(&mut self, location: &str) -> Result<()> {
        let local = match location.split_once("://") {
            Some(("file", path)) => path,
            Some((scheme, _)) => {
                return Err(error::config(format!(
                    "'{location}' is a {scheme} address, and a history is read from local files. Copy it here first"
                )));
            }
            None => location,
        };
        let path = Path::new(local);
        // A name that exists is meant as it stands, whatever letters it has.
        if path.exists() || !local.contains(['*', '?', '[']) {
            return self.add(path);
        }
        let paths = glob::glob_with(local, LIKE_A_SHELL).map_err(|cause| {
            error::config(format!(
                "the pattern '{location}' cannot be understood: {cause}"
            ))
        })?;
        let mut paths: Vec<PathBuf> = paths
            .collect::<std::result::Result<_, _>>()
            .map_err(|cause| unreadable(cause.path(), cause.error()))?;
        paths.retain(|path| !is_hidden(path));
        paths.sort();
        paths.iter().try_for_each(|path| self.add(path))
    }

    /// Adds a file, or those below a folder.
    fn add(&mut self, path: &Path) -> Result<()> {
        let real = path
            .canonicalize()
            .map_err(|cause| unreadable(path, &cause))?;
        let about = path.metadata().map_err(|cause| unreadable(path, &cause))?;
        if !self.seen.insert(real) {
            self.again += usize::from(!about.is_dir());
            return Ok(());
        }
        if !about.is_dir() {
            self.inputs.push(Input {
                path: std::path::absolute(path).map_err(|cause| unreadable(path, &cause))?,
                name: path.display().to_string(),
                bytes: about.len(),
            });
            return Ok(());
        }
        let entries = path.read_dir().map_err(|cause| unreadable(path, &cause))?;
        let mut entries: Vec<PathBuf> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<_>>()
            .map_err(|cause| unreadable(path, &cause))?;
        entries.sort();
        let chosen = entries
            .iter()
            .filter(|entry| !is_hidden(entry) && (entry.is_dir() || ends_like_one(entry)));
        chosen.into_iter().try_for_each(|entry| self.add(entry))
    }
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(['_', '.'])
}

fn ends_like_one(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

fn unreadable(path: &Path, cause: &std::io::Error) -> datafusion::error::DataFusionError {
    let what = match cause.kind() {
        std::io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        _ => cause.to_string(),
    };
    error::config(format!(
        "'{}' cannot be read: {what}. Check the spelling, or give the whole path",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    #[test]
    fn files_folders_and_patterns_each_file_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        std::fs::create_dir_all(folder.path().join("in/deep")).unwrap();
        for name in [
            "in/b.json",
            "in/a.jsonl.gz",
            "in/deep/c.NDJSON",
            "in/_skipped.json",
            "in/.hidden.json",
            "in/notes.txt",
            "export",
        ] {
            std::fs::write(at(name), "x").unwrap();
        }
        let names = |locations: &[String]| -> Vec<String> {
            let inputs = find(locations).unwrap();
            let below = |input: &Input| {
                input
                    .path
                    .strip_prefix(folder.path())
                    .unwrap()
                    .to_string_lossy()
                    .into_owned()
            };
            inputs.iter().map(below).collect()
        };
        assert_eq!(
            names(&[at("in")]),
            ["in/a.jsonl.gz", "in/b.json", "in/deep/c.NDJSON"]
        );
        assert_eq!(
            names(&[at("export"), at("in/b.json"), at("in/*.json")]),
            ["export", "in/b.json"]
        );
        assert_eq!(names(&[at("**/*.json")]), ["in/b.json"]);
        for (location, word) in [
            ("nowhere", "no such file"),
            ("in/*.csv", "no history"),
            ("in/de*/x", "no history"),
        ] {
            let text = find(&[at(location)]).unwrap_err().to_string();
            assert!(text.contains(word), "{text}");
        }
        std::fs::create_dir(at("empty")).unwrap();
        assert!(
            find(&[at("empty")])
                .unwrap_err()
                .to_string()
                .contains("no history")
        );
        assert!(
            find(&["s3://b/x.json"])
                .unwrap_err()
                .to_string()
                .contains("s3 address")
        );
    }
}
