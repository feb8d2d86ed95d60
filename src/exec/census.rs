//! How many messages of each organization, local day and channel a fold reads, row by row, and which rows may be copies.
//!
//! A copy has the site, the conversation and the id of another message. Nobody remembers all of those: every message has a
//! *mark* instead, 64 bits that copies share, and so has every conversation. Two of one mark may still be different ones,
//! so a mark never decides anything but what is looked at more closely. Marks of conversations are kept in tables, so they
//! are the same in every process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, AsArray, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_datafusion_err, resources_datafusion_err};
use datafusion::execution::memory_pool::MemoryReservation;
use hashbrown::{HashMap, HashTable};

use super::calendar::Calendar;
use super::id_hash::IdHash;
use super::ids::Ids;
use super::messages::Texts;
use super::window::Dated;

/// The column of messages that holds their ids.
pub(crate) const MESSAGE_ID: &str = "message_id";

/// What is asked of the messages of a fold, beside their DARs, and what was found.
#[derive(Debug)]
pub(crate) struct Census {
    /// The marks of the messages whose rows are wanted, in order; without them, everything is counted.
    sought: Option<Arc<Vec<u64>>>,
    /// How many bytes it may hold, and how many it does.
    limit: usize,
    size: AtomicUsize,
    found: Mutex<Found>,
}

/// What was found in files, which go by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// How many rows there are of each kind.
    pub(crate) counts: Vec<(u32, Kind, i64)>,
    /// From which day to which each conversation of a file has messages with an id, by its mark.
    pub(crate) conversations: HashMap<(u32, u64), (i32, i32)>,
    /// The mark of each row that has an id, those of one partition after the other, each in order.
    pub(crate) marks: Vec<u64>,
    /// The rows that were sought.
    pub(crate) rows: Vec<Delivered>,
    /// The memory that all this takes.
    held: Vec<MemoryReservation>,
    /// Whether there was not enough of it: then nothing is known.
    is_given_up: bool,
}

/// What a charge asks of a message. In the order in which the first of several at one instant is chosen, but for channels:
/// there, NULL is last.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) org_id: Arc<str>,
    pub(crate) day: i32,
    pub(crate) channel: Option<Arc<str>>,
}

/// A row of a message that has an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) file: u32,
    /// What it shares with its copies; 0 if nobody asks.
    pub(crate) mark: u64,
    /// The site as text; the ids as bytes that stand for them.
    pub(crate) site_id: Arc<str>,
    pub(crate) conversation_id: Box<[u8]>,
    pub(crate) message_id: Box<[u8]>,
    /// In units of the messages' `sent_at`.
    pub(crate) sent_at: i64,
    pub(crate) kind: Kind,
}

impl Census {
    /// Of all messages, in so many bytes.
    pub(crate) fn of_all(limit: usize) -> Self {
        Self {
            sought: None,
            limit,
            size: AtomicUsize::new(0),
            found: Mutex::default(),
        }
    }

    /// The rows of messages that have one of these marks, which are in order.
    pub(crate) fn of_marks(marks: Arc<Vec<u64>>, limit: usize) -> Self {
        Self {
            sought: Some(marks),
            ..Self::of_all(limit)
        }
    }

    /// What was found, once the fold is done.
    ///
    /// # Errors
    ///
    /// There was not enough memory, which is no fault of the fold.
    pub(crate) fn found(&self) -> Result<Found> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        match found.is_given_up {
            true => Err(resources_datafusion_err!("messages were not counted")),
            false => Ok(std::mem::take(&mut found)),
        }
    }
}

/// A kind of row as one partition counts it.
#[derive(Debug)]
struct Count {
    file: u32,
    period: u32,
    day: i32,
    channel: Option<Box<[u8]>>,
    rows: i64,
}

/// How many conversations are remembered, so that each is noted about once a day: far more than are open at a time.
const LATELY: usize = 1 << 14;

/// One partition at work.
pub(super) struct Counter {
    census: Arc<Census>,
    hash: IdHash,
    /// By number of the site.
    sites: StringViewArray,
    site_marks: Vec<u64>,
    /// By number of the period.
    organizations: StringViewArray,
    counts: HashTable<Count>,
    /// The conversations that were noted last, where their marks say.
    lately: Vec<(u32, u64, i32)>,
    conversations: Vec<(u32, u64, i32)>,
    marks: Vec<u64>,
    rows: Vec<Delivered>,
    /// The bytes of their ids.
    bytes: usize,
    reservation: MemoryReservation,
    is_given_up: bool,
}

impl Counter {
    pub(super) fn new(
        census: Arc<Census>,
        calendar: &Calendar,
        reservation: MemoryReservation,
    ) -> Result<Self> {
        let texts = |ids: &ArrayRef| -> Result<StringViewArray> {
            Ok(cast(ids, &DataType::Utf8View)?.as_string_view().clone())
        };
        let hash = IdHash::lasting();
        let sites = texts(&calendar.site_ids)?;
        let site_marks = sites.iter().map(|site| {
            let site = site.unwrap_or_default();
            hash.keyed(site.as_bytes(), 0)
        });
        Ok(Self {
            census,
            hash,
            site_marks: site_marks.collect(),
            sites,
            organizations: texts(&calendar.org_ids)?,
            counts: HashTable::new(),
            lately: vec![(0, 0, i32::MIN); LATELY],
            conversations: Vec::new(),
            marks: Vec::new(),
            rows: Vec::new(),
            bytes: 0,
            reservation,
            is_given_up: false,
        })
    }

    /// Takes in a message of a file that counts.
    #[inline]
    pub(super) fn message(
        &mut self,
        file: u32,
        message: &Dated,
        texts: &Texts<'_>,
        ids: Option<&Ids<'_>>,
    ) -> Result<()> {
        if self.is_given_up {
            return Ok(());
        }
        let channel = texts.channel(message.row);
        let id = ids.and_then(|ids| ids.bytes(message.row));
        let conversation = texts.conversation_id(message.row).unwrap_or_default();
        let site_mark = self.site_marks.get(message.site as usize);
        let site_mark = site_mark.copied().unwrap_or_default();
        let marks = id.map(|id| {
            let of_conversation = self.hash.keyed(conversation, site_mark);
            (of_conversation, self.hash.keyed(id, of_conversation))
        });
        match &self.census.sought {
            None => {
                self.count(file, message, channel);
                if let Some((of_conversation, mark)) = marks {
                    self.marks.push(mark);
                    self.note((file, of_conversation, message.day));
                }
            }
            Some(sought) => {
                if let (Some(id), Some((_, mark))) = (id, marks)
                    && sought.binary_search(&mark).is_ok()
                {
                    let kind = self.kind(message.period, message.day, channel)?;
                    self.bytes += conversation.len() + id.len();
                    let site_id = self.sites.value(message.site as usize).into();
                    self.rows.push(Delivered {
                        file,
                        mark,
                        site_id,
                        conversation_id: conversation.into(),
                        message_id: id.into(),
                        sent_at: message.sent_at,
                        kind,
                    });
                }
            }
        }
        Ok(())
    }

    #[inline]
    fn count(&mut self, file: u32, message: &Dated, channel: Option<&[u8]>) {
        let (period, day, seeds) = (message.period, message.day, self.hash);
        let hash = |(file, period, day, channel): (u32, u32, i32, Option<&[u8]>)| {
            seeds.of(
                channel.unwrap_or(b"\xff"),
                file.rotate_left(16) ^ period,
                day,
            )
        };
        let is_same = |count: &Count| {
            count.day == day
                && count.period == period
                && count.file == file
                && count.channel.as_deref() == channel
        };
        let hashed = hash((file, period, day, channel));
        match self.counts.find_mut(hashed, is_same) {
            Some(count) => count.rows += 1,
            None => {
                let count = Count {
                    file,
                    period,
                    day,
                    channel: channel.map(Into::into),
                    rows: 1,
                };
                self.counts.insert_unique(hashed, count, |count| {
                    let channel = count.channel.as_deref();
                    hash((count.file, count.period, count.day, channel))
                });
            }
        }
    }

    /// Notes that a file has messages of a conversation on a day.
    #[inline]
    fn note(&mut self, noted: (u32, u64, i32)) {
        let slot = usize::try_from(noted.1 % LATELY as u64).unwrap_or_default();
        if let Some(lately) = self.lately.get_mut(slot)
            && *lately != noted
        {
            *lately = noted;
            self.conversations.push(noted);
        }
    }

    fn kind(&self, period: u32, day: i32, channel: Option<&[u8]>) -> Result<Kind> {
        let channel = channel.map(std::str::from_utf8).transpose();
        let channel = channel.map_err(|_| exec_datafusion_err!("a channel is no text"))?;
        Ok(Kind {
            org_id: self.organizations.value(period as usize).into(),
            day,
            channel: channel.map(Into::into),
        })
    }

    /// Takes the memory for what it holds by now, or gives up: a fold goes on without.
    pub(super) fn reserve(&mut self) {
        // Marks are sorted, and conversations put together with those of other partitions.
        let size = self.marks.capacity() * 16
            + self.conversations.capacity() * size_of::<(u32, u64, i32)>() * 4
            + self.counts.capacity() * size_of::<Count>() * 2
            + self.rows.capacity() * size_of::<Delivered>() * 2
            + self.bytes;
        let more = size.saturating_sub(self.reservation.size());
        let total = self.census.size.fetch_add(more, Ordering::Relaxed);
        if total + more > self.census.limit || self.reservation.try_resize(size).is_err() {
            self.is_given_up = true;
            (self.marks, self.conversations, self.rows) = Default::default();
            self.counts = HashTable::new();
            self.reservation.free();
        }
    }

    /// Hands over what was found.
    pub(super) fn finish(&mut self) -> Result<()> {
        let counts = std::mem::take(&mut self.counts).into_iter();
        let counts = counts.map(|count| {
            let kind = self.kind(count.period, count.day, count.channel.as_deref())?;
            Ok((count.file, kind, count.rows))
        });
        let counts = counts.collect::<Result<Vec<_>>>()?;
        self.marks.sort_unstable();
        let found = &self.census.found;
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.counts.extend(counts);
        for (file, mark, day) in self.conversations.drain(..) {
            let days = found.conversations.entry((file, mark));
            let days = days.or_insert((day, day));
            *days = (days.0.min(day), days.1.max(day));
        }
        found.marks.append(&mut self.marks);
        found.rows.append(&mut self.rows);
        found.held.push(self.reservation.take());
        found.is_given_up |= self.is_given_up;
        Ok(())
    }
}
