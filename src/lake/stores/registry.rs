//! The stores of a session, opened when they are first used.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, RwLock};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::{
    DefaultObjectStoreRegistry, ObjectStoreRegistry, ObjectStoreUrl,
};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::object_store::ObjectStore;
use url::{Position, Url};

use super::address::{Address, Service};
use super::build::build;
use super::options::StoreOptions;

/// The stores of the tool's session: those of the configuration and any other that a location names.
pub(crate) struct Stores {
    /// Headings of the configuration and their options.
    configured: Vec<(String, StoreOptions)>,
    open: RwLock<HashMap<String, Arc<dyn ObjectStore>>>,
    local: DefaultObjectStoreRegistry,
}

impl Stores {
    /// Stores that are opened with the options of their heading: `s3://` for all of S3, `s3://bucket` for one.
    pub(crate) fn new(configured: Vec<(String, StoreOptions)>) -> Self {
        Self {
            configured,
            open: RwLock::default(),
            local: DefaultObjectStoreRegistry::new(),
        }
    }

    /// The options of a store: its own over those of its scheme.
    fn options(&self, store: &str) -> StoreOptions {
        let of = |heading: &str| {
            self.configured
                .iter()
                .find(|(known, _)| known.trim_end_matches('/') == heading.trim_end_matches('/'))
                .map(|(_, options)| options.clone())
                .unwrap_or_default()
        };
        let scheme = store.split("://").next().unwrap_or_default();
        of(store).over(&of(&format!("{scheme}://")))
    }
}

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self
            .configured
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        f.debug_tuple("Stores").field(&names).finish()
    }
}

impl ObjectStoreRegistry for Stores {
    fn register_store(
        &self,
        url: &Url,
        store: Arc<dyn ObjectStore>,
    ) -> Option<Arc<dyn ObjectStore>> {
        if url.scheme() == "file" {
            return self.local.register_store(url, store);
        }
        self.open.write().ok()?.insert(name(url), store)
    }

    fn deregister_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let closed = self
            .open
            .write()
            .ok()
            .and_then(|mut open| open.remove(&name(url)));
        match closed {
            Some(store) => Ok(store),
            None => self.local.deregister_store(url),
        }
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        if url.scheme() == "file" {
            return self.local.get_store(url);
        }
        let name = name(url);
        if let Some(store) = self
            .open
            .read()
            .ok()
            .and_then(|open| open.get(&name).cloned())
        {
            return Ok(store);
        }
        let store = build(&Address::of(&name)?, &self.options(&name))?;
        if let Ok(mut open) = self.open.write() {
            open.insert(name, Arc::clone(&store));
        }
        Ok(store)
    }
}

/// The store of an address in a runtime, which may be an embedder's with another registry.
pub(super) fn open(
    runtime: &RuntimeEnv,
    address: &Address<'_>,
) -> Result<(ObjectStoreUrl, Arc<dyn ObjectStore>)> {
    let url = ObjectStoreUrl::parse(address.store)?;
    let Some(query) = address.query.filter(|_| address.service == Service::Web) else {
        let store = match runtime.object_store(&url) {
            Ok(store) => store,
            // The tool's registry knows every store, and says what is wrong with the options of this one.
            Err(fault @ DataFusionError::Configuration(_)) => return Err(fault),
            // An embedder's does not, and is given it.
            Err(_) => {
                let store = build(address, &StoreOptions::default())?;
                runtime.register_object_store(url.as_ref(), Arc::clone(&store));
                store
            }
        };
        return Ok((url, store));
    };
    // The query opens this file alone, so it has a store of its own, under a name that does not show it.
    let mut hasher = DefaultHasher::new();
    (address.store, query).hash(&mut hasher);
    let hidden = ObjectStoreUrl::parse(format!("https://signed-{:x}", hasher.finish()))?;
    let store = build(address, &StoreOptions::default())?;
    runtime.register_object_store(hidden.as_ref(), Arc::clone(&store));
    Ok((hidden, store))
}

/// `scheme://host:port`, with the container of an Azure address and without any password.
fn name(url: &Url) -> String {
    let user = match url.username() {
        "" => String::new(),
        user => format!("{user}@"),
    };
    let host = &url[Position::BeforeHost..Position::AfterPort];
    format!("{}://{user}{host}", url.scheme())
}
