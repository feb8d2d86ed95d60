//! What credits above the commitment cost: by the credit, in blocks, or in price tiers.

use super::Fault;
use super::money::{Amount4, Credits4, MinorUnit, Money, Price6, half_up, quotient_rounded};

/// One credit, in ten-thousandths.
const ONE_CREDIT: Credits4 = 10_000;

/// How a begun block is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockMode {
    /// Whole.
    Ceil,
    /// Not at all.
    Floor,
    /// By its part.
    Prorate,
}

/// Every block mode by its name in SQL, the default first.
pub(crate) const BLOCK_MODES: [(&str, BlockMode); 3] = [
    ("ceil", BlockMode::Ceil),
    ("floor", BlockMode::Floor),
    ("prorate", BlockMode::Prorate),
];

/// Whether a price holds for the credits of its tier, or for all once the tier is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TierMode {
    /// Each tier's price for the credits within it.
    Graduated,
    /// The price of the highest tier reached for all overage of the period.
    Volume,
}

/// Every tier mode by its name in SQL, the default first.
pub(crate) const TIER_MODES: [(&str, TierMode); 2] = [
    ("graduated", TierMode::Graduated),
    ("volume", TierMode::Volume),
];

/// From this many overage credits of the period on, this price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tier {
    /// Overage credits, from 0.
    pub(crate) from: Credits4,
    /// For each credit.
    pub(crate) price: Price6,
}

/// The price of overage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Overage {
    /// Tiers by `from`, the first from 0; a plain overage price is one tier.
    Tiers(TierMode, Vec<Tier>),
    /// A price for each block of so many credits, counted on the period's total.
    Blocks {
        /// Credits in a block, above 0.
        size: Credits4,
        /// For one block.
        price: Price6,
        /// What a begun block costs.
        mode: BlockMode,
    },
}

/// One line of overage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OverageLine {
    /// The first overage credit of the line, from 0.
    pub(crate) from: Credits4,
    /// The last.
    pub(crate) to: Credits4,
    /// Credits or blocks, in ten-thousandths.
    pub(crate) quantity: i128,
    /// For one of them.
    pub(crate) price: Price6,
    /// Rounded once.
    pub(crate) amount: Amount4,
}

impl Overage {
    /// `overage_price`, and the tiers above it, in any order.
    pub(crate) fn tiers(overage_price: Price6, mode: TierMode, mut tiers: Vec<Tier>) -> Self {
        tiers.sort_by_key(|tier| tier.from);
        if tiers.first().is_none_or(|tier| tier.from > 0) {
            let price = overage_price;
            tiers.insert(0, Tier { from: 0, price });
        }
        Self::Tiers(mode, tiers)
    }

    /// What the first `over` overage credits of a period cost that has `total` of them, unrounded; a share of a block
    /// that no decimal can show is rounded to the tenth.
    ///
    /// # Errors
    ///
    /// Money that does not fit.
    pub(crate) fn money(&self, over: Credits4, total: Credits4) -> Result<Money, Fault> {
        match self {
            Self::Tiers(TierMode::Graduated, tiers) => stretches(tiers, over)
                .try_fold(Money::ZERO, |sum, (from, to, price)| {
                    sum.plus(Money::of(to - from, price)?)
                }),
            Self::Tiers(TierMode::Volume, tiers) => Money::of(over, reached(tiers, total)),
            Self::Blocks {
                size,
                price,
                mode: BlockMode::Prorate,
            } => {
                let units = Money::of(over, *price)?
                    .units()
                    .checked_mul(ONE_CREDIT)
                    .and_then(|dividend| half_up(dividend, *size));
                Money::new(units.ok_or_else(|| Fault::new("a share of a block is too large"))?)
            }
            Self::Blocks { size, price, mode } => {
                Money::of(blocks(over, *size, *mode) * ONE_CREDIT, *price)
            }
        }
    }

    /// The lines of `over` overage credits, none of quantity 0.
    ///
    /// # Errors
    ///
    /// An amount that does not fit.
    pub(crate) fn lines(
        &self,
        over: Credits4,
        minor: MinorUnit,
    ) -> Result<Vec<OverageLine>, Fault> {
        if over == 0 {
            return Ok(Vec::new());
        }
        let by_credit = |from, to, price| {
            Ok(OverageLine {
                from,
                to,
                quantity: to - from,
                price,
                amount: Money::of(to - from, price)?.rounded(minor)?,
            })
        };
        match self {
            Self::Tiers(TierMode::Graduated, tiers) => stretches(tiers, over)
                .map(|(from, to, price)| by_credit(from, to, price))
                .collect(),
            Self::Tiers(TierMode::Volume, tiers) => {
                Ok(vec![by_credit(0, over, reached(tiers, over))?])
            }
            Self::Blocks { size, price, mode } => {
                let (quantity, amount) = match mode {
                    // The amount comes from the exact quotient, the quantity shows four decimals of it.
                    BlockMode::Prorate => {
                        let product = Money::of(over, *price)?.units();
                        let minor_units = 10_i128.pow(6 - minor.decimals());
                        let divisor = size
                            .checked_mul(minor_units)
                            .ok_or_else(|| Fault::new("overage_block is too large"))?;
                        let quantity = over
                            .checked_mul(ONE_CREDIT)
                            .and_then(|dividend| half_up(dividend, *size))
                            .ok_or_else(|| Fault::new("a number of blocks is too large"))?;
                        (quantity, quotient_rounded(product, divisor, minor)?)
                    }
                    mode => {
                        let quantity = blocks(over, *size, *mode) * ONE_CREDIT;
                        (quantity, Money::of(quantity, *price)?.rounded(minor)?)
                    }
                };
                let line = OverageLine {
                    from: 0,
                    to: over,
                    quantity,
                    price: *price,
                    amount,
                };
                Ok(if quantity == 0 && amount == 0 {
                    Vec::new()
                } else {
                    vec![line]
                })
            }
        }
    }
}

/// Whole blocks.
fn blocks(over: Credits4, size: Credits4, mode: BlockMode) -> i128 {
    let begun = i128::from(mode == BlockMode::Ceil && over % size != 0);
    over / size + begun
}

/// The part of `over` in each tier that it reaches, with the tier's price.
fn stretches(
    tiers: &[Tier],
    over: Credits4,
) -> impl Iterator<Item = (Credits4, Credits4, Price6)> + '_ {
    let ends = tiers.iter().skip(1).map(|tier| tier.from).chain([over]);
    tiers
        .iter()
        .zip(ends)
        .map(move |(tier, end)| (tier.from, end.min(over), tier.price))
        .filter(|(from, to, _)| from < to)
}

/// The price of the highest tier that `total` reaches.
fn reached(tiers: &[Tier], total: Credits4) -> Price6 {
    tiers
        .iter()
        .rev()
        .find(|tier| tier.from <= total)
        .map_or(0, |tier| tier.price)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    const CENT: i128 = 100;

    fn credits(whole: i128) -> Credits4 {
        whole * ONE_CREDIT
    }

    fn amounts(overage: &Overage, over: Credits4) -> Vec<Amount4> {
        let minor = MinorUnit::of("USD").unwrap();
        let lines = overage.lines(over, minor).unwrap();
        lines.iter().map(|line| line.amount / CENT).collect()
    }

    /// The starter package: 2,000 / 2,001 / 2,100 / 2,101 relationships, 39 for each 100 beyond 2,000.
    #[test]
    fn blocks_of_the_starter_package() {
        let blocks = |mode| Overage::Blocks {
            size: credits(100),
            price: 39_000_000,
            mode,
        };
        for (over, ceil, floor, prorate) in [
            (0, vec![], vec![], vec![]),
            (1, vec![3900], vec![], vec![39]),
            (100, vec![3900], vec![3900], vec![3900]),
            (101, vec![7800], vec![3900], vec![3939]),
        ] {
            assert_eq!(amounts(&blocks(BlockMode::Ceil), credits(over)), ceil);
            assert_eq!(amounts(&blocks(BlockMode::Floor), credits(over)), floor);
            assert_eq!(amounts(&blocks(BlockMode::Prorate), credits(over)), prorate);
        }
    }

    /// 0.60 below 1,000 and 0.50 from there: at 1,000 credits 500.00 by volume, 600.00 graduated.
    #[test]
    fn tiers_by_volume_and_graduated() {
        let tier = Tier {
            from: credits(1000),
            price: 500_000,
        };
        let tiers = |mode| Overage::tiers(600_000, mode, vec![tier]);
        assert_eq!(amounts(&tiers(TierMode::Volume), credits(1000)), [50_000]);
        assert_eq!(amounts(&tiers(TierMode::Volume), credits(999)), [59_940]);
        assert_eq!(
            amounts(&tiers(TierMode::Graduated), credits(1000)),
            [60_000]
        );
        assert_eq!(
            amounts(&tiers(TierMode::Graduated), credits(1001)),
            [60_000, 50]
        );
    }

    /// The lines and the unrounded money are the same but for the rounding.
    #[test]
    fn lines_add_up_to_the_money() {
        let tiers = vec![
            Tier {
                from: 33_333,
                price: 480_001,
            },
            Tier {
                from: 77_777,
                price: 1,
            },
        ];
        let all = [
            Overage::tiers(600_007, TierMode::Graduated, tiers.clone()),
            Overage::tiers(600_007, TierMode::Volume, tiers),
            Overage::Blocks {
                size: 70_003,
                price: 39_000_001,
                mode: BlockMode::Prorate,
            },
        ];
        let minor = MinorUnit::of("USD").unwrap();
        for overage in all {
            for over in (0..200_000).step_by(977) {
                let lines = overage.lines(over, minor).unwrap();
                let billed: i128 = lines.iter().map(|line| line.amount).sum();
                let exact = overage.money(over, over).unwrap().units();
                let gap = (billed * 1_000_000 - exact).abs();
                let half_cents = i128::try_from(lines.len()).unwrap().max(1) * 50_000_000;
                assert!(gap <= half_cents, "{overage:?} at {over}: {billed} {exact}");
                assert_eq!(lines.last().map_or(0, |line| line.to), over);
            }
        }
    }
}
