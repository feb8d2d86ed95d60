//! `dayrate_focus_charges(lines, previous)`: the charges of FOCUS that invoice lines make.
//!
//! Internal: `focus_rows` plans it.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef, Fields};
use datafusion::common::Result;
use datafusion::common::utils::take_function_args;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::listed_rows::ListedRows;
use super::rows_out::{dates, fields, fixed, flags, list_field, numbers, one_list, scaled, texts};
use crate::domain::credits::{CREDIT_SCALE, PRICE_SCALE};
use crate::domain::focus::{BilledLine, Charge, ChargeKind, Place, charges};
use crate::domain::money::MONEY_SCALE;
use crate::error;

/// `lines` and `previous` are lists of rows of `invoice_lines`; the result is a list of `{scenario, org_id, contract_id,
/// period_start, period_end, line_no, line_type, channel, unit, currency, first_day, last_day}` of the line and `{kind,
/// is_correction, quantity, unit_price, cost, billed, effective}` of the charge.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct FocusCharges {
    signature: Signature,
}

impl FocusCharges {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }

    fn fields() -> Fields {
        let money = DataType::Decimal128(20, 4);
        fields([
            ("scenario", DataType::Utf8View),
            ("org_id", DataType::Utf8View),
            ("contract_id", DataType::Utf8View),
            ("period_start", DataType::Date32),
            ("period_end", DataType::Date32),
            ("line_no", DataType::Int64),
            ("line_type", DataType::Utf8View),
            ("channel", DataType::Utf8View),
            ("unit", DataType::Utf8View),
            ("currency", DataType::Utf8View),
            ("first_day", DataType::Date32),
            ("last_day", DataType::Date32),
            ("kind", DataType::Utf8View),
            ("is_correction", DataType::Boolean),
            ("quantity", DataType::Decimal128(20, 4)),
            ("unit_price", DataType::Decimal128(18, 6)),
            ("cost", DataType::Decimal128(30, 10)),
            ("billed", money.clone()),
            ("effective", money),
        ])
    }
}

impl ScalarUDFImpl for FocusCharges {
    fn name(&self) -> &str {
        "dayrate_focus_charges"
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
        let [lines, previous] = take_function_args(self.name(), args.args)?;
        let lines = ListedRows::new("invoice_lines", &lines)?;
        let previous = ListedRows::new("previous", &previous)?;
        let found = charges(&billed(&lines)?, &billed(&previous)?)
            .map_err(|fault| error::data(fault.to_string()))?;
        one_list(Self::fields(), columns(&found, &lines, &previous)?)
    }
}

fn billed(rows: &ListedRows) -> Result<Vec<BilledLine>> {
    let number = |name, row, scale| match rows.decimal(name, row, scale)? {
        Some(value) => scaled(value, scale).map(Some),
        None => Ok(None),
    };
    (0..rows.len())
        .map(|row| {
            Ok(BilledLine {
                account: (
                    rows.text("scenario", row)?.map(Into::into),
                    rows.required_text("org_id", row)?.into(),
                    rows.text("contract_id", row)?.map(Into::into),
                    rows.required_day("period_start", row)?,
                ),
                line_type: rows.required_text("line_type", row)?.into(),
                channel: rows.text("channel", row)?.map(Into::into),
                unit: rows.required_text("unit", row)?.into(),
                unit_price: number("unit_price", row, PRICE_SCALE)?,
                quantity: number("quantity", row, CREDIT_SCALE)?.unwrap_or_default(),
                amount: number("amount", row, CREDIT_SCALE)?,
                currency: rows.text("currency", row)?.map(Into::into),
            })
        })
        .collect()
}

fn columns(charges: &[Charge], lines: &ListedRows, previous: &ListedRows) -> Result<Vec<ArrayRef>> {
    let source = |charge: &Charge| match charge.line {
        Place::Now(row) => (lines, row),
        Place::Before(row) => (previous, row),
    };
    let text = |name: &str| -> Result<ArrayRef> {
        let values = charges.iter().map(|charge| {
            let (rows, row) = source(charge);
            rows.text(name, row)
        });
        Ok(texts(values.collect::<Result<Vec<_>>>()?.into_iter()))
    };
    let day = |name: &str| -> Result<ArrayRef> {
        let values = charges.iter().map(|charge| {
            let (rows, row) = source(charge);
            rows.day(name, row)
        });
        Ok(dates(values.collect::<Result<Vec<_>>>()?.into_iter()))
    };
    let line_numbers = charges.iter().map(|charge| {
        let (rows, row) = source(charge);
        rows.number("line_no", row).map(Some)
    });
    let kinds = charges.iter().map(|charge| {
        Some(match charge.kind {
            ChargeKind::Purchase => "purchase",
            ChargeKind::Used => "used",
            ChargeKind::Unused => "unused",
            ChargeKind::Usage => "usage",
        })
    });
    let of = |value: fn(&Charge) -> i128| charges.iter().map(move |charge| Some(value(charge)));
    // A commitment bought in arrears is priced once more beside its use; the cost itself is quantity x price.
    let costs = charges
        .iter()
        .map(|charge| charge.unit_price.map(|price| charge.quantity * price));
    Ok(vec![
        text("scenario")?,
        text("org_id")?,
        text("contract_id")?,
        day("period_start")?,
        day("period_end")?,
        numbers(line_numbers.collect::<Result<Vec<_>>>()?.into_iter()),
        text("line_type")?,
        text("channel")?,
        text("unit")?,
        text("currency")?,
        day("first_day")?,
        day("last_day")?,
        texts(kinds),
        flags(charges.iter().map(|charge| charge.is_correction)),
        fixed(of(|charge| charge.quantity), 20, CREDIT_SCALE)?,
        fixed(
            charges.iter().map(|charge| charge.unit_price),
            18,
            PRICE_SCALE,
        )?,
        fixed(costs, 30, MONEY_SCALE)?,
        fixed(of(|charge| charge.billed), 20, CREDIT_SCALE)?,
        fixed(of(|charge| charge.effective), 20, CREDIT_SCALE)?,
    ])
}
