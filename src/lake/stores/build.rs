//! A store from its address, the environment and the configuration, in this order of strength: what the configuration
//! says wins, then the usual variables of the cloud, then what is sane.

use std::sync::Arc;
use std::time::Duration;

use datafusion::error::{DataFusionError, Result};
use datafusion::object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{ClientOptions, HeaderMap, HeaderValue, RetryConfig};

use super::address::{Address, Service};
use super::named::NamedStore;
use super::options::{ALLOW_HTTP, RETRIES, StoreOptions, TOKEN};
use crate::{error, secret};

/// Seconds until a connection must stand.
const CONNECT_TIMEOUT: &str = "30 seconds";
/// Seconds until a request must have its whole answer; a large file is read in several.
const REQUEST_TIMEOUT: &str = "60 seconds";
/// After so many failures a store is given up.
const DEFAULT_RETRIES: usize = 4;
/// No retry begins later than this after the request did, so that a store that stalls is found out in bounded time.
const RETRY_WINDOW: Duration = Duration::from_secs(90);

/// Opens the store of `address`. Nothing is sent yet.
///
/// # Errors
///
/// An option or a variable that cannot be used.
pub(super) fn build(address: &Address<'_>, options: &StoreOptions) -> Result<Arc<dyn ObjectStore>> {
    keep_environment();
    let mut options = options.resolved(address.service, address.store)?;
    let retry = RetryConfig {
        max_retries: take(&mut options, RETRIES)
            .and_then(|text| text.parse().ok())
            .unwrap_or(DEFAULT_RETRIES),
        retry_timeout: RETRY_WINDOW,
        ..RetryConfig::default()
    };
    let failed = |cause: object_store::Error| {
        error::config(format!(
            "the store '{}' cannot be opened: {cause}. Check the environment and [stores.\"{}\"] in dayrate.toml",
            address.store, address.store
        ))
    };
    let names = |name: &str| options.iter().any(|(known, _)| *known == name);
    // The builders' own patience is shorter; the environment may still ask for another.
    let patience: Vec<(&str, String)> = [
        ("connect_timeout", CONNECT_TIMEOUT),
        ("timeout", REQUEST_TIMEOUT),
    ]
    .into_iter()
    .filter(|(name, _)| !names(name))
    .map(|(name, value)| (name, value.to_owned()))
    .collect();
    let store: Arc<dyn ObjectStore> = match address.service {
        Service::S3 => {
            let mut builder = AmazonS3Builder::from_env();
            for (name, value) in unless_set("AWS_", patience).into_iter().chain(options) {
                builder = builder.with_config(name.parse().map_err(failed)?, value);
            }
            let builder = builder.with_url(address.store).with_retry(retry);
            Arc::new(builder.build().map_err(failed)?)
        }
        Service::Google => {
            let mut builder = GoogleCloudStorageBuilder::from_env();
            for (name, value) in unless_set("GOOGLE_", patience).into_iter().chain(options) {
                builder = builder.with_config(name.parse().map_err(failed)?, value);
            }
            let builder = builder.with_url(address.store).with_retry(retry);
            Arc::new(builder.build().map_err(failed)?)
        }
        Service::Azure => {
            let mut builder = MicrosoftAzureBuilder::from_env();
            for (name, value) in unless_set("AZURE_", patience).into_iter().chain(options) {
                builder = builder.with_config(name.parse().map_err(failed)?, value);
            }
            let builder = builder.with_url(address.store).with_retry(retry);
            Arc::new(builder.build().map_err(failed)?)
        }
        Service::Web => {
            let mut client = ClientOptions::new();
            if let Some(token) = take(&mut options, TOKEN) {
                client = client.with_default_headers(bearer(&token, address.store)?);
            }
            // Who writes http:// has chosen it.
            let chosen = [(ALLOW_HTTP, "true".to_owned())];
            for (name, value) in patience.into_iter().chain(chosen).chain(options) {
                client = client.with_config(name.parse().map_err(failed)?, value);
            }
            let query = address.query.map(|query| format!("/?{query}"));
            let builder = HttpBuilder::new()
                .with_url(format!("{}{}", address.store, query.unwrap_or_default()))
                .with_client_options(client)
                .with_retry(retry);
            Arc::new(builder.build().map_err(failed)?)
        }
        Service::Local => return Err(no_store(address)),
    };
    Ok(Arc::new(NamedStore::new(address.store, store)))
}

/// Those of `defaults` for which the environment has no variable with this prefix.
fn unless_set(
    prefix: &str,
    mut defaults: Vec<(&'static str, String)>,
) -> Vec<(&'static str, String)> {
    defaults
        .retain(|(name, _)| std::env::var_os(format!("{prefix}{}", name.to_uppercase())).is_none());
    defaults
}

fn take(options: &mut Vec<(&'static str, String)>, name: &str) -> Option<String> {
    let at = options.iter().position(|(known, _)| *known == name)?;
    Some(options.remove(at).1)
}

fn bearer(token: &str, store: &str) -> Result<HeaderMap> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
        error::config(format!(
            "the token of the store '{store}' has letters that no header can have"
        ))
    })?;
    value.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert("authorization", value);
    Ok(headers)
}

fn no_store(address: &Address<'_>) -> DataFusionError {
    error::config(format!(
        "'{}' is a path of this machine and no store",
        address.path
    ))
}

/// The keys that the clouds' variables hold must not be shown either.
fn keep_environment() {
    for (name, value) in std::env::vars() {
        let is_cloud = ["AWS_", "AZURE_", "GOOGLE_"]
            .iter()
            .any(|cloud| name.starts_with(cloud));
        let is_secret = ["KEY", "SECRET", "TOKEN", "SAS", "PASSWORD"]
            .iter()
            .any(|word| name.contains(word));
        // The paths of files with tokens help to find a mistake.
        if is_cloud && is_secret && !name.ends_with("_FILE") && !name.ends_with("_URL") {
            secret::keep(&value);
        }
    }
}
