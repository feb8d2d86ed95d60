//! The year hour by hour: conversations start, overlap and end, and their messages come out in order.
//!
//! Only conversations under way are in memory. Their messages wait in one bucket an hour; once all conversations of an
//! hour have begun, nothing can be added to its bucket any more, so it is sorted and handed on.

use std::collections::VecDeque;

use datafusion::error::Result;

use super::clock::{HOUR, YEAR_START};
use super::conversation::{Conversation, Planner, Script, Sender};
use super::draw::{Draw, Purpose};
use super::rhythm::{HOURS, Rhythm};
use super::world::{ORGS, World, index};

/// One message on its way out.
pub(super) struct Message<'a> {
    /// Its number in the whole output, from 1.
    pub(super) number: u64,
    /// Milliseconds since 1970; never less than that of the message before.
    pub(super) at: i64,
    /// Who sent it.
    pub(super) sender: Sender,
    /// The conversation; `left` is 0 at its last message.
    pub(super) conversation: &'a Conversation,
}

/// What the year amounted to.
pub(super) struct Totals {
    /// Conversations begun.
    pub(super) conversations: u64,
    /// By organization: sittings, which is about as many DARs.
    pub(super) sittings: Vec<u64>,
}

/// A message that waits for its hour; the conversation is its place in the list of those under way.
#[derive(Clone, Copy)]
struct Waiting {
    at: i64,
    conversation: u32,
    sender: Sender,
}

/// Plays the year: calls `send` with exactly `messages` messages in the order of their instants, and `hour_over` with
/// the number sent so far after each hour.
///
/// # Errors
///
/// Those of `send`.
pub(super) fn play(
    world: &World,
    seed: u64,
    messages: u64,
    mut send: impl FnMut(&Message<'_>) -> Result<()>,
    mut hour_over: impl FnMut(u64),
) -> Result<Totals> {
    let mut draw = Draw::new(seed, Purpose::Messages);
    let mut rhythm = Rhythm::new(world)?;
    let planner = Planner::new(world, seed, messages);
    let mut script = Script::default();
    let mut under_way = UnderWay::default();
    let mut buckets: VecDeque<Vec<Waiting>> = VecDeque::new();
    let mut totals = Totals {
        conversations: 0,
        sittings: vec![0; ORGS],
    };
    let (mut planned, mut sent) = (0_u64, 0_u64);

    let mut hour_start = YEAR_START;
    for hour in 0..HOURS {
        rhythm.enter(hour, world);
        let due = rhythm.due(hour, messages);
        while planned < due {
            let site = rhythm.site(&mut draw);
            let start = hour_start + draw.below(HOUR.unsigned_abs()).cast_signed();
            let mut conversation = planner.start(site, &mut draw);
            let place = &world.sites[site];
            script.write(
                start,
                world.clock(place).silent_from,
                messages - planned,
                &mut draw,
            );
            conversation.left = u32::try_from(script.lines.len()).unwrap_or(u32::MAX);
            planned += u64::from(conversation.left);
            totals.conversations += 1;
            totals.sittings[place.org] += script.sittings;

            let conversation = under_way.begin(conversation);
            for (at, sender) in &script.lines {
                let bucket = index(((at - hour_start) / HOUR).unsigned_abs());
                if buckets.len() <= bucket {
                    buckets.resize_with(bucket + 1, Vec::new);
                }
                buckets[bucket].push(Waiting {
                    at: *at,
                    conversation,
                    sender: *sender,
                });
            }
        }

        let mut bucket = buckets.pop_front().unwrap_or_default();
        // Stable: messages of one instant stay in the order in which they were planned.
        bucket.sort_by_key(|waiting| waiting.at);
        for Waiting {
            at,
            conversation,
            sender,
        } in bucket
        {
            sent += 1;
            under_way.send(conversation, |conversation| {
                send(&Message {
                    number: sent,
                    at,
                    sender,
                    conversation,
                })
            })?;
        }
        hour_over(sent);
        hour_start += HOUR;
    }
    Ok(totals)
}

/// The conversations with messages still to send, in a list whose gaps are filled again.
#[derive(Default)]
struct UnderWay {
    list: Vec<Option<Conversation>>,
    gaps: Vec<u32>,
}

impl UnderWay {
    fn begin(&mut self, conversation: Conversation) -> u32 {
        if let Some(gap) = self.gaps.pop() {
            self.list[index(u64::from(gap))] = Some(conversation);
            return gap;
        }
        self.list.push(Some(conversation));
        u32::try_from(self.list.len() - 1).unwrap_or(u32::MAX)
    }

    fn send(&mut self, place: u32, send: impl FnOnce(&Conversation) -> Result<()>) -> Result<()> {
        let slot = &mut self.list[index(u64::from(place))];
        let Some(conversation) = slot else {
            return Ok(());
        };
        conversation.left -= 1;
        send(conversation)?;
        if conversation.left == 0 {
            *slot = None;
            self.gaps.push(place);
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;
    use crate::cli::generate::clock::YEAR_END;

    #[test]
    fn exactly_as_many_as_asked_in_order_within_the_year() {
        let world = World::new(3).unwrap();
        for asked in [1, 2, 9, 5_000] {
            let (mut count, mut last, mut ended) = (0, YEAR_START, 0);
            let totals = play(
                &world,
                3,
                asked,
                |message| {
                    count += 1;
                    assert_eq!(message.number, count);
                    assert!(message.at >= last && message.at < YEAR_END);
                    last = message.at;
                    ended += u64::from(message.conversation.left == 0);
                    Ok(())
                },
                |_| (),
            )
            .unwrap();
            assert_eq!(count, asked);
            assert_eq!(ended, totals.conversations);
        }
    }
}
