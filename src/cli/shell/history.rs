//! What was typed before, across runs: a file in the user's state folder, never in the folder that is worked in.

use std::fs::OpenOptions;
use std::io::Result;
use std::path::PathBuf;

use reedline::{FileBackedHistory, History, ReedlineErrorVariants};

use crate::cli::message;

/// How many entries are kept.
const CAPACITY: usize = 10_000;

/// The history of the user; one of this run alone where there is no place for a file.
pub(super) fn open() -> Option<Box<dyn History>> {
    let Some(file) = place() else {
        return in_memory();
    };
    match prepare(&file).and_then(|()| with_file(&file)) {
        Ok(history) => Some(history),
        Err(cause) => {
            message::note(&format!(
                "the history cannot be kept in '{}': {cause}. XDG_STATE_HOME names another folder for it",
                file.display()
            ));
            in_memory()
        }
    }
}

fn in_memory() -> Option<Box<dyn History>> {
    let history = FileBackedHistory::new(CAPACITY).ok()?;
    Some(Box::new(history))
}

fn with_file(file: &std::path::Path) -> Result<Box<dyn History>> {
    match FileBackedHistory::with_file(CAPACITY, file.to_owned()) {
        Ok(history) => Ok(Box::new(history)),
        Err(cause) => Err(match cause.0 {
            ReedlineErrorVariants::IOError(cause) => cause,
            other => std::io::Error::other(other.to_string()),
        }),
    }
}

/// `$XDG_STATE_HOME/dayrate/history`, or the same below `~/.local/state`. A relative folder would be one of the folder
/// that is worked in, and counts as none.
fn place() -> Option<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
    };
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
    Some(state.join("dayrate/history"))
}

/// Makes the file, for its owner's eyes only: statements may hold what others should not read.
fn prepare(file: &std::path::Path) -> Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(file).map(drop)
}
