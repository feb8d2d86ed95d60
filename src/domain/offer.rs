//! What a commitment on offer would have cost on a history of use.

use super::Fault;
use super::money::{Credits4, Money, Price6};

/// A commitment on offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Credits committed to.
    pub(crate) committed: Credits4,
    /// For each of them.
    pub(crate) credit_price: Price6,
    /// For each credit above them.
    pub(crate) overage_price: Price6,
}

/// One offer on the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OfferCost {
    /// Credits within the commitment.
    pub(crate) used: Credits4,
    /// Committed and not used.
    pub(crate) unused: Credits4,
    /// Above the commitment.
    pub(crate) overage: Credits4,
    /// The whole commitment and the overage, unrounded.
    pub(crate) total: Money,
    /// No offer costs less.
    pub(crate) is_best: bool,
}

/// The cost of each offer for `credits`, in order; all of the cheapest are best.
///
/// # Errors
///
/// Money that does not fit.
pub(crate) fn commitment_curve(
    offers: &[Offer],
    credits: Credits4,
) -> Result<Vec<OfferCost>, Fault> {
    let mut costs = offers
        .iter()
        .map(|offer| {
            let used = credits.min(offer.committed);
            let overage = credits - used;
            let fixed = Money::of(offer.committed, offer.credit_price)?;
            Ok(OfferCost {
                used,
                unused: offer.committed - used,
                overage,
                total: fixed.plus(Money::of(overage, offer.overage_price)?)?,
                is_best: false,
            })
        })
        .collect::<Result<Vec<_>, Fault>>()?;
    let least = costs.iter().map(|cost| cost.total).min();
    for cost in &mut costs {
        cost.is_best = Some(cost.total) == least;
    }
    Ok(costs)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    /// 100 credits used: 80 at 0.50 and 20 at 0.60 are 52.00; 100 at 0.50 are 50.00; 120 are 60.00.
    #[test]
    fn the_cheapest_commitment_is_what_was_used() {
        let offers = [80, 100, 120, 100].map(|committed| Offer {
            committed: committed * 10_000,
            credit_price: 500_000,
            overage_price: 600_000,
        });
        let costs = commitment_curve(&offers, 1_000_000).unwrap();
        let totals: Vec<i128> = costs
            .iter()
            .map(|cost| cost.total.units() / 10_i128.pow(8))
            .collect();
        assert_eq!(totals, [5_200, 5_000, 6_000, 5_000]);
        let best: Vec<bool> = costs.iter().map(|cost| cost.is_best).collect();
        assert_eq!(best, [false, true, false, true]);
        assert_eq!(
            (costs[0].used, costs[0].overage, costs[0].unused),
            (800_000, 200_000, 0)
        );
        assert_eq!(
            (costs[2].used, costs[2].overage, costs[2].unused),
            (1_000_000, 0, 200_000)
        );
    }

    #[test]
    fn without_use_a_commitment_costs_itself() {
        let offer = Offer {
            committed: 100_000,
            credit_price: 500_000,
            overage_price: 0,
        };
        let costs = commitment_curve(&[offer], 0).unwrap();
        assert_eq!(costs[0].total, Money::of(100_000, 500_000).unwrap());
        assert!(commitment_curve(&[], 5).unwrap().is_empty());
    }
}
