//! `rated_dars(dars)`: what each DAR costs in credits, under the contract in force on its day.

use arrow::datatypes::DataType;
use datafusion::common::{JoinType, Result, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};
use rust_decimal::Decimal;

use super::contracts::listed_contracts;
use super::dars::{COLUMNS, DARS};
use super::expression::{call, column, field, of, text, unlisted};
use super::option::{GROWTH, REPLAY_DAYS, SCENARIO, SURCHARGE_MODE};
use super::relation::{IdKind, Relation, null};
use super::{Call, RelationSpec, TableFunction};
use crate::error;
use crate::scalar::internal;

/// See the module.
pub(crate) static RATED_DARS: TableFunction = TableFunction {
    name: "rated_dars",
    summary: "The DARs with their credits, by the contract in force on the day, or at the published rates where there \
              is none; one row for each DAR, and for each scenario with scenario => '*'.",
    relations: &[
        RelationSpec {
            name: "dars",
            positional: true,
            required: true,
            columns: "as dars gives them, and any others",
        },
        RelationSpec {
            name: "contracts",
            positional: false,
            required: false,
            columns: "contract_id*, org_id*, term_start*, term_end*, currency*, dar_credits, gen_ai_multiplier, \
                      intent_analyzer_credits, surcharge_mode, scenario",
        },
    ],
    options: &[&SCENARIO, &SURCHARGE_MODE, &REPLAY_DAYS, &GROWTH],
    columns: &[
        ("(all columns of dars)", ""),
        ("scenario", "text"),
        ("contract_id", "text or integer"),
        ("currency", "text"),
        ("base_credits", "DECIMAL(18,4)"),
        ("gen_ai_credits", "DECIMAL(18,4)"),
        ("intent_analyzer_credits", "DECIMAL(18,4)"),
        ("credits", "DECIMAL(18,4)"),
        ("(further columns of the relation given)", ""),
    ],
    example: "SELECT site_id, date_trunc('month', day) AS month, sum(credits) AS credits FROM rated_dars() GROUP BY site_id, month",
    plan,
};

/// The columns that the function adds.
pub(crate) const ADDED: [&str; 7] = [
    "scenario",
    "contract_id",
    "currency",
    "base_credits",
    "gen_ai_credits",
    "intent_analyzer_credits",
    "credits",
];

fn plan(call_: &Call) -> Result<LogicalPlan> {
    let given = call_.upstream(&DARS)?;
    given.require(&["day", "gen_ai", "intent_analyzer"])?;
    let dars = replayed(call_, &given)?;
    let contracts = call_.optional("contracts");
    let rated = match &contracts {
        None => rated(call_, &dars, dars.plan.clone(), None)?,
        Some(contracts) => {
            let kind = contract_kind(contracts)?;
            let joined = with_terms(call_, &dars, contracts)?;
            rated(call_, &dars, joined, Some(kind))?
        }
    };
    Ok(rated)
}

/// The DARs, aliased, as if they fell `replay_days` later.
fn replayed(call: &Call, given: &Relation) -> Result<Relation> {
    given.leaves_free("rated_dars", &ADDED)?;
    let names = given.column_names();
    let days: i32 = call
        .option(&REPLAY_DAYS)
        .and_then(|days| days.parse().ok())
        .unwrap_or_default();
    let later = |value: Expr| value + lit(ScalarValue::new_interval_mdn(0, days, 0));
    let shifted = names.iter().map(|name| {
        let value = given.column(name);
        match *name {
            "day" if days != 0 => {
                Ok(cast(later(given.date("day")?), DataType::Date32).alias("day"))
            }
            "day" => Ok(given.date("day")?.alias("day")),
            name @ ("first_message_at" | "last_message_at") if days != 0 => {
                let data_type = given.type_of(&value)?;
                Ok(cast(later(value), data_type).alias(name))
            }
            name => Ok(value.alias(name)),
        }
    });
    let plan = LogicalPlanBuilder::from(given.plan.clone())
        .project(shifted.collect::<Result<Vec<_>>>()?)?
        .alias("dars")?
        .build()?;
    let dars = Relation::new("dars", plan);
    dars.flag("gen_ai")?;
    dars.flag("intent_analyzer")?;
    Ok(dars)
}

fn contract_kind(contracts: &Relation) -> Result<IdKind> {
    contracts.require(&[
        "contract_id",
        "org_id",
        "term_start",
        "term_end",
        "currency",
    ])?;
    Ok(contracts.id_kind("contract_id")?.unwrap_or(IdKind::Text))
}

/// `terms RIGHT JOIN dars`, one row for each DAR and scenario asked for.
fn with_terms(call_: &Call, dars: &Relation, contracts: &Relation) -> Result<LogicalPlan> {
    dars.require(&["org_id"])?;
    let rows = listed_contracts(contracts)?;
    let scenario = call_.option(&SCENARIO);
    let chosen = scenario
        .as_deref()
        .map_or_else(|| null(&DataType::Utf8), lit);
    let arguments = || vec![column("contract_rows"), chosen.clone()];
    let terms = unlisted(
        rows.clone(),
        call(internal::contract_terms(), arguments()),
        &TERM_COLUMNS,
        "terms",
    )?;

    let org = match dars.id_kind("org_id")? {
        Some(_) => dars.id("org_id", IdKind::Text)?,
        None => null(&DataType::Utf8View),
    };
    let in_term = dars
        .column("day")
        .gt_eq(of("terms", "term_start"))
        .and(dars.column("day").lt(of("terms", "term_end")));
    let (right, mut term_keys, mut dar_keys) =
        (dars.plan.clone(), vec![of("terms", "org_id")], vec![org]);
    let right = if scenario.as_deref() == Some("*") {
        let columns = ["scenario_no", "scenario"];
        let scenarios = unlisted(
            rows,
            call(internal::scenarios(), arguments()),
            &columns,
            "scenarios",
        )?;
        term_keys.push(of("terms", "scenario_no"));
        dar_keys.push(of("scenarios", "scenario_no"));
        LogicalPlanBuilder::from(scenarios)
            .cross_join(right)?
            .build()?
    } else {
        right
    };
    LogicalPlanBuilder::from(terms)
        .join_with_expr_keys(right, JoinType::Right, (term_keys, dar_keys), Some(in_term))?
        .filter(call(internal::checked(), vec![of("terms", "contract_id")]))?
        .build()
}

const TERM_COLUMNS: [&str; 11] = [
    "contract_id",
    "org_id",
    "term_start",
    "term_end",
    "currency",
    "scenario",
    "scenario_no",
    "dar_credits",
    "gen_ai_multiplier",
    "intent_analyzer_credits",
    "surcharge_mode",
];

/// The output columns over `joined`, in which `contract_kind` is `None` if there are no contracts.
fn rated(
    call_: &Call,
    dars: &Relation,
    joined: LogicalPlan,
    contract_kind: Option<IdKind>,
) -> Result<LogicalPlan> {
    let term = |name: &str, data_type: &DataType| match contract_kind {
        Some(_) => of("terms", name),
        None => null(data_type),
    };
    let growth = call_
        .option(&GROWTH)
        .and_then(|growth| growth.parse::<Decimal>().ok())
        .unwrap_or(Decimal::ONE);
    let parts = call(
        internal::credit_parts(),
        vec![
            dars.flag("gen_ai")?,
            dars.flag("intent_analyzer")?,
            term("dar_credits", &DataType::Decimal128(18, 4)),
            term("gen_ai_multiplier", &DataType::Decimal128(18, 6)),
            term("intent_analyzer_credits", &DataType::Decimal128(18, 4)),
            match call_.option(&SURCHARGE_MODE) {
                Some(mode) => text(&mode),
                None => term("surcharge_mode", &DataType::Utf8View),
            },
            lit(ScalarValue::Decimal128(
                Some(growth.mantissa()),
                38,
                i8::try_from(growth.scale()).unwrap_or(6),
            )),
        ],
    );
    let scenario = match (call_.option(&SCENARIO).as_deref(), contract_kind) {
        (Some("*"), Some(_)) => of("scenarios", "scenario"),
        (Some(name), Some(_)) => text(name),
        _ => null(&DataType::Utf8View),
    };
    if let (Some(name), None) = (
        call_.option(&SCENARIO).filter(|name| name != "*"),
        contract_kind,
    ) {
        return Err(error::query(format!(
            "scenario => '{name}': there is no relation contracts to take it from"
        )));
    }
    let contract_id = match contract_kind {
        Some(IdKind::Text) => of("terms", "contract_id"),
        Some(kind) => cast(of("terms", "contract_id"), kind.data_type()),
        None => null(&DataType::Utf8View),
    };
    let listed: Vec<&str> = COLUMNS
        .into_iter()
        .filter(|name| dars.has_column(name))
        .collect();
    let further: Vec<&str> = dars
        .column_names()
        .into_iter()
        .filter(|name| !COLUMNS.contains(name))
        .collect();
    let passed = |names: &[&str]| {
        names
            .iter()
            .map(|name| dars.column(name))
            .collect::<Vec<_>>()
    };

    // Names of their own until the last step: the optimizer may move a projection next to the columns of `terms`.
    let with_parts = LogicalPlanBuilder::from(joined)
        .project(
            passed(&listed)
                .into_iter()
                .chain([
                    scenario.alias("rated scenario"),
                    contract_id.alias("rated contract_id"),
                    term("currency", &DataType::Utf8View).alias("rated currency"),
                    parts.alias("credit parts"),
                ])
                .chain(passed(&further))
                .collect::<Vec<_>>(),
        )?
        .build()?;
    let part = |name: &str| field(column("credit parts"), name).alias(name);
    LogicalPlanBuilder::from(with_parts)
        .project(
            passed(&listed)
                .into_iter()
                .chain(
                    ["scenario", "contract_id", "currency"]
                        .map(|name| column(&format!("rated {name}")).alias(name)),
                )
                .chain(
                    [
                        "base_credits",
                        "gen_ai_credits",
                        "intent_analyzer_credits",
                        "credits",
                    ]
                    .map(part),
                )
                .chain(passed(&further))
                .collect::<Vec<_>>(),
        )?
        .build()
}
