//! Where a table of DARs lies.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::object_store::ObjectStore;
use datafusion::object_store::path::{Path, PathPart};
use url::Url;

use crate::error;

/// A folder in a store.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// As the configuration writes it.
    pub(super) name: String,
    /// What the session's runtime calls the store.
    pub(super) store_url: ObjectStoreUrl,
    /// The store.
    pub(super) store: Arc<dyn ObjectStore>,
    /// The folder in it.
    pub(super) path: Path,
    /// The folder as an address.
    pub(super) url: Url,
    /// The folder, if it is one of this machine.
    pub(super) folder: Option<PathBuf>,
}

impl Place {
    /// The place of that name. Nothing need be there.
    ///
    /// # Errors
    ///
    /// A name that is no place in a store.
    pub(super) fn of(runtime: &RuntimeEnv, name: &str) -> Result<Self> {
        if name.contains("://") {
            return Err(error::config(format!(
                "'{name}' is an address, and dayrate keeps its table of DARs in a folder of this machine"
            )));
        }
        let store_url = ObjectStoreUrl::local_filesystem();
        let folder = std::path::absolute(name).map_err(DataFusionError::IoError)?;
        let wrong = || error::config(format!("'{name}' is no folder that can hold a table"));
        Ok(Self {
            name: name.to_owned(),
            store: runtime.object_store(&store_url)?,
            store_url,
            path: Path::from_absolute_path(&folder).map_err(|_| wrong())?,
            url: Url::from_directory_path(&folder).map_err(|()| wrong())?,
            folder: Some(folder),
        })
    }

    /// A path in the store, of one below the folder.
    pub(super) fn below(&self, path: &str) -> Path {
        let folder = self.path.parts().map(|part| part.as_ref().to_owned());
        let segments = folder.chain(path.split('/').map(str::to_owned));
        segments.map(PathPart::from).collect()
    }
}
