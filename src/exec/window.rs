//! A table of the parts that are open: messages of one conversation lie close together in time and in the file, so most
//! messages only confirm a part that was just seen.
//!
//! The table is emptied whenever it is full. That cuts a part in two at most there, and costs nothing but a row.
//! Ids are compared whole; a hash only says where to look.

use datafusion::common::Result;
use hashbrown::HashTable;

use arrow::record_batch::RecordBatch;

use super::calendar::SiteNumber;
use super::id_hash::IdHash;
use super::parts::{Builder, Part};

/// How many conversations' days stay open: few enough for a processor's own cache.
const OPEN: usize = 1 << 14;

/// How many bytes of ids and channels.
const BYTES: usize = 1 << 24;

/// How many messages: a count of them has 32 bits.
const MESSAGES: u32 = 1 << 30;

/// No further part, no value.
const NONE: u32 = u32::MAX;

/// Where some bytes lie in [`Window::bytes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    start: u32,
    length: u32,
}

impl Place {
    const NULL: Place = Place {
        start: NONE,
        length: NONE,
    };
}

/// A conversation's day.
#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    site: SiteNumber,
    day: i32,
    conversation_id: Place,
    /// The first in its chain of parts.
    part: u32,
}

/// What one consumer, or no consumer, has in a conversation's day.
#[derive(Debug, Clone, Copy)]
struct OpenPart {
    next: u32,
    consumer_id: Place,
    first: i64,
    last: i64,
    messages: [u32; 3],
    flags: u8,
    channel: Place,
}

/// A counted message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) site: SiteNumber,
    pub(super) day: i32,
    pub(super) conversation_id: &'a [u8],
    pub(super) consumer_id: Option<&'a [u8]>,
    pub(super) sent_at: i64,
    /// 0 consumer, 1 agent, 2 bot.
    pub(super) sender: usize,
    pub(super) flags: u8,
    pub(super) channel: Option<&'a [u8]>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Window {
    hash: IdHash,
    table: HashTable<u32>,
    entries: Vec<Entry>,
    parts: Vec<OpenPart>,
    bytes: Vec<u8>,
    /// Messages since it was empty.
    messages: u32,
}

impl Window {
    /// Whether it has to be drained before the next message.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= OPEN || self.bytes.len() >= BYTES || self.messages >= MESSAGES
    }

    /// Bytes that it holds.
    pub(super) fn size(&self) -> usize {
        self.table.allocation_size()
            + self.entries.capacity() * size_of::<Entry>()
            + self.parts.capacity() * size_of::<OpenPart>()
            + self.bytes.capacity()
    }

    /// Counts a message.
    #[inline]
    pub(super) fn add(&mut self, message: &Message<'_>) {
        self.messages += 1;
        let hash = self
            .hash
            .of(message.conversation_id, message.site, message.day);
        let (entries, bytes) = (&self.entries, &self.bytes);
        let found = self.table.find(hash, |place| {
            let entry = &entries[*place as usize];
            entry.hash == hash
                && entry.site == message.site
                && entry.day == message.day
                && at(bytes, entry.conversation_id) == Some(message.conversation_id)
        });
        let entry = match found {
            Some(place) => *place,
            None => self.open(hash, message),
        };
        let first = self.entries[entry as usize].part;
        let mut place = first;
        while place != NONE {
            let part = self.parts[place as usize];
            if at(&self.bytes, part.consumer_id) == message.consumer_id {
                self.count(place, message);
                return;
            }
            place = part.next;
        }
        let part = OpenPart {
            next: first,
            consumer_id: self.keep(message.consumer_id),
            first: message.sent_at,
            last: message.sent_at,
            messages: [0; 3],
            flags: 0,
            channel: self.keep(message.channel),
        };
        let place = number(self.parts.len());
        self.parts.push(part);
        self.entries[entry as usize].part = place;
        self.count(place, message);
    }

    #[inline]
    fn count(&mut self, place: u32, message: &Message<'_>) {
        let part = &mut self.parts[place as usize];
        part.last = part.last.max(message.sent_at);
        part.messages[message.sender] += 1;
        part.flags |= message.flags;
        if message.sent_at > part.first {
            return;
        }
        let channel = at(&self.bytes, part.channel);
        let is_earlier = message.sent_at < part.first;
        part.first = message.sent_at;
        if channel != message.channel
            && (is_earlier || channel_order(message.channel) < channel_order(channel))
        {
            let kept = self.keep(message.channel);
            self.parts[place as usize].channel = kept;
        }
    }

    fn open(&mut self, hash: u64, message: &Message<'_>) -> u32 {
        let place = number(self.entries.len());
        let entry = Entry {
            hash,
            site: message.site,
            day: message.day,
            conversation_id: self.keep(Some(message.conversation_id)),
            part: NONE,
        };
        self.entries.push(entry);
        let entries = &self.entries;
        self.table
            .insert_unique(hash, place, |place| entries[*place as usize].hash);
        place
    }

    fn keep(&mut self, bytes: Option<&[u8]>) -> Place {
        let Some(bytes) = bytes else {
            return Place::NULL;
        };
        let start = number(self.bytes.len());
        self.bytes.extend_from_slice(bytes);
        Place {
            start,
            length: number(bytes.len()),
        }
    }

    /// Its parts, in batches of at most `rows`; the window is empty again. Parts of one conversation's day lie together.
    pub(super) fn drain(&mut self, rows: usize) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        let mut builder = Builder::default();
        for entry in &self.entries {
            let mut place = entry.part;
            while place != NONE {
                let part = &self.parts[place as usize];
                builder.push(&Part {
                    site: entry.site,
                    day: entry.day,
                    conversation_id: at(&self.bytes, entry.conversation_id).unwrap_or_default(),
                    consumer_id: at(&self.bytes, part.consumer_id),
                    first: part.first,
                    last: part.last,
                    messages: part.messages,
                    flags: part.flags,
                    channel: at(&self.bytes, part.channel),
                });
                if builder.len() >= rows {
                    batches.push(builder.finish()?);
                }
                place = part.next;
            }
        }
        if builder.len() > 0 {
            batches.push(builder.finish()?);
        }
        self.table.clear();
        self.entries.clear();
        self.parts.clear();
        self.bytes.clear();
        self.messages = 0;
        Ok(batches)
    }
}

/// NULL comes last.
pub(super) fn channel_order(channel: Option<&[u8]>) -> (bool, Option<&[u8]>) {
    (channel.is_none(), channel)
}

#[inline]
fn at(bytes: &[u8], place: Place) -> Option<&[u8]> {
    if place == Place::NULL {
        return None;
    }
    let start = place.start as usize;
    bytes.get(start..start + place.length as usize)
}

/// A place in a window; drained long before these run out.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(NONE)
}
