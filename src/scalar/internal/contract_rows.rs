//! From the rows of `contracts`, `price_tiers` and `channel_charges` to the terms of the rules.

use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::ColumnarValue;

use super::listed_rows::ListedRows;
use super::rows_out::scaled;
use crate::domain::Fault;
use crate::domain::agreement::PriceTier;
use crate::domain::charge::{Charge, PERS};
use crate::domain::choice::named;
use crate::domain::contract::{COLLECTIONS, PERIODS, Scenario, Term};
use crate::domain::credits::{CREDIT_SCALE, PRICE_SCALE, SURCHARGE_MODES};
use crate::domain::site::Feature;
use crate::domain::tariff::{BLOCK_MODES, TIER_MODES};
use crate::error;

/// The columns of `contracts` that hold numbers, with their decimals; none may be negative.
pub(crate) const CONTRACT_FIGURES: [(&str, u32); 7] = [
    ("committed_credits", CREDIT_SCALE),
    ("credit_price", PRICE_SCALE),
    ("overage_price", PRICE_SCALE),
    ("overage_block", CREDIT_SCALE),
    ("dar_credits", CREDIT_SCALE),
    ("gen_ai_multiplier", PRICE_SCALE),
    ("intent_analyzer_credits", CREDIT_SCALE),
];

/// The columns of `contracts` that hold text.
pub(crate) const CONTRACT_TEXTS: [&str; 8] = [
    "contract_id",
    "org_id",
    "currency",
    "scenario",
    "surcharge_mode",
    "period",
    "block_mode",
    "collection",
];

/// The rows of `contracts`.
pub(super) fn terms_of(rows: &ListedRows) -> Result<Vec<Term>> {
    (0..rows.len())
        .map(|row| {
            let mut figures = Vec::new();
            for (name, scale) in CONTRACT_FIGURES {
                if let Some(value) = rows.decimal(name, row, scale)? {
                    figures.push((name, value));
                }
            }
            let figure = |name| {
                let found = figures.iter().find(|(column, _)| *column == name);
                found.map(|(_, value)| *value)
            };
            let surcharge_mode = rows
                .text("surcharge_mode", row)?
                .map(|_| choice(rows, "surcharge_mode", row, &SURCHARGE_MODES))
                .transpose()?;
            Ok(Term {
                contract_id: rows.required_text("contract_id", row)?.into(),
                org_id: rows.required_text("org_id", row)?.into(),
                start: rows.required_day("term_start", row)?,
                end: rows.required_day("term_end", row)?,
                currency: rows.required_text("currency", row)?.into(),
                scenario: rows.text("scenario", row)?.map(Into::into),
                dar_credits: figure("dar_credits"),
                gen_ai_multiplier: figure("gen_ai_multiplier"),
                intent_analyzer_credits: figure("intent_analyzer_credits"),
                surcharge_mode,
                period: choice(rows, "period", row, &PERIODS)?,
                block_mode: choice(rows, "block_mode", row, &BLOCK_MODES)?,
                collection: choice(rows, "collection", row, &COLLECTIONS)?,
                figures,
            })
        })
        .collect()
}

/// The rows of `price_tiers`.
pub(super) fn tiers_of(rows: &ListedRows) -> Result<Vec<PriceTier>> {
    (0..rows.len())
        .map(|row| {
            Ok(PriceTier {
                contract_id: rows.required_text("contract_id", row)?.into(),
                from_credits: rows.required_decimal("from_credits", row, CREDIT_SCALE)?,
                price: rows.required_decimal("price", row, PRICE_SCALE)?,
                mode: choice(rows, "mode", row, &TIER_MODES)?,
            })
        })
        .collect()
}

/// The rows of `channel_charges`.
pub(super) fn charges_of(rows: &ListedRows) -> Result<Vec<Charge>> {
    (0..rows.len())
        .map(|row| {
            let feature = rows
                .text("feature", row)?
                .map(|name| {
                    Feature::parse(name).ok_or_else(|| {
                        let known = error::unknown("feature", name, &Feature::NAMES);
                        in_row(rows, row, Fault::new(known))
                    })
                })
                .transpose()?;
            // Without a name there is no default here: NULL is as wrong as any other word.
            rows.required_text("per", row)?;
            let price = rows.required_decimal("price", row, PRICE_SCALE)?;
            Ok(Charge {
                org_id: rows.required_text("org_id", row)?.into(),
                channel: rows.text("channel", row)?.map(Into::into),
                feature,
                per: choice(rows, "per", row, &PERS)?,
                currency: rows.required_text("currency", row)?.into(),
                from: rows.day("valid_from", row)?,
                to: rows.day("valid_to", row)?,
                price: scaled(price, PRICE_SCALE)?,
            })
        })
        .collect()
}

/// Which scenarios a query asks for: NULL, `*` or a name.
pub(super) fn scenario_of(value: &ColumnarValue) -> Result<Scenario> {
    match value {
        ColumnarValue::Scalar(name) => Ok(match name.try_as_str().flatten() {
            None => Scenario::Real,
            Some("*") => Scenario::All,
            Some(name) => Scenario::Named(name.into()),
        }),
        ColumnarValue::Array(_) => Err(exec_datafusion_err!("scenario is not a constant")),
    }
}

fn choice<T: Copy>(rows: &ListedRows, column: &str, row: usize, values: &[(&str, T)]) -> Result<T> {
    let text = rows.text(column, row)?;
    named(column, text, values).map_err(|fault| in_row(rows, row, fault))
}

fn in_row(rows: &ListedRows, row: usize, fault: Fault) -> datafusion::error::DataFusionError {
    error::data(format!(
        "{}: {fault} in the row {}",
        rows.relation(),
        rows.show(row)
    ))
}
