//! `dayrate_contract_periods`: the periods of every contract with what they cost; `dayrate_in_contract`: the check
//! that usage lies in one.
//!
//! Internal: `ledger` plans them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, StructArray};
use arrow::buffer::{BooleanBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef, Fields};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::contract_rows::{terms_of, tiers_of};
use super::listed_rows::ListedRows;
use super::rows_out::{dates, fields, fixed, list_field, numbers, one_list, texts};
use crate::domain::agreement::{Agreement, agreements, periods};
use crate::domain::contract::{Scenario, show, terms};
use crate::domain::credits::{CREDIT_SCALE, PRICE_SCALE};
use crate::domain::tariff::{BLOCK_MODES, Overage, TIER_MODES, Tier};
use crate::error;

/// Every contract row with its money, of all scenarios, checked as a whole.
pub(crate) fn agreed(contracts: &ColumnarValue, tiers: &ColumnarValue) -> Result<Vec<Agreement>> {
    let fault = |fault: crate::domain::Fault| error::data(fault.to_string());
    let all = terms_of(&ListedRows::new("contracts", contracts)?)?;
    let tiers = tiers_of(&ListedRows::new("price_tiers", tiers)?)?;
    let terms = terms(all, &Scenario::All).map_err(fault)?;
    agreements(terms, &tiers).map_err(fault)
}

/// One overage price from a number of credits on.
fn tier_fields() -> Fields {
    fields([
        ("from_credits", DataType::Decimal128(18, 4)),
        ("price", DataType::Decimal128(18, 6)),
    ])
}

/// `dayrate_contract_periods(contracts, price_tiers)`: a list of rows, one for each period of each contract row.
/// `overage` names the mode of its tiers or of its blocks; the one tier of blocks holds the price of a block.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ContractPeriods {
    signature: Signature,
}

impl ContractPeriods {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }

    fn fields() -> Fields {
        let tier = Field::new("item", DataType::Struct(tier_fields()), true);
        fields([
            ("period_no", DataType::Int64),
            ("scenario", DataType::Utf8View),
            ("contract_id", DataType::Utf8View),
            ("org_id", DataType::Utf8View),
            ("period_start", DataType::Date32),
            ("period_end", DataType::Date32),
            ("commitment", DataType::Decimal128(18, 4)),
            ("credit_price", DataType::Decimal128(18, 6)),
            ("overage", DataType::Utf8View),
            ("overage_block", DataType::Decimal128(18, 4)),
            ("tiers", DataType::List(Arc::new(tier))),
        ])
    }
}

/// The name of a value in one of the lists of names.
fn name_of<T: PartialEq>(value: T, names: &[(&'static str, T)]) -> Option<&'static str> {
    let found = names.iter().find(|(_, other)| *other == value);
    found.map(|(name, _)| *name)
}

/// The price of overage as columns: the name of its mode, the size of a block, the tiers.
fn columns_of(overage: &Overage) -> (Option<&'static str>, Option<i128>, Vec<Tier>) {
    match overage {
        Overage::Tiers(mode, tiers) => (name_of(*mode, &TIER_MODES), None, tiers.clone()),
        Overage::Blocks { size, price, mode } => {
            let price = Tier {
                from: 0,
                price: *price,
            };
            (name_of(*mode, &BLOCK_MODES), Some(*size), vec![price])
        }
    }
}

/// The tiers of each row as a list column.
fn tier_lists(rows: &[Vec<Tier>]) -> Result<ArrayRef> {
    let all = || rows.iter().flatten();
    let tiers = StructArray::try_new(
        tier_fields(),
        vec![
            fixed(all().map(|tier| Some(tier.from)), 18, CREDIT_SCALE)?,
            fixed(all().map(|tier| Some(tier.price)), 18, PRICE_SCALE)?,
        ],
        None,
    )?;
    let item = Arc::new(Field::new("item", DataType::Struct(tier_fields()), true));
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(Vec::len));
    Ok(Arc::new(ListArray::try_new(
        item,
        offsets,
        Arc::new(tiers),
        None,
    )?))
}

impl ScalarUDFImpl for ContractPeriods {
    fn name(&self) -> &str {
        "dayrate_contract_periods"
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
        let [contracts, tiers] = take_function_args(self.name(), args.args)?;
        let agreements = agreed(&contracts, &tiers)?;
        let rows: Vec<(&Agreement, (i32, i32))> = agreements
            .iter()
            .flat_map(|agreement| {
                let periods = periods(&agreement.term).into_iter();
                periods.map(move |period| (agreement, period))
            })
            .collect();
        let of = |text: fn(&Agreement) -> Option<&str>| {
            texts(rows.iter().map(|(agreement, _)| text(agreement)))
        };
        let overage: Vec<_> = rows
            .iter()
            .map(|(agreement, _)| columns_of(&agreement.overage))
            .collect();
        let tiers: Vec<Vec<Tier>> = overage.iter().map(|(_, _, tiers)| tiers.clone()).collect();
        let columns = vec![
            numbers((0_i64..).take(rows.len()).map(Some)),
            of(|agreement| agreement.term.scenario.as_deref()),
            of(|agreement| Some(&agreement.term.contract_id)),
            of(|agreement| Some(&agreement.term.org_id)),
            dates(rows.iter().map(|(_, period)| Some(period.0))),
            dates(rows.iter().map(|(_, period)| Some(period.1))),
            fixed(
                rows.iter().map(|(a, _)| Some(a.committed)),
                18,
                CREDIT_SCALE,
            )?,
            fixed(
                rows.iter().map(|(a, _)| Some(a.credit_price)),
                18,
                PRICE_SCALE,
            )?,
            texts(overage.iter().map(|(mode, _, _)| *mode)),
            fixed(overage.iter().map(|(_, size, _)| *size), 18, CREDIT_SCALE)?,
            tier_lists(&tiers)?,
        ];
        one_list(Self::fields(), columns)
    }
}

/// `dayrate_in_contract(contract_id, org_id, day, period_start, credits)`: true where `contract_id` is NULL or the
/// period was found; fails where it was not, and where credits are NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct InContract {
    signature: Signature,
}

impl InContract {
    pub(crate) fn new() -> Self {
        Self {
            // Volatile, so that nobody concludes what it returns or moves it away from the join.
            signature: Signature::any(5, Volatility::Volatile),
        }
    }
}

impl ScalarUDFImpl for InContract {
    fn name(&self) -> &str {
        "dayrate_in_contract"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [contract, org, day, start, credits] = take_function_args(self.name(), args.args)?;
        let rows = args.number_rows;
        if credits.into_array(rows)?.null_count() > 0 {
            return Err(error::data(
                "rated_dars: credits is NULL; every DAR has credits, take them from rated_dars",
            ));
        }
        let (contract, start) = (contract.into_array(rows)?, start.into_array(rows)?);
        if let Some(row) = (0..rows).find(|row| contract.is_valid(*row) && start.is_null(*row)) {
            let (org, day) = (org.into_array(rows)?, day.into_array(rows)?);
            let text = |column: &ArrayRef| -> Result<String> {
                let column = column
                    .as_string_view_opt()
                    .ok_or_else(|| exec_datafusion_err!("{} takes ids as text", self.name()))?;
                Ok(if column.is_valid(row) {
                    format!("'{}'", column.value(row))
                } else {
                    "NULL".into()
                })
            };
            let day = match day.as_primitive_opt::<Date32Type>() {
                Some(days) if days.is_valid(row) => show(days.value(row)),
                _ => "NULL".into(),
            };
            return Err(error::data(format!(
                "rated_dars has a DAR of org_id {} on {day} under contract_id {}, and contracts has no such term on that \
                 day; rate and bill with the same contracts",
                text(&org)?,
                text(&contract)?,
            )));
        }
        let all = BooleanBuffer::new_set(rows);
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::new(all, None))))
    }
}
