//! What a location says about where it is: the service, the store, the path in it.

use datafusion::error::Result;

use crate::error;

/// Who keeps the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// This machine.
    Local,
    /// Amazon S3, or whoever speaks as it does.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage and Data Lake Storage.
    Azure,
    /// A web server: single files.
    Web,
}

impl Service {
    /// Every scheme that is understood.
    const SCHEMES: [(&'static str, Self); 10] = [
        ("file", Self::Local),
        ("s3", Self::S3),
        ("s3a", Self::S3),
        ("gs", Self::Google),
        ("az", Self::Azure),
        ("azure", Self::Azure),
        ("abfs", Self::Azure),
        ("abfss", Self::Azure),
        ("http", Self::Web),
        ("https", Self::Web),
    ];

    fn of_scheme(scheme: &str) -> Option<Self> {
        Self::SCHEMES
            .iter()
            .find(|(known, _)| *known == scheme)
            .map(|(_, service)| *service)
    }
}

/// A location, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    /// Who keeps it.
    pub(crate) service: Service,
    /// The store: `s3://bucket`, `https://host:8443`; nothing for a local path.
    pub(crate) store: &'a str,
    /// What is behind the store and a slash: a path, perhaps a pattern; for a local one, all of it.
    pub(crate) path: &'a str,
    /// What follows the `?` of a web address.
    pub(crate) query: Option<&'a str>,
}

impl<'a> Address<'a> {
    /// The parts of a location.
    ///
    /// # Errors
    ///
    /// A scheme that is not understood; an address that names no store.
    pub(crate) fn of(location: &'a str) -> Result<Self> {
        let Some((scheme, rest)) = location.split_once("://") else {
            return Ok(Self {
                service: Service::Local,
                store: "",
                path: location,
                query: None,
            });
        };
        let Some(service) = Service::of_scheme(scheme) else {
            let known: Vec<&str> = Service::SCHEMES.iter().map(|(scheme, _)| *scheme).collect();
            return Err(error::config(format!(
                "'{location}': {}",
                error::unknown("scheme", scheme, &known)
            )));
        };
        if service == Service::Local {
            return Ok(Self {
                service,
                store: "",
                path: rest.strip_prefix("localhost").unwrap_or(rest),
                query: None,
            });
        }
        // In a bucket, `?` is a letter of a pattern; in a web address it ends the path.
        let (rest, query) = match rest.split_once('?') {
            Some((path, query)) if service == Service::Web => (path, Some(query)),
            _ => (rest, None),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.is_empty() {
            return Err(error::config(format!(
                "'{location}' names no {}: write {scheme}://name/path",
                if service == Service::Web {
                    "host"
                } else {
                    "bucket"
                }
            )));
        }
        if service == Service::Web && authority.contains('@') {
            return Err(error::config(format!(
                "'{location}' has a user in it, and a configuration is no place for passwords. Write \
                 [stores.\"{scheme}://HOST\"] token = {{ env = \"NAME\" }} for a server that takes a token"
            )));
        }
        Ok(Self {
            service,
            store: &location[..scheme.len() + 3 + authority.len()],
            path,
            query,
        })
    }

    /// The service that a heading of the configuration is about: a store, or a scheme alone for all of its stores.
    ///
    /// # Errors
    ///
    /// A sentence: no such scheme, or a path where only a store is named.
    pub(crate) fn of_heading(heading: &str) -> std::result::Result<Service, String> {
        let known: Vec<&str> = Service::SCHEMES[1..]
            .iter()
            .map(|(scheme, _)| *scheme)
            .collect();
        let (scheme, rest) = heading
            .split_once("://")
            .ok_or_else(|| format!("'{heading}' is no store: write one such as \"s3://bucket\""))?;
        let service = Service::of_scheme(scheme)
            .filter(|service| *service != Service::Local)
            .ok_or_else(|| error::unknown("scheme", scheme, &known))?;
        if rest.trim_end_matches('/').contains('/') {
            let store = rest.split('/').next().unwrap_or_default();
            return Err(format!(
                "'{heading}' has a path, and options belong to a whole store: \"{scheme}://{store}\""
            ));
        }
        Ok(service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(location: &str) -> Option<(Service, &str, &str, Option<&str>)> {
        let address = Address::of(location).ok()?;
        Some((address.service, address.store, address.path, address.query))
    }

    #[test]
    fn an_address_has_a_store_and_a_path() {
        assert_eq!(
            parts("s3://b/a/part-?.parquet"),
            Some((Service::S3, "s3://b", "a/part-?.parquet", None))
        );
        assert_eq!(
            parts("https://h:1/a.csv?sig=x"),
            Some((Service::Web, "https://h:1", "a.csv", Some("sig=x")))
        );
        assert_eq!(
            parts("abfss://c@a.dfs.core.windows.net/x"),
            Some((
                Service::Azure,
                "abfss://c@a.dfs.core.windows.net",
                "x",
                None
            ))
        );
        assert_eq!(parts("gs://b"), Some((Service::Google, "gs://b", "", None)));
        assert_eq!(
            parts("file:///tmp/x"),
            Some((Service::Local, "", "/tmp/x", None))
        );
        assert_eq!(parts("a/b*"), Some((Service::Local, "", "a/b*", None)));
    }

    #[test]
    fn what_is_not_understood_is_named_without_its_secrets() {
        let text = |location| Address::of(location).err().map(|cause| cause.to_string());
        assert!(text("s4://b/x").is_some_and(|text| text.contains("did you mean 's3'?")));
        assert!(text("s3:///x").is_some_and(|text| text.contains("names no bucket")));
        let user = text("https://me:hunter2@host/x").unwrap_or_default();
        assert!(
            user.contains("has a user") && !user.contains("hunter2"),
            "{user}"
        );
    }

    #[test]
    fn a_heading_is_a_store_or_a_scheme() {
        assert_eq!(Address::of_heading("s3://"), Ok(Service::S3));
        assert_eq!(Address::of_heading("https://h:1/"), Ok(Service::Web));
        assert!(Address::of_heading("s3://b/x").is_err());
        assert!(Address::of_heading("file://x").is_err());
    }
}
