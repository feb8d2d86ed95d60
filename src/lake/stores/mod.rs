//! Where files are: this machine, a cloud's store or a web server, behind one function.
//!
//! [`place`] takes a location apart and opens its store; a store that a session has not seen yet is opened the first
//! time it is used, with the clouds' usual variables and the options of the configuration, and then belongs to the
//! session's runtime, where the engine's `COPY` and `CREATE EXTERNAL TABLE` find it too.

mod address;
#[cfg(feature = "stores")]
mod build;
#[cfg(feature = "stores")]
mod named;
#[cfg(feature = "stores")]
mod options;
#[cfg(feature = "stores")]
mod registry;

use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::object_store::ObjectStore;
use datafusion::object_store::path::Path;

pub(crate) use self::address::{Address, Service};
#[cfg(feature = "stores")]
pub(crate) use self::named::fault_in;
#[cfg(feature = "stores")]
pub(crate) use self::options::{Setting, StoreOptions};
#[cfg(feature = "stores")]
pub(crate) use self::registry::Stores;

/// What a store said, wherever in the layers of an error it is.
#[cfg(not(feature = "stores"))]
pub(crate) fn fault_in(_: &(dyn std::error::Error + 'static)) -> Option<String> {
    None
}

/// A place in a store.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Who keeps it.
    pub(crate) service: Service,
    /// What the session's runtime calls the store.
    pub(crate) url: ObjectStoreUrl,
    /// The store.
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The path in it.
    pub(crate) path: Path,
}

/// Opens the store of `location` (a path of this machine that need not exist yet, or an address such as
/// `s3://bucket/folder`) and returns it with the path in it.
///
/// # Errors
///
/// A scheme that is not understood, options of the store that cannot be used, a build without the feature `stores`.
/// Nothing is sent to the store yet.
pub(crate) fn place(runtime: &RuntimeEnv, location: &str) -> Result<Place> {
    let address = Address::of(location)?;
    let (url, store) = open(runtime, &address)?;
    let path = match address.service {
        Service::Local => {
            let absolute = std::path::absolute(address.path).map_err(DataFusionError::IoError)?;
            Path::from_absolute_path(absolute)
        }
        // An address of the web is encoded, a key of a bucket is not.
        Service::Web => Path::from_url_path(address.path),
        Service::S3 | Service::Google | Service::Azure => {
            Path::parse(address.path.trim_end_matches('/'))
        }
    };
    let path = path.map_err(|cause| {
        crate::error::config(format!("'{location}' is no path in a store: {cause}"))
    })?;
    Ok(Place {
        service: address.service,
        url,
        store,
        path,
    })
}

/// The store of an address, and what the runtime calls it.
///
/// # Errors
///
/// Those of [`place`].
pub(crate) fn open(
    runtime: &RuntimeEnv,
    address: &Address<'_>,
) -> Result<(ObjectStoreUrl, Arc<dyn ObjectStore>)> {
    if address.service == Service::Local {
        let url = ObjectStoreUrl::local_filesystem();
        let store = runtime.object_store(&url)?;
        return Ok((url, store));
    }
    #[cfg(feature = "stores")]
    {
        registry::open(runtime, address)
    }
    #[cfg(not(feature = "stores"))]
    Err(crate::error::config(format!(
        "'{}' is in a store, and this dayrate was built without them: build it with the feature 'stores', or copy the \
         files here first",
        address.store
    )))
}
