//! The rules, once more, as plainly as they can be said: maps, loops, no cleverness.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp};

use super::world::{Id, Message, Readings, Site, Switch, World};

/// What a message came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) disposition: &'static str,
    pub(super) reason: Option<&'static str>,
    /// Only of a counted message.
    pub(super) counted: Option<Counted>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) org: String,
    pub(super) zone: String,
    pub(super) day: String,
    /// The key: the text, and whether it is a consumer's.
    pub(super) relationship: String,
    pub(super) is_consumer: bool,
    pub(super) gen_ai: bool,
    pub(super) listened: bool,
}

/// One DAR; a carried column may hold any of the values that tie at the first message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dar {
    /// The columns of `dars` in order, as text; instants in microseconds.
    pub(super) cells: Vec<Option<String>>,
    pub(super) queues: BTreeSet<Option<String>>,
}

pub(super) fn fates(world: &World, readings: &Readings) -> Vec<Fate> {
    let verdicts: Vec<Result<&Site, (&'static str, &'static str)>> = world
        .messages
        .iter()
        .map(|message| verdict(message, &world.sites))
        .collect();

    // The consumers that counted messages name, by site, conversation and day.
    let mut named: BTreeMap<(String, String, String), BTreeSet<Id>> = BTreeMap::new();
    for (message, verdict) in world.messages.iter().zip(&verdicts) {
        if let (Ok(site), Some(consumer)) = (verdict, &message.consumer) {
            named
                .entry(place(message, site))
                .or_default()
                .insert(consumer.clone());
        }
    }

    world
        .messages
        .iter()
        .zip(&verdicts)
        .map(|(message, verdict)| match verdict {
            Err((disposition, reason)) => Fate {
                disposition,
                reason: Some(reason),
                counted: None,
            },
            Ok(site) => {
                let place = place(message, site);
                let consumer = message
                    .consumer
                    .clone()
                    .or_else(|| named.get(&place).and_then(|all| all.first().cloned()));
                let consumer = if readings.by_conversation {
                    None
                } else {
                    consumer
                };
                let at = message.at.unwrap();
                let listening = on(&world.switches, "intent_analyzer", site, at);
                Fate {
                    disposition: "counted",
                    reason: None,
                    counted: Some(Counted {
                        org: site.org.clone(),
                        zone: site.zone.clone(),
                        is_consumer: consumer.is_some(),
                        relationship: consumer.map_or(place.1.clone(), |id| id.to_string()),
                        day: place.2,
                        gen_ai: on(&world.switches, "gen_ai", site, at),
                        listened: message.listened.unwrap_or(listening),
                    }),
                }
            }
        })
        .collect()
}

/// Rejects before exclusions, each in its order.
fn verdict<'a>(
    message: &Message,
    sites: &'a [Site],
) -> Result<&'a Site, (&'static str, &'static str)> {
    let reject = |reason| Err(("rejected", reason));
    let Some(id) = &message.site else {
        return reject("null_site");
    };
    if message.conversation.is_none() {
        return reject("null_conversation");
    }
    let Some(at) = message.at else {
        return reject("null_sent_at");
    };
    if at <= 0 {
        return reject("impossible_sent_at");
    }
    let by = message.by.clone().unwrap_or_default().to_lowercase();
    if !["consumer", "agent", "human", "bot", "system", "controller"].contains(&by.as_str()) {
        return reject("unknown_sender");
    }
    let audience = message
        .audience
        .clone()
        .unwrap_or("ALL".to_owned())
        .to_uppercase();
    if !["ALL", "AGENTS_AND_MANAGERS"].contains(&audience.as_str()) {
        return reject("unknown_audience");
    }
    if !sites
        .iter()
        .any(|site| site.site.to_string() == id.to_string())
    {
        return reject("unknown_site");
    }
    let Some(site) = sites.iter().find(|site| {
        site.site.to_string() == id.to_string()
            && site.from.is_none_or(|from| from <= at)
            && site.to.is_none_or(|to| at < to)
    }) else {
        return reject("no_zone_in_force");
    };
    if ["system", "controller"].contains(&by.as_str()) {
        return Err(("excluded", "system"));
    }
    if audience == "AGENTS_AND_MANAGERS" {
        return Err(("excluded", "private_note"));
    }
    if site.is_test == Some(true) {
        return Err(("excluded", "test_site"));
    }
    Ok(site)
}

/// Site, conversation and local day of a counted message.
fn place(message: &Message, site: &Site) -> (String, String, String) {
    let conversation = message.conversation.as_ref().unwrap().to_string();
    (
        site.site.to_string(),
        conversation,
        day(message.at.unwrap(), &site.zone).to_string(),
    )
}

/// Whether a feature is on for a site's organization, or for that site, at an instant.
fn on(switches: &[Switch], feature: &str, site: &Site, at: i64) -> bool {
    switches.iter().any(|switch| {
        switch.feature == feature
            && switch.org == site.org
            && switch
                .site
                .as_ref()
                .is_none_or(|id| id.to_string() == site.site.to_string())
            && switch.from <= at
            && switch.to.is_none_or(|to| at < to)
    })
}

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

fn instant(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap()
}

/// The date that the zone's clock shows.
fn day(nanoseconds: i64, name: &str) -> Date {
    zone(name).to_datetime(instant(nanoseconds)).date()
}

/// The first instant that shows the date. A stretch of a day begins at a midnight of some offset or at a change of the
/// clock; the earliest of those that show the date is the start.
fn day_start(date: Date, name: &str) -> i64 {
    let zone = zone(name);
    let noon = Offset::UTC.to_timestamp(date.at(12, 0, 0, 0)).unwrap();
    let window = noon - Span::new().hours(72)..noon + Span::new().hours(72);
    let changes: Vec<Timestamp> = zone
        .following(window.start)
        .map(|change| change.timestamp())
        .take_while(|at| *at < window.end)
        .collect();
    let offsets = std::iter::once(window.start)
        .chain(changes.clone())
        .map(|at| zone.to_offset(at));
    let midnights = offsets.map(|offset| offset.to_timestamp(date.at(0, 0, 0, 0)).unwrap());
    let start = midnights
        .chain(changes.clone())
        .filter(|at| zone.to_datetime(*at).date() == date)
        .min()
        .unwrap();
    i64::try_from(start.as_nanosecond()).unwrap()
}

/// The DARs of the counted messages, in no order.
pub(super) fn dars(world: &World, readings: &Readings) -> Vec<Dar> {
    type Key = (String, String, bool, String);
    let mut members: BTreeMap<Key, Vec<(&Message, Counted)>> = BTreeMap::new();
    for (message, fate) in world.messages.iter().zip(fates(world, readings)) {
        if let Some(counted) = fate.counted {
            let site = message.site.as_ref().unwrap().to_string();
            let key = (
                site,
                counted.relationship.clone(),
                counted.is_consumer,
                counted.day.clone(),
            );
            members.entry(key).or_default().push((message, counted));
        }
    }
    members
        .into_iter()
        .map(|((site, relationship, is_consumer, day), members)| {
            dar(
                world,
                readings,
                [site, relationship, day],
                is_consumer,
                &members,
            )
        })
        .collect()
}

/// Earliest instant, then channel text, NULL last.
fn rank(message: &Message) -> (i64, bool, Option<String>) {
    (
        message.at.unwrap(),
        message.channel.is_none(),
        message.channel.clone(),
    )
}

fn dar(
    world: &World,
    readings: &Readings,
    [site, relationship, day]: [String; 3],
    is_consumer: bool,
    members: &[(&Message, Counted)],
) -> Dar {
    let (first, theirs) = members
        .iter()
        .min_by_key(|(message, _)| rank(message))
        .unwrap();
    let consumer = if readings.by_conversation {
        let named = members
            .iter()
            .filter(|(message, _)| message.consumer.is_some());
        named
            .min_by_key(|(message, _)| (rank(message), message.consumer.clone()))
            .map(|(message, _)| message.consumer.as_ref().unwrap().to_string())
    } else {
        is_consumer.then(|| relationship.clone())
    };
    let gen_ai = match readings.rule {
        "any" => members.iter().any(|(_, counted)| counted.gen_ai),
        "first_message" => theirs.gen_ai,
        _ => {
            let start = day_start(day.parse().unwrap(), &theirs.zone);
            let in_force = world.sites.iter().find(|row| {
                row.site.to_string() == site
                    && row.from.is_none_or(|from| from <= first.at.unwrap())
                    && row.to.is_none_or(|to| first.at.unwrap() < to)
            });
            on(&world.switches, "gen_ai", in_force.unwrap(), start)
        }
    };
    let microseconds = |at: i64| Some(at.div_euclid(1000).to_string());
    let sent_by = |kinds: &[&str]| {
        let of_kind = |(message, _): &&(&Message, Counted)| {
            kinds.contains(&message.by.as_ref().unwrap().to_lowercase().as_str())
        };
        Some(members.iter().filter(of_kind).count().to_string())
    };
    let queues = members
        .iter()
        .filter(|(message, _)| rank(message) == rank(first))
        .map(|(message, _)| message.queue.clone())
        .collect();
    Dar {
        cells: vec![
            Some(theirs.org.clone()),
            Some(site),
            Some(relationship),
            consumer,
            Some(day),
            Some(theirs.zone.clone()),
            first.channel.clone(),
            microseconds(first.at.unwrap()),
            microseconds(
                members
                    .iter()
                    .map(|(message, _)| message.at.unwrap())
                    .max()
                    .unwrap(),
            ),
            Some(members.len().to_string()),
            sent_by(&["consumer"]),
            sent_by(&["agent", "human"]),
            sent_by(&["bot"]),
            Some(gen_ai.to_string()),
            Some(
                members
                    .iter()
                    .any(|(_, counted)| counted.listened)
                    .to_string(),
            ),
        ],
        queues,
    }
}
