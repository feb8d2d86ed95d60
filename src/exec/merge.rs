//! From parts to DARs, all of some sites' days at once: who each part is with, then one DAR for each relationship.
//!
//! A message without `consumer_id` takes the consumer of its conversation on that day, the smallest if there are
//! several; only if there is none does the conversation itself stand for the relationship. So the smallest consumer of
//! each conversation's day is found first, over all of its parts.

use hashbrown::HashTable;

use super::calendar::SiteNumber;
use super::id_hash::IdHash;
use super::parts::Part;
use super::window::channel_order;

/// A DAR; its texts lie in the parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dar<'a> {
    pub(super) site: SiteNumber,
    pub(super) day: i32,
    pub(super) relationship_id: &'a [u8],
    /// Whether that is a consumer.
    pub(super) has_consumer: bool,
    pub(super) first: i64,
    pub(super) last: i64,
    /// Messages by consumers, agents and bots.
    pub(super) messages: [i64; 3],
    /// See [`super::parts`].
    pub(super) flags: u8,
    pub(super) channel: Option<&'a [u8]>,
    /// A conversation's consumer: that of the earliest message that has one, of several the one that is first by
    /// channel, then the smallest.
    pub(super) consumer: Option<Consumer<'a>>,
    /// For how many DARs it stands, itself included; see [`super::alike`].
    pub(super) alike: i64,
}

/// A consumer, by its first message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Consumer<'a> {
    first: i64,
    channel: Option<&'a [u8]>,
    pub(super) consumer_id: &'a [u8],
}

impl<'a> Consumer<'a> {
    fn of(part: &Part<'a>) -> Option<Self> {
        let consumer = |consumer_id| Self {
            first: part.first,
            channel: part.channel,
            consumer_id,
        };
        part.consumer_id.map(consumer)
    }

    fn order(&self) -> impl Ord {
        (self.first, channel_order(self.channel), self.consumer_id)
    }
}

/// The smallest consumer of a conversation's day, and whose day it is.
#[derive(Debug, Clone, Copy)]
struct ConversationDay<'a> {
    hash: u64,
    site: SiteNumber,
    day: i32,
    conversation_id: &'a [u8],
    consumer_id: Option<&'a [u8]>,
}

/// The DARs of `parts`, which are all parts of each site and day that there is any of.
pub(super) fn merged<'a>(parts: &[Part<'a>], by_consumer: bool) -> Vec<Dar<'a>> {
    merged_into(parts, by_consumer, |_| ())
}

/// [`merged`]; `into` hears of each part, in order, the place of its DAR.
pub(super) fn merged_into<'a>(
    parts: &[Part<'a>],
    by_consumer: bool,
    mut into: impl FnMut(u32),
) -> Vec<Dar<'a>> {
    let hasher = IdHash::default();
    let consumers = match by_consumer {
        true => consumers(parts, &hasher),
        false => vec![None; parts.len()],
    };
    let mut table: HashTable<u32> = HashTable::with_capacity(parts.len());
    let mut hashes: Vec<u64> = Vec::with_capacity(parts.len());
    let mut dars: Vec<Dar<'_>> = Vec::with_capacity(parts.len());
    for (part, consumer) in parts.iter().zip(consumers) {
        let relationship_id = consumer.unwrap_or(part.conversation_id);
        let has_consumer = consumer.is_some();
        let hash = hasher.of(relationship_id, part.site, part.day);
        let found = table.find(hash, |place| {
            let place = *place as usize;
            hashes[place] == hash && {
                let dar = &dars[place];
                dar.site == part.site
                    && dar.day == part.day
                    && dar.has_consumer == has_consumer
                    && dar.relationship_id == relationship_id
            }
        });
        if let Some(place) = found {
            add(&mut dars[*place as usize], part);
            into(*place);
            continue;
        }
        let place = u32::try_from(dars.len()).unwrap_or(u32::MAX);
        into(place);
        dars.push(Dar {
            site: part.site,
            day: part.day,
            relationship_id,
            has_consumer,
            first: part.first,
            last: part.last,
            messages: part.messages.map(i64::from),
            flags: part.flags,
            channel: part.channel,
            consumer: Consumer::of(part),
            alike: 1,
        });
        hashes.push(hash);
        table.insert_unique(hash, place, |place| hashes[*place as usize]);
    }
    dars
}

/// Adds a further part of a DAR.
fn add<'a>(dar: &mut Dar<'a>, part: &Part<'a>) {
    let order = |first: i64, channel: Option<&'a [u8]>| (first, channel_order(channel));
    if order(part.first, part.channel) < order(dar.first, dar.channel) {
        (dar.first, dar.channel) = (part.first, part.channel);
    }
    let consumers = [dar.consumer, Consumer::of(part)].into_iter().flatten();
    dar.consumer = consumers.min_by(|a, b| a.order().cmp(&b.order()));
    dar.last = dar.last.max(part.last);
    for (whole, more) in dar.messages.iter_mut().zip(part.messages) {
        *whole += i64::from(more);
    }
    dar.flags |= part.flags;
}

/// The consumer of each part: its own, or else the smallest of its conversation's day.
fn consumers<'a>(parts: &[Part<'a>], hasher: &IdHash) -> Vec<Option<&'a [u8]>> {
    let mut table: HashTable<u32> = HashTable::with_capacity(parts.len());
    let mut days: Vec<ConversationDay<'a>> = Vec::with_capacity(parts.len());
    let mut places: Vec<u32> = Vec::with_capacity(parts.len());
    let is_of = |day: &ConversationDay<'_>, part: &Part<'_>| {
        day.site == part.site && day.day == part.day && day.conversation_id == part.conversation_id
    };
    for part in parts {
        // Parts of one conversation's day lie together, but for those of another window.
        let before = places.last().copied();
        let place = match before.filter(|place| is_of(&days[*place as usize], part)) {
            Some(place) => place,
            None => {
                let hash = hasher.of(part.conversation_id, part.site, part.day);
                let found = table.find(hash, |place| {
                    let day = &days[*place as usize];
                    day.hash == hash && is_of(day, part)
                });
                match found {
                    Some(place) => *place,
                    None => {
                        let place = u32::try_from(days.len()).unwrap_or(u32::MAX);
                        days.push(ConversationDay {
                            hash,
                            site: part.site,
                            day: part.day,
                            conversation_id: part.conversation_id,
                            consumer_id: None,
                        });
                        table.insert_unique(hash, place, |place| days[*place as usize].hash);
                        place
                    }
                }
            }
        };
        places.push(place);
        let day = &mut days[place as usize];
        if let Some(own) = part.consumer_id
            && day.consumer_id.is_none_or(|smallest| own < smallest)
        {
            day.consumer_id = Some(own);
        }
    }
    parts
        .iter()
        .zip(places)
        .map(|(part, place)| part.consumer_id.or(days[place as usize].consumer_id))
        .collect()
}
