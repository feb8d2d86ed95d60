//! # dayrate: billing for conversational messaging, as SQL
//!
//! A messaging platform charges one *engagement credit* per *Daily Active Relationship* (DAR): a brand and a customer
//! who exchanged at least one message in a calendar day of the site's time zone. This crate teaches Apache DataFusion
//! the words of that plan.
//!
//! ```text
//! messages, sites, feature_periods   contracts       price_tiers, channel_charges     outcomes
//!          │                             │                       │                      │
//!          └─ message_days ── dars ── rated_dars ── ledger, invoice_lines, engagements ──┴─ your report
//! ```
//!
//! * `domain` holds the rules in plain Rust: no Arrow, no DataFusion.
//! * `scalar` and `aggregate` are thin Arrow skins over them, one file a function.
//! * `table` turns relations and options into ordinary logical plans, one file a table function.
//! * `lake` makes relations from files.
//! * `session` makes the tool's session; `cli` is the tool, and the only folder that prints.
//! * `cluster` runs the same plans in other processes.
//!
//! Dependencies run one way: `cli → table → scalar → domain`.
//!
//! Embedders call [`register_all`] on their own `SessionContext`; [`sql()`] is the entry that also resolves quoted
//! paths.

#![cfg_attr(
    not(feature = "cli"),
    expect(
        dead_code,
        reason = "the tool alone reads the documentation of tables and folders of zones"
    )
)]

mod aggregate;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cluster")]
mod cluster;
mod domain;
mod error;
mod exec;
mod lake;
mod scalar;
mod secret;
#[cfg(feature = "cli")]
mod session;
mod sql;
mod table;

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::SessionContext;

use domain::zone::ZoneDatabase;
pub use sql::{Parameters, sql, sql_with};

/// Teaches a session every function of this crate: scalars, aggregates and table functions, with the session defaults
/// (`SET dayrate.relationship = …`) and the rules that prune by day, count DARs alike and keep filters in their place. Replaces nothing of the session's own.
///
/// Call it once, on the session itself, before the first query.
///
/// # Errors
///
/// A session that refuses a function.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> datafusion::error::Result<()> {
/// use datafusion::prelude::SessionContext;
///
/// let ctx = SessionContext::new();
/// dayrate::register_all(&ctx)?;
/// let credits = ctx.sql("SELECT engagement_credits(true, true) AS credits").await?;
/// assert_eq!(credits.collect().await?[0].num_rows(), 1);
/// # Ok(())
/// # }
/// ```
pub fn register_all(ctx: &SessionContext) -> Result<()> {
    register_all_with(ctx, &ZoneDatabase::bundled(), None)
}

/// [`register_all`] with other zone rules, and with somebody who keeps DARs.
pub(crate) fn register_all_with(
    ctx: &SessionContext,
    zones: &ZoneDatabase,
    keeper: Option<Arc<dyn table::Keeper>>,
) -> Result<()> {
    for function in scalar::all(zones) {
        ctx.register_udf(function);
    }
    for function in aggregate::all(zones) {
        ctx.register_udaf(function);
    }
    for function in table::all() {
        ctx.register_udtf(function.name, Arc::new(table::TableFunctionEntry(function)));
    }
    let planner = table::Planner::new(
        zones.clone(),
        Arc::clone(ctx.state().catalog_list()),
        keeper,
    );
    ctx.register_relation_planner(Arc::new(planner))?;
    ctx.add_optimizer_rule(Arc::new(table::SentAtRange));
    ctx.add_optimizer_rule(Arc::new(table::CountAlike));
    ctx.add_optimizer_rule(Arc::new(table::StayingFilters));
    let state = ctx.state_ref();
    let mut state = state.write();
    state
        .config_mut()
        .options_mut()
        .extensions
        .insert(table::option::SessionDefaults::default());
    let mut rules = state.physical_optimizers().to_vec();
    rules.insert(0, Arc::new(exec::CollectCalendar));
    rules.push(Arc::new(exec::SmallPieces));
    let session_id = state.session_id().to_string();
    let rebuilt = SessionStateBuilder::new_from_existing(state.clone())
        .with_session_id(session_id)
        .with_physical_optimizer_rules(rules)
        .build();
    *state = rebuilt;
    Ok(())
}
