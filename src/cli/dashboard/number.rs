//! Exact numbers as people read them: grouped digits, a currency's own decimals, one rounding.

use crate::domain::money::{MinorUnit, half_up};

/// `units` × 10^-`scale`, as the engine's decimals and integers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    units: i128,
    scale: u32,
}

impl Number {
    /// Nothing, as a whole number.
    pub(super) const ZERO: Number = Number { units: 0, scale: 0 };

    /// `units` × 10^-`scale`.
    pub(super) fn new(units: i128, scale: u32) -> Self {
        Self { units, scale }
    }

    /// Digits without the point.
    pub(super) fn units(self) -> i128 {
        self.units
    }

    /// Whether it is above nothing.
    pub(super) fn is_positive(self) -> bool {
        self.units > 0
    }

    /// The number in units of 10^-`scale`, rounded half up; what does not fit is the largest that does.
    pub(super) fn at_scale(self, scale: u32) -> i128 {
        if scale >= self.scale {
            let factor = 10_i128.checked_pow(scale - self.scale);
            factor.map_or(i128::MAX, |factor| self.units.saturating_mul(factor))
        } else {
            let divisor = 10_i128.checked_pow(self.scale - scale);
            divisor
                .and_then(|divisor| half_up(self.units, divisor))
                .unwrap_or_default()
        }
    }

    /// Below nothing what it was above.
    pub(super) fn negated(self) -> Self {
        Self::new(self.units.saturating_neg(), self.scale)
    }

    /// The sum, exact unless it does not fit.
    pub(super) fn plus(self, other: Self) -> Self {
        let scale = self.scale.max(other.scale);
        Self::new(
            self.at_scale(scale).saturating_add(other.at_scale(scale)),
            scale,
        )
    }

    /// `self` in hundredths of a percent of `whole`, rounded half up; `None` of nothing.
    pub(super) fn share(self, whole: Self) -> Option<Number> {
        let scale = self.scale.max(whole.scale);
        let part = self.at_scale(scale).checked_mul(10_000)?;
        half_up(part, whole.at_scale(scale)).map(|units| Number::new(units, 2))
    }

    /// How many decimals it takes to lose nothing.
    pub(super) fn decimals(self) -> u32 {
        let (mut units, mut scale) = (self.units, self.scale);
        while scale > 0 && units % 10 == 0 {
            units /= 10;
            scale -= 1;
        }
        scale
    }

    /// `1,234.50`, rounded half up to so many decimals.
    pub(super) fn text(self, decimals: u32) -> String {
        let units = self.at_scale(decimals);
        let digits = units.unsigned_abs().to_string();
        let width = usize::try_from(decimals).unwrap_or_default();
        let digits = format!("{digits:0>least$}", least = width + 1);
        let (whole, part) = digits.split_at(digits.len() - width);
        let sign = if units < 0 { "\u{2212}" } else { "" };
        let point = if part.is_empty() { "" } else { "." };
        format!("{sign}{}{point}{part}", grouped(whole))
    }

    /// With every decimal it has, and no zero behind them.
    pub(super) fn exact(self) -> String {
        self.text(self.decimals())
    }

    /// How many decimals the longest of several takes.
    pub(super) fn decimals_of(numbers: impl IntoIterator<Item = Number>) -> u32 {
        numbers
            .into_iter()
            .map(Number::decimals)
            .max()
            .unwrap_or_default()
    }

    /// With the decimals of a currency's minor unit; all of its own where the currency is unknown.
    pub(super) fn money(self, currency: Option<&str>) -> String {
        match currency.map(MinorUnit::of) {
            Some(Ok(minor)) => self.text(minor.decimals()),
            _ => self.exact(),
        }
    }

    /// A label beside an axis: `950`, `12.5k`, `3M`. The values there are round, so nothing is lost.
    pub(super) fn compact(self) -> String {
        for (power, letter) in [(9, "G"), (6, "M"), (3, "k")] {
            if self.units.unsigned_abs() >= 10_u128.pow(power + self.scale) {
                let thousands = Number::new(self.units, self.scale + power);
                return format!("{}{letter}", thousands.exact());
            }
        }
        self.exact()
    }
}

/// Digits in groups of three.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    #[test]
    fn digits_are_grouped_and_rounded_once() {
        assert_eq!(Number::new(1_234_567, 0).text(0), "1,234,567");
        assert_eq!(Number::new(123, 0).text(0), "123");
        assert_eq!(Number::new(-12_345, 1).text(0), "\u{2212}1,235");
        assert_eq!(Number::new(5, 3).text(2), "0.01");
        assert_eq!(Number::new(0, 4).text(2), "0.00");
        assert_eq!(Number::new(7, 0).text(2), "7.00");
        assert_eq!(Number::new(15_000, 4).exact(), "1.5");
    }

    #[test]
    fn money_has_the_decimals_of_its_currency() {
        let amount = Number::new(12_345_678_000, 7);
        assert_eq!(amount.money(Some("JPY")), "1,235");
        assert_eq!(amount.money(Some("USD")), "1,234.57");
        assert_eq!(amount.money(Some("KWD")), "1,234.568");
        assert_eq!(amount.money(Some("???")), "1,234.5678");
        assert_eq!(amount.money(None), "1,234.5678");
    }

    #[test]
    fn a_share_is_in_hundredths_of_a_percent() {
        let share = Number::new(10, 1).share(Number::new(3, 0)).unwrap();
        assert_eq!(share, Number::new(3_333, 2));
        assert_eq!(Number::new(1, 0).share(Number::ZERO), None);
    }

    #[test]
    fn labels_are_short_and_exact() {
        assert_eq!(Number::new(950, 0).compact(), "950");
        assert_eq!(Number::new(12_500, 0).compact(), "12.5k");
        assert_eq!(Number::new(30_000_000_000, 4).compact(), "3M");
        assert_eq!(Number::new(2, 1).compact(), "0.2");
    }
}
