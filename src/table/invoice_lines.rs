//! `invoice_lines(rated_dars, contracts)`: what is owed and why, one row a line.
//!
//! The drawdown order is (day, credits, …), so the DARs are only counted by day and credits; the rule of
//! [`crate::domain::invoice`] makes the lines of those counts. Nothing is sorted, and no row stands for a DAR.

use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::functions::core::named_struct;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};

use super::charged_messages::charged_messages;
use super::contracts::{
    CHANNEL_CHARGES, CONTRACTS, PRICE_TIERS, agreement_rows, listed_charges, priced, shared_kind,
};
use super::expression::{beside, call, column, listed, no_rows, of, text, unlisted};
use super::ledger::{GIVEN_RATED_DARS, before, day};
use super::option::{AS_OF, REJECTS, RELATIONSHIP, SCENARIO, SINCE};
use super::rated_dars::RATED_DARS;
use super::relation::{IdKind, Relation, null};
use super::{Call, MESSAGES, RelationSpec, SITES, TableFunction};
use crate::aggregate::collect;
use crate::domain::day::{Day, show_day};
use crate::error;
use crate::scalar::internal;

/// See the module.
pub(crate) static INVOICE_LINES: TableFunction = TableFunction {
    name: "invoice_lines",
    summary: "The lines of every invoice: commitment used and unused, overage, channel charges, and usage under no \
              contract; each rounded once, numbered, and with the stretch of the drawdown that leads to its DARs.",
    relations: &[
        GIVEN_RATED_DARS,
        CONTRACTS,
        PRICE_TIERS,
        CHANNEL_CHARGES,
        RelationSpec {
            positional: false,
            required: false,
            ..MESSAGES
        },
        RelationSpec {
            positional: false,
            required: false,
            ..SITES
        },
    ],
    options: &[&AS_OF, &SINCE, &REJECTS, &RELATIONSHIP],
    columns: &[
        ("scenario", "text"),
        ("org_id", "text or integer"),
        ("contract_id", "text or integer"),
        ("period_start", "DATE"),
        ("period_end", "DATE"),
        ("line_no", "BIGINT"),
        ("line_type", "text"),
        ("channel", "text"),
        ("dars", "BIGINT"),
        ("quantity", "DECIMAL(20,4)"),
        ("unit", "text"),
        ("unit_price", "DECIMAL(18,6)"),
        ("amount", "DECIMAL(20,4)"),
        ("currency", "text"),
        ("first_day", "DATE"),
        ("last_day", "DATE"),
        ("from_credits", "DECIMAL(18,4)"),
        ("to_credits", "DECIMAL(18,4)"),
    ],
    example: "SELECT org_id, currency, sum(amount) AS amount FROM invoice_lines(as_of => DATE '2026-01-01') GROUP BY org_id, currency",
    plan,
};

fn plan(call_: &Call) -> Result<LogicalPlan> {
    let rated = call_.upstream(&RATED_DARS)?;
    let contracts = priced(call_)?;
    let (as_of, since) = dates(call_)?;
    let charges = listed_charges(call_)?;
    let messages = match (
        &charges,
        call_.optional("messages"),
        call_.optional("sites"),
    ) {
        (Some(charges), Some(_), Some(_)) => Some(charged_messages(call_, &rated, charges)?),
        _ => None,
    };

    let (plan, [contract_rows, tier_rows]) = agreement_rows(call_, &contracts)?;
    let scenario = call_.option(&SCENARIO);
    // Only a call that rates the DARs itself knows which scenarios are asked for; else those that occur on any day are.
    let own_scenario = !call_.relations.contains_key(RATED_DARS.name);
    let until = own_scenario.then_some(as_of);
    let mut plan = beside(plan, accounts(&rated, until, charges.is_some())?)?;
    let mut charge_rows = no_rows();
    if let Some(charges) = charges {
        plan = beside(plan, charges)?;
        charge_rows = column("charge_rows");
    }
    let mut message_rows = no_rows();
    if let Some(messages) = messages {
        plan = beside(plan, messages)?;
        message_rows = column("message_rows");
    }
    let lines = call(
        internal::invoice(),
        vec![
            contract_rows,
            tier_rows,
            charge_rows,
            column("account_rows"),
            message_rows,
            scenario.map_or_else(|| null(&DataType::Utf8View), |name| text(&name)),
            day(as_of),
            since.map_or_else(|| null(&DataType::Date32), day),
            lit(own_scenario),
        ],
    );
    let names: Vec<&str> = INVOICE_LINES
        .columns
        .iter()
        .map(|(name, _)| *name)
        .collect();
    let lines = unlisted(plan, lines, &names, "lines")?;
    let output = names.iter().map(|name| {
        let value = of("lines", name);
        let kind = match *name {
            "org_id" | "contract_id" => shared_kind(&rated, &contracts, name)?,
            _ => IdKind::Text,
        };
        Ok(match kind {
            IdKind::Text => value.alias(*name),
            kind => cast(value, kind.data_type()).alias(*name),
        })
    });
    LogicalPlanBuilder::from(lines)
        .project(output.collect::<Result<Vec<_>>>()?)?
        .build()
}

/// `as_of` and `since`.
fn dates(call: &Call) -> Result<(Day, Option<Day>)> {
    let as_of = call.day(&AS_OF).unwrap_or_else(ended_everywhere);
    let since = call.day(&SINCE);
    check_dates(as_of, since)?;
    Ok((as_of, since))
}

/// Checks that a statement covers a day.
///
/// # Errors
///
/// `since` is not before `as_of`.
pub(crate) fn check_dates(as_of: Day, since: Option<Day>) -> Result<()> {
    match since.filter(|since| *since >= as_of) {
        None => Ok(()),
        Some(since) => Err(error::query(format!(
            "since => DATE '{}' is not before as_of => DATE '{}': a statement covers the days from since up to as_of",
            show_day(since.into()),
            show_day(as_of.into()),
        ))),
    }
}

/// The date now at UTC-12: every day before it has ended in every zone.
pub(crate) fn ended_everywhere() -> Day {
    let last_zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(-12));
    crate::domain::day::day_of(jiff::Timestamp::now().to_zoned(last_zone).date())
}

/// How many DARs each account had on each day, by their credits, as the one value `account_rows`.
///
/// With `until`, later days are not read.
fn accounts(rated: &Relation, until: Option<Day>, charged: bool) -> Result<LogicalPlan> {
    rated.require(&["org_id", "day", "scenario", "contract_id", "credits"])?;
    let mut facts = vec![
        ("day", rated.date("day")?),
        ("credits", rated.credits("credits")?),
    ];
    let mut constants = Vec::new();
    let charged_by = [
        ("channel", rated.text("channel")?),
        ("gen_ai", rated.flag("gen_ai")?),
        ("intent_analyzer", rated.flag("intent_analyzer")?),
    ];
    if charged {
        rated.require(&["channel", "gen_ai", "intent_analyzer"])?;
        facts.extend(charged_by);
    } else {
        let nothing = [null(&DataType::Utf8View), lit(false), lit(false)];
        let names = charged_by.map(|(name, _)| name);
        constants.extend(names.into_iter().zip(nothing));
    }
    let account = [
        ("scenario", rated.text("scenario")?),
        ("org_id", rated.id("org_id", IdKind::Text)?),
        ("contract_id", rated.id("contract_id", IdKind::Text)?),
    ];
    let names: Vec<&str> = account
        .iter()
        .chain(&facts)
        .map(|(name, _)| *name)
        .collect();
    let count = count_udaf().call(vec![lit(1_i64)]);
    let row = |names: &[&'static str], constants: &[(&'static str, Expr)]| {
        let columns = names.iter().map(|name| (*name, column(name)));
        let fields = columns
            .chain(constants.iter().cloned())
            .flat_map(|(name, value)| [lit(name), value]);
        named_struct().call(fields.collect())
    };
    let day_columns: Vec<&str> = facts.iter().map(|(name, _)| *name).collect();
    let days = row(
        &day_columns,
        &[&constants[..], &[("dars", column("dars"))]].concat(),
    );
    let mut dars = LogicalPlanBuilder::from(rated.plan.clone()).project(
        account
            .iter()
            .chain(&facts)
            .map(|(name, value)| value.clone().alias(*name))
            .collect::<Vec<_>>(),
    )?;
    if let Some(until) = until {
        dars = dars.filter(before(until))?;
    }
    let accounts = dars
        .aggregate(
            names.iter().map(|name| column(name)).collect::<Vec<_>>(),
            vec![count.alias("dars")],
        )?
        .aggregate(
            account.map(|(name, _)| column(name)),
            vec![collect(days).alias("days")],
        )?
        .build()?;
    let accounts = Relation::new("rated_dars", accounts);
    listed(
        &accounts,
        "account_rows",
        ["scenario", "org_id", "contract_id", "days"]
            .map(|name| (name, column(name)))
            .into(),
    )
}
