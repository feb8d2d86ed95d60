//! Parts of DARs: what one conversation, and in it one consumer, has in one local day; the rows between
//! [`mod@super::fold`] and [`super::settle`]. One DAR may come in any number of parts.
//!
//! A part travels as its site, its day and a string of bytes that holds everything. There are millions of them, each is
//! copied and looked at once, in no order: in one piece it costs one place of memory, and half of the bytes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Date32Array, UInt32Array};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Field, Schema, SchemaRef, UInt32Type,
};
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::error::DataFusionError;

use super::calendar::SiteNumber;

/// Flag of a part: generative AI was on at one of its messages.
pub(super) const GEN_AI: u8 = 1;
/// Flag of a part: Intent Analyzer listened to one of its messages.
pub(super) const LISTENED: u8 = 2;

/// Bits beside the flags: which of the texts a part has.
const HAS_CONSUMER: u8 = 4;
const HAS_CHANNEL: u8 = 8;
/// Bit beside the flags: its numbers are too large for [`NARROW`] bytes and have [`WIDE`] of them.
const IS_WIDE: u8 = 16;

/// Bytes of the flags (1), the site (2), the day (4), the first message (8), the time from there to the last (5), the counts
/// (3 times 1) and the lengths of the texts (3 times 1).
const NARROW: usize = 26;
/// The same of 1, 4, 4, 8, 8, 3 times 4 and 3 times 4 bytes.
const WIDE: usize = 49;

/// The columns of parts: what they are partitioned by, and the parts.
pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("site", DataType::UInt32, false),
        Field::new("day", DataType::Date32, false),
        Field::new("part", DataType::Binary, false),
    ]))
}

/// One part; ids and channels as bytes (see [`super::ids`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) site: SiteNumber,
    pub(super) day: i32,
    pub(super) conversation_id: &'a [u8],
    /// Of the messages themselves.
    pub(super) consumer_id: Option<&'a [u8]>,
    /// The earliest message, in units of `sent_at`.
    pub(super) first: i64,
    /// The latest.
    pub(super) last: i64,
    /// Messages by consumers, agents and bots.
    pub(super) messages: [u32; 3],
    /// [`GEN_AI`], [`LISTENED`].
    pub(super) flags: u8,
    /// Of the earliest message, the smallest of several, NULL last.
    pub(super) channel: Option<&'a [u8]>,
}

impl<'a> Part<'a> {
    /// Appends its bytes: its numbers, then the texts.
    pub(super) fn pack(&self, bytes: &mut Vec<u8>) {
        let texts = [Some(self.conversation_id), self.consumer_id, self.channel];
        let length = |text: Option<&[u8]>| u32::try_from(text.map_or(0, <[u8]>::len));
        let lengths = texts.map(|text| length(text).unwrap_or(u32::MAX));
        let mut flags = self.flags;
        flags |= u8::from(self.consumer_id.is_some()) * HAS_CONSUMER;
        flags |= u8::from(self.channel.is_some()) * HAS_CHANNEL;
        // The last is never before the first.
        let span = self.last.abs_diff(self.first);
        let (site, day) = (self.site.to_le_bytes(), self.day.to_le_bytes());
        let (first, span_bytes) = (self.first.to_le_bytes(), span.to_le_bytes());
        let small = self.messages.iter().chain(&lengths).all(|n| *n < 1 << 8);
        if small && self.site < 1 << 16 && span < 1 << 40 {
            let mut head = [0; NARROW];
            head[0] = flags;
            head[1..3].copy_from_slice(&site[..2]);
            head[3..7].copy_from_slice(&day);
            head[7..15].copy_from_slice(&first);
            head[15..20].copy_from_slice(&span_bytes[..5]);
            head[20..23].copy_from_slice(&self.messages.map(|count| count.to_le_bytes()[0]));
            head[23..26].copy_from_slice(&lengths.map(|length| length.to_le_bytes()[0]));
            bytes.extend_from_slice(&head);
        } else {
            let mut head = [0; WIDE];
            head[0] = flags | IS_WIDE;
            head[1..5].copy_from_slice(&site);
            head[5..9].copy_from_slice(&day);
            head[9..17].copy_from_slice(&first);
            head[17..25].copy_from_slice(&span_bytes);
            let counts = self.messages.map(u32::to_le_bytes);
            head[25..37].copy_from_slice(counts.as_flattened());
            head[37..49].copy_from_slice(lengths.map(u32::to_le_bytes).as_flattened());
            bytes.extend_from_slice(&head);
        }
        for text in texts.iter().flatten() {
            bytes.extend_from_slice(text);
        }
    }

    /// The part that some bytes begin with, and the bytes after it.
    ///
    /// # Errors
    ///
    /// Bytes that [`Part::pack`] has not written.
    pub(super) fn unpack(bytes: &'a [u8]) -> Result<(Self, &'a [u8])> {
        Self::read(bytes).ok_or_else(damaged)
    }

    #[inline]
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let flags = *bytes.first()?;
        let (head, span, messages, lengths, mut rest) = match flags & IS_WIDE {
            0 => {
                let (head, rest) = bytes.split_first_chunk::<NARROW>()?;
                let [s0, s1] = chunk(head, 1)?;
                let [t0, t1, t2, t3, t4] = chunk(head, 15)?;
                let place = (
                    u32::from_le_bytes([s0, s1, 0, 0]),
                    chunk(head, 3)?,
                    chunk(head, 7)?,
                );
                let span = u64::from_le_bytes([t0, t1, t2, t3, t4, 0, 0, 0]);
                let (counts, lengths): ([u8; 3], [u8; 3]) = (chunk(head, 20)?, chunk(head, 23)?);
                (
                    place,
                    span,
                    counts.map(u32::from),
                    lengths.map(u32::from),
                    rest,
                )
            }
            _ => {
                let (head, rest) = bytes.split_first_chunk::<WIDE>()?;
                let place = (
                    u32::from_le_bytes(chunk(head, 1)?),
                    chunk(head, 5)?,
                    chunk(head, 9)?,
                );
                let number = |at| Some(u32::from_le_bytes(chunk(head, at)?));
                (
                    place,
                    u64::from_le_bytes(chunk(head, 17)?),
                    [number(25)?, number(29)?, number(33)?],
                    [number(37)?, number(41)?, number(45)?],
                    rest,
                )
            }
        };
        let mut text = |length: u32| {
            let (text, after) = rest.split_at_checked(length as usize)?;
            rest = after;
            Some(text)
        };
        let [conversation_id, consumer_id, channel] = lengths;
        let texts = (text(conversation_id)?, text(consumer_id)?, text(channel)?);
        let (site, day, first) = head;
        let first = i64::from_le_bytes(first);
        let part = Self {
            site,
            day: i32::from_le_bytes(day),
            conversation_id: texts.0,
            consumer_id: (flags & HAS_CONSUMER != 0).then_some(texts.1),
            first,
            last: first.checked_add_unsigned(span)?,
            messages,
            flags: flags & (GEN_AI | LISTENED),
            channel: (flags & HAS_CHANNEL != 0).then_some(texts.2),
        };
        Some((part, rest))
    }
}

/// Some bytes from a place on.
#[inline]
fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn damaged() -> DataFusionError {
    exec_datafusion_err!("the bytes of a part of a DAR are damaged")
}

/// A batch of parts in the making.
#[derive(Debug, Default)]
pub(super) struct Builder {
    site: Vec<u32>,
    day: Vec<i32>,
    /// Of the bytes of each part.
    lengths: Vec<usize>,
    bytes: Vec<u8>,
}

impl Builder {
    pub(super) fn push(&mut self, part: &Part<'_>) {
        let start = self.bytes.len();
        part.pack(&mut self.bytes);
        self.site.push(part.site);
        self.day.push(part.day);
        self.lengths.push(self.bytes.len() - start);
    }

    pub(super) fn len(&self) -> usize {
        self.site.len()
    }

    /// The batch; the builder is empty again, with as much room as it had.
    ///
    /// # Errors
    ///
    /// Parts of more than 2 GiB.
    pub(super) fn finish(&mut self) -> Result<RecordBatch> {
        if i32::try_from(self.bytes.len()).is_err() {
            return Err(exec_datafusion_err!(
                "{} parts of DARs have more than 2 GiB: their ids are too long",
                self.len()
            ));
        }
        let room = Vec::with_capacity(self.bytes.capacity());
        let bytes = Buffer::from_vec(std::mem::replace(&mut self.bytes, room));
        let offsets = OffsetBuffer::from_lengths(self.lengths.drain(..));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(std::mem::take(&mut self.site))),
            Arc::new(Date32Array::from(std::mem::take(&mut self.day))),
            Arc::new(BinaryArray::try_new(offsets, bytes, None)?),
        ];
        Ok(RecordBatch::try_new(schema(), columns)?)
    }
}

/// A batch of parts, read.
#[derive(Debug)]
pub(super) struct Parts {
    site: ScalarBuffer<u32>,
    day: ScalarBuffer<i32>,
    parts: BinaryArray,
}

impl Parts {
    pub(super) fn new(batch: &RecordBatch) -> Result<Self> {
        let [site, day, parts] = batch.columns() else {
            return Err(exec_datafusion_err!("parts of DARs have three columns"));
        };
        Ok(Self {
            site: values::<UInt32Type>(site)?,
            day: values::<Date32Type>(day)?,
            parts: parts
                .as_binary_opt()
                .ok_or_else(|| exec_datafusion_err!("parts are of type {}", parts.data_type()))?
                .clone(),
        })
    }

    /// The site and the day of each part, which all parts of a DAR share, and its bytes.
    pub(super) fn rows(&self) -> impl Iterator<Item = ((SiteNumber, i32), &[u8])> {
        let keys = self.site.iter().copied().zip(self.day.iter().copied());
        keys.enumerate()
            .map(|(row, key)| (key, self.parts.value(row)))
    }

    /// How many bytes they have.
    pub(super) fn size(&self) -> usize {
        let offsets = self.parts.value_offsets();
        let ends = offsets.first().zip(offsets.last());
        ends.map_or(0, |(start, end)| {
            usize::try_from(end - start).unwrap_or_default()
        })
    }
}

fn values<T: ArrowPrimitiveType>(column: &ArrayRef) -> Result<ScalarBuffer<T::Native>> {
    column
        .as_primitive_opt::<T>()
        .map(|column| column.values().clone())
        .ok_or_else(|| exec_datafusion_err!("a column of parts is of type {}", column.data_type()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    /// Parts come back as they were, one after the other, and no piece of one is taken for a part.
    #[test]
    fn parts_come_back() {
        let one = Part {
            site: 0,
            day: -719_162,
            conversation_id: b"",
            consumer_id: None,
            first: i64::MIN,
            last: i64::MAX,
            messages: [0, 1, u32::MAX],
            flags: 0,
            channel: None,
        };
        let all = Part {
            site: u32::MAX,
            day: 2_932_896,
            conversation_id: &[0xFF; 300],
            consumer_id: Some(b""),
            first: 1_700_000_000_000_000,
            last: 1_700_000_000_000_000,
            messages: [7, 300, 70_000],
            flags: GEN_AI | LISTENED,
            channel: Some(b"sms"),
        };
        // The largest numbers that take few bytes, and each of them one larger.
        let few = Part {
            site: 65_535,
            day: i32::MIN,
            conversation_id: &[b'c'; 255],
            first: -1,
            last: (1 << 40) - 2,
            messages: [255; 3],
            channel: None,
            ..all
        };
        let more = [
            Part {
                site: 65_536,
                ..few
            },
            Part {
                last: few.last + 1,
                ..few
            },
            Part {
                messages: [255, 255, 256],
                ..few
            },
            Part {
                conversation_id: &[b'c'; 256],
                ..few
            },
        ];
        let parts = [one, all, few].into_iter().chain(more);
        for part in parts {
            let mut bytes = Vec::new();
            part.pack(&mut bytes);
            for length in 0..bytes.len() {
                assert!(Part::unpack(&bytes[..length]).is_err(), "{length}");
            }
            bytes.extend_from_slice(b"more");
            assert_eq!(Part::unpack(&bytes).unwrap(), (part, b"more".as_slice()));
        }
    }
}
