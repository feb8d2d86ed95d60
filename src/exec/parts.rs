//! Parts of DARs: what one conversation, and in it one consumer, has in one local day; the rows between
//! [`super::fold`] and [`super::settle`]. One DAR may come in any number of parts.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, Date32Array, Int64Array, PrimitiveArray,
    UInt8Array, UInt32Array,
};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Field, Int64Type, Schema, SchemaRef, UInt8Type,
    UInt32Type,
};
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, exec_datafusion_err};

use super::calendar::SiteNumber;

/// Flag of a part: generative AI was on at one of its messages.
pub(super) const GEN_AI: u8 = 1;
/// Flag of a part: Intent Analyzer listened to one of its messages.
pub(super) const LISTENED: u8 = 2;

/// The columns of a part; ids and channels as bytes (see [`super::ids`]).
pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("site", DataType::UInt32, false),
        Field::new("day", DataType::Date32, false),
        Field::new("conversation_id", DataType::Binary, false),
        Field::new("consumer_id", DataType::Binary, true),
        Field::new("first", DataType::Int64, false),
        Field::new("last", DataType::Int64, false),
        Field::new("consumer_messages", DataType::UInt32, false),
        Field::new("agent_messages", DataType::UInt32, false),
        Field::new("bot_messages", DataType::UInt32, false),
        Field::new("flags", DataType::UInt8, false),
        Field::new("channel", DataType::Binary, true),
    ]))
}

/// One part.
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

impl Part<'_> {
    /// Bytes of its ids and its channel.
    pub(super) fn bytes(&self) -> usize {
        let optional = [self.consumer_id, self.channel];
        let lengths = optional.iter().flatten().map(|bytes| bytes.len());
        self.conversation_id.len() + lengths.sum::<usize>()
    }
}

/// A batch of parts in the making.
#[derive(Debug, Default)]
pub(super) struct Builder {
    site: Vec<u32>,
    day: Vec<i32>,
    conversation_id: BinaryBuilder,
    consumer_id: BinaryBuilder,
    first: Vec<i64>,
    last: Vec<i64>,
    messages: [Vec<u32>; 3],
    flags: Vec<u8>,
    channel: BinaryBuilder,
}

impl Builder {
    pub(super) fn push(&mut self, part: &Part<'_>) {
        self.site.push(part.site);
        self.day.push(part.day);
        self.conversation_id.append_value(part.conversation_id);
        self.consumer_id.append_option(part.consumer_id);
        self.first.push(part.first);
        self.last.push(part.last);
        for (column, messages) in self.messages.iter_mut().zip(part.messages) {
            column.push(messages);
        }
        self.flags.push(part.flags);
        self.channel.append_option(part.channel);
    }

    pub(super) fn len(&self) -> usize {
        self.site.len()
    }

    /// The batch; the builder is empty again.
    pub(super) fn finish(&mut self) -> Result<RecordBatch> {
        use std::mem::take;
        let [consumer, agent, bot] = take(&mut self.messages);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(take(&mut self.site))),
            Arc::new(Date32Array::from(take(&mut self.day))),
            Arc::new(self.conversation_id.finish()),
            Arc::new(self.consumer_id.finish()),
            Arc::new(Int64Array::from(take(&mut self.first))),
            Arc::new(Int64Array::from(take(&mut self.last))),
            Arc::new(UInt32Array::from(consumer)),
            Arc::new(UInt32Array::from(agent)),
            Arc::new(UInt32Array::from(bot)),
            Arc::new(UInt8Array::from(take(&mut self.flags))),
            Arc::new(self.channel.finish()),
        ];
        Ok(RecordBatch::try_new(schema(), columns)?)
    }
}

/// A batch of parts, read.
#[derive(Debug)]
pub(super) struct Parts {
    site: ScalarBuffer<u32>,
    day: ScalarBuffer<i32>,
    conversation_id: BinaryArray,
    consumer_id: BinaryArray,
    first: ScalarBuffer<i64>,
    last: ScalarBuffer<i64>,
    messages: [ScalarBuffer<u32>; 3],
    flags: ScalarBuffer<u8>,
    channel: BinaryArray,
}

impl Parts {
    pub(super) fn new(batch: &RecordBatch) -> Result<Self> {
        let [
            site,
            day,
            conversation_id,
            consumer_id,
            first,
            last,
            consumer,
            agent,
            bot,
            flags,
            channel,
        ] = batch.columns()
        else {
            return Err(exec_datafusion_err!("parts of DARs have eleven columns"));
        };
        Ok(Self {
            site: values::<UInt32Type>(site)?,
            day: values::<Date32Type>(day)?,
            conversation_id: conversation_id.as_binary().clone(),
            consumer_id: consumer_id.as_binary().clone(),
            first: values::<Int64Type>(first)?,
            last: values::<Int64Type>(last)?,
            messages: [
                values::<UInt32Type>(consumer)?,
                values::<UInt32Type>(agent)?,
                values::<UInt32Type>(bot)?,
            ],
            flags: values::<UInt8Type>(flags)?,
            channel: channel.as_binary().clone(),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.site.len()
    }

    /// The part at a row of the batch.
    #[inline]
    pub(super) fn get(&self, row: usize) -> Part<'_> {
        let [consumer, agent, bot] = &self.messages;
        let bytes = |column: &'_ BinaryArray| column.is_valid(row);
        Part {
            site: self.site[row],
            day: self.day[row],
            conversation_id: self.conversation_id.value(row),
            consumer_id: bytes(&self.consumer_id).then(|| self.consumer_id.value(row)),
            first: self.first[row],
            last: self.last[row],
            messages: [consumer[row], agent[row], bot[row]],
            flags: self.flags[row],
            channel: bytes(&self.channel).then(|| self.channel.value(row)),
        }
    }

    /// The site and the day at a row: all parts of a DAR share them.
    #[inline]
    pub(super) fn site_day(&self, row: usize) -> (SiteNumber, i32) {
        (self.site[row], self.day[row])
    }
}

fn values<T: ArrowPrimitiveType>(column: &ArrayRef) -> Result<ScalarBuffer<T::Native>> {
    column
        .as_primitive_opt::<T>()
        .map(|column: &PrimitiveArray<T>| column.values().clone())
        .ok_or_else(|| exec_datafusion_err!("a column of parts is of type {}", column.data_type()))
}
