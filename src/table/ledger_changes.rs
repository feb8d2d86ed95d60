//! `ledger_changes(before, after)`: which DARs a later run of a ledger added, took back or changed, and by how much.

use datafusion::common::{Column, JoinType, NullEquality, Result, ScalarValue};
use datafusion::functions::core::expr_fn::{coalesce, named_struct};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::max_udaf;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit, when};

use super::contracts::{CREDITS, shared_kind};
use super::expression::{call, column, of, text};
use super::relation::{IdKind, Relation};
use super::{Call, RelationSpec, TableFunction};
use crate::scalar::internal;
use arrow::datatypes::DataType;

/// See the module.
pub(crate) static LEDGER_CHANGES: TableFunction = TableFunction {
    name: "ledger_changes",
    summary: "What changed between two runs of a ledger: DARs that are new (ORIGINAL), gone (RETRACTION) or of other \
              credits or another amount (RESTATEMENT), with the differences; they add up to the difference of the ledgers.",
    relations: &[
        RelationSpec {
            name: "before",
            positional: true,
            required: true,
            columns: "as ledger gives them: any saved ledger",
        },
        RelationSpec {
            name: "after",
            positional: true,
            required: true,
            columns: "as ledger gives them",
        },
    ],
    options: &[],
    columns: &[
        ("scenario", "text"),
        ("contract_id", "text or integer"),
        ("site_id", "text or integer"),
        ("relationship_id", "text or integer"),
        ("day", "DATE"),
        ("change", "text"),
        ("credits_delta", "DECIMAL(18,4)"),
        ("amount_delta", "DECIMAL(30,10)"),
        ("currency", "text"),
    ],
    example: "SELECT change, currency, count(*) AS dars, sum(amount_delta) AS amount \
              FROM ledger_changes((SELECT * FROM ledger(as_of => DATE '2025-06-01')), ledger()) GROUP BY change, currency",
    plan,
};

/// What makes a DAR the same in both. A DAR that comes under another contract or currency is taken back there and
/// original here, so that amounts are only ever compared with their like.
const KEY: [&str; 7] = [
    "scenario",
    "contract_id",
    "site_id",
    "relationship_id",
    "day",
    "currency",
    "of_consumer",
];

fn plan(call_: &Call) -> Result<LogicalPlan> {
    let (before, after) = (call_.relation("before")?, call_.relation("after")?);
    let on = |relation: &str| KEY.map(|name| Column::new(Some(relation), name)).to_vec();
    let old = |name: &str| of("before", name);
    let new = |name: &str| of("after", name);
    let change = when(old("present").is_null(), text("ORIGINAL"))
        .when(new("present").is_null(), text("RETRACTION"))
        .otherwise(text("RESTATEMENT"))?;
    let delta = |name: &str, data_type: DataType| {
        let nothing = cast(lit(0_i64), data_type.clone());
        let both = coalesce(vec![new(name), nothing.clone()]) - coalesce(vec![old(name), nothing]);
        cast(both, data_type)
    };
    // Without a contract on either side there is no amount to compare: NULL, never 0.
    let amount = when(
        old("amount").is_not_null().or(new("amount").is_not_null()),
        delta("amount", DataType::Decimal128(30, 10)),
    )
    .end()?;
    let differs = |name: &str| {
        Expr::BinaryExpr(datafusion::logical_expr::BinaryExpr::new(
            Box::new(old(name)),
            datafusion::logical_expr::Operator::IsDistinctFrom,
            Box::new(new(name)),
        ))
    };
    let changed = differs("present")
        .or(differs("credits"))
        .or(differs("amount"));
    let key = |name: &str| coalesce(vec![new(name), old(name)]).alias(name);
    LogicalPlanBuilder::from(side(&before, &after)?)
        .join_detailed(
            side(&after, &before)?,
            JoinType::Full,
            (on("before"), on("after")),
            None,
            NullEquality::NullEqualsNull,
        )?
        .filter(changed)?
        .project(
            [
                "scenario",
                "contract_id",
                "site_id",
                "relationship_id",
                "day",
            ]
            .map(key)
            .into_iter()
            .chain([
                change.alias("change"),
                delta("credits", CREDITS).alias("credits_delta"),
                amount.alias("amount_delta"),
                key("currency"),
            ])
            .collect::<Vec<_>>(),
        )?
        .build()
}

/// One ledger, checked, with its ids in the kind in which they can meet the other's.
fn side(ledger: &Relation, other: &Relation) -> Result<LogicalPlan> {
    ledger.require(&[
        "contract_id",
        "site_id",
        "relationship_id",
        "day",
        "credits",
        "amount",
        "currency",
    ])?;
    let id = |name: &str| ledger.id(name, shared_kind(ledger, other, name)?);
    // A consumer's key and a conversation's may read alike: the former is its own `consumer_id`.
    let of_consumer = if ledger.has_column("consumer_id") && other.has_column("consumer_id") {
        let same = ledger
            .id("consumer_id", IdKind::Text)?
            .eq(ledger.id("relationship_id", IdKind::Text)?);
        coalesce(vec![same, lit(false)])
    } else {
        lit(true)
    };
    let rows = LogicalPlanBuilder::from(ledger.plan.clone()).project(vec![
        ledger.text("scenario")?.alias("scenario"),
        id("contract_id")?.alias("contract_id"),
        id("site_id")?.alias("site_id"),
        id("relationship_id")?.alias("relationship_id"),
        ledger.date("day")?.alias("day"),
        ledger.text("currency")?.alias("currency"),
        of_consumer.alias("of_consumer"),
        ledger.credits("credits")?.alias("credits"),
        ledger.decimal("amount", 30, 10)?.alias("amount"),
    ])?;
    let value = |name: &str| max_udaf().call(vec![column(name)]).alias(name);
    let shown = [
        "scenario",
        "contract_id",
        "site_id",
        "relationship_id",
        "day",
    ];
    let key = named_struct(
        shown
            .iter()
            .flat_map(|name| [lit(*name), column(name)])
            .collect(),
    );
    rows.aggregate(
        KEY.map(column),
        vec![
            value("credits"),
            value("amount"),
            count_udaf().call(vec![lit(1_i64)]).alias("present"),
        ],
    )?
    .filter(call(
        internal::of_one_row(),
        vec![
            column("present"),
            lit(ScalarValue::Utf8View(Some(ledger.name.into()))),
            key,
        ],
    ))?
    .alias(ledger.name)?
    .build()
}
