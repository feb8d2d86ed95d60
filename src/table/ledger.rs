//! `ledger(rated_dars, contracts)`: how each DAR draws down its period's commitment, and what it costs.

use datafusion::common::{Column, JoinType, NullEquality, Result, ScalarValue};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, WindowFrame, WindowFrameBound,
    WindowFrameUnits, lit,
};

use super::contracts::{CONTRACTS, CREDITS, PERIOD_COLUMNS, PRICE_TIERS, periods, priced};
use super::dars::COLUMNS;
use super::expression::{call, column, field, of};
use super::option::AS_OF;
use super::rated_dars::{ADDED as RATED, RATED_DARS};
use super::relation::{IdKind, Relation, null};
use super::{Call, RelationSpec, TableFunction};
use crate::aggregate::{exact_sum, exact_sum_function};
use crate::domain::day::Day;
use crate::scalar::internal;

/// See the module.
pub(crate) static LEDGER: TableFunction = TableFunction {
    name: "ledger",
    summary: "The rated DARs in the order in which they draw down the commitment of their contract's period, each with \
              its part within the commitment, its part above it, and its exact, unrounded amount; NULL without a contract.",
    relations: &[GIVEN_RATED_DARS, CONTRACTS, PRICE_TIERS],
    options: &[&AS_OF],
    columns: &[
        ("(all columns of rated_dars)", ""),
        ("period_start", "DATE"),
        ("period_end", "DATE"),
        ("commitment", "DECIMAL(18,4)"),
        ("cumulative_credits", "DECIMAL(18,4)"),
        ("drawn_credits", "DECIMAL(18,4)"),
        ("overage_credits", "DECIMAL(18,4)"),
        ("remaining_credits", "DECIMAL(18,4)"),
        ("amount", "DECIMAL(30,10)"),
        ("(further columns of the relation given)", ""),
    ],
    example: "SELECT contract_id, currency, sum(drawn_credits) AS drawn, sum(overage_credits) AS overage, sum(amount) AS amount \
              FROM ledger() GROUP BY contract_id, currency",
    plan,
};

/// The parameter `rated_dars`.
pub(crate) const GIVEN_RATED_DARS: RelationSpec = RelationSpec {
    name: "rated_dars",
    positional: true,
    required: true,
    columns: "as rated_dars gives them, and any others",
};

/// The columns that the function adds.
const ADDED: [&str; 8] = [
    "period_start",
    "period_end",
    "commitment",
    "cumulative_credits",
    "drawn_credits",
    "overage_credits",
    "remaining_credits",
    "amount",
];

/// The order of the drawdown, and where it leaves two DARs alike, the kind of their relationship.
const ORDER: [&str; 6] = [
    "day",
    "credits",
    "first_message_at",
    "site_id",
    "relationship_id",
    "consumer_id",
];

fn plan(call_: &Call) -> Result<LogicalPlan> {
    let rated = call_.upstream(&RATED_DARS)?;
    rated.leaves_free("ledger", &ADDED)?;
    let names: Vec<String> = rated.column_names().into_iter().map(Into::into).collect();
    let drawn = drawdown(call_, &rated)?;
    let part = |name: &str, alias: &str| field(column("drawdown"), name).alias(alias);
    let added = ["period_start", "period_end", "commitment"]
        .map(|name| column(&format!("period {name}")).alias(name))
        .into_iter()
        .chain([
            part("cumulative", "cumulative_credits"),
            part("drawn", "drawn_credits"),
            part("overage", "overage_credits"),
            part("remaining", "remaining_credits"),
            part("amount", "amount"),
        ]);
    let is_listed =
        |name: &&String| COLUMNS.contains(&name.as_str()) || RATED.contains(&name.as_str());
    let listed = COLUMNS
        .iter()
        .chain(&RATED)
        .filter(|name| names.iter().any(|other| other == *name));
    let further = names.iter().filter(|name| !is_listed(name));
    LogicalPlanBuilder::from(drawn)
        .project(
            listed
                .map(|name| column(name))
                .chain(added)
                .chain(further.map(|name| column(name)))
                .collect::<Vec<_>>(),
        )?
        .build()
}

/// The rated DARs beside their periods, checked: their own columns, and each of [`PERIOD_COLUMNS`] as `period …`.
fn with_periods(call_: &Call, rated: &Relation) -> Result<LogicalPlan> {
    rated.require(&[
        "org_id",
        "site_id",
        "relationship_id",
        "day",
        "first_message_at",
        "scenario",
        "contract_id",
        "credits",
    ])?;
    let contracts = priced(call_)?;
    let keys = [
        ("scenario", rated.text("scenario")?),
        ("contract_id", rated.id("contract_id", IdKind::Text)?),
        ("org_id", rated.id("org_id", IdKind::Text)?),
    ];
    let own = || {
        let names = rated.column_names().into_iter();
        names.map(|name| match name {
            "credits" => Ok(rated.credits("credits")?.alias("credits")),
            "day" => Ok(rated.date("day")?.alias("day")),
            name => Ok(rated.column(name).alias(name)),
        })
    };
    let keyed = keys
        .iter()
        .map(|(name, key)| Ok(key.clone().alias(format!("key {name}"))));
    let mut plan = LogicalPlanBuilder::from(rated.plan.clone())
        .project(own().chain(keyed).collect::<Result<Vec<_>>>()?)?;
    if let Some(as_of) = call_.day(&AS_OF) {
        plan = plan.filter(before(as_of))?;
    }
    let rated_rows = plan.alias("rated")?.build()?;
    let in_period = of("rated", "day")
        .gt_eq(of("periods", "period_start"))
        .and(of("rated", "day").lt(of("periods", "period_end")));
    let on = keys.iter().map(|(name, _)| {
        let key = Column::new(Some("rated"), format!("key {name}"));
        (Column::new(Some("periods"), *name), key)
    });
    let periods = periods(call_, &contracts)?;
    LogicalPlanBuilder::from(periods)
        .join_detailed(
            rated_rows,
            JoinType::Right,
            on.unzip::<_, _, Vec<_>, Vec<_>>(),
            Some(in_period),
            NullEquality::NullEqualsNull,
        )?
        .filter(call(
            internal::in_contract(),
            vec![
                of("rated", "key contract_id"),
                of("rated", "key org_id"),
                of("rated", "day"),
                of("periods", "period_start"),
                of("rated", "credits"),
            ],
        ))?
        .project(
            rated
                .column_names()
                .into_iter()
                .map(|name| of("rated", name).alias(name))
                .chain(
                    PERIOD_COLUMNS.map(|name| of("periods", name).alias(format!("period {name}"))),
                )
                .collect::<Vec<_>>(),
        )?
        .build()
}

/// The rated DARs with the columns of their period as `period …`, and `drawdown`: what [`internal::drawdown`] says.
pub(crate) fn drawdown(call_: &Call, rated: &Relation) -> Result<LogicalPlan> {
    let dars = with_periods(call_, rated)?;
    let total = match call_.optional("price_tiers") {
        // Only a volume price needs to know the whole period.
        Some(_) => Some(dars.clone()),
        None => None,
    };
    let windowed = LogicalPlanBuilder::from(dars)
        .window(vec![cumulative(rated)?.alias("cumulative")])?
        .build()?;
    let (plan, total) = match total {
        None => (windowed, null(&CREDITS)),
        Some(dars) => (
            LogicalPlanBuilder::from(totals(dars)?)
                .join_detailed(
                    windowed,
                    JoinType::Right,
                    (
                        vec![Column::new(Some("totals"), "total period_no")],
                        vec![Column::new_unqualified("period period_no")],
                    ),
                    None,
                    NullEquality::NullEqualsNothing,
                )?
                .build()?,
            of("totals", "total credits"),
        ),
    };
    let priced = PERIOD_COLUMNS.into_iter().skip(3);
    let arguments = [
        column("period period_no"),
        column("cumulative"),
        own("credits"),
        total,
    ]
    .into_iter()
    .chain(priced.map(|name| column(&format!("period {name}"))));
    let parts = call(internal::drawdown(), arguments.collect()).alias("drawdown");
    let kept = rated.column_names().into_iter().map(own);
    LogicalPlanBuilder::from(plan)
        .project(
            kept.chain(
                ["period_start", "period_end", "commitment"]
                    .map(|name| column(&format!("period {name}"))),
            )
            .chain([parts])
            .collect::<Vec<_>>(),
        )?
        .build()
}

/// A column of the rated DARs.
fn own(name: &str) -> Expr {
    column(name)
}

/// Credits of the period up to and with this row.
fn cumulative(rated: &Relation) -> Result<Expr> {
    let order = ORDER
        .iter()
        .filter(|name| rated.has_column(name))
        .map(|name| column(name).sort(true, false));
    Expr::from(WindowFunction::new(
        exact_sum_function(),
        vec![column("credits")],
    ))
    .partition_by(vec![column("period period_no")])
    .order_by(order.collect())
    .window_frame(WindowFrame::new_bounds(
        WindowFrameUnits::Rows,
        WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
        WindowFrameBound::CurrentRow,
    ))
    .build()
}

/// Credits of each whole period: the relation `totals`.
fn totals(dars: LogicalPlan) -> Result<LogicalPlan> {
    LogicalPlanBuilder::from(dars)
        .aggregate(
            vec![column("period period_no")],
            vec![exact_sum(column("credits")).alias("credits")],
        )?
        .project(vec![
            column("period period_no").alias("total period_no"),
            column("credits").alias("total credits"),
        ])?
        .alias("totals")?
        .build()
}

/// The days before `as_of`; a NULL goes on to the check that names it.
pub(crate) fn before(as_of: Day) -> Expr {
    column("day").lt(day(as_of)).or(column("day").is_null())
}

/// A day as a constant.
pub(crate) fn day(day: Day) -> Expr {
    lit(ScalarValue::Date32(Some(day)))
}
