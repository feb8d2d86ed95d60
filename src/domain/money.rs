//! Exact money: what a product of credits and a price is, and the one rounding of a bill.
//!
//! Credits count ten-thousandths (`DECIMAL(18,4)`), prices millionths (`DECIMAL(18,6)`), so every product of the two is
//! a whole number of ten-billionths: the scale of [`Money`], in which nothing is rounded.

use iso_currency::Currency;

use super::Fault;

/// Credits in ten-thousandths, as `DECIMAL(18,4)` holds them.
pub(crate) type Credits4 = i128;

/// A price in millionths of the currency, as `DECIMAL(18,6)` holds it.
pub(crate) type Price6 = i128;

/// An amount of an invoice in ten-thousandths of the currency, as `DECIMAL(20,4)` holds it.
pub(crate) type Amount4 = i128;

/// Decimals of unrounded money.
pub(crate) const MONEY_SCALE: u32 = 10;

/// The first amount beyond `DECIMAL(30,10)`.
const MONEY_LIMIT: u128 = 10_u128.pow(30);

/// The first amount beyond `DECIMAL(20,4)`.
const AMOUNT_LIMIT: u128 = 10_u128.pow(20);

/// Decimals of an invoice's amounts.
const AMOUNT_SCALE: u32 = 4;

/// Money in ten-billionths of the currency, unrounded: `DECIMAL(30,10)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Money(i128);

impl Money {
    /// Nothing.
    pub(crate) const ZERO: Money = Money(0);

    /// `units` ten-billionths.
    ///
    /// # Errors
    ///
    /// More than 30 digits.
    pub(crate) fn new(units: i128) -> Result<Self, Fault> {
        if units.unsigned_abs() < MONEY_LIMIT {
            Ok(Self(units))
        } else {
            Err(too_large())
        }
    }

    /// What `credits` cost at `price`.
    ///
    /// # Errors
    ///
    /// More than 30 digits.
    pub(crate) fn of(credits: Credits4, price: Price6) -> Result<Self, Fault> {
        Self::new(credits.checked_mul(price).ok_or_else(too_large)?)
    }

    /// Ten-billionths.
    pub(crate) fn units(self) -> i128 {
        self.0
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// More than 30 digits.
    pub(crate) fn plus(self, other: Self) -> Result<Self, Fault> {
        Self::new(self.0.checked_add(other.0).ok_or_else(too_large)?)
    }

    /// The difference.
    ///
    /// # Errors
    ///
    /// More than 30 digits.
    pub(crate) fn minus(self, other: Self) -> Result<Self, Fault> {
        Self::new(self.0.checked_sub(other.0).ok_or_else(too_large)?)
    }

    /// The money of the first `part` of `whole` credits that cost this much together, rounded half up to the last digit:
    /// differences of it add up to the whole.
    ///
    /// # Errors
    ///
    /// More credits than `DECIMAL(18,4)` holds.
    pub(crate) fn of_part(self, part: Credits4, whole: Credits4) -> Result<Self, Fault> {
        if whole == 0 {
            return Ok(Self::ZERO);
        }
        let (each, rest) = (self.0 / whole, self.0 % whole);
        let units = rest
            .checked_mul(part)
            .and_then(|product| half_up(product, whole))
            .and_then(|rest| each.checked_mul(part)?.checked_add(rest));
        Self::new(units.ok_or_else(too_large)?)
    }

    /// Rounded once, half up, to `minor` decimals.
    ///
    /// # Errors
    ///
    /// More than 20 digits.
    pub(crate) fn rounded(self, minor: MinorUnit) -> Result<Amount4, Fault> {
        quotient_rounded(self.0, 10_i128.pow(10 - minor.0), minor)
    }
}

/// `dividend / divisor`, which counts the currency's minor units, rounded once, half up, as an amount.
///
/// # Errors
///
/// More than 20 digits.
pub(crate) fn quotient_rounded(
    dividend: i128,
    divisor: i128,
    minor: MinorUnit,
) -> Result<Amount4, Fault> {
    half_up(dividend, divisor)
        .and_then(|units| units.checked_mul(10_i128.pow(AMOUNT_SCALE - minor.0)))
        .filter(|amount| amount.unsigned_abs() < AMOUNT_LIMIT)
        .ok_or_else(too_large)
}

/// `dividend / divisor` to a whole number, halves away from zero; `None` if it does not fit or the divisor is 0.
pub(crate) fn half_up(dividend: i128, divisor: i128) -> Option<i128> {
    let (whole, rest) = (
        dividend.checked_div(divisor)?,
        dividend.checked_rem(divisor)?,
    );
    let away = if (dividend < 0) == (divisor < 0) {
        1
    } else {
        -1
    };
    if rest.unsigned_abs() >= divisor.unsigned_abs() - rest.unsigned_abs() {
        whole.checked_add(away)
    } else {
        Some(whole)
    }
}

fn too_large() -> Fault {
    Fault::new(
        "an amount is too large: unrounded money has at most 30 digits, 10 of them decimals, and an invoice line at \
                most 20, 4 of them decimals; look for a price or a number of credits in the wrong unit",
    )
}

/// The decimals of a currency's minor unit: JPY 0, USD 2, KWD 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MinorUnit(u32);

impl MinorUnit {
    /// Of a currency by its ISO 4217 code.
    ///
    /// # Errors
    ///
    /// A code that ISO 4217 does not have, also in lower case, or one that has no minor unit (gold, for one).
    pub(crate) fn of(currency: &str) -> Result<Self, Fault> {
        let unknown = |remedy: String| {
            Fault::new(format!(
                "currency '{currency}' is no currency of ISO 4217: {remedy}"
            ))
        };
        let upper = currency.to_uppercase();
        match Currency::from_code(&upper).and_then(Currency::exponent) {
            Some(_) if upper != currency => Err(unknown(format!("write '{upper}'"))),
            Some(decimals) if u32::from(decimals) <= AMOUNT_SCALE => Ok(Self(decimals.into())),
            _ => Err(unknown(
                "write its code of three capital letters, such as 'USD'".into(),
            )),
        }
    }

    /// How many decimals.
    pub(crate) fn decimals(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    #[test]
    fn minor_units_are_those_of_the_standard() {
        for (code, decimals) in [("JPY", 0), ("USD", 2), ("EUR", 2), ("KWD", 3), ("CLF", 4)] {
            assert_eq!(MinorUnit::of(code).unwrap().decimals(), decimals, "{code}");
        }
        for wrong in ["usd", "XYZ", "", "XAU", "US"] {
            assert!(MinorUnit::of(wrong).is_err(), "{wrong}");
        }
    }

    /// 0.125 at two decimals is 0.13, -0.125 is -0.13; the ledger's own digits stay.
    #[test]
    fn halves_go_away_from_zero() {
        let cents = MinorUnit::of("USD").unwrap();
        let money = |units| Money::new(units).unwrap().rounded(cents).unwrap();
        assert_eq!(money(1_250_000_000), 1_300);
        assert_eq!(money(-1_250_000_000), -1_300);
        assert_eq!(money(1_249_999_999), 1_200);
        assert_eq!(half_up(7, 2), Some(4));
        assert_eq!(half_up(-7, 2), Some(-4));
        assert_eq!(half_up(1, 3), Some(0));
        assert_eq!(half_up(1, 0), None);
    }

    #[test]
    fn what_does_not_fit_is_a_fault() {
        assert!(Money::of(10_i128.pow(17), 10_i128.pow(13)).is_err());
        assert!(Money::of(i128::MAX, 2).is_err());
        assert!(
            Money::of(10_i128.pow(18) - 1, 10_i128.pow(11))
                .unwrap()
                .plus(Money::of(10_i128.pow(18) - 1, 9 * 10_i128.pow(11)).unwrap())
                .is_ok()
        );
    }
}
