//! `dayrate_contract_terms` and `dayrate_scenarios`: `contracts`, checked as a whole.
//!
//! Both read `(contracts, scenario)`, the first as a list of rows; `scenario` is NULL for the real contracts, a name,
//! or `*` for all. Internal: table functions plan them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Date32Array, Int64Array};
use arrow::datatypes::{DataType, FieldRef, Fields};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::listed_rows::ListedRows;
use super::rows_out::{decimals, fields, list_field, one_list, texts};
use crate::domain::contract::{Scenario, Term, scenarios, terms};
use crate::domain::credits::{CREDIT_SCALE, SurchargeMode};
use crate::error;

/// Decimals of a price or a multiplier: `DECIMAL(18,6)`.
const PRICE_SCALE: u32 = 6;

/// The columns of `contracts` that hold numbers, with their decimals; none may be negative.
pub(crate) const FIGURES: [(&str, u32); 7] = [
    ("committed_credits", CREDIT_SCALE),
    ("credit_price", PRICE_SCALE),
    ("overage_price", PRICE_SCALE),
    ("overage_block", CREDIT_SCALE),
    ("dar_credits", CREDIT_SCALE),
    ("gen_ai_multiplier", PRICE_SCALE),
    ("intent_analyzer_credits", CREDIT_SCALE),
];

/// The columns of `contracts` that hold text.
pub(crate) const TEXTS: [&str; 5] = [
    "contract_id",
    "org_id",
    "currency",
    "scenario",
    "surcharge_mode",
];

fn read(rows: &ListedRows) -> Result<Vec<Term>> {
    (0..rows.len())
        .map(|row| {
            let surcharge_mode = rows
                .text("surcharge_mode", row)?
                .map(SurchargeMode::parse)
                .transpose();
            let surcharge_mode = surcharge_mode.map_err(|fault| {
                error::data(format!("contracts: {fault} in the row {}", rows.show(row)))
            })?;
            let mut figures = Vec::new();
            for (name, scale) in FIGURES {
                if let Some(value) = rows.decimal(name, row, scale)? {
                    figures.push((name, value));
                }
            }
            let figure = |name| {
                figures
                    .iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, value)| *value)
            };
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
                figures,
            })
        })
        .collect()
}

/// The checked terms of the scenario asked for, and the scenarios that occur among all.
fn checked(args: ScalarFunctionArgs) -> Result<(Vec<Term>, Vec<Option<String>>)> {
    let [contracts, scenario] = take_function_args("contract_terms", args.args)?;
    let scenario = match scenario {
        ColumnarValue::Scalar(name) => match name.try_as_str().flatten() {
            None => Scenario::Real,
            Some("*") => Scenario::All,
            Some(name) => Scenario::Named(name.into()),
        },
        ColumnarValue::Array(_) => return Err(exec_datafusion_err!("scenario is not a constant")),
    };
    let all = read(&ListedRows::new("contracts", &contracts)?)?;
    let occurring = scenarios(&all);
    let terms = terms(all, &scenario).map_err(|fault| error::data(fault.to_string()))?;
    Ok((terms, occurring))
}

/// The place of a scenario in the list of [`scenarios`]: what joins a term to its scenario.
fn number(scenario: &Option<String>, occurring: &[Option<String>]) -> Option<i64> {
    occurring
        .iter()
        .position(|name| name == scenario)
        .and_then(|place| i64::try_from(place).ok())
}

/// `dayrate_contract_terms(…)`: a list of `{contract_id, org_id, term_start, term_end, currency, scenario,
/// scenario_no, dar_credits, gen_ai_multiplier, intent_analyzer_credits, surcharge_mode}`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ContractTerms {
    signature: Signature,
}

impl ContractTerms {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }

    fn fields() -> Fields {
        fields([
            ("contract_id", DataType::Utf8View),
            ("org_id", DataType::Utf8View),
            ("term_start", DataType::Date32),
            ("term_end", DataType::Date32),
            ("currency", DataType::Utf8View),
            ("scenario", DataType::Utf8View),
            ("scenario_no", DataType::Int64),
            ("dar_credits", DataType::Decimal128(18, 4)),
            ("gen_ai_multiplier", DataType::Decimal128(18, 6)),
            ("intent_analyzer_credits", DataType::Decimal128(18, 4)),
            ("surcharge_mode", DataType::Utf8View),
        ])
    }
}

impl ScalarUDFImpl for ContractTerms {
    fn name(&self) -> &str {
        "dayrate_contract_terms"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(list_field("", Self::fields()).data_type().clone())
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(list_field(self.name(), Self::fields()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (terms, occurring) = checked(args)?;
        let days = |day: fn(&Term) -> i32| -> ArrayRef {
            Arc::new(terms.iter().map(day).map(Some).collect::<Date32Array>())
        };
        let numbers = terms.iter().map(|term| number(&term.scenario, &occurring));
        let modes = terms.iter().map(|term| match term.surcharge_mode {
            None => None,
            Some(SurchargeMode::Add) => Some("add"),
            Some(SurchargeMode::Multiply) => Some("multiply"),
        });
        let columns = vec![
            texts(terms.iter().map(|term| Some(term.contract_id.as_str()))),
            texts(terms.iter().map(|term| Some(term.org_id.as_str()))),
            days(|term| term.start),
            days(|term| term.end),
            texts(terms.iter().map(|term| Some(term.currency.as_str()))),
            texts(terms.iter().map(|term| term.scenario.as_deref())),
            Arc::new(numbers.collect::<Int64Array>()),
            decimals(terms.iter().map(|term| term.dar_credits), CREDIT_SCALE)?,
            decimals(terms.iter().map(|term| term.gen_ai_multiplier), PRICE_SCALE)?,
            decimals(
                terms.iter().map(|term| term.intent_analyzer_credits),
                CREDIT_SCALE,
            )?,
            texts(modes),
        ];
        one_list(Self::fields(), columns)
    }
}

/// `dayrate_scenarios(…)`: a list of `{scenario_no, scenario}`, never empty.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scenarios {
    signature: Signature,
}

impl Scenarios {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }

    fn fields() -> Fields {
        fields([
            ("scenario_no", DataType::Int64),
            ("scenario", DataType::Utf8View),
        ])
    }
}

impl ScalarUDFImpl for Scenarios {
    fn name(&self) -> &str {
        "dayrate_scenarios"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(list_field("", Self::fields()).data_type().clone())
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(list_field(self.name(), Self::fields()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (_, occurring) = checked(args)?;
        let numbers: ArrayRef = Arc::new(
            occurring
                .iter()
                .map(|name| number(name, &occurring))
                .collect::<Int64Array>(),
        );
        let names = texts(occurring.iter().map(Option::as_deref));
        debug_assert_eq!(numbers.len(), names.len());
        one_list(Self::fields(), vec![numbers, names])
    }
}
