//! What a history holds as rows of columns, the same wherever it is read.
//!
//! Every copy of a message is a row here. The last columns say how new the delivery is that it came in.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Decimal128Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;

use super::part::{Kind, MESSAGES, OUTCOMES, Part, REJECTS};
use crate::domain::liveperson::{Conversation, Message, Outcome, Unusable};

/// Where a record was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    /// The file.
    pub(crate) file: &'a str,
    /// The place of the file among all files, from 0.
    pub(crate) file_number: i64,
    /// The record's number in it, from 1.
    pub(crate) record: i64,
    /// The byte at which it begins.
    pub(crate) offset: i64,
}

/// Rows of one part under construction.
pub(crate) struct Rows {
    part: Part,
    columns: Vec<Builder>,
    count: usize,
    /// Bytes of text among them.
    bytes: usize,
}

/// The most text that is held before rows are handed on.
const MOST_BYTES: usize = 8 << 20;

enum Builder {
    Text(StringBuilder),
    Instant(TimestampMicrosecondBuilder),
    Flag(BooleanBuilder),
    Count(Int64Builder),
    Money(Decimal128Builder),
}

/// A value on its way into a column.
enum Value<'a> {
    Text(Option<&'a str>),
    /// In milliseconds.
    Instant(Option<i64>),
    Flag(Option<bool>),
    Count(Option<i64>),
    /// In ten-thousandths.
    Money(Option<i128>),
}

impl Rows {
    /// No rows yet.
    pub(crate) fn new(part: Part) -> Self {
        Self {
            part,
            columns: part
                .columns()
                .iter()
                .map(|(_, kind)| kind.builder())
                .collect(),
            count: 0,
            bytes: 0,
        }
    }

    /// How many rows there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Whether they should be handed on: `rows` of them, or fewer large ones.
    pub(crate) fn are_full(&self, rows: usize) -> bool {
        self.count >= rows || self.bytes >= MOST_BYTES
    }

    /// Adds what a record has of this part.
    pub(crate) fn add(
        &mut self,
        found: Found<'_>,
        record: &std::result::Result<Conversation<'_>, Box<Unusable>>,
    ) {
        match (self.part, record) {
            (Part::Messages, Ok(conversation)) => {
                for message in &conversation.messages {
                    self.push(message_row(found, conversation, message));
                }
            }
            (Part::Outcomes, Ok(conversation)) => {
                for outcome in &conversation.outcomes {
                    self.push(outcome_row(found, conversation, outcome));
                }
            }
            (Part::Rejects, Ok(conversation)) => {
                for unusable in &conversation.unusable {
                    self.push(reject_row(found, unusable));
                }
            }
            (Part::Rejects, Err(unusable)) => self.push(reject_row(found, unusable)),
            (Part::Deliveries, Ok(conversation)) => self.push([
                Value::Text(Some(&conversation.site_id)),
                Value::Text(Some(&conversation.conversation_id)),
            ]),
            (Part::Messages | Part::Outcomes | Part::Deliveries, Err(_)) => {}
        }
    }

    fn push<const N: usize>(&mut self, row: [Value<'_>; N]) {
        for (column, value) in self.columns.iter_mut().zip(row) {
            if let Value::Text(Some(text)) = &value {
                self.bytes += text.len();
            }
            column.push(value);
        }
        self.count += 1;
    }

    /// The rows so far, and none left.
    ///
    /// # Errors
    ///
    /// None that data can cause.
    pub(crate) fn batch(&mut self) -> Result<RecordBatch> {
        (self.count, self.bytes) = (0, 0);
        let columns: Vec<ArrayRef> = self
            .columns
            .iter_mut()
            .map(Builder::finish)
            .collect::<Result<_>>()?;
        Ok(RecordBatch::try_new(self.part.schema(), columns)?)
    }
}

fn message_row<'a>(
    found: Found<'a>,
    conversation: &'a Conversation<'_>,
    message: &'a Message<'_>,
) -> [Value<'a>; MESSAGES.len()] {
    [
        Value::Text(Some(&conversation.site_id)),
        Value::Text(Some(&conversation.conversation_id)),
        Value::Instant(Some(message.sent_at)),
        Value::Text(Some(message.sent_by.name())),
        Value::Text(message.consumer_id.as_deref()),
        Value::Text(message.message_id.as_deref()),
        Value::Text(message.audience.as_deref()),
        Value::Text(conversation.channel.as_deref()),
        Value::Flag(message.intent_analyzer),
        Value::Text(message.dialog_id.as_deref()),
        Value::Text(message.dialog_type.as_deref()),
        Value::Count(message.seq),
        Value::Text(message.unnamed.as_deref()),
        Value::Instant(conversation.newest_at),
        Value::Count(Some(conversation.delivered)),
        Value::Count(Some(found.file_number)),
        Value::Count(Some(found.record)),
        // Two entries of one record with one id: the later in the list is the newer.
        Value::Instant(None),
        Value::Count(Some(message.place)),
    ]
}

fn outcome_row<'a>(
    found: Found<'a>,
    conversation: &'a Conversation<'_>,
    outcome: &'a Outcome<'_>,
) -> [Value<'a>; OUTCOMES.len()] {
    [
        Value::Text(Some(&conversation.conversation_id)),
        Value::Text(Some(outcome.kind)),
        Value::Text(Some(&conversation.site_id)),
        Value::Text(outcome.outcome_id.as_deref()),
        Value::Instant(outcome.occurred_at),
        Value::Text(outcome.currency.as_deref()),
        Value::Money(outcome.revenue),
        Value::Money(None),
        Value::Flag(outcome.resolved),
        Value::Count(outcome.csat),
        Value::Count(outcome.nps),
        Value::Count(outcome.mcs),
        Value::Text(outcome.unnamed.as_deref()),
        Value::Instant(conversation.newest_at),
        Value::Count(Some(conversation.delivered)),
        Value::Count(Some(found.file_number)),
        Value::Count(Some(found.record)),
        Value::Instant(outcome.occurred_at),
        Value::Count(Some(outcome.place)),
    ]
}

fn reject_row<'a>(found: Found<'a>, unusable: &'a Unusable) -> [Value<'a>; REJECTS.len()] {
    [
        Value::Text(Some(unusable.unit.name())),
        Value::Text(Some(unusable.flaw.name())),
        Value::Text(Some(&unusable.found)),
        Value::Text(Some(found.file)),
        Value::Count(Some(found.record)),
        Value::Count(Some(found.offset)),
        Value::Text(unusable.conversation_id.as_deref()),
        Value::Text(unusable.message_id.as_deref()),
        Value::Count(Some(unusable.messages)),
        Value::Text(Some(&unusable.json)),
        Value::Count(Some(found.file_number)),
    ]
}

impl Kind {
    fn builder(self) -> Builder {
        match self {
            Kind::Text => Builder::Text(StringBuilder::new()),
            Kind::Instant => Builder::Instant(TimestampMicrosecondBuilder::new()),
            Kind::Flag => Builder::Flag(BooleanBuilder::new()),
            Kind::Count => Builder::Count(Int64Builder::new()),
            Kind::Money => Builder::Money(Decimal128Builder::new()),
        }
    }
}

impl Builder {
    /// Adds a value; one of another kind than the column would be NULL, and there is a test that none is.
    fn push(&mut self, value: Value<'_>) {
        match (self, value) {
            (Builder::Text(column), Value::Text(value)) => column.append_option(value),
            (Builder::Instant(column), Value::Instant(value)) => {
                column.append_option(value.and_then(|millis| millis.checked_mul(1000)));
            }
            (Builder::Flag(column), Value::Flag(value)) => column.append_option(value),
            (Builder::Count(column), Value::Count(value)) => column.append_option(value),
            (Builder::Money(column), Value::Money(value)) => column.append_option(value),
            (Builder::Text(column), _) => column.append_null(),
            (Builder::Instant(column), _) => column.append_null(),
            (Builder::Flag(column), _) => column.append_null(),
            (Builder::Count(column), _) => column.append_null(),
            (Builder::Money(column), _) => column.append_null(),
        }
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(match self {
            Builder::Text(column) => Arc::new(column.finish()),
            Builder::Instant(column) => Arc::new(column.finish().with_timezone("UTC")),
            Builder::Flag(column) => Arc::new(column.finish()),
            Builder::Count(column) => Arc::new(column.finish()),
            Builder::Money(column) => Arc::new(column.finish().with_precision_and_scale(18, 4)?),
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use datafusion::arrow::array::Array;

    use super::*;
    use crate::domain::liveperson::read;

    /// A record in which every column of every part has a value, but for those that are never filled.
    #[test]
    fn every_value_meets_a_column_of_its_kind() {
        let json = br#"{"info": {"brandId": "s", "conversationId": "c", "source": "APP", "csat": 4, "mcs": 50, "endTimeL": 9000},
            "dialogs": [{"dialogId": "d", "dialogType": "MAIN", "endTimeL": 9000}],
            "intents": [{"messageId": "m"}],
            "messageRecords": [
              {"messageId": "m", "timeL": 1, "sentBy": "Consumer", "participantId": "u", "dialogId": "d", "seq": 0, "messageAudience": "ALL"},
              {"timeL": 2, "sentBy": "Agent"}, {"messageId": "x", "timeL": -1}],
            "conversationSurveys": [{"dialogId": "d", "surveyData": [{"question": "NPS", "answer": "9"}, {"question": "FCR", "answer": "no"}]}],
            "sdes": {"events": [{"purchase": {"total": 1, "currency": "EUR"}, "serverTimeStamp": 5}]}}"#;
        let record = read(json);
        let found = Found {
            file: "f",
            file_number: 0,
            record: 1,
            offset: 0,
        };
        for (part, never) in [
            (Part::Messages, &["happened_at"][..]),
            (Part::Outcomes, &["saving"]),
            (Part::Rejects, &[]),
            (Part::Deliveries, &[]),
        ] {
            let mut rows = Rows::new(part);
            rows.add(found, &record);
            let batch = rows.batch().unwrap();
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                let is_empty = column.null_count() == column.len();
                assert_eq!(
                    is_empty,
                    never.contains(&field.name().as_str()),
                    "{part:?} {field}"
                );
            }
        }
    }
}
