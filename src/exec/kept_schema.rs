//! The columns of a table of DARs: those of `dars`, and the parts that each row was settled of.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

/// The column of the parts.
pub(crate) const PARTS: &str = "parts";

/// The types of the ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptIds {
    pub(crate) site: DataType,
    pub(crate) org: DataType,
    pub(crate) conversation: DataType,
    /// Of consumers; text if there is no such column.
    pub(crate) consumer: DataType,
    /// Of relationships: of both, or text if those differ.
    pub(crate) relationship: DataType,
}

/// The type in which a table keeps ids of a type: it has no unsigned integers.
pub(super) fn kept_id(data_type: &DataType) -> DataType {
    match data_type {
        DataType::UInt64 => DataType::Decimal128(20, 0),
        other => other.clone(),
    }
}

fn instants() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

impl KeptIds {
    pub(super) fn part_fields(&self) -> Fields {
        Fields::from(vec![
            Field::new("conversation_id", kept_id(&self.conversation), true),
            Field::new("consumer_id", kept_id(&self.consumer), true),
            Field::new("channel", DataType::Utf8View, true),
            // An instant may be finer than a microsecond: the rest of it stands beside.
            Field::new("first_message_at", instants(), true),
            Field::new("first_nanosecond", DataType::Int32, true),
            Field::new("last_message_at", instants(), true),
            Field::new("last_nanosecond", DataType::Int32, true),
            Field::new("consumer_messages", DataType::Int64, true),
            Field::new("agent_messages", DataType::Int64, true),
            Field::new("bot_messages", DataType::Int64, true),
            Field::new("gen_ai", DataType::Boolean, true),
            Field::new("intent_analyzer", DataType::Boolean, true),
        ])
    }

    /// The columns that are kept: those of `dars`, and the parts.
    pub(crate) fn schema(&self) -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8View, true);
        let count = |name: &str| Field::new(name, DataType::Int64, true);
        let flag = |name: &str| Field::new(name, DataType::Boolean, true);
        let id = |name: &str, data_type: &DataType| Field::new(name, kept_id(data_type), true);
        Arc::new(Schema::new(vec![
            id("org_id", &self.org),
            id("site_id", &self.site),
            id("relationship_id", &self.relationship),
            id("consumer_id", &self.consumer),
            Field::new("day", DataType::Date32, true),
            text("time_zone"),
            text("channel"),
            Field::new("first_message_at", instants(), true),
            Field::new("last_message_at", instants(), true),
            count("messages"),
            count("consumer_messages"),
            count("agent_messages"),
            count("bot_messages"),
            flag("gen_ai"),
            flag("intent_analyzer"),
            Field::new(PARTS, self.parts_type(), true),
        ]))
    }

    fn parts_type(&self) -> DataType {
        DataType::List(Arc::new(self.part_field()))
    }

    pub(super) fn part_field(&self) -> Field {
        Field::new("element", DataType::Struct(self.part_fields()), true)
    }
}
