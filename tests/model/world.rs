//! Random messages, sites and switches, close enough together to collide.

use std::fmt;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub(super) const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;

/// An id, which orders by number or by UTF-8 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Id {
    Number(i64),
    Text(String),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Instants are nanoseconds since 1970.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) site: Option<Id>,
    pub(super) conversation: Option<Id>,
    pub(super) at: Option<i64>,
    pub(super) by: Option<String>,
    pub(super) consumer: Option<Id>,
    pub(super) audience: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) listened: Option<bool>,
    pub(super) queue: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) site: Id,
    pub(super) org: String,
    pub(super) zone: String,
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
    pub(super) is_test: Option<bool>,
}

#[derive(Debug, Clone)]
pub(super) struct Switch {
    pub(super) org: String,
    pub(super) feature: String,
    pub(super) site: Option<Id>,
    pub(super) from: i64,
    pub(super) to: Option<i64>,
}

#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) messages: Vec<Message>,
    pub(super) sites: Vec<Site>,
    pub(super) switches: Vec<Switch>,
}

/// The readings of the rules that a call may choose.
#[derive(Debug, Clone)]
pub(super) struct Readings {
    pub(super) by_conversation: bool,
    pub(super) rule: &'static str,
    pub(super) by_site: bool,
}

pub(super) fn readings() -> impl Strategy<Value = Readings> {
    let rule = prop::sample::select(vec!["any", "first_message", "day_start"]);
    (any::<bool>(), rule, any::<bool>()).prop_map(|(by_conversation, rule, by_site)| Readings {
        by_conversation,
        rule,
        by_site,
    })
}

/// A world around one change of some clock. `whole` keeps every instant on a second, so that every unit can hold it.
pub(super) fn world(whole: bool) -> impl Strategy<Value = World> {
    (prop::sample::select(SCENES.to_vec()), any::<[bool; 3]>()).prop_flat_map(
        move |(scene, numbers)| {
            let sites = ids(numbers[0], &SITES);
            let conversations = ids(numbers[1], &CONVERSATIONS);
            let consumers = ids(numbers[2], &CONSUMERS);
            let echo = (
                any::<prop::sample::Index>(),
                channel(),
                queue(),
                any::<bool>(),
            );
            (
                vec(
                    message(scene.0, whole, sites.clone(), conversations, consumers),
                    0..30,
                ),
                vec(echo, 0..10),
                sites_of(scene, sites.clone()),
                vec(switch(scene.0, sites), 0..5),
            )
                .prop_map(|(mut messages, echoes, sites, switches)| {
                    // Rows of the same instant and place, so that ties are common.
                    for (which, channel, queue, same_channel) in echoes {
                        if !messages.is_empty() {
                            let of = which.get(&messages).clone();
                            let channel = if same_channel {
                                of.channel.clone()
                            } else {
                                channel
                            };
                            messages.push(Message {
                                channel,
                                queue,
                                ..of
                            });
                        }
                    }
                    World {
                        messages,
                        sites,
                        switches,
                    }
                })
        },
    )
}

/// An instant in seconds at which a clock changes its day in an odd way, and the zone where.
type Scene = (i64, &'static str);

const SCENES: [Scene; 8] = [
    (1_162_089_060, "America/St_Johns"), // 2006-10-29T02:31Z: back to the day before, for an hour
    (1_325_239_200, "Pacific/Apia"),     // 2011-12-30T10:00Z: a date skipped
    (1_741_503_600, "America/New_York"), // 2025-03-09T07:00Z: 23 hours
    (1_541_300_400, "America/Sao_Paulo"), // 2018-11-04T03:00Z: no midnight
    (1_759_591_800, "Australia/Lord_Howe"), // 2025-10-04T15:30Z: half an hour
    (1_743_296_400, "Antarctica/Troll"), // 2025-03-30T01:00Z: two hours
    (1_289_098_860, "America/Goose_Bay"), // 2010-11-07T03:01Z: back to the day before
    (1_735_689_600, "Asia/Kathmandu"),   // 2025-01-01T00:00Z: an odd offset
];

const ZONES: [&str; 6] = [
    "UTC",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "America/St_Johns",
    "Asia/Tokyo",
    "Pacific/Chatham",
];

const SITES: [&str; 3] = ["7", "70", "8"];
const CONVERSATIONS: [&str; 4] = ["1", "9", "10", "100"];
// Two of them are conversations too.
const CONSUMERS: [&str; 4] = ["9", "10", "5", "500"];

/// Ids of one column: numbers, or texts that mostly read like them.
fn ids(numbers: bool, texts: &[&str]) -> Vec<Id> {
    texts
        .iter()
        .map(|text| {
            if numbers {
                Id::Number(text.parse().unwrap())
            } else {
                Id::Text((*text).to_owned())
            }
        })
        .collect()
}

fn text(choices: &[(u32, Option<&str>)]) -> impl Strategy<Value = Option<String>> + use<> {
    let choices = choices
        .iter()
        .map(|(weight, choice)| (*weight, Just(choice.map(str::to_owned)).boxed()));
    proptest::strategy::Union::new_weighted(choices.collect())
}

fn channel() -> impl Strategy<Value = Option<String>> {
    text(&[
        (3, None),
        (3, Some("SMS")),
        (3, Some("WEB")),
        (1, Some("")),
        (1, Some("ça")),
    ])
}

fn queue() -> impl Strategy<Value = Option<String>> {
    text(&[
        (2, None),
        (2, Some("sales")),
        (2, Some("care")),
        (1, Some("")),
    ])
}

fn instant(scene: i64, whole: bool) -> impl Strategy<Value = i64> {
    let coarse = prop::sample::select(vec![
        -36, -25, -24, -23, -12, -1, 0, 0, 0, 1, 2, 12, 13, 23, 24, 25, 36,
    ]);
    let fine = prop::sample::select(vec![
        -1800 * SECOND,
        -60 * SECOND,
        -SECOND,
        -1000,
        -1,
        0,
        0,
        1,
        999,
        SECOND,
        1800 * SECOND,
    ]);
    (coarse, fine).prop_map(move |(hours, rest)| {
        let rest = if whole { rest / SECOND * SECOND } else { rest };
        scene * SECOND + hours * HOUR + rest
    })
}

fn message(
    scene: i64,
    whole: bool,
    sites: Vec<Id>,
    conversations: Vec<Id>,
    consumers: Vec<Id>,
) -> impl Strategy<Value = Message> {
    let stray = if matches!(sites[0], Id::Number(_)) {
        Id::Number(404)
    } else {
        Id::Text("zz".to_owned())
    };
    let site = prop_oneof![30 => prop::sample::select(sites).prop_map(Some), 1 => Just(Some(stray)), 1 => Just(None)];
    let conversation =
        prop_oneof![40 => prop::sample::select(conversations).prop_map(Some), 1 => Just(None)];
    let at = prop_oneof![
        60 => instant(scene, whole).prop_map(Some),
        1 => Just(None),
        1 => Just(Some(0)),
        1 => Just(Some(-SECOND)),
    ];
    let by = text(&[
        (12, Some("consumer")),
        (2, Some("CONSUMER")),
        (8, Some("agent")),
        (4, Some("Human")),
        (8, Some("bot")),
        (2, Some("system")),
        (1, Some("Controller")),
        (1, Some("robot")),
        (1, Some("")),
        (1, None),
    ]);
    let audience = text(&[
        (12, None),
        (8, Some("ALL")),
        (4, Some("all")),
        (1, Some("AGENTS_AND_MANAGERS")),
        (1, Some("x")),
    ]);
    let consumer = option::weighted(0.5, prop::sample::select(consumers));
    (
        site,
        conversation,
        at,
        by,
        consumer,
        audience,
        channel(),
        option::weighted(0.3, any::<bool>()),
        queue(),
    )
        .prop_map(
            |(site, conversation, at, by, consumer, audience, channel, listened, queue)| Message {
                site,
                conversation,
                at,
                by,
                consumer,
                audience,
                channel,
                listened,
                queue,
            },
        )
}

/// Each site's history: one row for ever, a move at some instant, or a gap between two rows.
fn sites_of((at, zone): Scene, sites: Vec<Id>) -> impl Strategy<Value = Vec<Site>> {
    let zone = prop_oneof![2 => Just(zone), 3 => prop::sample::select(ZONES.to_vec())];
    let org = prop::sample::select(vec!["acme", "bolt"]);
    let is_test = prop_oneof![6 => Just(None), 6 => Just(Some(false)), 1 => Just(Some(true))];
    let part = (zone, org, is_test);
    let history = (
        vec(part, 3),
        instant(at, true),
        0..4_i64,
        0..3_usize,
        any::<[bool; 2]>(),
    );
    vec(history, sites.len()).prop_map(move |histories| {
        let mut rows = Vec::new();
        for (site, (parts, cut, gap, extra, open)) in sites.iter().zip(histories) {
            let first = if open[0] { None } else { Some(cut - 40 * HOUR) };
            let last = if open[1] { None } else { Some(cut + 60 * HOUR) };
            let mut bounds = vec![
                (first, Some(cut)),
                (Some(cut + gap * HOUR / 2), Some(cut + 10 * HOUR)),
                (Some(cut + 10 * HOUR), last),
            ];
            bounds.truncate(extra + 1);
            if let Some(end) = bounds.last_mut() {
                end.1 = last;
            }
            for ((from, to), (zone, org, is_test)) in bounds.into_iter().zip(parts) {
                rows.push(Site {
                    site: site.clone(),
                    org: org.to_owned(),
                    zone: zone.to_owned(),
                    from,
                    to,
                    is_test,
                });
            }
        }
        rows
    })
}

fn switch(scene: i64, sites: Vec<Id>) -> impl Strategy<Value = Switch> {
    let org = prop::sample::select(vec!["acme", "bolt"]);
    let feature = prop::sample::select(vec!["gen_ai", "gen_ai", "intent_analyzer"]);
    let site = option::weighted(0.4, prop::sample::select(sites));
    (
        org,
        feature,
        site,
        instant(scene, true),
        option::of(1..60_i64),
    )
        .prop_map(|(org, feature, site, from, hours)| Switch {
            org: org.to_owned(),
            feature: feature.to_owned(),
            site,
            from,
            to: hours.map(|hours| from + hours * HOUR / 2),
        })
}
