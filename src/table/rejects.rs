//! `rejects(messages, sites)`: the messages that cannot be billed, and why.

use datafusion::common::Result;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};

use super::calendar::{dated, disposition};
use super::expression::{column, text};
use super::{Call, MESSAGES, SITES, TableFunction};

/// See the module.
pub(crate) static REJECTS: TableFunction = TableFunction {
    name: "rejects",
    summary: "The messages that cannot be billed, all of their columns, and the reason. Never fails on a row.",
    relations: &[MESSAGES, SITES],
    options: &[],
    columns: &[("(all columns of messages)", ""), ("reason", "text")],
    example: "SELECT reason, count(*) FROM rejects(messages, sites) GROUP BY reason",
    plan,
};

fn plan(call: &Call) -> Result<LogicalPlan> {
    let dated = dated(call)?;
    let own = dated.own_columns("rejects", &["reason"])?;
    let columns = own
        .into_iter()
        .chain([dated.reason()?.alias("reason")])
        .collect::<Vec<_>>();
    LogicalPlanBuilder::from(dated.plan.clone())
        .project(columns)?
        .filter(disposition(column("reason"))?.eq(text("rejected")))?
        .build()
}
