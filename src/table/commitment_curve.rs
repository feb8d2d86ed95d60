//! `commitment_curve(rated_dars, offers)`: what each commitment on offer would have cost on a history.

use datafusion::common::Result;
use datafusion::functions::core::named_struct;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};

use super::expression::{beside, call, column, field, listed, of, unlisted};
use super::ledger::{GIVEN_RATED_DARS, day};
use super::option::{FROM, TO};
use super::rated_dars::RATED_DARS;
use super::relation::{IdKind, Relation};
use super::{Call, RelationSpec, TableFunction};
use crate::aggregate::exact_sum;
use crate::domain::day::show_day;
use crate::error;
use crate::scalar::internal;

/// See the module.
pub(crate) static COMMITMENT_CURVE: TableFunction = TableFunction {
    name: "commitment_curve",
    summary: "What each commitment on offer would have cost on one organization's history of at most 366 days: credits \
              used, unused and above it, the exact total, and which offer is best.",
    relations: &[
        GIVEN_RATED_DARS,
        RelationSpec {
            name: "offers",
            positional: true,
            required: true,
            columns: "committed_credits*, credit_price*, overage_price*, and any others",
        },
    ],
    options: &[&FROM, &TO],
    columns: &[
        ("(all columns of offers)", ""),
        ("used", "DECIMAL(18,4)"),
        ("unused", "DECIMAL(18,4)"),
        ("overage", "DECIMAL(18,4)"),
        ("total", "DECIMAL(30,10)"),
        ("is_best", "BOOLEAN"),
    ],
    example: "SELECT * FROM commitment_curve((SELECT * FROM rated_dars() WHERE org_id = 'org-001'), \
              (SELECT value AS committed_credits, 0.5 AS credit_price, 0.6 AS overage_price FROM generate_series(0, 1000, 100)))",
    plan,
};

/// The columns that the function adds.
const ADDED: [&str; 5] = ["used", "unused", "overage", "total", "is_best"];

fn plan(call_: &Call) -> Result<LogicalPlan> {
    let rated = call_.upstream(&RATED_DARS)?;
    let offers = call_.relation("offers")?;
    offers.require(&internal::OFFER_FIGURES.map(|(name, _)| name))?;
    offers.leaves_free("commitment_curve", &ADDED)?;
    let names: Vec<String> = offers.column_names().into_iter().map(Into::into).collect();
    let own = named_struct().call(
        names
            .iter()
            .flat_map(|name| [lit(name.as_str()), offers.column(name)])
            .collect(),
    );
    let mut columns = vec![("offer", own)];
    for (name, _) in internal::OFFER_FIGURES {
        columns.push((name, offers.figure(name)?));
    }
    let both = beside(
        listed(&offers, "offer_rows", columns)?,
        history(call_, &rated)?,
    )?;
    let costs = call(
        internal::offer_costs(),
        vec![column("offer_rows"), column("history")],
    );
    let curve = unlisted(
        both,
        costs,
        &["offer", "used", "unused", "overage", "total", "is_best"],
        "curve",
    )?;
    let own = names
        .iter()
        .map(|name| field(of("curve", "offer"), name).alias(name));
    let added = ADDED.map(|name| of("curve", name).alias(name));
    LogicalPlanBuilder::from(curve)
        .project(own.chain(added).collect::<Vec<_>>())?
        .build()
}

/// What the rule must know of the rated DARs, as the one value `history`.
fn history(call_: &Call, rated: &Relation) -> Result<LogicalPlan> {
    rated.require(&["org_id", "day", "scenario", "credits"])?;
    let (from, to) = (call_.day(&FROM), call_.day(&TO));
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        return Err(error::query(format!(
            "from => DATE '{}' is not before to => DATE '{}', the day after the last one",
            show_day(from.into()),
            show_day(to.into())
        )));
    }
    let mut rows = LogicalPlanBuilder::from(rated.plan.clone()).project(vec![
        rated.date("day")?.alias("day"),
        rated.credits("credits")?.alias("credits"),
        rated.id("org_id", IdKind::Text)?.alias("org_id"),
        rated.text("scenario")?.alias("scenario"),
    ])?;
    if let Some(from) = from {
        rows = rows.filter(column("day").gt_eq(day(from)))?;
    }
    if let Some(to) = to {
        rows = rows.filter(column("day").lt(day(to)))?;
    }
    let count = |name: &str| count_udaf().call(vec![column(name)]);
    let least = |name: &str| min_udaf().call(vec![column(name)]);
    let most = |name: &str| max_udaf().call(vec![column(name)]);
    let measures: Vec<(&str, Expr)> = vec![
        ("dars", count_udaf().call(vec![lit(1_i64)])),
        ("credits", exact_sum(column("credits"))),
        ("rated", count("credits")),
        ("first_day", least("day")),
        ("last_day", most("day")),
        ("first_org", least("org_id")),
        ("last_org", most("org_id")),
        ("orgs", count("org_id")),
        ("first_scenario", least("scenario")),
        ("last_scenario", most("scenario")),
        ("scenarios", count("scenario")),
    ];
    let fields = measures
        .iter()
        .flat_map(|(name, _)| [lit(*name), column(name)]);
    let whole = named_struct().call(fields.collect()).alias("history");
    let measures = measures
        .iter()
        .map(|(name, value)| value.clone().alias(*name));
    rows.aggregate(Vec::<Expr>::new(), measures.collect::<Vec<_>>())?
        .project(vec![whole])?
        .build()
}
