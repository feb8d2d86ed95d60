//! `dispositions(messages, sites)`: how many messages were counted, excluded and rejected; adds up to the input.

use datafusion::common::Result;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, lit};

use super::calendar::{dated, disposition};
use super::expression::column;
use super::{Call, MESSAGES, SITES, TableFunction};

/// See the module.
pub(crate) static DISPOSITIONS: TableFunction = TableFunction {
    name: "dispositions",
    summary: "How many messages were counted, excluded and rejected, by reason: only those that occur, adding up to \
              the input. Never fails on a row.",
    relations: &[MESSAGES, SITES],
    options: &[],
    columns: &[
        ("disposition", "text"),
        ("reason", "text"),
        ("messages", "BIGINT"),
    ],
    example: "SELECT * FROM dispositions(messages, sites) ORDER BY disposition, reason",
    plan,
};

fn plan(call: &Call) -> Result<LogicalPlan> {
    let dated = dated(call)?;
    LogicalPlanBuilder::from(dated.plan.clone())
        .project(vec![dated.reason()?.alias("reason")])?
        .aggregate(
            vec![column("reason")],
            vec![count_udaf().call(vec![lit(1_i64)]).alias("messages")],
        )?
        .project(vec![
            disposition(column("reason"))?.alias("disposition"),
            column("reason"),
            column("messages"),
        ])?
        .build()
}
