//! `ledger(rated_dars, contracts)`: how each DAR draws down its period's commitment, and what it costs.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Column, JoinType, NullEquality, Result, ScalarValue};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, WindowFrame, WindowFrameBound,
    WindowFrameUnits, cast, lit,
};

use super::contracts::{CONTRACTS, CREDITS, PERIOD_COLUMNS, PRICE_TIERS, periods, priced};
use super::dars::{COLUMNS, DARS};
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

/// The number of a DAR's period, NULL without a contract.
const PERIOD_NO: &str = "the period_no";

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

/// The rated DARs beside their periods, checked: their own columns, and `the period_no`.
fn with_periods(call_: &Call, rated: &Relation, periods: LogicalPlan) -> Result<LogicalPlan> {
    let own = rated.column_names().into_iter();
    let own = own.map(|name| of("rated", name).alias(name));
    let period_no = of("periods", "period_no").alias(PERIOD_NO);
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
        .project(own.chain([period_no]).collect::<Vec<_>>())?
        .build()
}

/// `rows`, of which each has [`PERIOD_NO`], beside the rows of `others`, which has one for each number in `key`.
fn beside(rows: LogicalPlan, others: LogicalPlan, key: Column) -> Result<LogicalPlan> {
    LogicalPlanBuilder::from(others)
        .join_detailed(
            rows,
            JoinType::Right,
            (vec![key], vec![Column::new_unqualified(PERIOD_NO)]),
            None,
            NullEquality::NullEqualsNothing,
        )?
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
    let mut plan = accumulated(rated, dars)?;
    let whole = match (cost, call_.optional("price_tiers")) {
        (Cost::Drawdown, None) => None,
        // Only a volume price needs to know the whole period; without one, nothing is read for it.
        (Cost::Drawdown, Some(_)) => Some(
            LogicalPlanBuilder::from(periods.clone())
                .filter(of("periods", "overage").eq(text("volume")))?
                .build()?,
        ),
        (Cost::Average | Cost::Amortised(_), _) => Some(periods.clone()),
    };
    let mut total = null(&CREDITS);
    if let Some(periods) = whole {
        let rated = match cost {
            Cost::Drawdown => of_their_sites(call_, rated, &periods)?,
            Cost::Average | Cost::Amortised(_) => rated.clone(),
        };
        let totals = totals(call_, &rated, periods)?;
        plan = beside(plan, totals, Column::new(Some("totals"), "total period_no"))?;
        total = of("totals", "total credits");
    }
    // Last, so that no row carries its prices through the sort.
    let period = |name| of("periods", name).alias(format!("period {name}"));
    let periods = LogicalPlanBuilder::from(periods)
        .project(PERIOD_COLUMNS.map(period))?
        .build()?;
    plan = beside(plan, periods, Column::new_unqualified("period period_no"))?;
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

/// `dars` in the order of the drawdown, each with its period's credits so far as `cumulative`.
///
/// Texts go through the sort as plain ones, and are views again behind it. A sort counts all of every buffer that a batch
/// refers to, and those of views are larger than what is in them, or shared with other batches: with a limit of memory it
/// took a few thousand rows for too many, and left hundreds of files to merge.
fn accumulated(rated: &Relation, dars: LogicalPlan) -> Result<LogicalPlan> {
    let fields = dars.schema().fields().clone();
    let as_type = |field: &FieldRef, data_type: DataType| match without_views(field.data_type()) {
        plain if plain == *field.data_type() => column(field.name()),
        _ => cast(column(field.name()), data_type).alias(field.name()),
    };
    let plain = fields
        .iter()
        .map(|field| as_type(field, without_views(field.data_type())));
    let as_before = fields
        .iter()
        .map(|field| as_type(field, field.data_type().clone()));
    LogicalPlanBuilder::from(dars)
        .project(plain.collect::<Vec<_>>())?
        .window(vec![cumulative(rated)?.alias("cumulative")])?
        .project(as_before.chain([column("cumulative")]).collect::<Vec<_>>())?
        .build()
}

/// The type with plain texts in place of views of texts, in lists and rows too.
fn without_views(data_type: &DataType) -> DataType {
    let of = |field: &FieldRef| {
        let plain = without_views(field.data_type());
        Arc::new(field.as_ref().clone().with_data_type(plain))
    };
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::List(item) => DataType::List(of(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(of).collect()),
        other => other.clone(),
    }
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
    .partition_by(vec![column(PERIOD_NO)])
    .order_by(order.collect())
    .window_frame(WindowFrame::new_bounds(
        WindowFrameUnits::Rows,
        WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
        WindowFrameBound::CurrentRow,
    ))
    .build()
}

/// The rated DARs made again, but only of messages of sites that ever were of an organization that has one of `periods`:
/// a second reading of everything for the few that need it would cost as much as the first. A table of DARs is read as it
/// is.
fn of_their_sites(call_: &Call, rated: &Relation, periods: &LogicalPlan) -> Result<Relation> {
    let is_given = |name| call_.optional(name).is_some();
    let is_elsewhere = call_.keeper.is_some() || is_given(RATED_DARS.name) || is_given(DARS.name);
    let (Some(messages), Some(sites), false) = (
        call_.optional("messages"),
        call_.optional("sites"),
        is_elsewhere,
    ) else {
        return Ok(rated.clone());
    };
    let orgs = LogicalPlanBuilder::from(periods.clone())
        .project(vec![of("periods", "org_id").alias("wanted org_id")])?
        .build()?;
    let site = sites.id("site_id", IdKind::Text)?.alias("their site_id");
    let org = sites.id("org_id", IdKind::Text)?.alias("their org_id");
    let theirs = LogicalPlanBuilder::from(sites.plan.clone())
        .project(vec![site, org])?
        .alias("theirs")?
        .join_on(
            orgs,
            JoinType::LeftSemi,
            [of("theirs", "their org_id").eq(column("wanted org_id"))],
        )?
        .build()?;
    let of_message = messages.id("site_id", IdKind::Text)?;
    let messages = LogicalPlanBuilder::from(theirs)
        .join_on(
            messages.plan,
            JoinType::RightSemi,
            [of("theirs", "their site_id").eq(of_message)],
        )?
        .build()?;
    let rated = (RATED_DARS.plan)(&call_.with("messages", messages))?;
    Ok(Relation::new(RATED_DARS.name, rated))
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
