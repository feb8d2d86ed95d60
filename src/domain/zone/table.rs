//! Offsets from UTC by shifting: what makes the local day of an instant of our time cost a nanosecond or two.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::day::SECONDS_PER_DAY;

/// From 1970-01-01 to the end of 2073, give or take some weeks in the different units.
const BUCKETS: usize = 3_000;

/// Marks a bucket with more than one turn, which only the rules can answer for.
const CROWDED: i64 = i64::MIN;

/// Moves local time since 1970 above zero, whatever the offset.
const LIFT_DAYS: i32 = 2;

/// The offsets of a zone over the time that messages come from, in a time unit that counts `PER_SECOND` a second.
///
/// Each unit has its own, so that an instant is looked up and dated without being converted.
#[derive(Debug)]
pub(super) struct OffsetTable<const PER_SECOND: i64>([Bucket; BUCKETS]);

/// One bucket's offsets: `before` until the instant `turn`, `after` from it on.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    turn: i64,
    before: i64,
    after: i64,
}

impl<const PER_SECOND: i64> OffsetTable<PER_SECOND> {
    /// A bucket is this power of two: 12 to 13 days, in which few zones ever turned their clocks twice.
    const BITS: u32 = match PER_SECOND {
        1 => 20,
        1_000 => 30,
        1_000_000 => 40,
        _ => 50,
    };

    const PER_DAY: u64 = SECONDS_PER_DAY.cast_unsigned() * PER_SECOND.cast_unsigned();

    const LIFT: i64 = LIFT_DAYS as i64 * SECONDS_PER_DAY * PER_SECOND;

    pub(super) fn new(rules: &TimeZone) -> Box<Self> {
        let in_unit = |seconds: i32| i64::from(seconds) * PER_SECOND;
        let mut offset = in_unit(rules.to_offset(Timestamp::UNIX_EPOCH).seconds());
        let mut turns = rules
            .following(Timestamp::UNIX_EPOCH)
            // No unit's table reaches as far as numbers do, which an instant of any year might not fit.
            .take_while(|turn| turn.timestamp().as_second() < i64::MAX / 1_000_000_000)
            .map(|turn| {
                (
                    turn.timestamp().as_second() * PER_SECOND,
                    turn.offset().seconds(),
                )
            })
            .peekable();
        let mut table = Box::new(Self(
            [Bucket {
                turn: i64::MAX,
                before: 0,
                after: 0,
            }; BUCKETS],
        ));
        let mut end = 0;
        for bucket in &mut table.0 {
            end += 1 << Self::BITS;
            (bucket.before, bucket.after) = (offset, offset);
            while let Some((at, next)) = turns.next_if(|(at, _)| *at < end) {
                let next = in_unit(next);
                if next == offset {
                    continue;
                }
                let crowded = bucket.turn != i64::MAX;
                let (before, after) = if crowded {
                    (CROWDED, CROWDED)
                } else {
                    (offset, next)
                };
                *bucket = Bucket {
                    turn: at,
                    before,
                    after,
                };
                offset = next;
            }
        }
        table
    }

    /// The local day of an instant, in days since 1970-01-01; `None` where only the rules know.
    #[inline]
    pub(super) fn day(&self, instant: i64) -> Option<i32> {
        // An instant before 1970 becomes a number past the end of the table.
        let number = usize::try_from(instant.cast_unsigned() >> Self::BITS).ok()?;
        let bucket = self.0.get(number)?;
        let offset = if instant < bucket.turn {
            bucket.before
        } else {
            bucket.after
        };
        if offset == CROWDED {
            return None;
        }
        let day = (instant + offset + Self::LIFT).cast_unsigned() / Self::PER_DAY;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the table ends after 40 000 days"
        )]
        let day = (day as u32).cast_signed();
        Some(day - LIFT_DAYS)
    }
}

impl<const PER_SECOND: i64> OffsetTable<PER_SECOND> {
    /// The local day of an instant, and instants around it that all have that day; `None` where only the rules know.
    pub(super) fn stretch(&self, instant: i64) -> Option<(i32, RangeInclusive<i64>)> {
        let day = self.day(instant)?;
        let number = instant >> Self::BITS;
        let bucket = self.0.get(usize::try_from(number).ok()?)?;
        let start = number << Self::BITS;
        let end = start + (1 << Self::BITS) - 1;
        let (offset, first, last) = if instant < bucket.turn {
            (bucket.before, start, end.min(bucket.turn - 1))
        } else {
            (bucket.after, start.max(bucket.turn), end)
        };
        let midnight = i64::from(day) * Self::PER_DAY.cast_signed() - offset;
        let next = midnight + Self::PER_DAY.cast_signed();
        Some((day, first.max(midnight)..=last.min(next - 1)))
    }
}

impl OffsetTable<1> {
    /// The turns strictly between two seconds, each with the offset that it leads to; `None` where only the rules
    /// know.
    pub(super) fn turns(
        &self,
        from: i64,
        to: i64,
    ) -> Option<impl Iterator<Item = (i64, i64)> + use<'_>> {
        let first = usize::try_from(from >> Self::BITS).ok()?;
        let last = usize::try_from(to >> Self::BITS).ok()?;
        let buckets = self.0.get(first..=last)?;
        if buckets.iter().any(|bucket| bucket.before == CROWDED) {
            return None;
        }
        let inside = move |bucket: &&Bucket| from < bucket.turn && bucket.turn < to;
        Some(
            buckets
                .iter()
                .filter(inside)
                .map(|bucket| (bucket.turn, bucket.after)),
        )
    }
}
