//! One refresh at a time: a lock of the operating system, which a process that has died does not hold.
//!
//! Only a folder of this machine has one. It spares a second refresh work that would be lost; that nothing is counted
//! twice does not rest on it but on the commit.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use datafusion::error::Result;

use crate::error;

/// The folder of what belongs to the table and is no row of it; readers of Delta tables leave such names alone.
pub(super) const NOTES: &str = "_dayrate";

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    /// `None` where the file system has no locks.
    _file: Option<File>,
    /// Whether nobody else can be at work.
    pub(super) is_alone: bool,
}

impl Lock {
    /// Takes the lock of the table in a folder.
    ///
    /// # Errors
    ///
    /// Another refresh is at work; a folder that cannot be written.
    pub(super) fn take(folder: &Path, name: &str) -> Result<Self> {
        let unwritable = |cause: std::io::Error| {
            error::config(format!(
                "the table '{name}' cannot be written: {cause}. It needs a folder that this user may write to"
            ))
        };
        let notes = folder.join(NOTES);
        std::fs::create_dir_all(&notes).map_err(unwritable)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(notes.join("lock"))
            .map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                _file: Some(file),
                is_alone: true,
            }),
            Err(TryLockError::WouldBlock) => Err(error::config(format!(
                "another refresh of the table '{name}' is at work: wait until it has ended"
            ))),
            Err(TryLockError::Error(cause)) if cause.kind() == ErrorKind::Unsupported => Ok(Self {
                _file: None,
                is_alone: false,
            }),
            Err(TryLockError::Error(cause)) => Err(unwritable(cause)),
        }
    }
}
