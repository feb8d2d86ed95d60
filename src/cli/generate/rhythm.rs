//! How the messages spread over the year: how many there shall be by the end of each hour, and on which sites.

use datafusion::error::Result;

use super::clock::{HOUR, YEAR_END, YEAR_START};
use super::draw::Draw;
use super::world::World;

/// Hours of the year.
pub(super) const HOURS: usize = 8760;

/// The traffic of each hour of the year.
pub(super) struct Rhythm {
    /// By hour, then by clock: how busy a site of that clock is.
    busyness: Vec<Vec<u64>>,
    /// By hour: the traffic up to and with it, over all sites.
    until: Vec<u128>,
    /// The traffic of the sites up to and with each one, in the hour that [`Rhythm::enter`] was last called for.
    sites: Vec<u64>,
}

impl Rhythm {
    /// The rhythm of a world.
    ///
    /// # Errors
    ///
    /// When an hour lies beyond the clock's range, which this year's do not.
    pub(super) fn new(world: &World) -> Result<Self> {
        let mut rhythm = Self {
            busyness: Vec::with_capacity(HOURS),
            until: Vec::with_capacity(HOURS),
            sites: vec![],
        };
        let mut sum = 0_u128;
        let mut start = YEAR_START;
        while start < YEAR_END {
            rhythm.busyness.push(
                world
                    .clocks
                    .iter()
                    .map(|clock| clock.busyness(start))
                    .collect::<Result<_>>()?,
            );
            rhythm.enter(rhythm.busyness.len() - 1, world);
            sum += u128::from(rhythm.sites.last().copied().unwrap_or(0));
            rhythm.until.push(sum);
            start += HOUR;
        }
        Ok(rhythm)
    }

    /// How many of `messages` are due by the end of `hour`: all of them by the end of the last.
    pub(super) fn due(&self, hour: usize, messages: u64) -> u64 {
        let (Some(part), Some(whole)) = (self.until.get(hour), self.until.last()) else {
            return messages;
        };
        u64::try_from(u128::from(messages) * part / whole).unwrap_or(messages)
    }

    /// Turns to an hour; [`Rhythm::site`] then draws for it.
    pub(super) fn enter(&mut self, hour: usize, world: &World) {
        let busyness = &self.busyness[hour];
        self.sites.clear();
        let mut sum = 0;
        self.sites.extend(world.sites.iter().map(|site| {
            sum += site.weight * busyness[site.clock];
            sum
        }));
    }

    /// A site for the next conversation of the hour, by size and by how busy its local hour is.
    pub(super) fn site(&self, draw: &mut Draw) -> usize {
        let ticket = draw.below(self.sites.last().copied().unwrap_or(0));
        self.sites
            .partition_point(|until| *until <= ticket)
            .min(self.sites.len() - 1)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;
    use crate::cli::generate::draw::Purpose;

    #[test]
    fn all_messages_are_due_at_the_end() {
        let world = World::new(7).unwrap();
        let mut rhythm = Rhythm::new(&world).unwrap();
        assert_eq!(rhythm.until.len(), HOURS);
        assert_eq!(rhythm.due(HOURS - 1, 1_234_567), 1_234_567);
        assert!(rhythm.due(HOURS / 2, 1_000_000).abs_diff(480_000) < 30_000);

        rhythm.enter(0, &world);
        let mut draw = Draw::new(7, Purpose::Messages);
        for _ in 0..100 {
            // Midnight UTC: in New York (the first site) it is still the year before.
            assert_ne!(rhythm.site(&mut draw), 0);
        }
    }
}
