//! `contracts.parquet` and `price_tiers.parquet`: commitments sized to the use that was generated, so that some
//! organizations overrun and others pay for what they did not use.

use std::path::Path;

use datafusion::error::Result;
use jiff::civil::{Date, date};

use super::columns::Columns;
use super::draw::{Draw, Purpose};
use super::timeline::Totals;
use super::world::{UNCONTRACTED_ORG, currency, has_gen_ai, listens_by_switch, org_id};

/// The organization with the starter package: a month's commitment, then blocks of 100 credits at 39.
const STARTER_ORG: usize = 40;
/// The organization that pays its commitment in advance.
const ADVANCE_ORG: usize = 50;
/// The organization whose order form multiplies the surcharges; it has Generative AI all year.
const MULTIPLY_ORG: usize = 61;
/// Organizations with price tiers above the commitment.
const TIERED_ORGS: [(usize, &str); 2] = [(2, "graduated"), (3, "volume")];

/// One row of `contracts`; credits in ten-thousandths, prices in millionths.
struct Contract {
    org: usize,
    year: i16,
    committed: i128,
    price: i128,
    overage_price: i128,
    month_blocks: bool,
    scenario: Option<&'static str>,
}

/// Writes `contracts.parquet` and `price_tiers.parquet`.
pub(super) fn write_contracts(totals: &Totals, seed: u64, folder: &Path) -> Result<()> {
    let mut draw = Draw::new(seed, Purpose::Money);
    let mut rows = vec![];
    for (org, sittings) in totals.sittings.iter().enumerate().take(UNCONTRACTED_ORG) {
        let credits = expected_credits(org, *sittings);
        let (price, overage_price) = prices(&mut draw, currency(org));
        let committed = round_figure(credits * draw.between(65, 130) / 100);
        if org == STARTER_ORG {
            rows.push(Contract {
                org,
                year: 2025,
                committed: whole(round_figure(credits / 12).min(2_000)),
                price: 390_000,
                overage_price: 39_000_000,
                month_blocks: true,
                scenario: None,
            });
            continue;
        }
        let contract = Contract {
            org,
            year: 2025,
            committed: whole(committed),
            price,
            overage_price,
            month_blocks: false,
            scenario: None,
        };
        // A multi-year agreement: the same contract_id, a commitment of its own each year.
        let next = (org % 3 == 0).then(|| Contract {
            year: 2026,
            committed: whole(round_figure(committed * 11 / 10)),
            price: price * 97 / 100 / 1000 * 1000,
            ..contract
        });
        let offer = match org {
            0 => Some(Contract {
                committed: whole(round_figure(credits * 12 / 10)),
                price: price * 9 / 10 / 1000 * 1000,
                scenario: Some("larger-commitment"),
                ..contract
            }),
            1 => Some(Contract {
                committed: 0,
                scenario: Some("pay-as-you-go"),
                ..contract
            }),
            _ => None,
        };
        rows.push(contract);
        rows.extend(next);
        rows.extend(offer);
    }
    contracts(&rows)?.write(&folder.join("contracts.parquet"))?;
    price_tiers(&rows)?.write(&folder.join("price_tiers.parquet"))
}

fn contracts(rows: &[Contract]) -> Result<Columns> {
    let text = |of: &dyn Fn(&Contract) -> String| rows.iter().map(of).collect::<Vec<_>>();
    let maybe = |of: &dyn Fn(&Contract) -> Option<&'static str>| {
        rows.iter()
            .map(|row| of(row).map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let credits = |of: &dyn Fn(&Contract) -> Option<i128>| rows.iter().map(of).collect::<Vec<_>>();
    Ok(Columns::default()
        .text("contract_id", text(&|row| contract_id(row.org)))
        .text("org_id", text(&|row| org_id(row.org)))
        .day(
            "term_start",
            rows.iter().map(|row| new_year(row.year)).collect(),
        )
        .day(
            "term_end",
            rows.iter().map(|row| new_year(row.year + 1)).collect(),
        )
        .text("currency", text(&|row| currency(row.org).to_owned()))
        .credits_or_null("committed_credits", credits(&|row| Some(row.committed)))?
        .price("credit_price", rows.iter().map(|row| row.price).collect())?
        .price(
            "overage_price",
            rows.iter().map(|row| row.overage_price).collect(),
        )?
        .text(
            "period",
            text(&|row| if row.month_blocks { "month" } else { "term" }.to_owned()),
        )
        .credits_or_null(
            "overage_block",
            credits(&|row| row.month_blocks.then_some(whole(100))),
        )?
        .text_or_null(
            "block_mode",
            maybe(&|row| row.month_blocks.then_some("ceil")),
        )
        .credits_or_null("dar_credits", credits(&|_| Some(whole(1))))?
        .credits_or_null("gen_ai_multiplier", credits(&|_| Some(15_000)))?
        .credits_or_null("intent_analyzer_credits", credits(&|_| Some(2_000)))?
        .text_or_null(
            "surcharge_mode",
            maybe(&|row| (row.org == MULTIPLY_ORG).then_some("multiply")),
        )
        .text(
            "collection",
            text(&|row| {
                if row.org == ADVANCE_ORG {
                    "advance"
                } else {
                    "arrears"
                }
                .to_owned()
            }),
        )
        .text_or_null("scenario", maybe(&|row| row.scenario)))
}

/// Three tiers for each tiered contract: the more is used beyond the commitment, the cheaper.
fn price_tiers(rows: &[Contract]) -> Result<Columns> {
    let mut tiers = vec![];
    for (org, mode) in TIERED_ORGS {
        let Some(contract) = rows.iter().find(|row| row.org == org) else {
            continue;
        };
        for (part, percent) in [(0, 100), (20, 92), (10, 85)] {
            let from = if part == 0 {
                0
            } else {
                contract.committed / part
            };
            tiers.push((org, mode, from, contract.overage_price * percent / 100));
        }
    }
    Columns::default()
        .text(
            "contract_id",
            tiers.iter().map(|tier| contract_id(tier.0)).collect(),
        )
        .credits_or_null(
            "from_credits",
            tiers.iter().map(|tier| Some(tier.2)).collect(),
        )?
        .price("price", tiers.iter().map(|tier| tier.3).collect())
        .map(|columns| columns.text("mode", tiers.iter().map(|tier| tier.1.to_owned()).collect()))
}

/// About what a year of so many sittings costs in credits, at least 10.
fn expected_credits(org: usize, sittings: u64) -> u64 {
    let per_hundred =
        100 + if has_gen_ai(org) { 35 } else { 0 } + if listens_by_switch(org) { 14 } else { 8 };
    (sittings * per_hundred / 100).max(10)
}

/// The price of a credit and of one beyond the commitment, in millionths; whole in the currency's habits.
fn prices(draw: &mut Draw, currency: &str) -> (i128, i128) {
    let cents = i128::from(draw.between(45, 60));
    let (price, step) = match currency {
        "EUR" => (cents * 9_000, 10_000),
        "JPY" => (cents * 1_500_000, 1_000_000),
        "KWD" => (cents * 3_000, 1_000),
        _ => (cents * 10_000, 10_000),
    };
    let down = |price: i128| price / step * step;
    (down(price), down(price * 120 / 100))
}

/// Two leading digits, as people agree on: 1234 becomes 1200.
fn round_figure(n: u64) -> u64 {
    let mut unit = 1;
    while n / unit >= 100 {
        unit *= 10;
    }
    n / unit * unit
}

/// Whole credits in ten-thousandths.
fn whole(credits: u64) -> i128 {
    i128::from(credits) * 10_000
}

fn contract_id(org: usize) -> String {
    format!("C-{:03}", org + 1)
}

fn new_year(year: i16) -> Date {
    date(year, 1, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_round() {
        assert_eq!(
            [0, 7, 42, 99, 100, 1_234, 98_765].map(round_figure),
            [0, 7, 42, 99, 100, 1_200, 98_000]
        );
    }

    #[test]
    fn prices_are_whole_in_the_minor_unit() {
        let mut draw = Draw::new(1, Purpose::Money);
        let (price, overage) = prices(&mut draw, "JPY");
        assert_eq!((price % 1_000_000, overage % 1_000_000), (0, 0));
        let (price, overage) = prices(&mut draw, "USD");
        assert!(overage > price && price % 10_000 == 0);
    }
}
