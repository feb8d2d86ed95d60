//! # dayrate: billing for conversational messaging, as SQL
//!
//! A messaging platform charges one *engagement credit* per *Daily Active Relationship* (DAR): a brand and a customer
//! who exchanged at least one message in a calendar day of the site's time zone. This crate teaches Apache DataFusion
//! the words of that plan.
//!
//! ```text
//! messages, sites, feature_periods        contracts
//!          │                                  │
//!          └─ message_days ── dars ── rated_dars ── your report
//! ```
//!
//! * `domain` holds the rules in plain Rust: no Arrow, no DataFusion.
//! * `scalar` and `aggregate` are thin Arrow skins over them, one file a function.
//! * `table` turns relations and options into ordinary logical plans, one file a table function.
//! * `lake` makes relations from files.
//! * `session` makes the tool's session; `cli` is the tool, and the only folder that prints.
//!
//! Dependencies run one way: `cli → table → scalar → domain`.
//!
//! Embedders call [`register_all`] on their own `SessionContext`; [`sql()`] is the entry that also resolves quoted
//! paths.

mod aggregate;
#[cfg(feature = "cli")]
pub mod cli;
mod domain;
mod error;
mod lake;
mod scalar;
mod session;
mod sql;
mod table;

use datafusion::error::Result;
use datafusion::prelude::SessionContext;

/// Teaches `ctx` the functions of this crate.
///
/// # Errors
///
/// None today; a later function may refuse a session that lacks what it needs.
pub fn register_all(ctx: &SessionContext) -> Result<()> {
    for function in scalar::all(&domain::zone::ZoneDatabase::bundled()) {
        ctx.register_udf(function);
    }
    Ok(())
}
