//! The relations of money: `contracts`, `price_tiers` and `channel_charges`, each as one list of rows, and the periods
//! made of them.

use arrow::datatypes::DataType;
use datafusion::common::Result;
#[cfg(all(feature = "cli", feature = "delta"))]
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::expression::{beside, call, column, listed, no_rows, unlisted};
use super::relation::{IdKind, Relation};
use super::{Call, RelationSpec};
use crate::scalar::internal;

/// The parameter `contracts` of the functions that reckon in money.
pub(crate) const CONTRACTS: RelationSpec = RelationSpec {
    name: "contracts",
    positional: true,
    required: true,
    columns: "contract_id*, org_id*, term_start*, term_end*, currency*, committed_credits*, credit_price*, \
              overage_price*, period (term | month), overage_block, block_mode (ceil | floor | prorate), dar_credits, \
              gen_ai_multiplier, intent_analyzer_credits, surcharge_mode, collection (arrears | advance), scenario",
};

/// The parameter `price_tiers`.
pub(crate) const PRICE_TIERS: RelationSpec = RelationSpec {
    name: "price_tiers",
    positional: false,
    required: false,
    columns: "contract_id*, from_credits*, price*, mode (graduated | volume)",
};

/// The parameter `channel_charges`.
pub(crate) const CHANNEL_CHARGES: RelationSpec = RelationSpec {
    name: "channel_charges",
    positional: false,
    required: false,
    columns: "org_id*, channel*, feature (gen_ai | intent_analyzer), per* (message | dar), price*, currency*, \
              valid_from, valid_to",
};

/// The columns of `contracts` that say what it costs.
const MONEY: [&str; 3] = ["committed_credits", "credit_price", "overage_price"];

/// The rows of `contracts` as the one value `contract_rows`.
pub(crate) fn listed_contracts(contracts: &Relation) -> Result<LogicalPlan> {
    let mut columns = Vec::new();
    for name in internal::CONTRACT_TEXTS {
        let value = match name {
            "contract_id" | "org_id" => contracts.id(name, IdKind::Text)?,
            _ => contracts.text(name)?,
        };
        columns.push((name, value));
    }
    for name in ["term_start", "term_end"] {
        columns.push((name, contracts.date(name)?));
    }
    for (name, _) in internal::CONTRACT_FIGURES {
        columns.push((name, contracts.figure(name)?));
    }
    listed(contracts, "contract_rows", columns)
}

/// The relation `contracts` of a call that reckons in money.
///
/// # Errors
///
/// It is missing, or a column of it is.
pub(crate) fn priced(call: &Call) -> Result<Relation> {
    let contracts = call.relation("contracts")?;
    require_prices(&contracts)?;
    Ok(contracts)
}

fn require_prices(contracts: &Relation) -> Result<()> {
    contracts.require(&[
        "contract_id",
        "org_id",
        "term_start",
        "term_end",
        "currency",
    ])?;
    contracts.require(&MONEY)
}

/// A plan of one row, and the expressions over it: the rows of `contracts`, those of `price_tiers`.
pub(crate) fn agreement_rows(
    call: &Call,
    contracts: &Relation,
) -> Result<(LogicalPlan, [Expr; 2])> {
    rows_of_agreements(contracts, call.optional(PRICE_TIERS.name))
}

/// [`agreement_rows`] of these relations.
fn rows_of_agreements(
    contracts: &Relation,
    tiers: Option<Relation>,
) -> Result<(LogicalPlan, [Expr; 2])> {
    let plan = listed_contracts(contracts)?;
    let Some(tiers) = tiers else {
        return Ok((plan, [column("contract_rows"), no_rows()]));
    };
    tiers.require(&["contract_id", "from_credits", "price"])?;
    let tiers = listed(
        &tiers,
        "tier_rows",
        vec![
            ("contract_id", tiers.id("contract_id", IdKind::Text)?),
            ("from_credits", tiers.figure("from_credits")?),
            ("price", tiers.figure("price")?),
            ("mode", tiers.text("mode")?),
        ],
    )?;
    Ok((
        beside(plan, tiers)?,
        ["contract_rows", "tier_rows"].map(column),
    ))
}

/// A plan of one row whose two columns are what [`internal::agreed`] takes: the rows of `contracts`, those of
/// `price_tiers`.
///
/// # Errors
///
/// A column is missing.
#[cfg(all(feature = "cli", feature = "delta"))]
pub(crate) fn listed_agreements(
    contracts: LogicalPlan,
    tiers: Option<LogicalPlan>,
) -> Result<LogicalPlan> {
    let contracts = Relation::new(CONTRACTS.name, contracts);
    require_prices(&contracts)?;
    let tiers = tiers.map(|tiers| Relation::new(PRICE_TIERS.name, tiers));
    let (plan, rows) = rows_of_agreements(&contracts, tiers)?;
    LogicalPlanBuilder::from(plan).project(rows)?.build()
}

/// The rows of `channel_charges` as the one value `charge_rows`; `None` without any.
pub(crate) fn listed_charges(call: &Call) -> Result<Option<LogicalPlan>> {
    let Some(charges) = call.optional("channel_charges") else {
        return Ok(None);
    };
    charges.require(&["org_id", "channel", "per", "price", "currency"])?;
    let rows = listed(
        &charges,
        "charge_rows",
        vec![
            ("org_id", charges.id("org_id", IdKind::Text)?),
            ("channel", charges.text("channel")?),
            ("feature", charges.text("feature")?),
            ("per", charges.text("per")?),
            ("price", charges.figure("price")?),
            ("currency", charges.text("currency")?),
            ("valid_from", charges.date("valid_from")?),
            ("valid_to", charges.date("valid_to")?),
        ],
    )?;
    Ok(Some(rows))
}

/// The columns of the relation `periods`, after its keys `scenario, contract_id, org_id`.
pub(crate) const PERIOD_COLUMNS: [&str; 8] = [
    "period_no",
    "period_start",
    "period_end",
    "commitment",
    "credit_price",
    "overage",
    "overage_block",
    "tiers",
];

/// One row for each period of each contract row, with what it costs: the relation `periods`.
pub(crate) fn periods(call_: &Call, contracts: &Relation) -> Result<LogicalPlan> {
    let (plan, rows) = agreement_rows(call_, contracts)?;
    let columns: Vec<&str> = ["scenario", "contract_id", "org_id"]
        .into_iter()
        .chain(PERIOD_COLUMNS)
        .collect();
    unlisted(
        plan,
        call(internal::contract_periods(), rows.into()),
        &columns,
        "periods",
    )
}

/// The kind in which an id of both relations comes out.
pub(crate) fn shared_kind(one: &Relation, other: &Relation, id: &str) -> Result<IdKind> {
    Ok(match (one.id_kind(id)?, other.id_kind(id)?) {
        (Some(one), Some(other)) => one.meet(other),
        (Some(kind), None) | (None, Some(kind)) => kind,
        (None, None) => IdKind::Text,
    })
}

/// A decimal type of 18 digits.
pub(crate) const CREDITS: DataType = DataType::Decimal128(18, 4);
