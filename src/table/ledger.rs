//! `ledger(rated_dars, contracts)`: how each DAR draws down its period's commitment, and what it costs.

use datafusion::common::{Column, JoinType, NullEquality, Result, ScalarValue};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, WindowFrame, WindowFrameBound,
    WindowFrameUnits, lit,
};

use super::contracts::{CONTRACTS, CREDITS, PERIOD_COLUMNS, PRICE_TIERS, periods, priced};
use super::dars::COLUMNS;
use super::expression::{call, column, field, of, text};
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
    let drawn = drawdown(call_, &rated, Cost::Drawdown)?;
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

/// `periods JOIN rated`, on contract and day; the rated DARs as `rated`, with the keys of the join as `key …`.
fn joined(
    call_: &Call,
    rated: &Relation,
    periods: LogicalPlan,
    join: JoinType,
) -> Result<LogicalPlanBuilder> {
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
    let keys = [
        ("scenario", rated.text("scenario")?),
        ("contract_id", rated.id("contract_id", IdKind::Text)?),
        ("org_id", rated.id("org_id", IdKind::Text)?),
    ];
    let own = rated.column_names().into_iter().map(|name| match name {
        "credits" => Ok(rated.credits("credits")?.alias("credits")),
        "day" => Ok(rated.date("day")?.alias("day")),
        name => Ok(rated.column(name).alias(name)),
    });
    let keyed = keys
        .iter()
        .map(|(name, key)| Ok(key.clone().alias(format!("key {name}"))));
    let mut rows = LogicalPlanBuilder::from(rated.plan.clone())
        .project(own.chain(keyed).collect::<Result<Vec<_>>>()?)?;
    if let Some(as_of) = call_.day(&AS_OF) {
        rows = rows.filter(before(as_of))?;
    }
    let in_period = of("rated", "day")
        .gt_eq(of("periods", "period_start"))
        .and(of("rated", "day").lt(of("periods", "period_end")));
    let on = keys.iter().map(|(name, _)| {
        let key = Column::new(Some("rated"), format!("key {name}"));
        (Column::new(Some("periods"), *name), key)
    });
    LogicalPlanBuilder::from(periods).join_detailed(
        rows.alias("rated")?.build()?,
        join,
        on.unzip::<_, _, Vec<_>, Vec<_>>(),
        Some(in_period),
        NullEquality::NullEqualsNull,
    )
}

/// The rated DARs beside their periods, checked: their own columns, and each of [`PERIOD_COLUMNS`] as `period …`.
fn with_periods(call_: &Call, rated: &Relation, periods: LogicalPlan) -> Result<LogicalPlan> {
    let own = rated.column_names().into_iter();
    let own = own.map(|name| of("rated", name).alias(name));
    let period = |name| of("periods", name).alias(format!("period {name}"));
    joined(call_, rated, periods, JoinType::Right)?
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
        .project(own.chain(PERIOD_COLUMNS.map(period)).collect::<Vec<_>>())?
        .build()
}

/// What a DAR's own credits cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    /// Their place in the drawdown decides.
    Drawdown,
    /// Their share of the period's money.
    Average,
    /// Their share of the period's money, with the unused commitment of a period that has ended before this day.
    Amortised(Day),
}

/// The rated DARs with the columns of their period as `period …`, and `drawdown`: what [`internal::drawdown`] says.
pub(crate) fn drawdown(call_: &Call, rated: &Relation, cost: Cost) -> Result<LogicalPlan> {
    let periods = periods(call_, &priced(call_)?)?;
    let dars = with_periods(call_, rated, periods.clone())?;
    let mut plan = LogicalPlanBuilder::from(dars)
        .window(vec![cumulative(rated)?.alias("cumulative")])?
        .build()?;
    let whole = match (cost, call_.optional("price_tiers")) {
        (Cost::Drawdown, None) => None,
        // Only a volume price needs to know the whole period; without one, nothing is read for it.
        (Cost::Drawdown, Some(_)) => Some(
            LogicalPlanBuilder::from(periods)
                .filter(of("periods", "overage").eq(text("volume")))?
                .build()?,
        ),
        (Cost::Average | Cost::Amortised(_), _) => Some(periods),
    };
    let mut total = null(&CREDITS);
    if let Some(periods) = whole {
        plan = LogicalPlanBuilder::from(totals(call_, rated, periods)?)
            .join_detailed(
                plan,
                JoinType::Right,
                (
                    vec![Column::new(Some("totals"), "total period_no")],
                    vec![Column::new_unqualified("period period_no")],
                ),
                None,
                NullEquality::NullEqualsNothing,
            )?
            .build()?;
        total = of("totals", "total credits");
    }
    let ended = match cost {
        Cost::Amortised(by) => column("period period_end").lt_eq(day(by)),
        Cost::Drawdown | Cost::Average => lit(false),
    };
    let priced = PERIOD_COLUMNS.into_iter().skip(3);
    let arguments = ["period period_no", "cumulative", "credits"]
        .map(column)
        .into_iter()
        .chain([total, lit(cost != Cost::Drawdown), ended])
        .chain(priced.map(|name| column(&format!("period {name}"))));
    let parts = call(internal::drawdown(), arguments.collect()).alias("drawdown");
    let own = rated.column_names().into_iter().map(column);
    let period = ["period_start", "period_end", "commitment"];
    LogicalPlanBuilder::from(plan)
        .project(
            own.chain(period.map(|name| column(&format!("period {name}"))))
                .chain([parts])
                .collect::<Vec<_>>(),
        )?
        .build()
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

/// Credits of each whole one of `periods`: the relation `totals`.
fn totals(call_: &Call, rated: &Relation, periods: LogicalPlan) -> Result<LogicalPlan> {
    joined(call_, rated, periods, JoinType::Inner)?
        .aggregate(
            vec![of("periods", "period_no")],
            vec![exact_sum(of("rated", "credits")).alias("total credits")],
        )?
        .project(vec![
            of("periods", "period_no").alias("total period_no"),
            column("total credits"),
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
