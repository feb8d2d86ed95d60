//! A folder of results that appears whole or not at all.

use std::fs::{create_dir, create_dir_all, read_dir, remove_dir, rename};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use datafusion::error::Result;
use tempfile::TempDir;

use crate::error::{config, data};

/// A folder under construction, beside the place that it will have.
///
/// A killed run leaves at most a hidden `.NAME.partial…` folder there; any other end removes it.
pub(super) struct NewFolder {
    partial: TempDir,
    folder: PathBuf,
    out: PathBuf,
}

impl NewFolder {
    /// Begins the folder `out`.
    ///
    /// # Errors
    ///
    /// If something is in it already, or nothing can be written beside it.
    pub(super) fn start(out: &Path) -> Result<Self> {
        let (parent, name) = place(out)?;
        let partial = tempfile::Builder::new()
            .prefix(&format!(".{name}.partial"))
            .tempdir_in(&parent)
            .map_err(|e| {
                data(format!(
                    "cannot write in the folder '{}': {e}; choose another --out",
                    parent.display()
                ))
            })?;
        let folder = partial.path().join(&name);
        make(&folder)?;
        Ok(Self {
            partial,
            folder,
            out: out.to_owned(),
        })
    }

    /// Where to write what will be in it.
    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    /// A folder beside it for what will not.
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    pub(super) fn beside(&self, name: &str) -> Result<PathBuf> {
        let folder = self.partial.path().join(format!("{name}.tmp"));
        make(&folder)?;
        Ok(folder)
    }

    /// Gives the complete folder its name, in place of an empty one.
    ///
    /// # Errors
    ///
    /// If the place has been taken meanwhile.
    pub(super) fn finish(self) -> Result<()> {
        match remove_dir(&self.out) {
            Ok(()) => (),
            Err(e) if e.kind() == ErrorKind::NotFound => (),
            Err(e) => {
                return Err(data(format!(
                    "cannot replace the folder '{}': {e}",
                    self.out.display()
                )));
            }
        }
        rename(&self.folder, &self.out).map_err(|e| {
            data(format!(
                "cannot name the finished folder '{}': {e}",
                self.out.display()
            ))
        })
    }
}

/// Makes a folder.
///
/// # Errors
///
/// If it cannot be made.
pub(super) fn make(folder: &Path) -> Result<()> {
    create_dir(folder).map_err(|e| {
        data(format!(
            "cannot create the folder '{}': {e}",
            folder.display()
        ))
    })
}

/// The folder to write in, which is made if need be, and the name to give to the result in it.
fn place(out: &Path) -> Result<(PathBuf, String)> {
    let Some(name) = out
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
    else {
        return Err(config(format!(
            "cannot make the folder '{}': it has no name of its own; write --out NAME, or --out PATH/NAME",
            out.display()
        )));
    };
    match read_dir(out) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(config(format!(
                    "the folder '{}' is not empty: what is there and what is written would mix; empty it or choose \
                     another --out",
                    out.display()
                )));
            }
        }
        Err(e) if e.kind() == ErrorKind::NotFound => (),
        Err(e) => {
            return Err(config(format!(
                "'{}' cannot be the folder to make: {e}; choose another --out",
                out.display()
            )));
        }
    }
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    create_dir_all(&parent).map_err(|e| {
        data(format!(
            "cannot create the folder '{}': {e}; choose another --out",
            parent.display()
        ))
    })?;
    Ok((parent, name))
}
