//! Calendar days as numbers: days since 1970-01-01 in the Gregorian calendar, as Arrow's `DATE` counts them.

use jiff::ToSpan;
use jiff::civil::Date;

/// A calendar day in days since 1970-01-01.
pub(crate) type Day = i32;

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// The number of a date.
pub(crate) fn day_of(date: Date) -> Day {
    // A span of days between two dates of the calendar always fits.
    EPOCH.until(date).map_or(FIRST_DAY, |span| span.get_days())
}

/// The date of a number; `None` beyond the calendar.
pub(crate) fn date_of(day: Day) -> Option<Date> {
    let span = 0.days().try_days(day).ok()?;
    EPOCH.checked_add(span).ok()
}

/// Seconds in a day of 24 hours, the only kind that UTC has.
pub(crate) const SECONDS_PER_DAY: i64 = 86_400;

/// -9999-01-01, the first day that the zone rules know.
pub(crate) const FIRST_DAY: i32 = -4_371_587;

/// 9999-12-31, the last day that the zone rules know.
pub(crate) const LAST_DAY: i32 = 2_932_896;

/// `day` as people write it: `2025-03-09`, with as many digits of the year as it takes.
///
/// Any number of days is shown, so that an error can name a day beyond the calendar's range.
pub(crate) fn show_day(day: i64) -> String {
    // Years that begin in March put the leap day last; 719 468 days lead from 0000-03-01 to 1970-01-01, and an era
    // is the 146 097 days of 400 years, after which the calendar repeats.
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let sign = if year < 0 { "-" } else { "" };
    format!("{sign}{:04}-{month:02}-{day_of_month:02}", year.abs())
}

/// An instant, in whole seconds since 1970-01-01T00:00:00Z, as people write it: `2025-03-09T05:00:00Z`.
pub(crate) fn show_instant(seconds: i64) -> String {
    let day = show_day(seconds.div_euclid(SECONDS_PER_DAY));
    let clock = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hours, minutes, seconds) = (clock / 3_600, clock / 60 % 60, clock % 60);
    format!("{day}T{hours:02}:{minutes:02}:{seconds:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn number(day: Date) -> i64 {
        i64::from(day_of(day))
    }

    #[test]
    fn days_read_as_the_calendar_writes_them() {
        for (number, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (20_521, "2026-03-09"),
            (i64::from(LAST_DAY) + 1, "10000-01-01"),
            (i64::from(FIRST_DAY), "-9999-01-01"),
        ] {
            assert_eq!(show_day(number), text);
        }
        let mut day = date(1582, 1, 1);
        while day.year() < 2420 {
            assert_eq!(show_day(number(day)), day.to_string());
            day = day.tomorrow().unwrap_or(Date::MAX);
        }
    }

    #[test]
    fn the_calendar_is_that_of_the_zone_rules() {
        assert_eq!(number(Date::MIN), i64::from(FIRST_DAY));
        assert_eq!(number(Date::MAX), i64::from(LAST_DAY));
    }

    #[test]
    fn instants_read_in_utc() {
        assert_eq!(show_instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(show_instant(-1), "1969-12-31T23:59:59Z");
        assert_eq!(show_instant(253_402_300_800), "10000-01-01T00:00:00Z");
    }
}
