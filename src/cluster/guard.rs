//! What must be the same wherever a part of a plan runs: the program and its zone rules.
//!
//! The engine compares only its own major version. An executor with an older zone file would put messages on another
//! day, and nobody would see it; so every plan says what it was made by, and whoever is to run it compares.

use std::fmt;

use datafusion::error::DataFusionError;
use sha2::{Digest, Sha256};

use crate::domain::zone::ZoneDatabase;
use crate::error;

/// The rules of one process.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Guard {
    /// The version of dayrate.
    #[prost(string, tag = "1")]
    version: String,
    /// The release of its zone rules, as `tzdb_version()` has it.
    #[prost(string, tag = "2")]
    tzdb: String,
    /// A digest of every zone's compiled rules, in hexadecimal.
    #[prost(string, tag = "3")]
    zones: String,
}

impl Guard {
    /// The rules of this process.
    pub(crate) fn of(zones: &ZoneDatabase) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            tzdb: zones.version().to_owned(),
            zones: digest(zones),
        }
    }

    /// Compares the rules that a plan was made with to those of this process, which is called `here`.
    ///
    /// # Errors
    ///
    /// If they differ: the error names both.
    pub(super) fn check(&self, of_plan: Option<&Self>, here: &str) -> Result<(), DataFusionError> {
        match of_plan {
            Some(of_plan) if of_plan == self => Ok(()),
            Some(of_plan) => Err(error::config(format!(
                "{here} has other rules than the query: it runs {}, the query was planned by {}. Start every process of the \
                 cluster with the same dayrate and the same [zones]",
                Shown(self),
                Shown(of_plan)
            ))),
            None => Err(error::config(format!(
                "{here} was sent a plan that does not say which rules it was made with. Send queries with dayrate --cluster"
            ))),
        }
    }
}

/// For people.
struct Shown<'a>(&'a Guard);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LETTERS: usize = 12;
        let Guard {
            version,
            tzdb,
            zones,
        } = self.0;
        let zones = zones.get(..LETTERS).unwrap_or(zones);
        write!(
            f,
            "dayrate {version} with zone rules {tzdb} (digest {zones})"
        )
    }
}

/// The digest of names and rules, in the order of the names.
fn digest(zones: &ZoneDatabase) -> String {
    let mut hash = Sha256::new();
    for (name, rules) in zones.contents() {
        for part in [name.as_bytes(), rules] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    #[test]
    fn rules_that_differ_are_both_named() {
        let here = Guard::of(&ZoneDatabase::bundled());
        here.check(Some(&here.clone()), "this executor").unwrap();
        let other = Guard {
            zones: "0123456789abcdef".to_owned(),
            ..here.clone()
        };
        let fault = here
            .check(Some(&other), "this executor")
            .unwrap_err()
            .to_string();
        assert!(fault.contains("this executor has other rules"), "{fault}");
        assert!(fault.contains("0123456789ab)"), "{fault}");
        assert!(fault.contains(&here.zones[..12]), "{fault}");
        assert!(here.check(None, "this executor").is_err());
    }
}
