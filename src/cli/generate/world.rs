//! Who is in the data: sites with their clocks and sizes, and the organizations that own them.

use datafusion::error::Result;

use super::clock::{Clock, MOVE, ZONES};
use super::draw::{Draw, Purpose};

/// Number of sites.
pub(super) const SITES: usize = 200;
/// Number of organizations.
pub(super) const ORGS: usize = 100;

/// The organization whose sites are all test sites; it has no contract.
pub(super) const TEST_ORG: usize = ORGS - 1;
/// The organization without a contract: its use must show as uncontracted.
pub(super) const UNCONTRACTED_ORG: usize = ORGS - 2;
/// The site that changes its zone in mid-year.
pub(super) const MOVING_SITE: usize = 41;

/// Everything that stays the same over the year.
pub(super) struct World {
    /// All sites, `site-001` first.
    pub(super) sites: Vec<Site>,
    /// The clocks that sites refer to.
    pub(super) clocks: Vec<Clock>,
}

/// One site.
pub(super) struct Site {
    /// `site-017`
    pub(super) id: String,
    /// Index of its organization.
    pub(super) org: usize,
    /// Index of its clock.
    pub(super) clock: usize,
    /// How much of the traffic is its: Pareto-distributed, a plain weight.
    pub(super) weight: u64,
}

impl World {
    /// The world of a seed.
    ///
    /// # Errors
    ///
    /// When the bundled zone database lacks a zone.
    pub(super) fn new(seed: u64) -> Result<Self> {
        let mut draw = Draw::new(seed, Purpose::World);
        let mut clocks = ZONES
            .iter()
            .map(|(zone, _)| Clock::new(zone, None))
            .collect::<Result<Vec<_>>>()?;
        clocks.push(Clock::new(MOVE.0, Some((MOVE.1, MOVE.2)))?);

        let mut ranks: Vec<u64> = (0..).take(SITES).collect();
        for last in (1..SITES).rev() {
            let other = index(draw.below(to_u64(last) + 1));
            ranks.swap(last, other);
        }
        demote(&mut ranks, TEST_ORG);
        demote(&mut ranks, SITES - 1);

        let by_weight: Vec<(usize, u64)> = ZONES
            .iter()
            .enumerate()
            .map(|(clock, (_, weight))| (clock, *weight))
            .collect();
        let sites = ranks
            .into_iter()
            .enumerate()
            .map(|(site, rank)| Site {
                id: format!("site-{:03}", site + 1),
                org: match site {
                    0..ORGS => site,
                    _ if site == SITES - 1 => TEST_ORG,
                    _ => index(draw.skewed_below(to_u64(TEST_ORG))),
                },
                clock: match site {
                    MOVING_SITE => ZONES.len(),
                    _ if site < ZONES.len() => site,
                    _ => draw.weighted(&by_weight, 0),
                },
                weight: pareto(rank, draw.below(1 << 16)),
            })
            .collect();
        Ok(Self { sites, clocks })
    }

    /// The clock of a site.
    pub(super) fn clock(&self, site: &Site) -> &Clock {
        &self.clocks[site.clock]
    }

    /// The first site of an organization.
    pub(super) fn first_site(&self, org: usize) -> Option<&Site> {
        self.sites.iter().find(|site| site.org == org)
    }
}

/// `org-017`
pub(super) fn org_id(org: usize) -> String {
    format!("org-{:03}", org + 1)
}

/// The currency that an organization pays and earns in.
pub(super) fn currency(org: usize) -> &'static str {
    match org {
        10..15 => "EUR",
        20 | 21 => "JPY",
        30 => "KWD",
        _ => "USD",
    }
}

/// Whether Generative AI is switched on for the organization for at least a part of the year.
pub(super) fn has_gen_ai(org: usize) -> bool {
    org % 4 == 1 && org < UNCONTRACTED_ORG
}

/// Whether Intent Analyzer of the organization is known from a switch (`feature_periods`): then its messages say
/// nothing (NULL) where others say false.
pub(super) fn listens_by_switch(org: usize) -> bool {
    org % 10 == 6
}

/// Pareto with alpha 1: the site of `rank` (0 is the largest) in its stratum, `jitter` in 16 binary places.
fn pareto(rank: u64, jitter: u64) -> u64 {
    (1 << 36) / ((rank << 16) + (1 << 15) + jitter)
}

/// Makes the site at `site` one of the small ones: test traffic must not crowd out the rest.
fn demote(ranks: &mut [u64], site: usize) {
    let small = 150 + to_u64(site) / 10;
    if let Some(other) = ranks.iter().position(|rank| *rank == small) {
        ranks.swap(site, other);
    }
}

/// A small draw as an index.
pub(super) fn index(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// A length or an index as a number to draw below.
pub(super) fn to_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn sizes_are_skewed_and_everyone_is_there() {
        let world = World::new(7).unwrap();
        assert_eq!(world.sites.len(), SITES);
        let orgs: BTreeSet<usize> = world.sites.iter().map(|site| site.org).collect();
        assert_eq!(orgs.len(), ORGS);
        let zones: BTreeSet<usize> = world.sites.iter().map(|site| site.clock).collect();
        assert_eq!(zones.len(), ZONES.len() + 1);

        let mut weights: Vec<u64> = world.sites.iter().map(|site| site.weight).collect();
        weights.sort_unstable_by_key(|weight| std::cmp::Reverse(*weight));
        let (top, all): (u64, u64) = (weights.iter().take(SITES / 5).sum(), weights.iter().sum());
        assert!(
            (65..85).contains(&(top * 100 / all)),
            "a fifth of the sites has {} %",
            top * 100 / all
        );
    }

    #[test]
    fn test_sites_are_small() {
        let world = World::new(7).unwrap();
        let all: u64 = world.sites.iter().map(|site| site.weight).sum();
        let test: u64 = world
            .sites
            .iter()
            .filter(|site| site.org == TEST_ORG)
            .map(|site| site.weight)
            .sum();
        assert!(test * 100 < all);
        assert_eq!(
            world
                .sites
                .iter()
                .filter(|site| site.org == TEST_ORG)
                .count(),
            2
        );
    }
}
