//! One conversation: who talks, over which channel, and when each message is sent.

use super::draw::{Draw, consumer_id};
use super::world::{Site, World, index, listens_by_switch};

/// Channels and how many of 100 conversations use them; some exports do not know (NULL).
const CHANNELS: [(Option<&str>, u64); 7] = [
    (Some("WEB"), 36),
    (Some("APP"), 20),
    (Some("SMS"), 13),
    (Some("WHATSAPP"), 15),
    (Some("FACEBOOK"), 6),
    (Some("APPLE"), 5),
    (None, 5),
];

/// Queues, an extra column that reports carry along.
const QUEUES: [(Option<&str>, u64); 6] = [
    (Some("support"), 40),
    (Some("sales"), 25),
    (Some("billing"), 15),
    (Some("returns"), 10),
    (Some("vip"), 4),
    (None, 6),
];

/// Of 1000 conversations, those whose `consumer_id` is filled on the consumer's own messages only.
///
/// Many exports are like this. A day on which only the brand wrote in such a conversation has no consumer at all.
pub(super) const CONSUMER_ON_OWN_ROWS: u64 = 400;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What all messages of a conversation share.
pub(super) struct Conversation {
    /// A UUID as text.
    pub(super) id: String,
    /// The consumer's UUID as text.
    pub(super) consumer: String,
    /// Index of the site.
    pub(super) site: usize,
    /// Where it takes place.
    pub(super) channel: Option<&'static str>,
    /// Who is to answer it.
    pub(super) queue: Option<&'static str>,
    /// Whether Intent Analyzer listened; `None` where only the organization's switch says.
    pub(super) listened: Option<bool>,
    /// `consumer_id` is filled on the consumer's own messages only.
    pub(super) consumer_on_own_rows: bool,
    /// How many outcomes are recorded when it ends.
    pub(super) outcomes: u8,
    /// Messages not yet sent.
    pub(super) left: u32,
}

/// Who sends a message, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// The customer.
    Consumer,
    /// A human agent.
    Agent,
    /// A human agent, to colleagues only.
    AgentNote,
    /// A bot.
    Bot,
    /// The platform itself.
    System,
}

/// The brand's side of a conversation.
#[derive(Clone, Copy)]
enum Service {
    Bot,
    BotThenAgent,
    Agent,
}

/// Who takes part.
#[derive(Clone, Copy)]
enum Talk {
    Both,
    ConsumerOnly,
    BrandOnly,
}

/// Starts conversations and lays out their messages.
pub(super) struct Planner<'a> {
    world: &'a World,
    seed: u64,
    /// By site: from how many consumers its conversations come.
    consumers: Vec<u64>,
}

impl<'a> Planner<'a> {
    /// A planner for `messages` messages in all: larger sites have more consumers, each comes back a few times.
    pub(super) fn new(world: &'a World, seed: u64, messages: u64) -> Self {
        let all: u128 = world.sites.iter().map(|site| u128::from(site.weight)).sum();
        let pool = |site: &Site| {
            let own = u128::from(messages) * u128::from(site.weight) / all;
            u64::try_from(own / 30).unwrap_or(u64::MAX).max(3)
        };
        Self {
            world,
            seed,
            consumers: world.sites.iter().map(pool).collect(),
        }
    }

    /// A new conversation on a site, without its messages.
    pub(super) fn start(&self, site: usize, draw: &mut Draw) -> Conversation {
        let owner = self.world.sites[site].org;
        let consumer = draw.skewed_below(self.consumers[site]);
        let listened = match (draw.chance(300), listens_by_switch(owner)) {
            (true, _) => Some(true),
            (false, false) => Some(false),
            (false, true) => None,
        };
        Conversation {
            id: draw.uuid(),
            consumer: consumer_id(self.seed, u64::try_from(site).unwrap_or(u64::MAX), consumer),
            site,
            channel: draw.weighted(&CHANNELS, None),
            queue: draw.weighted(&QUEUES, None),
            listened,
            consumer_on_own_rows: draw.chance(CONSUMER_ON_OWN_ROWS),
            outcomes: draw.weighted(&[(0, 950), (1, 42), (2, 8)], 0),
            left: 0,
        }
    }
}

/// The messages of one conversation, in the order of their instants.
#[derive(Default)]
pub(super) struct Script {
    /// Instant in milliseconds since 1970, and sender.
    pub(super) lines: Vec<(i64, Sender)>,
    /// Sittings: stretches of talk with hours or days between them. About as many as the DARs it makes.
    pub(super) sittings: u64,
}

impl Script {
    /// Lays out a conversation that starts at `start`: at least one message, at most `room`, all before `silent_from`.
    pub(super) fn write(&mut self, start: i64, silent_from: i64, room: u64, draw: &mut Draw) {
        self.lines.clear();
        self.sittings = 0;
        let room = index(room);
        let asynchronous = draw.chance(250);
        let sittings = if asynchronous {
            draw.weighted(&[(2, 45), (3, 30), (4, 15), (5, 10)], 2)
        } else {
            1
        };
        let (pause, spread) = if asynchronous {
            (4 * MINUTE, 170)
        } else {
            (35 * SECOND, 140)
        };
        let mut cast = Cast::new(draw);

        let mut opens = start.min(silent_from - 1);
        for _ in 0..sittings {
            let mut at = opens;
            let length = (draw.lognormal(58, 125) / 10).clamp(1, 250);
            for _ in 0..length {
                if at >= silent_from || self.lines.len() >= room {
                    break;
                }
                self.lines.push((at, cast.next(draw)));
                at += draw
                    .lognormal(pause, spread)
                    .clamp(SECOND, 3 * HOUR)
                    .cast_signed();
            }
            self.sittings += 1;
            opens = (opens + break_before_next(draw).cast_signed()).max(at + MINUTE.cast_signed());
            if opens >= silent_from || self.lines.len() >= room {
                break;
            }
        }
    }
}

/// From the start of a sitting to the start of the next: later on the day, or around the same hour of a later day.
fn break_before_next(draw: &mut Draw) -> u64 {
    let days = draw.weighted(
        &[
            (0, 20),
            (1, 42),
            (2, 15),
            (3, 9),
            (4, 6),
            (5, 4),
            (6, 2),
            (7, 2),
        ],
        1,
    );
    match days {
        0 => draw.between(2 * HOUR, 6 * HOUR),
        days => days * DAY - 3 * HOUR + draw.below(3 * HOUR) + draw.below(3 * HOUR),
    }
}

/// Who speaks next: the parties take turns, with second thoughts, interruptions and asides.
struct Cast {
    service: Service,
    talk: Talk,
    consumer_speaks: bool,
    bot_lines: u64,
}

impl Cast {
    fn new(draw: &mut Draw) -> Self {
        Self {
            service: draw.weighted(
                &[
                    (Service::Bot, 35),
                    (Service::BotThenAgent, 30),
                    (Service::Agent, 35),
                ],
                Service::Bot,
            ),
            talk: draw.weighted(
                &[
                    (Talk::Both, 93),
                    (Talk::ConsumerOnly, 3),
                    (Talk::BrandOnly, 4),
                ],
                Talk::Both,
            ),
            consumer_speaks: draw.chance(880),
            bot_lines: draw.between(1, 5),
        }
    }

    fn next(&mut self, draw: &mut Draw) -> Sender {
        if draw.chance(15) {
            return Sender::System;
        }
        let consumer = match self.talk {
            Talk::ConsumerOnly => true,
            Talk::BrandOnly => false,
            Talk::Both => {
                let speaks = self.consumer_speaks;
                self.consumer_speaks = speaks != draw.chance(720);
                speaks
            }
        };
        if consumer {
            return Sender::Consumer;
        }
        let bot = match self.service {
            Service::Bot => true,
            Service::Agent => false,
            Service::BotThenAgent => self.bot_lines > 0,
        };
        match (bot, draw.chance(40)) {
            (true, _) => {
                self.bot_lines = self.bot_lines.saturating_sub(1);
                Sender::Bot
            }
            (false, true) => Sender::AgentNote,
            (false, false) => Sender::Agent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::generate::draw::Purpose;

    #[test]
    fn a_script_keeps_its_bounds() {
        let mut draw = Draw::new(1, Purpose::Messages);
        let mut script = Script::default();
        let end = DAY.cast_signed() * 30;
        for n in 0..2000 {
            let start = n * 1_300_000;
            let room = 1 + draw.below(20);
            script.write(start, end, room, &mut draw);
            assert!(!script.lines.is_empty() && script.lines.len() <= index(room));
            assert!(script.lines.is_sorted_by_key(|(at, _)| *at));
            assert!(script.lines.iter().all(|(at, _)| *at < end));
        }
        script.write(end + 5, end, 100, &mut draw);
        assert_eq!(script.lines.first().map(|(at, _)| *at), Some(end - 1));
    }

    #[test]
    fn about_eight_messages_a_sitting() {
        let mut draw = Draw::new(1, Purpose::Messages);
        let mut script = Script::default();
        let (mut messages, mut sittings, mut system) = (0, 0, 0);
        for _ in 0..20_000 {
            script.write(0, i64::MAX / 2, u64::MAX, &mut draw);
            messages += script.lines.len();
            sittings += script.sittings;
            system += script
                .lines
                .iter()
                .filter(|(_, sender)| *sender == Sender::System)
                .count();
        }
        let tenths = messages * 10 / index(sittings);
        assert!((74..88).contains(&tenths), "{tenths} tenths of a message");
        assert!((10..20).contains(&(system * 1000 / messages)));
    }
}
