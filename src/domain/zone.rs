//! The day that an instant belongs to, in a place.
//!
//! The plan counts a relationship once per calendar day "of the time zone of the customer's Site ID". That day is the
//! date which a clock on the wall there shows at the instant, nothing else. Clocks are moved, so a local day can last
//! 22 to 47 hours, be missing (Apia skipped 2011-12-30) or fall into two pieces: in St John's the clock of 2006-10-29
//! showed 00:01, then 23:01 of the day before. No interval stands for such a day; only the label does.
//!
//! Offsets come from `jiff`'s rules. A table of them over 1970 to 2073 makes the usual instant cost a nanosecond or two; the
//! rules themselves answer for every other.

mod database;
mod table;

#[cfg(test)]
mod proof;

pub(crate) use database::ZoneDatabase;

use std::ops::RangeInclusive;
use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Fault;
use super::day::{FIRST_DAY, LAST_DAY, SECONDS_PER_DAY, show_day};
use table::OffsetTable;

/// More than any offset from UTC: 26 hours, in seconds.
const REACH: i64 = 26 * 3_600;

/// A time zone: the history and the rules of the clocks of a place.
#[derive(Debug)]
pub(crate) struct Zone {
    name: String,
    rules: TimeZone,
    seconds: OnceLock<Box<OffsetTable<1>>>,
    milliseconds: OnceLock<Box<OffsetTable<1_000>>>,
    microseconds: OnceLock<Box<OffsetTable<1_000_000>>>,
    nanoseconds: OnceLock<Box<OffsetTable<1_000_000_000>>>,
}

/// A zone's clock for instants that count `PER_SECOND` units a second, ready for many of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock<'a, const PER_SECOND: i64> {
    zone: &'a Zone,
    table: &'a OffsetTable<PER_SECOND>,
}

impl<const PER_SECOND: i64> Clock<'_, PER_SECOND> {
    /// The local day, in days since 1970-01-01, of an instant since 1970-01-01T00:00:00Z; a part of a second before
    /// 1970 belongs to the second that began before it.
    ///
    /// `None` if that day is outside the years -9999 to 9999.
    #[inline]
    pub(crate) fn day(&self, instant: i64) -> Option<i32> {
        match self.table.day(instant) {
            Some(day) => Some(day),
            None => self.zone.day_by_rules(instant.div_euclid(PER_SECOND)),
        }
    }

    /// [`Self::day`], and instants around this one that all have that day.
    pub(crate) fn stretch(&self, instant: i64) -> Option<(i32, RangeInclusive<i64>)> {
        let by_rules = || Some((self.day(instant)?, instant..=instant));
        self.table.stretch(instant).or_else(by_rules)
    }
}

/// A stretch of instants, `start <= t < end` in seconds, with one offset from UTC.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: i64,
    end: i64,
    offset: i64,
}

impl Zone {
    /// The zone called `name` that follows `rules`.
    fn new(name: &str, rules: TimeZone) -> Self {
        Self {
            name: name.to_owned(),
            rules,
            seconds: OnceLock::new(),
            milliseconds: OnceLock::new(),
            microseconds: OnceLock::new(),
            nanoseconds: OnceLock::new(),
        }
    }

    /// The zone's name as its database writes it: `Europe/Rome`. A link keeps its own name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The local day, in days since 1970-01-01, of an instant in whole seconds since 1970-01-01T00:00:00Z.
    ///
    /// `None` if that day is outside the years -9999 to 9999.
    #[cfg(test)]
    pub(crate) fn day(&self, seconds: i64) -> Option<i32> {
        self.by_second().day(seconds)
    }

    /// The clock for instants in seconds.
    pub(crate) fn by_second(&self) -> Clock<'_, 1> {
        Clock {
            zone: self,
            table: self.seconds.get_or_init(|| OffsetTable::new(&self.rules)),
        }
    }

    /// The clock for instants in milliseconds.
    pub(crate) fn by_millisecond(&self) -> Clock<'_, 1_000> {
        let table = self
            .milliseconds
            .get_or_init(|| OffsetTable::new(&self.rules));
        Clock { zone: self, table }
    }

    /// The clock for instants in microseconds.
    pub(crate) fn by_microsecond(&self) -> Clock<'_, 1_000_000> {
        let table = self
            .microseconds
            .get_or_init(|| OffsetTable::new(&self.rules));
        Clock { zone: self, table }
    }

    /// The clock for instants in nanoseconds.
    pub(crate) fn by_nanosecond(&self) -> Clock<'_, 1_000_000_000> {
        let table = self
            .nanoseconds
            .get_or_init(|| OffsetTable::new(&self.rules));
        Clock { zone: self, table }
    }

    /// The first instant, in seconds since 1970-01-01T00:00:00Z, whose local day is `day`.
    ///
    /// `None` for a day that the place skipped. A fault beyond the years -9999 to 9999.
    pub(crate) fn day_start(&self, day: i32) -> Result<Option<i64>, Fault> {
        Ok(self.day_edges(day)?.map(|(start, _)| start))
    }

    /// The first instant, in seconds since 1970-01-01T00:00:00Z, after the last whose local day is `day`.
    ///
    /// `None` for a day that the place skipped. A fault beyond the years -9999 to 9999.
    pub(crate) fn day_end(&self, day: i32) -> Result<Option<i64>, Fault> {
        Ok(self.day_edges(day)?.map(|(_, end)| end))
    }

    /// `(start, end)` such that the local day of an instant is before `day` if and only if the instant is before
    /// `start`, and at most `day` if and only if the instant is before `end`.
    ///
    /// `None` if the clock went back over either midnight, so that no such pair exists, and at the ends of the
    /// calendar. A day that the place skipped gives `start == end`.
    pub(crate) fn day_range(&self, day: i32) -> Option<(i64, i64)> {
        if day <= FIRST_DAY || day >= LAST_DAY {
            return None;
        }
        let midnight = i64::from(day) * SECONDS_PER_DAY;
        Some((
            self.only_crossing(midnight)?,
            self.only_crossing(midnight + SECONDS_PER_DAY)?,
        ))
    }

    /// The instant at which the local clock, read as seconds since the local 1970-01-01T00:00:00, comes to `midnight`
    /// or jumps over it, if it does so once only.
    fn only_crossing(&self, midnight: i64) -> Option<i64> {
        let mut crossing = None;
        let mut went_back = false;
        self.spans(midnight - REACH, midnight + REACH, |span| {
            let first = span.start.max(midnight - span.offset);
            if crossing.is_some() {
                went_back |= first > span.start;
            } else if first < span.end {
                crossing = Some(first);
            }
        });
        if went_back { None } else { crossing }
    }

    /// The least instant of `day` and the first after its greatest.
    fn day_edges(&self, day: i32) -> Result<Option<(i64, i64)>, Fault> {
        if !(FIRST_DAY..=LAST_DAY).contains(&day) {
            return Err(Fault::new(format!(
                "the day {} is beyond the range of clocks: days from {} to {} have a start and an end",
                show_day(day.into()),
                show_day(FIRST_DAY.into()),
                show_day(LAST_DAY.into()),
            )));
        }
        let midnight = i64::from(day) * SECONDS_PER_DAY;
        let next = midnight + SECONDS_PER_DAY;
        let mut edges: Option<(i64, i64)> = None;
        self.spans(midnight - REACH, next + REACH, |span| {
            let start = span.start.max(midnight - span.offset);
            let end = span.end.min(next - span.offset);
            if start < end {
                edges = Some((edges.map_or(start, |(first, _)| first), end));
            }
        });
        Ok(edges)
    }

    /// Visits, in order, the spans that make up `from <= t < to`.
    fn spans(&self, from: i64, to: i64, mut visit: impl FnMut(Span)) {
        let mut span = Span {
            start: from,
            end: to,
            offset: self.offset_by_rules(from),
        };
        let mut turn = |at: i64, offset: i64| {
            visit(Span { end: at, ..span });
            span = Span {
                start: at,
                end: to,
                offset,
            };
        };
        match self.by_second().table.turns(from, to) {
            Some(turns) => turns.for_each(|(at, offset)| turn(at, offset)),
            None => self
                .rules
                .following(timestamp(from))
                .map(|next| (next.timestamp().as_second(), next.offset().seconds().into()))
                .take_while(|(at, _)| *at < to)
                .for_each(|(at, offset)| turn(at, offset)),
        }
        visit(span);
    }

    /// The offset in force at an instant; beyond the years that the rules know, that of their nearest instant.
    fn offset_by_rules(&self, seconds: i64) -> i64 {
        self.rules.to_offset(timestamp(seconds)).seconds().into()
    }

    /// The local day without the table.
    #[cold]
    fn day_by_rules(&self, seconds: i64) -> Option<i32> {
        let local = seconds.checked_add(self.offset_by_rules(seconds))?;
        let day = i32::try_from(local.div_euclid(SECONDS_PER_DAY)).ok()?;
        (FIRST_DAY..=LAST_DAY).contains(&day).then_some(day)
    }
}

/// The instant, or the nearest one that the rules know: they end some hours inside the years -9999 and 9999, where no
/// zone turns its clocks.
fn timestamp(seconds: i64) -> Timestamp {
    let nearest = if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_second(seconds).unwrap_or(nearest)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn zone(name: &str) -> std::sync::Arc<Zone> {
        ZoneDatabase::bundled().zone(name).unwrap()
    }

    fn day(year: i16, month: i8, day: i8) -> i32 {
        date(1970, 1, 1)
            .until(date(year, month, day))
            .unwrap()
            .get_days()
    }

    fn seconds(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn a_day_is_what_the_local_clock_shows() {
        let rome = zone("Europe/Rome");
        assert_eq!(
            rome.day(seconds("2025-06-01T21:59:59Z")),
            Some(day(2025, 6, 1))
        );
        assert_eq!(
            rome.day(seconds("2025-06-01T22:00:00Z")),
            Some(day(2025, 6, 2))
        );
        assert_eq!(zone("America/New_York").day(-1), Some(-1));
    }

    #[test]
    fn instants_before_1970_round_down() {
        let utc = zone("UTC");
        assert_eq!(utc.by_microsecond().day(-1), Some(-1));
        assert_eq!(utc.by_millisecond().day(-86_400_001), Some(-2));
        assert_eq!(utc.by_nanosecond().day(i64::MIN), Some(day(1677, 9, 21)));
    }

    #[test]
    fn days_outside_the_calendar_are_none() {
        for zone in [
            zone("UTC"),
            zone("Pacific/Kiritimati"),
            zone("America/New_York"),
        ] {
            for (edge, beyond) in [(FIRST_DAY, -1), (LAST_DAY, 1)] {
                assert!(zone.day_start(edge).unwrap().is_some());
                assert!(zone.day_end(edge).unwrap().is_some());
                assert!(zone.day_range(edge).is_none());
                let fault = zone.day_start(edge + beyond).unwrap_err().to_string();
                assert!(fault.contains(&show_day((edge + beyond).into())), "{fault}");
            }
            let first = zone.day_start(FIRST_DAY).unwrap().unwrap();
            assert_eq!(
                (zone.day(first), zone.day(first - 1)),
                (Some(FIRST_DAY), None)
            );
            let end = zone.day_end(LAST_DAY).unwrap().unwrap();
            assert_eq!((zone.day(end - 1), zone.day(end)), (Some(LAST_DAY), None));
            assert_eq!((zone.day(i64::MIN), zone.day(i64::MAX)), (None, None));
        }
    }

    #[test]
    fn edges_follow_the_clock() {
        for (name, day, start, end) in [
            (
                "America/New_York",
                day(2025, 3, 9),
                "2025-03-09T05:00Z",
                "2025-03-10T04:00Z",
            ),
            (
                "America/Sao_Paulo",
                day(2018, 11, 4),
                "2018-11-04T03:00Z",
                "2018-11-05T02:00Z",
            ),
            (
                "Pacific/Kwajalein",
                day(1969, 9, 30),
                "1969-09-29T13:00Z",
                "1969-10-01T12:00Z",
            ),
            (
                "America/St_Johns",
                day(2006, 10, 29),
                "2006-10-29T02:30Z",
                "2006-10-30T03:30Z",
            ),
        ] {
            let zone = zone(name);
            let minute = |text: &str| seconds(&text.replace("Z", ":00Z"));
            assert_eq!(zone.day_start(day), Ok(Some(minute(start))), "{name}");
            assert_eq!(zone.day_end(day), Ok(Some(minute(end))), "{name}");
        }
    }

    #[test]
    fn a_skipped_day_is_nowhere() {
        let (apia, skipped) = (zone("Pacific/Apia"), day(2011, 12, 30));
        assert_eq!(apia.day_start(skipped), Ok(None));
        assert_eq!(apia.day_end(skipped), Ok(None));
        let at = seconds("2011-12-30T10:00:00Z");
        assert_eq!(apia.day_range(skipped), Some((at, at)));
    }

    #[test]
    fn a_day_in_two_pieces_has_no_range() {
        let split = zone("America/St_Johns");
        assert_eq!(split.day_range(day(2006, 10, 28)), None);
        assert_eq!(split.day_range(day(2006, 10, 29)), None);
        assert!(split.day_range(day(2006, 10, 30)).is_some());
    }
}
