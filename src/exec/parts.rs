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
/// Bit beside the flags: its numbers are too large for [`NARROW`] and lie as in [`WIDE`].
const IS_WIDE: u8 = 16;

/// Bytes of its numbers: the site, the day, the first message, the time from there to the last, three counts, and the
/// lengths of three texts.
const NARROW: [usize; 10] = [2, 4, 8, 5, 1, 1, 1, 1, 1, 1];
/// See [`NARROW`].
const WIDE: [usize; 10] = [4, 4, 8, 8, 4, 4, 4, 8, 8, 8];

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
    /// Appends its bytes: its flags, its numbers, then the texts.
    pub(super) fn pack(&self, bytes: &mut Vec<u8>) {
        let texts = [Some(self.conversation_id), self.consumer_id, self.channel];
        let [consumers, agents, bots] = self.messages.map(u64::from);
        let [conversation_id, consumer_id, channel] =
            texts.map(|text| text.map_or(0, <[u8]>::len) as u64);
        let numbers = [
            u64::from(self.site),
            u64::from(self.day.cast_unsigned()),
            self.first.cast_unsigned(),
            // The last is never before the first.
            self.last.abs_diff(self.first),
            consumers,
            agents,
            bots,
            conversation_id,
            consumer_id,
            channel,
        ];
        let mut flags = self.flags;
        flags |= u8::from(self.consumer_id.is_some()) * HAS_CONSUMER;
        flags |= u8::from(self.channel.is_some()) * HAS_CHANNEL;
        let mut fitting = numbers.iter().zip(NARROW);
        match fitting.all(|(number, width)| width == 8 || number >> (8 * width) == 0) {
            true => put(bytes, flags, numbers, NARROW),
            false => put(bytes, flags | IS_WIDE, numbers, WIDE),
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
        let (flags, rest) = bytes.split_first()?;
        let (numbers, mut rest) = match flags & IS_WIDE {
            0 => take(rest, NARROW)?,
            _ => take(rest, WIDE)?,
        };
        let mut text = |length: u64| {
            let (text, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            rest = after;
            Some(text)
        };
        let [
            site,
            day,
            first,
            span,
            consumers,
            agents,
            bots,
            conversation_id,
            consumer_id,
            channel,
        ] = numbers;
        let count = |number: u64| u32::try_from(number).ok();
        let (conversation_id, consumer_id, channel) =
            (text(conversation_id)?, text(consumer_id)?, text(channel)?);
        let first = first.cast_signed();
        let part = Self {
            site: count(site)?,
            day: count(day)?.cast_signed(),
            conversation_id,
            consumer_id: (flags & HAS_CONSUMER != 0).then_some(consumer_id),
            first,
            last: first.checked_add_unsigned(span)?,
            messages: [count(consumers)?, count(agents)?, count(bots)?],
            flags: flags & (GEN_AI | LISTENED),
            channel: (flags & HAS_CHANNEL != 0).then_some(channel),
        };
        Some((part, rest))
    }
}

/// Appends flags, and numbers of so many bytes each.
#[inline(always)]
fn put(bytes: &mut Vec<u8>, flags: u8, numbers: [u64; 10], widths: [usize; 10]) {
    let mut head = [flags; 64];
    let mut end = 1;
    for (number, width) in numbers.into_iter().zip(widths) {
        head[end..end + width].copy_from_slice(&number.to_le_bytes()[..width]);
        end += width;
    }
    bytes.extend_from_slice(&head[..end]);
}

/// Numbers of so many bytes each, and the bytes after them.
#[inline(always)]
fn take(bytes: &[u8], widths: [usize; 10]) -> Option<([u64; 10], &[u8])> {
    let (mut head, rest) = bytes.split_at_checked(widths.into_iter().sum())?;
    let mut numbers = [0; 10];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let (bytes, after) = head.split_at_checked(width)?;
        let mut whole = [0; 8];
        whole[..width].copy_from_slice(bytes);
        *number = u64::from_le_bytes(whole);
        head = after;
    }
    Some((numbers, rest))
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
