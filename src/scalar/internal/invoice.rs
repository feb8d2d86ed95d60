//! `dayrate_invoice`: the lines of every invoice; `dayrate_message_charges` and `dayrate_charged_sites`: which messages
//! are charged.
//!
//! Internal: `invoice_lines` plans them.

use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, FieldRef, Fields, Int64Type};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::contract_periods::agreed;
use super::contract_rows::{charges_of, scenario_of};
use super::listed_rows::ListedRows;
use super::rows_out::{dates, fields, fixed, list_field, numbers, one_list, texts};
use crate::domain::charge::{Charge, Per, charges};
use crate::domain::credits::{CREDIT_SCALE, PRICE_SCALE};
use crate::domain::invoice::{Account, Book, ChargedMessages, DayOfUse, Line, invoice};
use crate::error;

fn checked_charges(rows: &ColumnarValue) -> Result<Vec<Charge>> {
    let rows = charges_of(&ListedRows::new("channel_charges", rows)?)?;
    charges(rows).map_err(|fault| error::data(fault.to_string()))
}

fn constant(value: ColumnarValue) -> Result<ScalarValue> {
    match value {
        ColumnarValue::Scalar(value) => Ok(value),
        ColumnarValue::Array(_) => Err(exec_datafusion_err!("a constant is expected")),
    }
}

fn constant_flag(value: ColumnarValue) -> Result<bool> {
    Ok(matches!(constant(value)?, ScalarValue::Boolean(Some(true))))
}

/// The charges per message, by their place among all; with a feature or without.
fn message_charges(rows: &ColumnarValue, with_feature: bool) -> Result<Vec<(usize, Charge)>> {
    let charges = checked_charges(rows)?.into_iter().enumerate();
    Ok(charges
        .filter(|(_, charge)| charge.per == Per::Message)
        .filter(|(_, charge)| charge.feature.is_some() == with_feature)
        .collect())
}

/// `dayrate_message_charges(channel_charges, with_feature)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessageCharges {
    signature: Signature,
}

impl MessageCharges {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }

    fn fields() -> Fields {
        fields([
            ("charge_no", DataType::Int64),
            ("org_id", DataType::Utf8View),
            ("channel", DataType::Utf8View),
            ("feature", DataType::Utf8View),
            ("valid_from", DataType::Date32),
            ("valid_to", DataType::Date32),
        ])
    }
}

impl ScalarUDFImpl for MessageCharges {
    fn name(&self) -> &str {
        "dayrate_message_charges"
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
        let [rows, with_feature] = take_function_args(self.name(), args.args)?;
        let charges = message_charges(&rows, constant_flag(with_feature)?)?;
        let columns = vec![
            numbers(
                charges
                    .iter()
                    .map(|(number, _)| i64::try_from(*number).ok()),
            ),
            texts(
                charges
                    .iter()
                    .map(|(_, charge)| Some(charge.org_id.as_str())),
            ),
            texts(charges.iter().map(|(_, charge)| charge.channel.as_deref())),
            texts(
                charges
                    .iter()
                    .map(|(_, charge)| charge.feature.map(|f| f.name())),
            ),
            dates(charges.iter().map(|(_, charge)| charge.from)),
            dates(charges.iter().map(|(_, charge)| charge.to)),
        ];
        one_list(Self::fields(), columns)
    }
}

/// `dayrate_charged_sites(sites, channel_charges, with_feature)`: the sites that ever belong to an organization with
/// such charges.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ChargedSites {
    signature: Signature,
}

impl ChargedSites {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(3, Volatility::Immutable),
        }
    }

    fn fields() -> Fields {
        fields([("site_id", DataType::Utf8View)])
    }
}

impl ScalarUDFImpl for ChargedSites {
    fn name(&self) -> &str {
        "dayrate_charged_sites"
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
        let [sites, rows, with_feature] = take_function_args(self.name(), args.args)?;
        let charges = message_charges(&rows, constant_flag(with_feature)?)?;
        let payers: BTreeSet<&str> = charges
            .iter()
            .map(|(_, charge)| charge.org_id.as_str())
            .collect();
        let sites = ListedRows::new("sites", &sites)?;
        let mut charged = BTreeSet::new();
        for row in 0..sites.len() {
            let org = sites.text("org_id", row)?;
            if org.is_some_and(|org| payers.contains(org)) {
                charged.extend(sites.text("site_id", row)?);
            }
        }
        one_list(Self::fields(), vec![texts(charged.into_iter().map(Some))])
    }
}

/// `dayrate_invoice(contracts, price_tiers, channel_charges, accounts, messages, scenario, as_of, since, own_scenario)`:
/// a list of the lines of [`crate::domain::invoice`]. `messages` is of type NULL where there are none to count;
/// `own_scenario` says whether `scenario` was asked for or is to be taken from the accounts.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Invoice {
    signature: Signature,
}

impl Invoice {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(9, Volatility::Immutable),
        }
    }

    fn fields() -> Fields {
        fields([
            ("scenario", DataType::Utf8View),
            ("org_id", DataType::Utf8View),
            ("contract_id", DataType::Utf8View),
            ("period_start", DataType::Date32),
            ("period_end", DataType::Date32),
            ("line_no", DataType::Int64),
            ("line_type", DataType::Utf8View),
            ("channel", DataType::Utf8View),
            ("dars", DataType::Int64),
            ("quantity", DataType::Decimal128(20, 4)),
            ("unit", DataType::Utf8View),
            ("unit_price", DataType::Decimal128(18, 6)),
            ("amount", DataType::Decimal128(20, 4)),
            ("currency", DataType::Utf8View),
            ("first_day", DataType::Date32),
            ("last_day", DataType::Date32),
            ("from_credits", DataType::Decimal128(18, 4)),
            ("to_credits", DataType::Decimal128(18, 4)),
        ])
    }
}

impl ScalarUDFImpl for Invoice {
    fn name(&self) -> &str {
        "dayrate_invoice"
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
        let [
            contracts,
            tiers,
            charges,
            accounts,
            messages,
            scenario,
            as_of,
            since,
            own_scenario,
        ] = take_function_args(self.name(), args.args)?;
        let day = |value| match constant(value)? {
            ScalarValue::Date32(day) => Ok(day),
            _ => Err(exec_datafusion_err!("a day is expected")),
        };
        let book = Book {
            agreements: agreed(&contracts, &tiers)?,
            charges: checked_charges(&charges)?,
            scenario: match constant_flag(own_scenario)? {
                true => Some(scenario_of(&scenario)?),
                false => None,
            },
            as_of: day(as_of)?.ok_or_else(|| exec_datafusion_err!("as_of is NULL"))?,
            since: day(since)?,
        };
        let accounts = accounts_of(&ListedRows::new("rated_dars", &accounts)?)?;
        let messages = match messages.data_type() {
            DataType::Null => None,
            _ => Some(messages_of(&ListedRows::new("messages", &messages)?)?),
        };
        let lines = invoice(&book, &accounts, messages.as_deref())
            .map_err(|fault| error::data(fault.to_string()))?;
        one_list(Self::fields(), columns_of(&lines)?)
    }
}

fn columns_of(lines: &[Line]) -> Result<Vec<ArrayRef>> {
    let text = |of: fn(&Line) -> Option<&str>| texts(lines.iter().map(of));
    Ok(vec![
        text(|line| line.scenario.as_deref()),
        text(|line| Some(&line.org_id)),
        text(|line| line.contract_id.as_deref()),
        dates(lines.iter().map(|line| Some(line.period.0))),
        dates(lines.iter().map(|line| Some(line.period.1))),
        numbers(lines.iter().map(|line| Some(line.line_no))),
        text(|line| Some(line.line_type.name())),
        text(|line| line.channel.as_deref()),
        numbers(lines.iter().map(|line| Some(line.dars))),
        fixed(
            lines.iter().map(|line| Some(line.quantity)),
            20,
            CREDIT_SCALE,
        )?,
        text(|line| Some(line.unit.name())),
        fixed(lines.iter().map(|line| line.unit_price), 18, PRICE_SCALE)?,
        fixed(lines.iter().map(|line| line.amount), 20, CREDIT_SCALE)?,
        text(|line| line.currency.as_deref()),
        dates(lines.iter().map(|line| line.first_day)),
        dates(lines.iter().map(|line| line.last_day)),
        fixed(
            lines.iter().map(|line| line.stretch.map(|s| s.0)),
            18,
            CREDIT_SCALE,
        )?,
        fixed(
            lines.iter().map(|line| line.stretch.map(|s| s.1)),
            18,
            CREDIT_SCALE,
        )?,
    ])
}

/// `{scenario, org_id, contract_id, days: [{day, credits, channel, gen_ai, intent_analyzer, dars}]}`
fn accounts_of(rows: &ListedRows) -> Result<Vec<Account>> {
    (0..rows.len())
        .map(|row| {
            let days = rows.list("days", row)?;
            Ok(Account {
                scenario: rows.text("scenario", row)?.map(Into::into),
                org_id: rows.required_text("org_id", row)?.into(),
                contract_id: rows.text("contract_id", row)?.map(Into::into),
                days: days_of(&days)?,
            })
        })
        .collect()
}

fn days_of(rows: &StructArray) -> Result<Vec<DayOfUse>> {
    let wrong = || exec_datafusion_err!("the days of an account are not as planned");
    let [day, credits, channel, gen_ai, intent_analyzer, dars] = rows.columns() else {
        return Err(wrong());
    };
    let day = day.as_primitive_opt::<Date32Type>().ok_or_else(wrong)?;
    let credits = credits
        .as_primitive_opt::<Decimal128Type>()
        .ok_or_else(wrong)?;
    let channel = channel.as_string_view_opt().ok_or_else(wrong)?;
    let gen_ai = gen_ai.as_boolean_opt().ok_or_else(wrong)?;
    let intent_analyzer = intent_analyzer.as_boolean_opt().ok_or_else(wrong)?;
    let dars = dars.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
    if day.null_count() > 0 || credits.null_count() > 0 {
        return Err(error::data(
            "rated_dars: day or credits is NULL; every DAR has both, take them from rated_dars",
        ));
    }
    Ok((0..rows.len())
        .map(|row| DayOfUse {
            day: day.value(row),
            credits: credits.value(row),
            channel: channel.is_valid(row).then(|| channel.value(row).into()),
            gen_ai: gen_ai.is_valid(row) && gen_ai.value(row),
            intent_analyzer: intent_analyzer.is_valid(row) && intent_analyzer.value(row),
            dars: dars.value(row),
        })
        .collect())
}

/// `{charge_no, day, messages}`
fn messages_of(rows: &ListedRows) -> Result<Vec<ChargedMessages>> {
    (0..rows.len())
        .map(|row| {
            Ok(ChargedMessages {
                charge: usize::try_from(rows.number("charge_no", row)?)
                    .map_err(|_| exec_datafusion_err!("a charge without a number"))?,
                day: rows.required_day("day", row)?,
                messages: rows.number("messages", row)?,
            })
        })
        .collect()
}
