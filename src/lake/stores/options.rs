//! What `[stores."s3://exports"]` says about a store: its endpoint, its region, where its keys are.
//!
//! Keys are never written down: a secret is `{ env = "NAME" }`, the variable that holds it, and is read when the store
//! is opened.

use std::collections::BTreeMap;

use datafusion::error::Result;

use super::address::Service;
use crate::{error, secret};

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Setting {
    /// As it was written.
    Given(String),
    /// The value of a variable of the environment.
    Variable(String),
}

/// The options of one store, or of all stores of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StoreOptions(BTreeMap<&'static str, Setting>);

/// What kind of value an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Secret,
    Flag,
    /// A whole number; of seconds, where it is a time.
    Number,
}

/// One option: what dayrate calls it, and what the builder of each service does (S3, Google, Azure, web).
struct Key {
    name: &'static str,
    kind: Kind,
    names: [Option<&'static str>; 4],
}

const fn key(name: &'static str, kind: Kind, names: [Option<&'static str>; 4]) -> Key {
    Key { name, kind, names }
}

/// Every option there is. A service that has no name for one does not take it.
const KEYS: [Key; 17] = [
    key(
        "endpoint",
        Kind::Text,
        [Some("endpoint"), Some("base_url"), Some("endpoint"), None],
    ),
    key("region", Kind::Text, [Some("region"), None, None, None]),
    key(
        "path_style",
        Kind::Flag,
        [Some("virtual_hosted_style_request"), None, None, None],
    ),
    key(
        "anonymous",
        Kind::Flag,
        [
            Some("skip_signature"),
            Some("skip_signature"),
            Some("skip_signature"),
            None,
        ],
    ),
    key(
        "account",
        Kind::Text,
        [None, None, Some("account_name"), None],
    ),
    key(
        "access_key_id",
        Kind::Secret,
        [Some("access_key_id"), None, None, None],
    ),
    key(
        "secret_access_key",
        Kind::Secret,
        [Some("secret_access_key"), None, None, None],
    ),
    key(
        "session_token",
        Kind::Secret,
        [Some("session_token"), None, None, None],
    ),
    key(
        "account_key",
        Kind::Secret,
        [None, None, Some("account_key"), None],
    ),
    key(
        "sas_token",
        Kind::Secret,
        [None, None, Some("sas_token"), None],
    ),
    key(
        "token",
        Kind::Secret,
        [None, None, Some("bearer_token"), Some(TOKEN)],
    ),
    key(
        "service_account",
        Kind::Text,
        [None, Some("service_account"), None, None],
    ),
    key(
        "service_account_key",
        Kind::Secret,
        [None, Some("service_account_key"), None, None],
    ),
    key("allow_http", Kind::Flag, [Some(ALLOW_HTTP); 4]),
    key(
        "connect_timeout",
        Kind::Number,
        [Some("connect_timeout"); 4],
    ),
    key("request_timeout", Kind::Number, [Some("timeout"); 4]),
    key("retries", Kind::Number, [Some(RETRIES); 4]),
];

/// How often a request is tried again, which the builders take apart from their other options.
pub(super) const RETRIES: &str = "retries";
/// The bearer token of a web server, which becomes a header.
pub(super) const TOKEN: &str = "token";
/// Whether a service may be spoken to without encryption.
pub(super) const ALLOW_HTTP: &str = "allow_http";

impl StoreOptions {
    /// Takes one option.
    ///
    /// # Errors
    ///
    /// A sentence: `service` has no such option; the value is of another kind; a secret is written out, which then is
    /// not repeated.
    pub(crate) fn set(
        &mut self,
        service: Service,
        name: &str,
        value: Setting,
    ) -> std::result::Result<(), String> {
        let taken = || KEYS.iter().filter(|key| key.of(service).is_some());
        let Some(key) = taken().find(|key| key.name == name) else {
            let known: Vec<&str> = taken().map(|key| key.name).collect();
            return Err(error::unknown("key", name, &known));
        };
        if let Setting::Given(text) = &value {
            match key.kind {
                Kind::Secret => {
                    secret::keep(text);
                    return Err(format!(
                        "'{name}' is a secret, and a file is no place for one: put it into a variable of the \
                         environment and write {name} = {{ env = \"NAME\" }}"
                    ));
                }
                Kind::Flag if !matches!(text.as_str(), "true" | "false") => {
                    return Err(format!("'{name}' is true or false"));
                }
                Kind::Number if text.parse::<u32>().is_err() => {
                    return Err(format!("'{name}' is a whole number"));
                }
                Kind::Text | Kind::Flag | Kind::Number => {}
            }
        }
        self.0.insert(key.name, value);
        Ok(())
    }

    /// These options over `wider` ones.
    pub(super) fn over(&self, wider: &Self) -> Self {
        let mut all = wider.clone();
        all.0.extend(self.0.clone());
        all
    }

    /// The options as the builder of `service` takes them.
    ///
    /// # Errors
    ///
    /// A variable that is not set.
    pub(super) fn resolved(
        &self,
        service: Service,
        store: &str,
    ) -> Result<Vec<(&'static str, String)>> {
        let mut resolved = Vec::new();
        for key in &KEYS {
            let (Some(builders), Some(setting)) = (key.of(service), self.0.get(key.name)) else {
                continue;
            };
            let value = match setting {
                Setting::Given(text) => text.clone(),
                Setting::Variable(variable) => std::env::var(variable).map_err(|_| {
                    error::config(format!(
                        "the variable '{variable}' of the environment, which {} of the store '{store}' refers to, is \
                         not set",
                        key.name
                    ))
                })?,
            };
            if key.kind == Kind::Secret {
                secret::keep(&value);
            }
            let value = match key.name {
                // The builder asks the opposite question.
                "path_style" => (value != "true").to_string(),
                "connect_timeout" | "request_timeout" => format!("{value} seconds"),
                _ => value,
            };
            resolved.push((builders, value));
        }
        Ok(resolved)
    }
}

impl Key {
    fn of(&self, service: Service) -> Option<&'static str> {
        let [s3, google, azure, web] = self.names;
        match service {
            Service::S3 => s3,
            Service::Google => google,
            Service::Azure => azure,
            Service::Web => web,
            Service::Local => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Setting {
        Setting::Given(text.to_owned())
    }

    #[test]
    fn a_secret_is_refused_and_not_repeated() {
        let mut options = StoreOptions::default();
        let refused = options.set(Service::S3, "secret_access_key", given("hunter2-hunter2"));
        let text = refused.err().unwrap_or_default();
        assert!(
            text.contains("env = \"NAME\"") && !text.contains("hunter2"),
            "{text}"
        );
        assert_eq!(options, StoreOptions::default());
    }

    #[test]
    fn a_service_takes_its_own_options() {
        let mut options = StoreOptions::default();
        let cause = options.set(Service::S3, "regoin", given("x")).err();
        assert!(cause.is_some_and(|text| text.contains("did you mean 'region'?")));
        assert!(options.set(Service::Azure, "region", given("x")).is_err());
        assert!(
            options
                .set(Service::S3, "path_style", given("yes"))
                .is_err()
        );
        assert!(options.set(Service::Web, "retries", given("2")).is_ok());
    }

    #[test]
    fn what_is_nearer_wins() {
        let mut all = StoreOptions::default();
        let mut one = StoreOptions::default();
        for (name, value) in [("region", "eu-central-1"), ("path_style", "true")] {
            assert_eq!(all.set(Service::S3, name, given(value)), Ok(()));
        }
        assert_eq!(one.set(Service::S3, "region", given("us-east-1")), Ok(()));
        let resolved = one
            .over(&all)
            .resolved(Service::S3, "s3://x")
            .unwrap_or_default();
        assert_eq!(
            resolved,
            [
                ("region", "us-east-1".to_owned()),
                ("virtual_hosted_style_request", "false".to_owned())
            ]
        );
    }
}
