//! Offsets from UTC by division: what makes the local day of an instant of our time cost about a nanosecond.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::day::SECONDS_PER_DAY;

/// A bucket is 2^20 seconds, 12 days and a bit: few zones ever turned their clocks twice in that time.
const BUCKET_BITS: u32 = 20;

/// Buckets from 1970-01-01 to 2099-12-27.
const BUCKETS: usize = 3_912;

/// The first second after the last bucket.
const END: i64 = 3_912 << BUCKET_BITS;

/// Marks a bucket with more than one turn, which only the rules can answer for.
const CROWDED: i32 = i32::MIN;

/// Moves local seconds since 1970 above zero, whatever the offset.
const LIFT_DAYS: i32 = 2;

/// The offsets of a zone, in seconds, over the time that messages come from.
#[derive(Debug)]
pub(super) struct OffsetTable(Box<[Bucket]>);

/// One bucket's offsets: `before` until the second `turn`, `after` from it on.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    turn: i64,
    before: i32,
    after: i32,
}

impl OffsetTable {
    pub(super) fn new(rules: &TimeZone) -> Self {
        let mut offset = rules.to_offset(Timestamp::UNIX_EPOCH).seconds();
        let mut turns = rules
            .following(Timestamp::UNIX_EPOCH)
            .map(|turn| (turn.timestamp().as_second(), turn.offset().seconds()))
            .take_while(|(at, _)| *at < END)
            .peekable();
        let mut buckets = Vec::with_capacity(BUCKETS);
        let mut end = 0;
        while end < END {
            end += 1 << BUCKET_BITS;
            let mut bucket = Bucket {
                turn: i64::MAX,
                before: offset,
                after: offset,
            };
            while let Some((at, next)) = turns.next_if(|(at, _)| *at < end) {
                if next == offset {
                    continue;
                }
                if bucket.turn == i64::MAX {
                    bucket = Bucket {
                        turn: at,
                        before: offset,
                        after: next,
                    };
                } else {
                    bucket = Bucket {
                        turn: at,
                        before: CROWDED,
                        after: CROWDED,
                    };
                }
                offset = next;
            }
            buckets.push(bucket);
        }
        Self(buckets.into())
    }

    /// The local day of a second since 1970-01-01T00:00:00Z, in days since 1970-01-01; `None` where only the rules
    /// know.
    #[inline]
    pub(super) fn day(&self, second: u64) -> Option<i32> {
        let bucket = self.0.get(usize::try_from(second >> BUCKET_BITS).ok()?)?;
        let second = second.cast_signed();
        let offset = if second < bucket.turn {
            bucket.before
        } else {
            bucket.after
        };
        if offset == CROWDED {
            return None;
        }
        let lifted = second + i64::from(offset) + i64::from(LIFT_DAYS) * SECONDS_PER_DAY;
        let day = lifted.cast_unsigned() / SECONDS_PER_DAY.cast_unsigned();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the table ends after 47 478 days"
        )]
        let day = (day as u32).cast_signed();
        Some(day - LIFT_DAYS)
    }

    /// The turns strictly between two seconds, each with the offset that it leads to; `None` where only the rules
    /// know.
    pub(super) fn turns(
        &self,
        from: i64,
        to: i64,
    ) -> Option<impl Iterator<Item = (i64, i32)> + use<'_>> {
        let first = usize::try_from(from >> BUCKET_BITS).ok()?;
        let last = usize::try_from(to >> BUCKET_BITS).ok()?;
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
