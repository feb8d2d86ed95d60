//! The parts of a history, and their columns.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// What is read of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// The messages that can be billed.
    Messages,
    /// What came of the conversations.
    Outcomes,
    /// What cannot be used.
    Rejects,
    /// The conversations as they were delivered.
    Deliveries,
}

/// A column's name and type.
pub(super) type Column = (&'static str, Kind);

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// UTC.
    Instant,
    Flag,
    Count,
    /// `DECIMAL(18,4)`.
    Money,
}

use Kind::{Count, Flag, Instant, Money, Text};

pub(super) const MESSAGES: [Column; 19] = [
    ("site_id", Text),
    ("conversation_id", Text),
    ("sent_at", Instant),
    ("sent_by", Text),
    ("consumer_id", Text),
    ("message_id", Text),
    ("audience", Text),
    ("channel", Text),
    ("intent_analyzer", Flag),
    ("dialog_id", Text),
    ("dialog_type", Text),
    ("seq", Count),
    ("unnamed", Text),
    ("newest_at", Instant),
    ("delivered", Count),
    ("file_number", Count),
    ("record_number", Count),
    ("happened_at", Instant),
    ("place", Count),
];

pub(super) const OUTCOMES: [Column; 19] = [
    ("conversation_id", Text),
    ("kind", Text),
    ("site_id", Text),
    ("outcome_id", Text),
    ("occurred_at", Instant),
    ("currency", Text),
    ("revenue", Money),
    ("saving", Money),
    ("resolved", Flag),
    ("csat", Count),
    ("nps", Count),
    ("mcs", Count),
    ("unnamed", Text),
    ("newest_at", Instant),
    ("delivered", Count),
    ("file_number", Count),
    ("record_number", Count),
    ("happened_at", Instant),
    ("place", Count),
];

pub(super) const REJECTS: [Column; 11] = [
    ("unit", Text),
    ("reason", Text),
    ("found", Text),
    ("file", Text),
    ("record", Count),
    ("byte_offset", Count),
    ("conversation_id", Text),
    ("message_id", Text),
    ("messages", Count),
    ("json", Text),
    ("file_number", Count),
];

const DELIVERIES: [Column; 2] = [("site_id", Text), ("conversation_id", Text)];

impl Part {
    /// Their names and types.
    pub(super) fn columns(self) -> &'static [Column] {
        match self {
            Part::Messages => &MESSAGES,
            Part::Outcomes => &OUTCOMES,
            Part::Rejects => &REJECTS,
            Part::Deliveries => &DELIVERIES,
        }
    }

    /// The columns of its rows.
    pub(crate) fn schema(self) -> SchemaRef {
        let field = |(name, kind): &Column| Field::new(*name, kind.data_type(), true);
        Arc::new(Schema::new(
            self.columns().iter().map(field).collect::<Vec<_>>(),
        ))
    }
}

impl Kind {
    fn data_type(self) -> DataType {
        match self {
            Kind::Text => DataType::Utf8,
            Kind::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Kind::Flag => DataType::Boolean,
            Kind::Count => DataType::Int64,
            Kind::Money => DataType::Decimal128(18, 4),
        }
    }
}
