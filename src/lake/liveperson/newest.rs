//! Of every copy the newest: a conversation that went on was delivered again, and each delivery has all it knows.
//!
//! A message that only an older delivery has stays: the newer one may be cut off. Rows are sorted by the engine, which
//! goes to disk where memory does not hold them, so there is no limit to how much is deduplicated.

use datafusion::common::{Column, Result};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr_fn::ExprFunctionExt;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};

use super::part::Part;

/// What [`newest`] reads beside the columns that it keeps.
const COPY_COLUMNS: [&str; 7] = [
    "unnamed",
    "newest_at",
    "delivered",
    "file_number",
    "record_number",
    "happened_at",
    "place",
];

/// One row for each message, or each outcome, of `copies`.
///
/// A delivery is newer if it knows of a later message or end, then if it has more messages, then by the order of the
/// files and in them.
pub(crate) fn newest(part: Part, copies: LogicalPlan) -> Result<LogicalPlan> {
    let same: &[&str] = match part {
        Part::Messages => &["site_id", "conversation_id", "message_id", "unnamed"],
        Part::Outcomes => &[
            "site_id",
            "conversation_id",
            "kind",
            "outcome_id",
            "unnamed",
        ],
        Part::Rejects | Part::Deliveries => return Ok(copies),
    };
    let column = |name: &&str| Expr::Column(Column::new_unqualified(*name));
    let newest_first = COPY_COLUMNS
        .iter()
        .filter(|name| **name != "unnamed")
        .map(|name| column(name).sort(false, false));
    let rank = row_number()
        .partition_by(same.iter().map(column).collect())
        .order_by(newest_first.collect())
        .build()?
        .alias("rank");
    let schema = part.schema();
    let kept = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .filter(|name| !COPY_COLUMNS.contains(name));
    LogicalPlanBuilder::from(copies)
        .window(vec![rank])?
        .filter(column(&"rank").eq(lit(1_u64)))?
        .project(kept.map(|name| column(&name)).collect::<Vec<_>>())?
        .build()
}
