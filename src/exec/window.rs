//! A table of the parts that are open: messages of one conversation lie close together in time and in the file, so most
//! messages only confirm a part that was just seen.
//!
//! The table is emptied whenever it is full. That cuts a part in two at most there, and costs nothing but a row.
//! Ids are compared whole; a hash only says where to look. Messages come some hundred at a time, so that each step of
//! what is done for them is a short loop over what still lies in the processor's own cache.

use arrow::record_batch::RecordBatch;
use datafusion::common::Result;

use super::calendar::SiteNumber;
use super::messages::Texts;
use super::parts::{Builder, Part};
use crate::error;

/// How many conversations' days stay open: few enough for a processor's own cache.
const OPEN: usize = 12 << 10;

/// How many slots lead to them: few of them are ever taken.
const SLOTS: usize = 1 << 16;

/// How many bytes of ids and channels.
const BYTES: usize = 1 << 24;

/// How many messages: a count of them has 32 bits.
const MESSAGES: u32 = 1 << 30;

/// The most messages that are added at once, and the longest id or channel: their bytes have places of 32 bits.
pub(super) const AT_ONCE: usize = 1 << 8;
/// See [`AT_ONCE`].
const LONGEST_ID: usize = 1 << 20;

/// No further part, no entry, no value.
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

/// A conversation's day, and the first of its parts.
#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    site: SiteNumber,
    day: i32,
    conversation_id: Place,
    part: OpenPart,
}

/// What one consumer, or no consumer, has in a conversation's day.
#[derive(Debug, Clone, Copy)]
struct OpenPart {
    first: i64,
    last: i64,
    messages: [u32; 3],
    /// The next part of the same day, in [`Window::further`].
    next: u32,
    consumer_id: Place,
    channel: Place,
    flags: u8,
}

impl Entry {
    /// Whether a message is of that conversation and day.
    #[inline(always)]
    fn is_of(&self, message: &Message<'_>, bytes: &[u8]) -> bool {
        self.hash == message.hash
            && self.site == message.dated.site
            && self.day == message.dated.day
            && at(bytes, self.conversation_id).is_some_and(|id| same(id, message.conversation_id))
    }
}

impl OpenPart {
    /// Whether it is with that consumer.
    #[inline(always)]
    fn is_with(&self, consumer_id: Option<&[u8]>, bytes: &[u8]) -> bool {
        match (at(bytes, self.consumer_id), consumer_id) {
            (Some(of_part), Some(of_message)) => same(of_part, of_message),
            (None, None) => true,
            _ => false,
        }
    }

    /// Counts a message; the first one stays.
    #[inline(always)]
    fn confirm(&mut self, message: &Message<'_>) {
        self.last = self.last.max(message.dated.sent_at);
        if let Some(count) = self.messages.get_mut(usize::from(message.dated.sender)) {
            *count += 1;
        }
        self.flags |= message.dated.flags;
    }
}

/// A message that counts; its texts lie in its batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dated {
    pub(super) sent_at: i64,
    pub(super) row: usize,
    pub(super) site: SiteNumber,
    pub(super) day: i32,
    /// The number of the site's period in the calendar.
    pub(super) period: u32,
    /// 0 consumer, 1 agent, 2 bot.
    pub(super) sender: u8,
    pub(super) flags: u8,
}

/// The same, to be looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    /// Of the conversation, the site and the day.
    pub(super) hash: u64,
    pub(super) conversation_id: &'a [u8],
    pub(super) dated: &'a Dated,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Window {
    /// Entries by hash, the next free slot if that is taken.
    slots: Box<[u32; SLOTS]>,
    entries: Vec<Entry>,
    /// Parts after the first of an entry.
    further: Vec<OpenPart>,
    bytes: Vec<u8>,
    /// Messages since it was empty.
    messages: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            slots: Box::new([NONE; SLOTS]),
            entries: Vec::new(),
            further: Vec::new(),
            bytes: Vec::new(),
            messages: 0,
        }
    }
}

impl Window {
    /// Whether it has to be drained before further messages.
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= OPEN || self.bytes.len() >= BYTES || self.messages >= MESSAGES
    }

    /// Bytes that it holds.
    pub(super) fn size(&self) -> usize {
        size_of_val(&*self.slots)
            + self.entries.capacity() * size_of::<Entry>()
            + self.further.capacity() * size_of::<OpenPart>()
            + self.bytes.capacity()
    }

    /// Counts at most [`AT_ONCE`] messages.
    ///
    /// # Errors
    ///
    /// An id or a channel of more than [`LONGEST_ID`] bytes.
    pub(super) fn add(&mut self, messages: &[Message<'_>], texts: &Texts<'_>) -> Result<()> {
        for message in messages {
            if !self.confirm(message, texts) {
                self.count(message, texts)?;
            }
        }
        self.messages += u32::try_from(messages.len()).unwrap_or(MESSAGES);
        Ok(())
    }

    /// Counts a message that comes after the first one of the part that is likely its own; whether it did.
    #[inline(always)]
    fn confirm(&mut self, message: &Message<'_>, texts: &Texts<'_>) -> bool {
        let place = self.slots[slot(message.hash)];
        let Some(entry) = self.entries.get_mut(place as usize) else {
            return false;
        };
        let confirms = entry.is_of(message, &self.bytes)
            && entry
                .part
                .is_with(texts.consumer_id(message.dated.row), &self.bytes)
            && message.dated.sent_at > entry.part.first;
        if confirms {
            entry.part.confirm(message);
        }
        confirms
    }

    /// The entry of a message, opened if there is none.
    fn entry(&mut self, message: &Message<'_>, texts: &Texts<'_>) -> Result<usize> {
        let mut slot = slot(message.hash);
        loop {
            let place = self.slots[slot] as usize;
            match self.entries.get(place) {
                Some(entry) if entry.is_of(message, &self.bytes) => return Ok(place),
                Some(_) => slot = (slot + 1) % SLOTS,
                None => break,
            }
        }
        let place = self.entries.len();
        let entry = Entry {
            hash: message.hash,
            site: message.dated.site,
            day: message.dated.day,
            conversation_id: self.keep(Some(message.conversation_id))?,
            part: self.part(message, texts)?,
        };
        self.entries.push(entry);
        self.slots[slot] = number(place);
        Ok(place)
    }

    /// A part of nothing yet, as of the consumer and the instant of a message.
    fn part(&mut self, message: &Message<'_>, texts: &Texts<'_>) -> Result<OpenPart> {
        Ok(OpenPart {
            first: message.dated.sent_at,
            last: message.dated.sent_at,
            messages: [0; 3],
            next: NONE,
            consumer_id: self.keep(texts.consumer_id(message.dated.row))?,
            channel: self.keep(texts.channel(message.dated.row))?,
            flags: 0,
        })
    }

    /// Counts a message.
    #[inline(never)]
    fn count(&mut self, message: &Message<'_>, texts: &Texts<'_>) -> Result<()> {
        let entry = self.entry(message, texts)?;
        let consumer_id = texts.consumer_id(message.dated.row);
        if self.entries[entry].part.is_with(consumer_id, &self.bytes) {
            let mut part = self.entries[entry].part;
            self.count_in(&mut part, message, texts)?;
            self.entries[entry].part = part;
            return Ok(());
        }
        let mut place = self.entries[entry].part.next;
        while let Some(part) = self.further.get(place as usize)
            && !part.is_with(consumer_id, &self.bytes)
        {
            place = part.next;
        }
        if place == NONE {
            let mut part = self.part(message, texts)?;
            place = number(self.further.len());
            part.next = std::mem::replace(&mut self.entries[entry].part.next, place);
            self.further.push(part);
        }
        let mut part = self.further[place as usize];
        self.count_in(&mut part, message, texts)?;
        self.further[place as usize] = part;
        Ok(())
    }

    /// Counts a message in its part, which it may be the first of.
    fn count_in(
        &mut self,
        part: &mut OpenPart,
        message: &Message<'_>,
        texts: &Texts<'_>,
    ) -> Result<()> {
        part.confirm(message);
        if message.dated.sent_at > part.first {
            return Ok(());
        }
        let of_message = texts.channel(message.dated.row);
        let channel = at(&self.bytes, part.channel);
        let is_earlier = message.dated.sent_at < part.first;
        part.first = message.dated.sent_at;
        if channel != of_message
            && (is_earlier || channel_order(of_message) < channel_order(channel))
        {
            part.channel = self.keep(of_message)?;
        }
        Ok(())
    }

    fn keep(&mut self, bytes: Option<&[u8]>) -> Result<Place> {
        let Some(bytes) = bytes else {
            return Ok(Place::NULL);
        };
        if bytes.len() > LONGEST_ID {
            let start = String::from_utf8_lossy(bytes.get(..64).unwrap_or_default());
            return Err(error::data(format!(
                "messages: the id or the channel '{start}…' has {} bytes, more than {LONGEST_ID}; shorten it, or SET \
                 dayrate.fast_path = 'off'",
                bytes.len()
            )));
        }
        let start = number(self.bytes.len());
        self.bytes.extend_from_slice(bytes);
        Ok(Place {
            start,
            length: number(bytes.len()),
        })
    }

    /// Its parts, in batches of about `rows`; the window is empty again. Parts of one conversation's day lie together.
    pub(super) fn drain(&mut self, rows: usize) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        let mut builder = Builder::default();
        for entry in &self.entries {
            let mut part = Some(&entry.part);
            while let Some(open) = part {
                builder.push(&Part {
                    site: entry.site,
                    day: entry.day,
                    conversation_id: at(&self.bytes, entry.conversation_id).unwrap_or_default(),
                    consumer_id: at(&self.bytes, open.consumer_id),
                    first: open.first,
                    last: open.last,
                    messages: open.messages,
                    flags: open.flags,
                    channel: at(&self.bytes, open.channel),
                });
                part = self.further.get(open.next as usize);
            }
            if builder.len() >= rows {
                batches.push(builder.finish()?);
            }
        }
        if builder.len() > 0 {
            batches.push(builder.finish()?);
        }
        self.slots.fill(NONE);
        self.entries.clear();
        self.further.clear();
        self.bytes.clear();
        self.messages = 0;
        Ok(batches)
    }
}

/// NULL comes last.
pub(super) fn channel_order(channel: Option<&[u8]>) -> (bool, Option<&[u8]>) {
    (channel.is_none(), channel)
}

/// The first slot to look at.
#[inline]
fn slot(hash: u64) -> usize {
    (hash >> 48) as usize
}

/// Whether two ids are the same. Most are, and of 36 bytes: too few to call for help. The last sixteen may repeat some of
/// the ones before.
#[inline(always)]
fn same(a: &[u8], b: &[u8]) -> bool {
    let number = |chunk: &[u8; 16]| u128::from_ne_bytes(*chunk);
    match (a.last_chunk::<16>(), b.last_chunk::<16>()) {
        (Some(a_last), Some(b_last)) => {
            let (a_chunks, b_chunks) = (a.as_chunks::<16>().0, b.as_chunks::<16>().0);
            a.len() == b.len()
                && number(a_last) == number(b_last)
                && a_chunks
                    .iter()
                    .zip(b_chunks)
                    .all(|(a, b)| number(a) == number(b))
        }
        _ => a == b,
    }
}

#[inline(always)]
fn at(bytes: &[u8], place: Place) -> Option<&[u8]> {
    if place == Place::NULL {
        return None;
    }
    let start = place.start as usize;
    bytes.get(start..start + place.length as usize)
}

/// A place in a window, which is drained long before these run out.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(NONE)
}
