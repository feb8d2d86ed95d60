//! The clock on a site's wall: which zone is in force when, and how busy the site is at an hour of its day.

use datafusion::error::Result;
use jiff::civil::{Weekday, date};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

use crate::error::data;

/// First instant of the generated year, 2025-01-01T00:00:00Z, in milliseconds since 1970.
pub(super) const YEAR_START: i64 = 1_735_689_600_000;
/// First instant after it, 2026-01-01T00:00:00Z.
pub(super) const YEAR_END: i64 = 1_767_225_600_000;
/// Milliseconds of an hour.
pub(super) const HOUR: i64 = 3_600_000;
/// The year itself.
const YEAR: i16 = 2025;

/// Zones and how many of 100 sites they get. Each is used at least once: among them are those whose days are odd (half
/// and three-quarter hours, a half-hour summer time, midnights that a clock change skips, the date line).
pub(super) const ZONES: [(&str, u64); 30] = [
    ("America/New_York", 14),
    ("America/Chicago", 8),
    ("America/Los_Angeles", 8),
    ("America/Phoenix", 2),
    ("America/Vancouver", 3),
    ("America/St_Johns", 2),
    ("America/Havana", 1),
    ("America/Mexico_City", 3),
    ("America/Sao_Paulo", 5),
    ("America/Santiago", 2),
    ("Atlantic/Azores", 1),
    ("Europe/London", 9),
    ("Europe/Berlin", 7),
    ("Europe/Paris", 5),
    ("Europe/Madrid", 3),
    ("Europe/Rome", 3),
    ("Europe/Istanbul", 2),
    ("Africa/Cairo", 1),
    ("Africa/Casablanca", 1),
    ("Africa/Johannesburg", 1),
    ("Asia/Dubai", 2),
    ("Asia/Kolkata", 4),
    ("Asia/Kathmandu", 1),
    ("Asia/Singapore", 3),
    ("Asia/Tokyo", 4),
    ("Australia/Sydney", 3),
    ("Australia/Lord_Howe", 1),
    ("Pacific/Auckland", 1),
    ("Pacific/Chatham", 1),
    ("Pacific/Apia", 1),
];

/// Where the moving site starts and where it goes, and when (milliseconds): in the middle of a day of both.
pub(super) const MOVE: (&str, &str, i64) = ("Europe/Berlin", "America/New_York", 1_751_371_200_000);

/// Busyness by hour of the local day.
const HOURS: [u64; 24] = [
    7, 4, 3, 2, 2, 4, 10, 22, 45, 62, 70, 72, 66, 64, 68, 70, 66, 58, 52, 50, 46, 36, 24, 13,
];
/// Busyness by month: a quiet summer, a loud end of the year.
const MONTHS: [u64; 12] = [95, 90, 95, 96, 98, 94, 88, 86, 98, 104, 126, 130];

/// The zone or zones that a site's days follow.
pub(super) struct Clock {
    /// The zone from the beginning, by name.
    pub(super) zone: &'static str,
    /// The zone it moves to and the instant (milliseconds), for the one site that moves.
    pub(super) moves: Option<(&'static str, i64)>,
    before: TimeZone,
    after: TimeZone,
    /// The site is silent from here (milliseconds): the end of the year in UTC or on its own wall, whichever is first.
    pub(super) silent_from: i64,
}

impl Clock {
    /// The clock of a zone.
    ///
    /// # Errors
    ///
    /// When the bundled zone database lacks it.
    pub(super) fn new(zone: &'static str, moves: Option<(&'static str, i64)>) -> Result<Self> {
        let zones = TimeZoneDatabase::bundled();
        let find = |name: &str| {
            zones.get(name).map_err(|e| {
                data(format!(
                    "the bundled zone database lacks '{name}': {e}; report this"
                ))
            })
        };
        let before = find(zone)?;
        let after = moves.map_or_else(|| Ok(before.clone()), |(name, _)| find(name))?;
        let new_year = date(YEAR + 1, 1, 1)
            .to_zoned(after.clone())
            .map_err(|e| data(format!("no new year in '{zone}': {e}; report this")))?;
        let silent_from = new_year.timestamp().as_millisecond().min(YEAR_END);
        Ok(Self {
            zone,
            moves,
            before,
            after,
            silent_from,
        })
    }

    /// How busy a site of this clock is in the hour that starts at `start` (milliseconds): a plain weight.
    ///
    /// 0 outside of the local year, so that every local day of the data lies in the year of the contracts.
    pub(super) fn busyness(&self, start: i64) -> Result<u64> {
        let instant = Timestamp::from_millisecond(start).map_err(|e| {
            data(format!(
                "hour {start} is beyond the clock: {e}; report this"
            ))
        })?;
        let zone = if self.moves.is_some_and(|(_, at)| start >= at) {
            &self.after
        } else {
            &self.before
        };
        let local = zone.to_datetime(instant);
        if local.year() != YEAR {
            return Ok(0);
        }
        let hour = HOURS
            .get(usize::from(local.hour().unsigned_abs()))
            .copied()
            .unwrap_or(0);
        let month = MONTHS
            .get(usize::from(local.month().unsigned_abs()) - 1)
            .copied()
            .unwrap_or(0);
        Ok(hour * month * busyness_of(local.weekday()))
    }
}

/// Busyness by weekday.
fn busyness_of(weekday: Weekday) -> u64 {
    match weekday {
        Weekday::Monday => 118,
        Weekday::Tuesday | Weekday::Friday => 110,
        Weekday::Wednesday | Weekday::Thursday => 106,
        Weekday::Saturday => 72,
        Weekday::Sunday => 58,
    }
}

/// First instants (milliseconds) of the months of the year in UTC, the next January last.
///
/// # Errors
///
/// Never for this year; the calendar's own error otherwise.
pub(super) fn month_starts() -> Result<Vec<i64>> {
    let january = date(YEAR, 1, 1);
    (0..=12)
        .map(|months: i32| {
            january
                .checked_add(months.months())
                .and_then(|day| day.to_zoned(TimeZone::UTC))
                .map(|instant| instant.timestamp().as_millisecond())
                .map_err(|e| data(format!("no month {months} of {YEAR}: {e}; report this")))
        })
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    #[test]
    fn the_year_is_whole() {
        let starts = month_starts().unwrap();
        assert_eq!(starts.first(), Some(&YEAR_START));
        assert_eq!(starts.last(), Some(&YEAR_END));
        assert_eq!((YEAR_END - YEAR_START) / HOUR, 8760);
    }

    #[test]
    fn every_local_day_lies_in_the_year() {
        let apia = Clock::new("Pacific/Apia", None).unwrap();
        // 2025-12-31T11:00Z is midnight in Apia (+13).
        assert_eq!(apia.silent_from, YEAR_END - 13 * HOUR);
        assert_eq!(apia.busyness(YEAR_END - 13 * HOUR).unwrap(), 0);
        assert!(apia.busyness(YEAR_END - 14 * HOUR).unwrap() > 0);

        let st_johns = Clock::new("America/St_Johns", None).unwrap();
        assert_eq!(st_johns.silent_from, YEAR_END);
        assert_eq!(st_johns.busyness(YEAR_START + 3 * HOUR).unwrap(), 0);
        assert!(st_johns.busyness(YEAR_START + 4 * HOUR).unwrap() > 0);
    }

    #[test]
    fn all_zones_are_known() {
        for (zone, _) in ZONES {
            Clock::new(zone, None).unwrap();
        }
    }
}
