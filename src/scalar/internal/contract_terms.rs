//! `dayrate_contract_terms` and `dayrate_scenarios`: `contracts`, checked as a whole.
//!
//! Both read `(contracts, scenario)`, the first as a list of rows; `scenario` is NULL for the real contracts, a name,
//! or `*` for all. Internal: table functions plan them.

use arrow::datatypes::{DataType, FieldRef, Fields};
use datafusion::common::Result;
use datafusion::common::utils::take_function_args;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::contract_rows::{scenario_of, terms_of};
use super::listed_rows::ListedRows;
use super::rows_out::{dates, decimals, fields, list_field, numbers, one_list, texts};
use crate::domain::contract::{Term, scenarios, terms};
use crate::domain::credits::{CREDIT_SCALE, PRICE_SCALE, SurchargeMode};
use crate::error;

/// The checked terms of the scenario asked for, and the scenarios that occur among all.
fn checked(args: ScalarFunctionArgs) -> Result<(Vec<Term>, Vec<Option<String>>)> {
    let [contracts, scenario] = take_function_args("contract_terms", args.args)?;
    let scenario = scenario_of(&scenario)?;
    let all = terms_of(&ListedRows::new("contracts", &contracts)?)?;
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
        let modes = terms
            .iter()
            .map(|term| term.surcharge_mode.map(SurchargeMode::name));
        let columns = vec![
            texts(terms.iter().map(|term| Some(term.contract_id.as_str()))),
            texts(terms.iter().map(|term| Some(term.org_id.as_str()))),
            dates(terms.iter().map(|term| Some(term.start))),
            dates(terms.iter().map(|term| Some(term.end))),
            texts(terms.iter().map(|term| Some(term.currency.as_str()))),
            texts(terms.iter().map(|term| term.scenario.as_deref())),
            numbers(terms.iter().map(|term| number(&term.scenario, &occurring))),
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
        let columns = vec![
            numbers(occurring.iter().map(|name| number(name, &occurring))),
            texts(occurring.iter().map(Option::as_deref)),
        ];
        one_list(Self::fields(), columns)
    }
}
