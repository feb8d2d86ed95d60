//! Where a table of DARs lies.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::object_store::path::{Path, PathPart};
use datafusion::object_store::{Error, ObjectStore, ObjectStoreExt, PutPayload};

use crate::error;
use crate::lake::stores::{self, Address, Service};

/// A folder in a store.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// As the configuration writes it.
    pub(super) name: String,
    /// The folder in its store.
    pub(super) folder: stores::Place,
    /// The folder, if it is one of this machine.
    pub(super) local: Option<PathBuf>,
}

impl Place {
    /// The place of that name. Nothing need be there.
    ///
    /// # Errors
    ///
    /// A name that is no place in a store, or one in a store that cannot be written.
    pub(super) fn of(runtime: &RuntimeEnv, name: &str) -> Result<Self> {
        let address = Address::of(name)?;
        let local = match address.service {
            Service::Local => {
                Some(std::path::absolute(address.path).map_err(DataFusionError::IoError)?)
            }
            Service::Web => {
                return Err(error::config(format!(
                    "'{name}' is an address of the web, which cannot be written: name a folder, or one of s3://, gs:// \
                     or az:// for the table of DARs"
                )));
            }
            Service::S3 | Service::Google | Service::Azure => None,
        };
        Ok(Self {
            name: name.to_owned(),
            folder: stores::place(runtime, name)?,
            local,
        })
    }

    /// The store.
    pub(super) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.folder.store
    }

    /// What the session's runtime calls the store.
    pub(super) fn store_url(&self) -> &ObjectStoreUrl {
        &self.folder.url
    }

    /// What lies at a path below the folder; `None` if nothing does.
    ///
    /// # Errors
    ///
    /// The store cannot be asked.
    pub(super) async fn read(&self, path: &str) -> Result<Option<Bytes>> {
        let bytes = match self.store().get(&self.below(path)).await {
            Ok(found) => found.bytes().await,
            Err(cause) => Err(cause),
        };
        match bytes {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(cause) => Err(DataFusionError::ObjectStore(Box::new(cause))),
        }
    }

    /// Writes a file at a path below the folder.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    pub(super) async fn write(&self, path: &str, bytes: Vec<u8>) -> Result<()> {
        let path = self.below(path);
        let written = self.store().put(&path, PutPayload::from(bytes)).await;
        written.map_err(|cause| DataFusionError::ObjectStore(Box::new(cause)))?;
        Ok(())
    }

    /// A path in the store, of one below the folder.
    pub(super) fn below(&self, path: &str) -> Path {
        let folder = self
            .folder
            .path
            .parts()
            .map(|part| part.as_ref().to_owned());
        let segments = folder.chain(path.split('/').map(str::to_owned));
        segments.map(PathPart::from).collect()
    }
}
