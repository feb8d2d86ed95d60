//! `dayrate_offer_costs(offers, history)`: the offers with their cost on a history of use.
//!
//! Internal: `commitment_curve` plans it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, new_empty_array};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Field, FieldRef, Fields, Int64Type};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::listed_rows::ListedRows;
use super::rows_out::{fixed, list_field, one_list, scaled};
use crate::domain::contract::show;
use crate::domain::credits::{CREDIT_SCALE, PRICE_SCALE};
use crate::domain::money::MONEY_SCALE;
use crate::domain::offer::{Offer, OfferCost, commitment_curve};
use crate::error;

/// The figures of an offer, with their decimals.
pub(crate) const OFFER_FIGURES: [(&str, u32); 3] = [
    ("committed_credits", CREDIT_SCALE),
    ("credit_price", PRICE_SCALE),
    ("overage_price", PRICE_SCALE),
];

/// The longest history that is one period, in days: a leap year.
const LONGEST: i64 = 366;

/// `dayrate_offer_costs(offers, history)`: each offer as `offer`, and `used, unused, overage, total, is_best`.
///
/// `offers` is a list of `{offer: {…}, committed_credits, credit_price, overage_price}`; `history` is `{dars, credits,
/// rated, first_day, last_day, first_org, last_org, orgs, first_scenario, last_scenario, scenarios}`, in which `rated`,
/// `orgs` and `scenarios` count the rows that have one.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct OfferCosts {
    signature: Signature,
}

impl OfferCosts {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }
}

/// The fields of a row of the result, from the type of the list of offers.
fn fields_of(offers: &DataType) -> Result<Fields> {
    let offer = match offers {
        DataType::List(item) => match item.data_type() {
            DataType::Struct(fields) => fields
                .iter()
                .find(|field| field.name() == "offer")
                .map(|field| field.data_type().clone()),
            _ => None,
        },
        _ => None,
    };
    let offer = offer.ok_or_else(|| exec_datafusion_err!("a list of offers is expected"))?;
    Ok([
        ("offer", offer),
        ("used", DataType::Decimal128(18, 4)),
        ("unused", DataType::Decimal128(18, 4)),
        ("overage", DataType::Decimal128(18, 4)),
        ("total", DataType::Decimal128(30, 10)),
        ("is_best", DataType::Boolean),
    ]
    .into_iter()
    .map(|(name, data_type)| Field::new(name, data_type, true))
    .collect())
}

impl ScalarUDFImpl for OfferCosts {
    fn name(&self) -> &str {
        "dayrate_offer_costs"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let offers = arg_types
            .first()
            .ok_or_else(|| exec_datafusion_err!("{} takes offers", self.name()))?;
        Ok(list_field("", fields_of(offers)?).data_type().clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args
            .arg_fields
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        Ok(Arc::new(Field::new(
            self.name(),
            self.return_type(&types)?,
            true,
        )))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [offers, history] = take_function_args(self.name(), args.args)?;
        let fields = fields_of(&offers.data_type())?;
        let rows = ListedRows::new("offers", &offers)?;
        let offers = (0..rows.len())
            .map(|row| offer(&rows, row))
            .collect::<Result<Vec<_>>>()?;
        let credits = credits_of(&history.into_array(1)?)?;
        let costs =
            commitment_curve(&offers, credits).map_err(|fault| error::data(fault.to_string()))?;
        let own = match (rows.is_empty(), fields.first()) {
            (true, Some(offer)) => new_empty_array(offer.data_type()),
            _ => Arc::clone(rows.column("offer")?),
        };
        let credits = |of: fn(&OfferCost) -> i128| {
            fixed(costs.iter().map(|cost| Some(of(cost))), 18, CREDIT_SCALE)
        };
        let totals = costs.iter().map(|cost| Some(cost.total.units()));
        let best: BooleanArray = costs.iter().map(|cost| Some(cost.is_best)).collect();
        let columns = vec![
            own,
            credits(|cost| cost.used)?,
            credits(|cost| cost.unused)?,
            credits(|cost| cost.overage)?,
            fixed(totals, 30, MONEY_SCALE)?,
            Arc::new(best),
        ];
        one_list(fields, columns)
    }
}

fn offer(rows: &ListedRows, row: usize) -> Result<Offer> {
    let figure = |(name, scale): (&'static str, u32)| {
        let value = rows.required_decimal(name, row, scale)?;
        if value.is_sign_negative() && !value.is_zero() {
            return Err(error::data(format!(
                "offers: {name} is {value} in the row {}; it may not be negative",
                rows.show(row)
            )));
        }
        scaled(value, scale)
    };
    let [committed, credit_price, overage_price] = OFFER_FIGURES;
    Ok(Offer {
        committed: figure(committed)?,
        credit_price: figure(credit_price)?,
        overage_price: figure(overage_price)?,
    })
}

/// The credits of a history that is one period of one organization.
fn credits_of(history: &ArrayRef) -> Result<i128> {
    let wrong = || exec_datafusion_err!("the history is not as planned");
    let history = history.as_struct_opt().ok_or_else(wrong)?;
    let column = |name: &str| history.column_by_name(name).ok_or_else(wrong);
    let number = |name: &str| -> Result<i64> {
        let numbers = column(name)?.as_primitive_opt::<Int64Type>();
        Ok(numbers.ok_or_else(wrong)?.value(0))
    };
    let text = |name: &str| -> Result<Option<String>> {
        let texts = column(name)?.as_string_view_opt().ok_or_else(wrong)?;
        Ok(texts.is_valid(0).then(|| texts.value(0).to_owned()))
    };
    let day = |name: &str| -> Result<Option<i32>> {
        let days = column(name)?.as_primitive_opt::<Date32Type>();
        let days = days.ok_or_else(wrong)?;
        Ok(days.is_valid(0).then(|| days.value(0)))
    };
    let dars = number("dars")?;
    if dars == 0 {
        return Ok(0);
    }
    if number("rated")? < dars || number("orgs")? < dars {
        return Err(error::data(
            "commitment_curve: org_id or credits of a DAR is NULL; take them from rated_dars",
        ));
    }
    let (first, last) = (text("first_org")?, text("last_org")?);
    if first != last {
        return Err(error::data(format!(
            "commitment_curve: the history is of several organizations, '{}' and '{}' among them, and one commitment is of \
             one: write commitment_curve((SELECT * FROM rated_dars() WHERE org_id = '{}'), …)",
            first.as_deref().unwrap_or_default(),
            last.as_deref().unwrap_or_default(),
            first.as_deref().unwrap_or_default(),
        )));
    }
    let named = number("scenarios")?;
    let (first, last) = (text("first_scenario")?, text("last_scenario")?);
    if first != last || (named > 0 && named < dars) {
        return Err(error::data(format!(
            "commitment_curve: the history is of several scenarios, '{}' among them, so every DAR is in it more than once: \
             rate it under one, rated_dars(…, scenario => '…')",
            last.as_deref().unwrap_or_default(),
        )));
    }
    if let (Some(first), Some(last)) = (day("first_day")?, day("last_day")?)
        && i64::from(last) - i64::from(first) >= LONGEST
    {
        return Err(error::data(format!(
            "commitment_curve: the history reaches from {} to {}, and one commitment is for one period of at most {LONGEST} \
             days: cut it with from => DATE '…', to => DATE '…'",
            show(first),
            show(last),
        )));
    }
    let credits = column("credits")?.as_primitive_opt::<Decimal128Type>();
    Ok(credits.ok_or_else(wrong)?.value(0))
}
