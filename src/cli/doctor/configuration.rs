//! Whether there is a configuration, and whether a session can be made from it.

use datafusion::prelude::SessionContext;

use super::finding::Findings;
use crate::cli::args::SessionArguments;
use crate::cli::config::{self, Discovery};

const CHECK: &str = "configuration";

/// The session of the configuration; `None` if there cannot be one.
pub(super) fn check(session: &SessionArguments, findings: &mut Findings) -> Option<SessionContext> {
    let file = config::found(session);
    let place = file
        .as_ref()
        .map_or_else(String::new, |file| file.display().to_string());
    match config::session(session, Discovery::On) {
        Ok(ctx) => {
            if file.is_some() {
                findings.ok(CHECK, &place, "is read");
            } else if session.relations.is_empty() {
                findings.warning(
                    CHECK,
                    "",
                    "there is no dayrate.toml in this folder or one above, and no --relation",
                    "let dayrate write one for your files: dayrate init FOLDER",
                );
            }
            Some(ctx)
        }
        Err(cause) => {
            findings.failed(CHECK, &place, &cause);
            None
        }
    }
}
