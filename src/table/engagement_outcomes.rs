//! `engagement_outcomes(messages, sites)`: what each conversation cost, beside what came of it.

use arrow::datatypes::DataType;
use datafusion::common::{Column, Result, UnnestOptions};
use datafusion::functions::core::expr_fn::{coalesce, named_struct};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};

use super::contracts::shared_kind;
use super::engagement_days::{OPTIONS, RELATIONS};
use super::engagements::ENGAGEMENTS;
use super::expression::{call, column, field};
use super::relation::{IdKind, Relation, null};
use super::{Call, RelationSpec, TableFunction};
use crate::aggregate::collect;
use crate::error;
use crate::scalar::internal;

/// See the module.
pub(crate) static ENGAGEMENT_OUTCOMES: TableFunction = TableFunction {
    name: "engagement_outcomes",
    summary: "The engagements, each cost once, beside their outcomes: how many, of which kinds, their revenue, saving and \
              whether any was resolved. Money in another currency than the cost has a row of its own, without any cost; an \
              outcome of no engagement stays too.",
    relations: &[
        RELATIONS[0],
        RELATIONS[1],
        RelationSpec {
            name: "outcomes",
            positional: false,
            required: true,
            columns: "conversation_id*, kind*, site_id, outcome_id, occurred_at, currency, revenue, saving, resolved",
        },
        RELATIONS[2],
        RELATIONS[3],
        RELATIONS[4],
    ],
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
        ("kinds", "text"),
        ("outcomes", "BIGINT"),
        ("revenue", "DECIMAL(28,4)"),
        ("saving", "DECIMAL(28,4)"),
        ("resolved", "BOOLEAN"),
    ],
    example: "SELECT kinds, currency, count(*) AS conversations, sum(amount) AS cost, sum(revenue) AS revenue \
              FROM engagement_outcomes() GROUP BY kinds, currency",
    plan,
};

fn plan(call_: &Call) -> Result<LogicalPlan> {
    let engagements = Relation::new("engagements", (ENGAGEMENTS.plan)(call_)?);
    let outcomes = call_.relation("outcomes")?;
    outcomes.require(&["conversation_id", "kind"])?;
    let conversation = shared_kind(&engagements, &outcomes, "conversation_id")?;
    let site = shared_kind(&engagements, &outcomes, "site_id")?;

    let cost_types =
        internal::COST_COLUMNS.map(|name| engagements.type_of(&engagements.column(name)));
    let costs = internal::COST_COLUMNS.map(|name| Ok(engagements.column(name)));
    let no_costs = cost_types.map(|data_type| Ok(null(&data_type?)));
    let no_money = || null(&DataType::Decimal128(18, 4));
    let cost_side = side(
        &engagements,
        (conversation, site),
        costs,
        [
            null(&DataType::Utf8View),
            null(&DataType::Utf8View),
            no_money(),
            no_money(),
            null(&DataType::Boolean),
        ],
    )?;
    let outcome_side = side(
        &outcomes,
        (conversation, site),
        no_costs,
        [
            outcomes.id("outcome_id", IdKind::Text)?,
            outcomes.text("kind")?,
            outcomes.decimal("revenue", 18, 4)?,
            outcomes.decimal("saving", 18, 4)?,
            outcomes.flag("resolved")?,
        ],
    )?;
    let both = LogicalPlanBuilder::from(cost_side)
        .union(outcome_side)?
        .build()?;
    let names: Vec<String> = both
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let part = named_struct(
        names
            .iter()
            .flat_map(|name| [lit(name.as_str()), column(name)])
            .collect(),
    );
    let engaged = call(
        internal::engaged(),
        vec![
            cast(column("conversation_id"), DataType::Utf8View),
            column("parts"),
        ],
    );
    let of_part = |name: &str| field(column("engaged"), name);
    let output = ENGAGEMENT_OUTCOMES.columns.iter().map(|(name, _)| {
        let value = match *name {
            "site_id" => of_part("site"),
            "dars" | "messages" => coalesce(vec![of_part(name), lit(0_i64)]),
            "credits" => {
                let nothing = cast(lit(0_i64), DataType::Decimal128(18, 4));
                coalesce(vec![of_part(name), nothing])
            }
            name => of_part(name),
        };
        value.alias(*name)
    });
    LogicalPlanBuilder::from(both)
        .aggregate(
            vec![column("conversation_id")],
            vec![collect(part).alias("parts")],
        )?
        // Not beside its key: the engine would go on to believe that a row is all there is of it.
        .project(vec![engaged.alias("engaged")])?
        .unnest_columns_with_options(
            vec![Column::new_unqualified("engaged")],
            UnnestOptions::new(),
        )?
        .project(output.collect::<Vec<_>>())?
        .build()
}

/// Costs or outcomes in the one shape that both have.
fn side(
    relation: &Relation,
    (conversation, site): (IdKind, IdKind),
    costs: [Result<Expr>; 9],
    [outcome_id, kind, revenue, saving, resolved]: [Expr; 5],
) -> Result<LogicalPlan> {
    let is_outcome = relation.name == "outcomes";
    if relation.type_of(&kind)? == DataType::Null {
        return Err(error::query(
            "outcomes.kind has no type; write CAST(kind AS VARCHAR)",
        ));
    }
    let mut columns = vec![
        relation
            .id("conversation_id", conversation)?
            .alias("conversation_id"),
        relation.id("site_id", site)?.alias("site"),
        relation.id("site_id", IdKind::Text)?.alias("site_id"),
        lit(is_outcome).alias("is_outcome"),
        relation.text("currency")?.alias("currency"),
    ];
    for (cost, name) in costs.into_iter().zip(internal::COST_COLUMNS) {
        columns.push(cost?.alias(name));
    }
    let outcome = [
        ("outcome_id", outcome_id),
        ("kind", kind),
        ("revenue", revenue),
        ("saving", saving),
        ("resolved", resolved),
    ];
    columns.extend(outcome.map(|(name, value)| value.alias(name)));
    LogicalPlanBuilder::from(relation.plan.clone())
        .project(columns)?
        .build()
}
