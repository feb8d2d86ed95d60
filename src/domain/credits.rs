//! What one DAR costs in engagement credits.
//!
//! The plan: one credit for each DAR, 0.2 more when Intent Analyzer listened, and 1.5x instead of 1x when generative
//! AI is on for the organization. It is silent on whether the 1.5 also multiplies the 0.2; [`SurchargeMode`] is our
//! named reading.

use rust_decimal::{Decimal, RoundingStrategy};

use super::Fault;
use super::choice::named;

/// Decimals of a price or a multiplier: `DECIMAL(18,6)`.
pub(crate) const PRICE_SCALE: u32 = 6;

/// Decimals that a credit has in every column: `DECIMAL(18,4)`.
pub(crate) const CREDIT_SCALE: u32 = 4;

/// Whether generative AI also multiplies the Intent Analyzer surcharge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum SurchargeMode {
    /// 1 x 1.5 + 0.2 = 1.7: the surcharge is a fixed amount.
    #[default]
    Add,
    /// (1 + 0.2) x 1.5 = 1.8.
    Multiply,
}

/// Every surcharge mode by its name in SQL, the default first.
pub(crate) const SURCHARGE_MODES: [(&str, SurchargeMode); 2] = [
    ("add", SurchargeMode::Add),
    ("multiply", SurchargeMode::Multiply),
];

impl SurchargeMode {
    /// The mode that `text` names.
    ///
    /// # Errors
    ///
    /// Any other text; the names are listed.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        named("surcharge_mode", Some(text), &SURCHARGE_MODES)
    }

    /// As SQL has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            SurchargeMode::Add => "add",
            SurchargeMode::Multiply => "multiply",
        }
    }
}

/// The rates of a contract, or the published ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rates {
    /// Credits of a plain DAR.
    pub(crate) dar_credits: Decimal,
    /// Factor on the DAR's credits while generative AI is on.
    pub(crate) gen_ai_multiplier: Decimal,
    /// Credits added when Intent Analyzer listened.
    pub(crate) intent_analyzer_credits: Decimal,
    /// How the two meet.
    pub(crate) surcharge_mode: SurchargeMode,
}

impl Rates {
    /// The published rates: 1, 1.5, 0.2, added.
    pub(crate) const STANDARD: Rates = Rates {
        dar_credits: Decimal::ONE,
        gen_ai_multiplier: Decimal::from_parts(15, 0, 0, false, 1),
        intent_analyzer_credits: Decimal::from_parts(2, 0, 0, false, 1),
        surcharge_mode: SurchargeMode::Add,
    };
}

/// The credits of one DAR and what they are made of: the three parts add up to `total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Credits {
    /// For the DAR itself.
    pub(crate) base: Decimal,
    /// What generative AI adds.
    pub(crate) gen_ai: Decimal,
    /// What Intent Analyzer adds.
    pub(crate) intent_analyzer: Decimal,
    /// All of it, at four decimals.
    pub(crate) total: Decimal,
}

/// The credits of one DAR, scaled by `growth` (1 for a bill).
///
/// Only the total is rounded, half up, to four decimals; generative AI takes what the rounding leaves, or the base
/// where it is off.
///
/// # Errors
///
/// A product that does not fit 28 digits.
pub(crate) fn credits(
    gen_ai: bool,
    intent_analyzer: bool,
    rates: &Rates,
    growth: Decimal,
) -> Result<Credits, Fault> {
    let times = |a: Decimal, b: Decimal| {
        a.checked_mul(b)
            .ok_or_else(|| Fault::new(format!("credits: {a} x {b} does not fit 28 digits")))
    };
    let factor = if gen_ai {
        rates.gen_ai_multiplier
    } else {
        Decimal::ONE
    };
    let surcharge = match (intent_analyzer, rates.surcharge_mode) {
        (false, _) => Decimal::ZERO,
        (true, SurchargeMode::Add) => rates.intent_analyzer_credits,
        (true, SurchargeMode::Multiply) => times(rates.intent_analyzer_credits, factor)?,
    };
    let exact = times(rates.dar_credits, factor)?
        .checked_add(surcharge)
        .ok_or_else(|| Fault::new("credits: the sum does not fit 28 digits"))?;
    let total = times(exact, growth)?
        .round_dp_with_strategy(CREDIT_SCALE, RoundingStrategy::MidpointAwayFromZero);
    let down =
        |value: Decimal| value.round_dp_with_strategy(CREDIT_SCALE, RoundingStrategy::ToZero);
    let intent_analyzer = down(times(surcharge, growth)?);
    let rest = total - intent_analyzer;
    let base = if gen_ai {
        down(times(rates.dar_credits, growth)?)
    } else {
        rest
    };
    Ok(Credits {
        base,
        gen_ai: rest - base,
        intent_analyzer,
        total,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn total(gen_ai: bool, intent_analyzer: bool, surcharge_mode: SurchargeMode) -> Decimal {
        let rates = Rates {
            surcharge_mode,
            ..Rates::STANDARD
        };
        credits(gen_ai, intent_analyzer, &rates, Decimal::ONE)
            .unwrap()
            .total
    }

    /// The figures of the published plan.
    #[test]
    fn published_rates() {
        assert_eq!(total(false, false, SurchargeMode::Add), dec("1"));
        assert_eq!(total(false, true, SurchargeMode::Add), dec("1.2"));
        assert_eq!(total(true, false, SurchargeMode::Add), dec("1.5"));
        assert_eq!(total(true, true, SurchargeMode::Add), dec("1.7"));
        assert_eq!(total(true, true, SurchargeMode::Multiply), dec("1.8"));
        assert_eq!(total(false, true, SurchargeMode::Multiply), dec("1.2"));
    }

    /// The parts add up to the total whatever the rates; with a multiplier of at least 1 none is negative.
    #[test]
    fn parts_add_up() {
        for thousandths in 0..3000_i64 {
            let growth = Decimal::new(thousandths, 3);
            for (gen_ai, intent_analyzer) in
                [(false, false), (false, true), (true, false), (true, true)]
            {
                for surcharge_mode in [SurchargeMode::Add, SurchargeMode::Multiply] {
                    let rates = Rates {
                        dar_credits: dec("0.3333"),
                        gen_ai_multiplier: dec("1.234567"),
                        intent_analyzer_credits: dec("0.1111"),
                        surcharge_mode,
                    };
                    let c = credits(gen_ai, intent_analyzer, &rates, growth).unwrap();
                    assert_eq!(c.base + c.gen_ai + c.intent_analyzer, c.total);
                    assert!(
                        [c.base, c.gen_ai, c.intent_analyzer]
                            .iter()
                            .all(|p| !p.is_sign_negative())
                    );
                }
            }
        }
    }

    #[test]
    fn a_product_too_large_is_a_fault() {
        let rates = Rates {
            dar_credits: Decimal::MAX,
            ..Rates::STANDARD
        };
        assert!(credits(true, false, &rates, Decimal::ONE).is_err());
    }
}
