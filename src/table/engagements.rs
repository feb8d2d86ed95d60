//! `engagements(messages, sites)`: what each conversation cost, whole.

use datafusion::common::{Column, Result, UnnestOptions};
use datafusion::functions::core::expr_fn::{coalesce, named_struct};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, lit};

use super::engagement_days::{OPTIONS, RELATIONS, shared};
use super::expression::{column, field};
use super::{Call, TableFunction};
use crate::aggregate::{at_first, collect, exact_sum};
use arrow::datatypes::DataType;
use datafusion::logical_expr::cast;

/// See the module.
pub(crate) static ENGAGEMENTS: TableFunction = TableFunction {
    name: "engagements",
    summary: "One row for each conversation and currency: its days, DARs, messages, credits and money. A part under no \
              contract adds its credits to the row of the first currency, and no money.",
    relations: &RELATIONS,
    options: &OPTIONS,
    columns: &[
        ("org_id", "text or integer"),
        ("site_id", "text or integer"),
        ("conversation_id", "text or integer"),
        ("consumer_id", "text or integer"),
        ("channel", "text"),
        ("first_day", "DATE"),
        ("last_day", "DATE"),
        ("dars", "BIGINT"),
        ("messages", "BIGINT"),
        ("credits", "DECIMAL(18,4)"),
        ("amount", "DECIMAL(30,10)"),
        ("currency", "text"),
    ],
    example: "SELECT channel, currency, count(*) AS conversations, sum(amount) AS amount FROM engagements(cost => 'amortised') \
              GROUP BY channel, currency",
    plan,
};

/// What a row is made of, besides its key, and how parts make a whole.
fn measures(parts: bool) -> Vec<(&'static str, Expr)> {
    // The first message decides, then the channel, NULL last.
    let first = |name: &str| {
        let value = named_struct(vec![
            lit("channel"),
            column("channel"),
            lit("value"),
            column(name),
        ]);
        at_first(value, column("first_message_at"))
    };
    let least = |name: &str| min_udaf().call(vec![column(name)]);
    let most = |name: &str| max_udaf().call(vec![column(name)]);
    let (first_day, last_day, dars) = if parts {
        (
            least("first_day"),
            most("last_day"),
            exact_sum(column("dars")),
        )
    } else {
        let dars = count_udaf().call(vec![lit(1_i64)]);
        (least("day"), most("day"), dars)
    };
    vec![
        ("org_id", first("org_id")),
        ("consumer_id", first("consumer_id")),
        ("channel", first("channel")),
        ("first_day", first_day),
        ("last_day", last_day),
        ("dars", dars),
        ("messages", exact_sum(column("messages"))),
        ("credits", exact_sum(column("credits"))),
        ("amount", exact_sum(column("amount"))),
        ("first_message_at", least("first_message_at")),
    ]
}

fn plan(call: &Call) -> Result<LogicalPlan> {
    // Each currency of a conversation by itself, then all of them together to learn which comes first.
    let by_currency = summed(
        shared(call)?,
        &["site_id", "conversation_id", "currency"],
        false,
    )?;
    let names: Vec<String> = by_currency
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    // With its key, which the parts take from there: beside the list, the engine would go on to believe that a row is
    // all there is of a key, and leave the currency out of a grouping.
    let part = named_struct(
        names
            .iter()
            .flat_map(|name| [lit(name.as_str()), column(name)])
            .collect(),
    );
    let first_currency = at_first(column("currency"), column("first_message_at"))
        .filter(column("currency").is_not_null())
        .build()?;
    let of_part = |name: &String| match name.as_str() {
        "currency" => coalesce(vec![
            field(column("part"), "currency"),
            column("first currency"),
        ])
        .alias("currency"),
        name => field(column("part"), name).alias(name),
    };
    let settled = LogicalPlanBuilder::from(by_currency)
        .aggregate(
            ["site_id", "conversation_id"].map(column),
            vec![
                first_currency.alias("first currency"),
                collect(part).alias("part"),
            ],
        )?
        .project(["first currency", "part"].map(column))?
        .unnest_columns_with_options(vec![Column::new_unqualified("part")], UnnestOptions::new())?
        .project(names.iter().map(of_part).collect::<Vec<_>>())?
        .build()?;
    let whole = summed(settled, &["site_id", "conversation_id", "currency"], true)?;
    let output = ENGAGEMENTS.columns.iter().map(|(name, _)| column(name));
    LogicalPlanBuilder::from(whole)
        .project(output.collect::<Vec<_>>())?
        .build()
}

/// The measures by `keys`, under their own names and types.
fn summed(rows: LogicalPlan, keys: &[&str], parts: bool) -> Result<LogicalPlan> {
    let keys = || keys.iter().map(|name| column(name));
    let measures = measures(parts);
    let output = measures.iter().map(|(name, _)| match *name {
        name @ ("org_id" | "consumer_id" | "channel") => field(column(name), "value").alias(name),
        "credits" => cast(column("credits"), DataType::Decimal128(18, 4)).alias("credits"),
        "amount" => cast(column("amount"), DataType::Decimal128(30, 10)).alias("amount"),
        name => column(name),
    });
    let output: Vec<Expr> = keys().chain(output).collect();
    let measures = measures.into_iter().map(|(name, value)| value.alias(name));
    LogicalPlanBuilder::from(rows)
        .aggregate(keys().collect::<Vec<_>>(), measures.collect::<Vec<_>>())?
        .project(output)?
        .build()
}
