//! `message_days(messages, sites)`: every message with its day, its relationship and its fate. Never fails on a row.

use datafusion::common::{JoinType, Result};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::min_max::min_udaf;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};

use super::calendar::{Dated, dated, disposition};
use super::expression::{column, of};
use super::option::{GEN_AI_SCOPE, RELATIONSHIP};
use super::relation::IdKind;
use super::{Call, FEATURE_PERIODS, MESSAGES, SITES, TableFunction};

/// See the module.
pub(crate) static MESSAGE_DAYS: TableFunction = TableFunction {
    name: "message_days",
    summary: "Every message of the input, all of its columns, with the organization, relationship and local day it \
              belongs to and its disposition: counted, excluded or rejected, and why. Never fails on a row.",
    relations: &[MESSAGES, SITES, FEATURE_PERIODS],
    options: &[&RELATIONSHIP, &GEN_AI_SCOPE],
    columns: &[
        ("(all columns of messages)", ""),
        ("org_id", "text or integer"),
        ("relationship_id", "text or integer"),
        ("day", "DATE"),
        ("time_zone", "text"),
        ("gen_ai_on", "BOOLEAN"),
        ("listened", "BOOLEAN"),
        ("disposition", "text"),
        ("reason", "text"),
    ],
    example: "SELECT day, disposition, count(*) FROM message_days(messages, sites) GROUP BY day, disposition",
    plan,
};

/// The columns that the function adds.
const ADDED: [&str; 8] = [
    "org_id",
    "relationship_id",
    "day",
    "time_zone",
    "gen_ai_on",
    "listened",
    "disposition",
    "reason",
];

fn plan(call: &Call) -> Result<LogicalPlan> {
    let dated = dated(call)?;
    let messages = LogicalPlanBuilder::from(dated.plan.clone())
        .filter(dated.checked())?
        .build()?;
    let related = related(call, &dated, messages)?;
    let own = dated.own_columns("message_days", &ADDED)?;
    let columns = own.into_iter().chain([
        column("org_id"),
        related.relationship.alias("relationship_id"),
        column("day"),
        column("time_zone"),
        column("gen_ai_on"),
        column("listened"),
        disposition(column("reason"))?.alias("disposition"),
        column("reason"),
    ]);
    LogicalPlanBuilder::from(related.plan)
        .project(columns.collect::<Vec<_>>())?
        .build()
}

/// Messages with their day and the relationship that each belongs to.
pub(crate) struct Related {
    /// The messages' own columns, and those of [`ADDED`] but for the relationship and the disposition.
    pub(crate) plan: LogicalPlan,
    /// The key of its DAR, over `plan`.
    pub(crate) relationship: Expr,
    /// Whether that key is a consumer's, where keys may be either.
    pub(crate) of_consumer: Expr,
}

/// Finds the relationship of each of `messages`, which are rows of `dated`.
pub(crate) fn related(call: &Call, dated: &Dated, messages: LogicalPlan) -> Result<Related> {
    let own = dated.own_columns(call.function.name, &ADDED)?;
    let columns = own.into_iter().chain([
        dated.org_id().alias("org_id"),
        dated.day().alias("day"),
        dated.time_zone().alias("time_zone"),
        dated.gen_ai_on().alias("gen_ai_on"),
        dated.listened()?.alias("listened"),
        dated.reason()?.alias("reason"),
    ]);
    let days = LogicalPlanBuilder::from(messages)
        .project(columns.collect::<Vec<_>>())?
        .build()?;
    match (dated.consumer_kind(), call.is(&RELATIONSHIP, "consumer")) {
        (Some(consumer), true) => with_consumers(dated, days, consumer),
        _ => Ok(Related {
            plan: days,
            relationship: dated.conversation_id(dated.conversation_kind())?,
            of_consumer: lit(true),
        }),
    }
}

/// Joins each message with the smallest consumer among the counted messages of its conversation and day.
fn with_consumers(dated: &Dated, days: LogicalPlan, consumer: IdKind) -> Result<Related> {
    let own = dated.consumer_id(consumer)?;
    let keys = || -> Result<Vec<Expr>> {
        Ok(vec![
            dated.site_id()?,
            dated.conversation_id(dated.conversation_kind())?,
            column("day"),
        ])
    };
    // Names that no column of messages is likely to have: both sides of the join end up in one schema.
    let names = ["key site_id", "key conversation_id", "key day"];
    let consumers = LogicalPlanBuilder::from(days.clone())
        .filter(column("reason").is_null().and(own.clone().is_not_null()))?
        .project(
            keys()?
                .into_iter()
                .zip(names)
                .map(|(key, name)| key.alias(name))
                .chain([own.clone().alias("smallest consumer_id")])
                .collect::<Vec<_>>(),
        )?
        .aggregate(
            names.map(column),
            vec![
                min_udaf()
                    .call(vec![column("smallest consumer_id")])
                    .alias("smallest consumer_id"),
            ],
        )?
        .alias("consumers")?
        .build()?;
    let joined = LogicalPlanBuilder::from(consumers).join_with_expr_keys(
        days,
        JoinType::Right,
        (
            names
                .iter()
                .map(|name| of("consumers", name))
                .collect::<Vec<_>>(),
            keys()?,
        ),
        None,
    )?;
    let kind = consumer.meet(dated.conversation_kind());
    let as_kind = |id: Expr| cast(id, kind.data_type());
    let consumers = vec![own, of("consumers", "smallest consumer_id")];
    let relationship = consumers
        .iter()
        .cloned()
        .chain([dated.conversation_id(dated.conversation_kind())?])
        .map(as_kind);
    Ok(Related {
        plan: joined.build()?,
        relationship: coalesce(relationship.collect()),
        of_consumer: coalesce(consumers).is_not_null(),
    })
}
