//! A batch of messages, as [`mod@super::fold`] reads it.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;

use super::ids::Ids;
use super::parts::{GEN_AI, LISTENED};
use super::window::Dated;
use crate::scalar::internal::instant::Instants;
use crate::scalar::internal::instants;

/// The columns of messages that DARs are made of, in the order of [`Batch::columns`].
pub(crate) const COLUMNS: [&str; 8] = [
    "site_id",
    "conversation_id",
    "consumer_id",
    "sent_at",
    "sent_by",
    "audience",
    "intent_analyzer",
    "channel",
];

/// Their places in a schema.
pub(super) fn places(schema: &SchemaRef) -> Result<[usize; 8]> {
    let mut places = [0; 8];
    for (place, name) in places.iter_mut().zip(COLUMNS) {
        *place = schema.index_of(name)?;
    }
    Ok(places)
}

/// See the module. A column without any value is `None`, so that it is not asked row by row.
pub(super) struct Batch<'a> {
    pub(super) columns: [&'a ArrayRef; 8],
    pub(super) sites: &'a StringViewArray,
    pub(super) senders: &'a StringViewArray,
    pub(super) instants: Instants,
    pub(super) audiences: Option<&'a StringViewArray>,
    pub(super) texts: Texts<'a>,
    intent_analyzer: Option<&'a BooleanArray>,
    /// Of site, sender, instant and conversation, where there are any.
    pub(super) nulls: Option<NullBuffer>,
}

/// What the parts keep of messages.
pub(super) struct Texts<'a> {
    conversations: Ids<'a>,
    consumers: Option<Ids<'a>>,
    channels: Option<&'a StringViewArray>,
}

impl<'a> Batch<'a> {
    /// Without the consumers of messages unless `with_consumers`.
    pub(super) fn new(columns: [&'a ArrayRef; 8], with_consumers: bool) -> Result<Self> {
        let [
            site_id,
            conversation_id,
            consumer_id,
            sent_at,
            sent_by,
            audience,
            intent_analyzer,
            channel,
        ] = columns;
        let given =
            |column: &'a ArrayRef| Some(column).filter(|c| c.logical_null_count() < c.len());
        let with = given(consumer_id).filter(|_| with_consumers);
        Ok(Self {
            columns,
            sites: site_id.as_string_view(),
            senders: sent_by.as_string_view(),
            instants: instants(sent_at)?,
            audiences: given(audience).map(|column| column.as_string_view()),
            texts: Texts {
                conversations: Ids::new(conversation_id)?,
                consumers: with.map(Ids::new).transpose()?,
                channels: given(channel).map(|column| column.as_string_view()),
            },
            intent_analyzer: given(intent_analyzer).map(|column| column.as_boolean()),
            nulls: NullBuffer::union_many([
                site_id.nulls(),
                sent_by.nulls(),
                sent_at.nulls(),
                conversation_id.nulls(),
            ])
            .filter(|nulls| nulls.null_count() > 0),
        })
    }

    /// When a message was sent, if it says so.
    #[inline(always)]
    pub(super) fn sent_at(&self, row: usize) -> Option<i64> {
        let [_, _, _, sent_at, ..] = self.columns;
        sent_at.is_valid(row).then(|| self.instants.count(row))
    }

    /// Lets a message's own word on Intent Analyzer override that of its period.
    pub(super) fn set_flags(&self, messages: &mut [Dated]) {
        let Some(own) = self.intent_analyzer else {
            return;
        };
        let (values, nulls) = (own.values(), own.nulls());
        for message in messages {
            if nulls.is_none_or(|nulls| nulls.is_valid(message.row)) {
                let listened = u8::from(values.value(message.row)) * LISTENED;
                message.flags = (message.flags & GEN_AI) | listened;
            }
        }
    }
}

impl Texts<'_> {
    #[inline(always)]
    pub(super) fn conversation_id(&self, row: usize) -> Option<&[u8]> {
        self.conversations.bytes(row)
    }

    #[inline(always)]
    pub(super) fn consumer_id(&self, row: usize) -> Option<&[u8]> {
        self.consumers.as_ref()?.bytes(row)
    }

    #[inline(always)]
    pub(super) fn channel(&self, row: usize) -> Option<&[u8]> {
        let channels = self.channels?;
        channels
            .is_valid(row)
            .then(|| channels.value(row).as_bytes())
    }
}
