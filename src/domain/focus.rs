//! Invoice lines as charges of FOCUS, the open format for cost and usage data.
//!
//! A commitment is a purchase that covers use: the purchase is billed and has no effective cost, the use it covers has
//! effective cost and is not billed again. So over any lines that bill the whole of what they cover, effective and
//! billed cost have one sum. Overage and channel charges are both billed and effective at once.

use std::collections::{BTreeMap, BTreeSet};

use super::Fault;
use super::contract::show;
use super::day::Day;
use super::money::{Amount4, MinorUnit, Money, Price6};

/// An invoice line, as far as its charges need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BilledLine {
    /// Scenario, organization, contract, start of the period.
    pub(crate) account: (Option<String>, String, Option<String>, Day),
    /// As `invoice_lines` has it.
    pub(crate) line_type: String,
    /// Of a channel charge.
    pub(crate) channel: Option<String>,
    /// What the quantity counts.
    pub(crate) unit: String,
    /// `None` where a fee has paid already.
    pub(crate) unit_price: Option<Price6>,
    /// In ten-thousandths.
    pub(crate) quantity: i128,
    /// `None`: no contract, so no charge.
    pub(crate) amount: Option<Amount4>,
    /// ISO 4217.
    pub(crate) currency: Option<String>,
}

/// What a charge is to the commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChargeKind {
    /// Buys it.
    Purchase,
    /// Is covered by it.
    Used,
    /// Is what nobody used of it.
    Unused,
    /// Has nothing to do with it.
    Usage,
}

/// One charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Charge {
    /// The place of its line among those given; of a line taken back, among the previous ones.
    pub(crate) line: Place,
    /// Purchase or usage.
    pub(crate) kind: ChargeKind,
    /// Whether it corrects an earlier invoice.
    pub(crate) is_correction: bool,
    /// In ten-thousandths of its unit.
    pub(crate) quantity: i128,
    /// For each.
    pub(crate) unit_price: Option<Price6>,
    /// On this invoice.
    pub(crate) billed: Amount4,
    /// With what was paid before it.
    pub(crate) effective: Amount4,
}

/// Where a charge's line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Among the lines.
    Now(usize),
    /// Among the previous lines.
    Before(usize),
}

/// What makes a line the same on two invoices.
type Key = (
    (Option<String>, String, Option<String>, Day),
    String,
    Option<String>,
    String,
    Option<Price6>,
    Option<String>,
);

/// What a line comes to.
#[derive(Debug, Clone, Copy)]
struct Position {
    place: usize,
    quantity: i128,
    unit_price: Option<Price6>,
    billed: Amount4,
    /// What its use costs, whoever paid.
    effective: Amount4,
}

/// The charges of `lines`, beyond those of `previous`, an earlier invoice of the same periods.
///
/// Without `previous` nothing is a correction. With it, an account that it has billed is only corrected: each line's
/// difference is one. Usage under no contract has no cost, so it is no charge.
///
/// # Errors
///
/// Use that a fee paid for which is not among the lines (it is in an earlier statement).
pub(crate) fn charges(lines: &[BilledLine], previous: &[BilledLine]) -> Result<Vec<Charge>, Fault> {
    let now = positions(lines)?;
    let mut before = positions(previous)?;
    let billed: BTreeSet<_> = previous.iter().map(|line| &line.account).collect();
    let mut charges = Vec::new();
    for (key, position) in now {
        let is_correction = billed.contains(&key.0);
        let earlier = before.remove(&key);
        let part = |of: fn(&Position) -> i128| of(&position) - earlier.as_ref().map_or(0, of);
        let change = Position {
            quantity: part(|p| p.quantity),
            billed: part(|p| p.billed),
            effective: part(|p| p.effective),
            ..position
        };
        push(
            &mut charges,
            &key.1,
            Place::Now(position.place),
            change,
            is_correction,
        );
    }
    for (key, position) in before {
        let change = Position {
            quantity: -position.quantity,
            billed: -position.billed,
            effective: -position.effective,
            ..position
        };
        push(
            &mut charges,
            &key.1,
            Place::Before(position.place),
            change,
            true,
        );
    }
    Ok(charges)
}

fn push(
    charges: &mut Vec<Charge>,
    line_type: &str,
    line: Place,
    position: Position,
    is_correction: bool,
) {
    let mut charge = |kind, billed, effective| {
        if billed != 0 || effective != 0 || position.quantity != 0 {
            charges.push(Charge {
                line,
                kind,
                is_correction,
                quantity: position.quantity,
                unit_price: position.unit_price,
                billed,
                effective,
            });
        }
    };
    let (billed, effective) = (position.billed, position.effective);
    match line_type {
        "commitment_fee" => charge(ChargeKind::Purchase, billed, 0),
        "committed_usage" | "unused_commitment" => {
            // In arrears the line buys what it covers.
            if billed != 0 {
                charge(ChargeKind::Purchase, billed, 0);
            }
            let kind = match line_type {
                "committed_usage" => ChargeKind::Used,
                _ => ChargeKind::Unused,
            };
            charge(kind, 0, effective);
        }
        _ => charge(ChargeKind::Usage, billed, effective),
    }
}

/// What each line comes to, by its key.
fn positions(lines: &[BilledLine]) -> Result<BTreeMap<Key, Position>, Fault> {
    let mut fees = BTreeMap::new();
    for line in lines {
        if let ("commitment_fee", Some(price), Some(amount)) =
            (line.line_type.as_str(), line.unit_price, line.amount)
        {
            fees.insert(&line.account, (price, amount));
        }
    }
    // What use and rest of a period that a fee has paid cost, rounded so that both are the fee.
    let mut covered: BTreeMap<_, Amount4> = BTreeMap::new();
    let mut positions = BTreeMap::new();
    for (place, line) in lines.iter().enumerate() {
        let (Some(billed), Some(currency)) = (line.amount, &line.currency) else {
            continue;
        };
        let mut position = Position {
            place,
            quantity: line.quantity,
            unit_price: line.unit_price,
            billed,
            effective: billed,
        };
        if line.unit_price.is_none() {
            let (price, fee) = *fees.get(&line.account).ok_or_else(|| no_fee(line))?;
            let used = covered.entry(&line.account).or_default();
            position.unit_price = Some(price);
            position.effective = match line.line_type.as_str() {
                "unused_commitment" => fee - *used,
                _ => Money::of(line.quantity, price)?.rounded(MinorUnit::of(currency)?)?,
            };
            *used += position.effective;
        }
        let key = (
            line.account.clone(),
            line.line_type.clone(),
            line.channel.clone(),
            line.unit.clone(),
            line.unit_price,
            line.currency.clone(),
        );
        match positions.entry(key) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(position);
            }
            // Two charges of one price in one period: one after the other, or of two features.
            std::collections::btree_map::Entry::Occupied(mut taken) => {
                let sum = taken.get_mut();
                sum.quantity += position.quantity;
                sum.billed += position.billed;
                sum.effective += position.effective;
            }
        }
    }
    Ok(positions)
}

fn no_fee(line: &BilledLine) -> Fault {
    Fault::new(format!(
        "focus_rows: the {} of org_id '{}', period from {}, was paid in advance, and the fee is not among the lines; give \
         focus_rows the whole invoice, without since, and the earlier one as previous",
        line.line_type,
        line.account.1,
        show(line.account.3)
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    fn line(
        line_type: &str,
        quantity: i128,
        price: Option<i128>,
        amount: Option<i128>,
    ) -> BilledLine {
        BilledLine {
            account: (None, "acme".into(), Some("A".into()), 0),
            line_type: line_type.into(),
            channel: None,
            unit: "credit".into(),
            unit_price: price,
            quantity: quantity * 10_000,
            amount: amount.map(|cents| cents * 100),
            currency: amount.map(|_| "USD".into()),
        }
    }

    fn sums(charges: &[Charge]) -> (i128, i128) {
        let sum = |of: fn(&Charge) -> i128| charges.iter().map(of).sum::<i128>() / 100;
        (sum(|c| c.billed), sum(|c| c.effective))
    }

    #[test]
    fn arrears_buy_what_they_cover() {
        let lines = [
            line("committed_usage", 7, Some(500_000), Some(350)),
            line("unused_commitment", 3, Some(500_000), Some(150)),
            line("overage", 2, Some(600_000), Some(120)),
            line("uncontracted", 5, None, None),
        ];
        let charges = charges(&lines, &[]).unwrap();
        assert_eq!(sums(&charges), (620, 620));
        assert_eq!(charges.len(), 5);
        assert!(charges.iter().all(|charge| !charge.is_correction));
    }

    /// A fee of 5.00 for ten credits at 0.50; 7 of them used: 3.50 and 1.50.
    #[test]
    fn a_fee_is_spread_over_what_it_paid() {
        let mut lines = vec![
            line("commitment_fee", 10, Some(500_000), Some(500)),
            line("committed_usage", 7, None, Some(0)),
        ];
        assert_eq!(sums(&charges(&lines, &[]).unwrap()), (500, 350));
        lines.push(line("unused_commitment", 3, None, Some(0)));
        assert_eq!(sums(&charges(&lines, &[]).unwrap()), (500, 500));
        assert!(charges(&lines[1..], &[]).is_err());
    }

    #[test]
    fn corrections_are_the_difference() {
        let before = [line("overage", 2, Some(600_000), Some(120))];
        let after = [
            line("overage", 3, Some(600_000), Some(180)),
            line("committed_usage", 1, Some(500_000), Some(50)),
        ];
        let found = charges(&after, &before).unwrap();
        assert!(found.iter().all(|charge| charge.is_correction));
        assert_eq!(sums(&found), (110, 110));
        let back = charges(&before, &after).unwrap();
        assert_eq!(sums(&back), (-110, -110));
        assert!(charges(&after, &after).unwrap().is_empty());
    }
}
