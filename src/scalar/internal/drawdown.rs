//! `dayrate_drawdown`: how a DAR draws down its period's commitment, and what that costs.
//!
//! Internal: `ledger` and `engagement_days` plan it.

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, StructArray};
use arrow::datatypes::{DataType, Decimal128Type, Fields, Int64Type};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::rows_out::{fields, fixed};
use crate::domain::credits::CREDIT_SCALE;
use crate::domain::money::{Credits4, MONEY_SCALE, Money, Price6};
use crate::domain::tariff::{BLOCK_MODES, Overage, TIER_MODES, Tier};
use crate::error;

/// `dayrate_drawdown(period_no, cumulative, credits, total, averaged, ended, commitment, credit_price, overage,
/// overage_block, tiers)`: `{cumulative, drawn, overage, remaining, amount}`, NULL where `period_no` is.
///
/// `cumulative` includes the row's own `credits`; `total` is that of the whole period, asked for only by volume tiers
/// and averages. `amount` is what the row's own credits cost, or, if `averaged`, its share of the period's money, to
/// which the unused commitment belongs where the period has `ended`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Drawdown {
    signature: Signature,
}

impl Drawdown {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(11, Volatility::Immutable),
        }
    }

    fn fields() -> Fields {
        fields([
            ("cumulative", DataType::Decimal128(18, 4)),
            ("drawn", DataType::Decimal128(18, 4)),
            ("overage", DataType::Decimal128(18, 4)),
            ("remaining", DataType::Decimal128(18, 4)),
            ("amount", DataType::Decimal128(30, 10)),
        ])
    }
}

/// What one period costs.
pub(super) struct Prices {
    commitment: Credits4,
    credit_price: Price6,
    overage: Overage,
}

/// The columns of `dayrate_contract_periods` that hold prices.
pub(super) struct PriceColumns<'a> {
    commitment: &'a Decimal128Array,
    credit_price: &'a Decimal128Array,
    overage: &'a ArrayRef,
    overage_block: &'a Decimal128Array,
    tiers: &'a ArrayRef,
}

impl<'a> PriceColumns<'a> {
    /// From `commitment, credit_price, overage, overage_block, tiers`.
    pub(super) fn new(columns: &'a [ArrayRef]) -> Result<Self> {
        match columns {
            [commitment, credit_price, overage, overage_block, tiers] => Ok(Self {
                commitment: decimals(commitment)?,
                credit_price: decimals(credit_price)?,
                overage,
                overage_block: decimals(overage_block)?,
                tiers,
            }),
            _ => Err(exec_datafusion_err!(
                "the prices of a period take five columns"
            )),
        }
    }

    /// The prices at `row`, which has a period.
    pub(super) fn prices(&self, row: usize) -> Result<Prices> {
        let wrong = || exec_datafusion_err!("the prices of a period are not as planned");
        let mode = self
            .overage
            .as_string_view_opt()
            .ok_or_else(wrong)?
            .value(row);
        let tiers = self
            .tiers
            .as_list_opt::<i32>()
            .ok_or_else(wrong)?
            .value(row);
        let tiers = tiers.as_struct_opt().ok_or_else(wrong)?;
        let (from, price) = (decimals(tiers.column(0))?, decimals(tiers.column(1))?);
        let mut tiers = from
            .values()
            .iter()
            .zip(price.values())
            .map(|(from, price)| Tier {
                from: *from,
                price: *price,
            });
        let block_mode = BLOCK_MODES.iter().find(|(name, _)| *name == mode);
        let tier_mode = TIER_MODES.iter().find(|(name, _)| *name == mode);
        let overage = match (block_mode, tier_mode) {
            (Some((_, mode)), _) => Overage::Blocks {
                size: self.overage_block.value(row),
                price: tiers.next().ok_or_else(wrong)?.price,
                mode: *mode,
            },
            (None, Some((_, mode))) => Overage::Tiers(*mode, tiers.collect()),
            (None, None) => return Err(wrong()),
        };
        Ok(Prices {
            commitment: self.commitment.value(row),
            credit_price: self.credit_price.value(row),
            overage,
        })
    }
}

impl Prices {
    /// What the credits from `before` to `after` of a period cost that has `total` of them.
    ///
    /// # Errors
    ///
    /// Money that does not fit.
    pub(super) fn money(
        &self,
        before: Credits4,
        after: Credits4,
        total: Credits4,
    ) -> std::result::Result<Money, crate::domain::Fault> {
        let above = |credits: Credits4| (credits - self.commitment).max(0);
        let drawn = after.min(self.commitment) - before.min(self.commitment);
        let overage = |credits| self.overage.money(above(credits), above(total));
        Money::of(drawn, self.credit_price)?.plus(overage(after)?.minus(overage(before)?)?)
    }

    /// The share that the credits from `before` to `after` have in all the money of a period of `total` credits.
    ///
    /// # Errors
    ///
    /// Money that does not fit.
    fn average(
        &self,
        before: Credits4,
        after: Credits4,
        total: Credits4,
        ended: bool,
    ) -> std::result::Result<Money, crate::domain::Fault> {
        let mut money = self.money(0, total, total)?;
        if ended {
            let unused = (self.commitment - total).max(0);
            money = money.plus(Money::of(unused, self.credit_price)?)?;
        }
        money
            .of_part(after, total)?
            .minus(money.of_part(before, total)?)
    }
}

fn decimals(column: &ArrayRef) -> Result<&Decimal128Array> {
    column
        .as_primitive_opt::<Decimal128Type>()
        .ok_or_else(|| exec_datafusion_err!("a decimal is expected, got {}", column.data_type()))
}

impl ScalarUDFImpl for Drawdown {
    fn name(&self) -> &str {
        "dayrate_drawdown"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(Self::fields()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let columns = args
            .args
            .into_iter()
            .map(|column| column.into_array(rows))
            .collect::<Result<Vec<_>>>()?;
        let [
            period,
            cumulative,
            credits,
            total,
            averaged,
            ended,
            prices @ ..,
        ] = columns.as_slice()
        else {
            return Err(exec_datafusion_err!(
                "{} takes eleven arguments",
                self.name()
            ));
        };
        let period = period
            .as_primitive_opt::<Int64Type>()
            .ok_or_else(|| exec_datafusion_err!("period_no is not a number"))?;
        let (cumulative, credits) = (decimals(cumulative)?, decimals(credits)?);
        let total = total.as_primitive_opt::<Decimal128Type>();
        let is = |flags: &ArrayRef, row: usize| {
            let flags = flags.as_boolean_opt();
            flags.is_some_and(|flags| flags.is_valid(row) && flags.value(row))
        };
        let price_columns = PriceColumns::new(prices)?;

        let mut at: Option<(i64, Prices)> = None;
        let mut drawn_down = Vec::with_capacity(rows);
        let (mut drawn, mut over) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        let (mut remaining, mut amount) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for row in 0..rows {
            if period.is_null(row) || credits.is_null(row) {
                for column in [
                    &mut drawn_down,
                    &mut drawn,
                    &mut over,
                    &mut remaining,
                    &mut amount,
                ] {
                    column.push(None);
                }
                continue;
            }
            // The rows come period by period.
            let prices = match &mut at {
                Some((number, prices)) if *number == period.value(row) => prices,
                other => {
                    let prices = price_columns.prices(row)?;
                    &mut other.insert((period.value(row), prices)).1
                }
            };
            let after = cumulative.value(row);
            let before = after - credits.value(row);
            let total = total.map_or(after, |total| total.value(row));
            let within = after.min(prices.commitment);
            let own = within - before.min(prices.commitment);
            let money = if is(averaged, row) {
                prices.average(before, after, total, is(ended, row))
            } else {
                prices.money(before, after, total)
            };
            let money = money.map_err(|fault| error::data(fault.to_string()))?;
            drawn_down.push(Some(after));
            drawn.push(Some(own));
            over.push(Some(after - before - own));
            remaining.push(Some(prices.commitment - within));
            amount.push(Some(money.units()));
        }
        let columns = vec![
            fixed(drawn_down.into_iter(), 18, CREDIT_SCALE)?,
            fixed(drawn.into_iter(), 18, CREDIT_SCALE)?,
            fixed(over.into_iter(), 18, CREDIT_SCALE)?,
            fixed(remaining.into_iter(), 18, CREDIT_SCALE)?,
            fixed(amount.into_iter(), 30, MONEY_SCALE)?,
        ];
        let parts = StructArray::try_new(Self::fields(), columns, None)?;
        Ok(ColumnarValue::Array(std::sync::Arc::new(parts)))
    }
}
