//! What a contract row commits to and what it costs: its periods, its prices, its overage.

use std::collections::BTreeMap;

use jiff::ToSpan;
use rust_decimal::Decimal;

use super::Fault;
use super::contract::{PeriodKind, Term, show};
use super::credits::{CREDIT_SCALE, PRICE_SCALE};
use super::day::{Day, date_of, day_of};
use super::money::{Credits4, Price6};
use super::tariff::{Overage, Tier, TierMode};

/// One row of `price_tiers`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PriceTier {
    /// Whose overage it prices: every row of that id.
    pub(crate) contract_id: String,
    /// Overage credits of the period, from 0.
    pub(crate) from_credits: Decimal,
    /// For each credit.
    pub(crate) price: Decimal,
    /// The same in all tiers of a contract.
    pub(crate) mode: TierMode,
}

/// A contract row with its money.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Agreement {
    /// The row.
    pub(crate) term: Term,
    /// Credits committed to, in each period; never prorated.
    pub(crate) committed: Credits4,
    /// For each of them.
    pub(crate) credit_price: Price6,
    /// Above them.
    pub(crate) overage: Overage,
}

/// The money of every term.
///
/// # Errors
///
/// A required figure that is NULL, a block of 0 credits, tiers that repeat a threshold, mix their modes, are negative
/// or stand beside blocks: the text names the contract and the remedy.
pub(crate) fn agreements(terms: Vec<Term>, tiers: &[PriceTier]) -> Result<Vec<Agreement>, Fault> {
    let mut by_contract: BTreeMap<&str, Vec<&PriceTier>> = BTreeMap::new();
    for tier in tiers {
        by_contract.entry(&tier.contract_id).or_default().push(tier);
    }
    for tiers in by_contract.values_mut() {
        tiers.sort_by_key(|tier| tier.from_credits);
        check(tiers)?;
    }
    terms
        .into_iter()
        .map(|term| {
            let tiers = by_contract
                .get(term.contract_id.as_str())
                .map_or(&[][..], Vec::as_slice);
            agreement(term, tiers)
        })
        .collect()
}

/// Checks the tiers of one contract, by `from_credits`.
fn check(tiers: &[&PriceTier]) -> Result<(), Fault> {
    let fault = |tier: &PriceTier, what: String| {
        Err(Fault::new(format!(
            "price_tiers: contract_id '{}': {what}",
            tier.contract_id
        )))
    };
    for tier in tiers {
        for (column, value) in [("from_credits", tier.from_credits), ("price", tier.price)] {
            if value < Decimal::ZERO {
                return fault(tier, format!("{column} is {value}; it may not be negative"));
            }
        }
    }
    for pair in tiers.windows(2) {
        if let [lower, upper] = pair {
            if lower.from_credits == upper.from_credits {
                return fault(
                    upper,
                    format!(
                        "two tiers begin at from_credits {}; keep one of them",
                        upper.from_credits
                    ),
                );
            }
            if lower.mode != upper.mode {
                return fault(
                    upper,
                    "its tiers mix the modes 'graduated' and 'volume'; give all of them one".into(),
                );
            }
        }
    }
    Ok(())
}

fn agreement(term: Term, tiers: &[&PriceTier]) -> Result<Agreement, Fault> {
    let fault = |what: String| {
        Fault::new(format!(
            "contracts: contract_id '{}' (term_start {}): {what}",
            term.contract_id,
            show(term.start)
        ))
    };
    let figure = |name: &str| {
        let found = term.figures.iter().find(|(column, _)| *column == name);
        found.map(|(_, value)| *value)
    };
    let required = |name: &str| {
        figure(name).ok_or_else(|| {
            fault(format!(
                "{name} is NULL; every contract needs a value there"
            ))
        })
    };
    let committed = units(required("committed_credits")?, CREDIT_SCALE);
    let credit_price = units(required("credit_price")?, PRICE_SCALE);
    let overage_price = units(required("overage_price")?, PRICE_SCALE);
    let overage = match (figure("overage_block"), tiers) {
        (None, tiers) => {
            let mode = tiers.first().map_or(TierMode::Graduated, |tier| tier.mode);
            let tiers = tiers.iter().map(|tier| Tier {
                from: units(tier.from_credits, CREDIT_SCALE),
                price: units(tier.price, PRICE_SCALE),
            });
            Overage::tiers(overage_price, mode, tiers.collect())
        }
        (Some(size), []) if size > Decimal::ZERO => Overage::Blocks {
            size: units(size, CREDIT_SCALE),
            price: overage_price,
            mode: term.block_mode,
        },
        (Some(size), []) => {
            return Err(fault(format!(
                "overage_block is {size}; a block holds more than 0 credits, and NULL means no blocks"
            )));
        }
        (Some(_), _) => {
            return Err(fault(
                "it has price_tiers and an overage_block; take out one of them".into(),
            ));
        }
    };
    Ok(Agreement {
        term,
        committed,
        credit_price,
        overage,
    })
}

/// `value` in units of its last decimal; its reader has checked that it has at most `scale` of them.
fn units(value: Decimal, scale: u32) -> i128 {
    let value = value.normalize();
    value.mantissa() * 10_i128.pow(scale.saturating_sub(value.scale()))
}

/// The stretches of days, half open, that each have a commitment of their own.
///
/// A month begins on the term's start day; where a month is too short for it, on its last day. Each is counted from
/// the term's start, never from the month before, and the last is cut at the term's end.
pub(crate) fn periods(term: &Term) -> Vec<(Day, Day)> {
    let whole = vec![(term.start, term.end)];
    let (PeriodKind::Month, Some(anchor)) = (term.period, date_of(term.start)) else {
        return whole;
    };
    let begins = |month: i32| {
        let later = anchor.checked_add(month.months());
        later.map_or(term.end, |date| day_of(date).min(term.end))
    };
    (0..)
        .map(|month| (begins(month), begins(month + 1)))
        .take_while(|(start, _)| *start < term.end)
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::super::contract::tests::term;
    use super::*;

    fn month_starts(start: &str, end: &str) -> Vec<String> {
        let day = |text: &str| day_of(text.parse().unwrap());
        let term = Term {
            start: day(start),
            end: day(end),
            period: PeriodKind::Month,
            ..term("a", 0, 1, None)
        };
        let periods = periods(&term);
        assert!(periods.windows(2).all(|pair| pair[0].1 == pair[1].0));
        assert_eq!(periods.last().unwrap().1, term.end);
        periods.iter().map(|(start, _)| show(*start)).collect()
    }

    /// 31 January, then the last day of February, then 31 March: anchored, never chained.
    #[test]
    fn months_are_anchored() {
        assert_eq!(
            month_starts("2025-01-31", "2025-05-01"),
            ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"]
        );
        assert_eq!(
            month_starts("2024-01-30", "2024-04-02"),
            ["2024-01-30", "2024-02-29", "2024-03-30"]
        );
        assert_eq!(month_starts("2025-01-15", "2025-01-20"), ["2025-01-15"]);
        assert_eq!(
            month_starts("9999-11-30", "9999-12-31"),
            ["9999-11-30", "9999-12-30"]
        );
    }

    fn tier(from: i64, mode: TierMode) -> PriceTier {
        PriceTier {
            contract_id: "a".into(),
            from_credits: from.into(),
            price: Decimal::ONE,
            mode,
        }
    }

    fn fault(figures: &[(&'static str, i64)], tiers: &[PriceTier]) -> String {
        let figures = figures.iter().map(|(name, value)| (*name, (*value).into()));
        let term = Term {
            figures: figures.collect(),
            ..term("a", 0, 365, None)
        };
        agreements(vec![term], tiers).unwrap_err().to_string()
    }

    #[test]
    fn faults_name_the_contract() {
        use TierMode::{Graduated, Volume};
        let whole = [
            ("committed_credits", 1),
            ("credit_price", 1),
            ("overage_price", 1),
        ];
        let text = fault(&whole[..2], &[]);
        assert!(
            text.contains("'a'") && text.contains("overage_price is NULL"),
            "{text}"
        );
        let blocks = [&whole[..], &[("overage_block", 0)]].concat();
        assert!(fault(&blocks, &[]).contains("overage_block is 0"));
        let blocks = [&whole[..], &[("overage_block", 5)]].concat();
        assert!(fault(&blocks, &[tier(0, Volume)]).contains("overage_block"));
        assert!(fault(&whole, &[tier(5, Volume), tier(5, Volume)]).contains("from_credits 5"));
        assert!(fault(&whole, &[tier(5, Volume), tier(9, Graduated)]).contains("mix"));
        assert!(fault(&whole, &[tier(-5, Volume)]).contains("negative"));
    }
}
