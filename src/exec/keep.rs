//! DARs to keep: one local day's DARs, each with the parts that it was settled of, as rows of a table.
//!
//! A DAR alone cannot be merged with late messages: one of them may give a conversation its consumer, or a smaller one,
//! and so move messages from one DAR to another. Its parts can: they only add up, and are settled again.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, ListArray, RecordBatch, StructArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use datafusion::common::{Result, exec_datafusion_err};

use super::calendar::Calendar;
use super::fold::SharedCalendar;
use super::gen_ai_days::GenAiDays;
use super::ids::ids;
use super::kept_parts::{combined, split};
use super::merge::{Dar, PartRow, merged_into};
use super::parts::{GEN_AI, LISTENED, Part, Parts};
use super::settle::{GenAiRule, Output};

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

/// How DARs are settled and kept.
#[derive(Debug)]
pub(crate) struct Keep {
    pub(crate) calendar: Arc<Calendar>,
    pub(crate) by_consumer: bool,
    pub(crate) gen_ai_rule: GenAiRule,
    /// Under the rule `day_start`.
    pub(crate) gen_ai_days: GenAiDays,
    pub(crate) ids: KeptIds,
    /// Of the messages' `sent_at`.
    pub(crate) unit: TimeUnit,
}

/// The type in which a table keeps ids of a type: it has no unsigned integers.
pub(crate) fn kept_id(data_type: &DataType) -> DataType {
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

    fn part_field(&self) -> Field {
        Field::new("element", DataType::Struct(self.part_fields()), true)
    }
}

/// The part at a row.
pub(super) fn part(parts: &[Parts], (batch, row): PartRow) -> Option<Part<'_>> {
    Some(parts.get(batch as usize)?.get(row as usize))
}

/// The most DARs in one batch of rows.
const DARS: usize = 1 << 15;

impl Keep {
    /// The rows of a day, sorted by site and relationship, from all of its parts.
    pub(crate) fn rows(&self, day: i32, parts: &[RecordBatch]) -> Result<Vec<RecordBatch>> {
        let parts = parts.iter().map(Parts::new).collect::<Result<Vec<_>>>()?;
        let parts = combined(&parts)?;
        let parts = parts.iter().map(Parts::new).collect::<Result<Vec<_>>>()?;
        let rows: Vec<PartRow> = (0..)
            .zip(&parts)
            .flat_map(|(batch, parts)| (0..parts.len()).map(move |row| (batch, row as u32)))
            .collect();
        let mut places = Vec::with_capacity(rows.len());
        let dars = merged_into(&parts, &rows, self.by_consumer, |place| places.push(place));
        if dars.iter().any(|dar| dar.day != day) {
            return Err(exec_datafusion_err!(
                "a part lies on the shelf of another day"
            ));
        }
        let mut own: Vec<Vec<PartRow>> = vec![Vec::new(); dars.len()];
        for (row, place) in rows.iter().zip(places) {
            if let Some(own) = own.get_mut(place as usize) {
                own.push(*row);
            }
        }
        let mut dars: Vec<(Dar<'_>, Vec<PartRow>)> = dars.into_iter().zip(own).collect();
        dars.sort_unstable_by_key(|(dar, _)| (dar.site, !dar.has_consumer, dar.relationship_id));
        for (_, own) in &mut dars {
            own.sort_unstable_by_key(|row| {
                part(&parts, *row).map(|part| (part.conversation_id, part.consumer_id))
            });
        }
        dars.chunks(DARS)
            .map(|dars| self.batch(&parts, dars))
            .collect()
    }

    fn batch(&self, parts: &[Parts], rows: &[(Dar<'_>, Vec<PartRow>)]) -> Result<RecordBatch> {
        let dars: Vec<Dar<'_>> = rows.iter().map(|(dar, _)| *dar).collect();
        let output = Output {
            calendar: SharedCalendar::default(),
            gen_ai_rule: self.gen_ai_rule,
            schema: self.ids.schema(),
            rows: dars.len(),
        };
        let made = |name: &str, data_type: &DataType| {
            output.column(&self.calendar, name, data_type, &dars)
        };
        let instant = DataType::Timestamp(self.unit, Some("UTC".into()));
        let columns = output.schema.fields().iter().map(|field| {
            Ok(match field.name().as_str() {
                PARTS => self.parts_column(parts, rows)?,
                "site_id" => cast(&made("site_id", &self.ids.site)?, field.data_type())?,
                "org_id" => cast(&made("org_id", &self.ids.org)?, field.data_type())?,
                "relationship_id" => cast(&self.relationships(&dars)?, field.data_type())?,
                "consumer_id" => cast(&self.consumers(&dars)?, field.data_type())?,
                "first_message_at" | "last_message_at" => {
                    cast(&made(field.name(), &instant)?, field.data_type())?
                }
                "gen_ai" if self.gen_ai_rule == GenAiRule::DayStart => {
                    self.gen_ai_at_start(&dars)?
                }
                name => made(name, field.data_type())?,
            })
        });
        Ok(RecordBatch::try_new(
            Arc::clone(&output.schema),
            columns.collect::<Result<Vec<_>>>()?,
        )?)
    }

    fn relationships(&self, dars: &[Dar<'_>]) -> Result<ArrayRef> {
        let of = |is_consumer: bool, data_type: &DataType| -> Result<ArrayRef> {
            let own = dars
                .iter()
                .map(|dar| (dar.has_consumer == is_consumer).then_some(dar.relationship_id));
            Ok(cast(&ids(own, data_type)?, &self.ids.relationship)?)
        };
        let with_consumer: BooleanArray = dars.iter().map(|dar| Some(dar.has_consumer)).collect();
        Ok(zip(
            &with_consumer,
            &of(true, &self.ids.consumer)?,
            &of(false, &self.ids.conversation)?,
        )?)
    }

    fn consumers(&self, dars: &[Dar<'_>]) -> Result<ArrayRef> {
        let consumers = dars.iter().map(|dar| match self.by_consumer {
            true => dar.has_consumer.then_some(dar.relationship_id),
            false => dar.consumer.map(|consumer| consumer.consumer_id),
        });
        ids(consumers, &self.ids.consumer)
    }

    fn gen_ai_at_start(&self, dars: &[Dar<'_>]) -> Result<ArrayRef> {
        let sites = cast(&self.calendar.site_ids, &DataType::Utf8View)?;
        let organizations = cast(&self.calendar.org_ids, &DataType::Utf8View)?;
        let (sites, organizations) = (sites.as_string_view(), organizations.as_string_view());
        let on = dars.iter().map(|dar| {
            let (number, period) = self
                .calendar
                .period(dar.site, dar.first)
                .ok_or_else(|| exec_datafusion_err!("a DAR lies outside the calendar"))?;
            let zone = period
                .zone
                .as_deref()
                .ok_or_else(|| exec_datafusion_err!("a DAR has no zone"))?;
            let site = sites.value(dar.site as usize);
            self.gen_ai_days
                .on(site, organizations.value(number), dar.day, zone)
        });
        Ok(Arc::new(BooleanArray::from(
            on.collect::<Result<Vec<bool>>>()?,
        )))
    }

    fn parts_column(&self, parts: &[Parts], rows: &[(Dar<'_>, Vec<PartRow>)]) -> Result<ArrayRef> {
        let lengths = rows.iter().map(|(_, own)| own.len());
        let offsets = OffsetBuffer::from_lengths(lengths);
        let listed = rows.iter().flat_map(|(_, own)| own);
        let listed: Vec<Part<'_>> = listed.filter_map(|row| part(parts, *row)).collect();
        let count = |place: usize| -> ArrayRef {
            let counts = listed
                .iter()
                .map(|part| part.messages.get(place).copied().map(i64::from));
            Arc::new(counts.collect::<Int64Array>())
        };
        let flag = |flag: u8| -> ArrayRef {
            Arc::new(
                listed
                    .iter()
                    .map(|part| Some(part.flags & flag != 0))
                    .collect::<BooleanArray>(),
            )
        };
        let instants = |instant: fn(&Part<'_>) -> i64| -> Result<[ArrayRef; 2]> {
            let split = listed.iter().map(|part| split(instant(part), self.unit));
            let (micros, nanos): (Vec<i64>, Vec<i32>) =
                split.collect::<Result<Vec<_>>>()?.into_iter().unzip();
            let micros = TimestampMicrosecondArray::from(micros).with_timezone("UTC");
            Ok([Arc::new(micros), Arc::new(Int32Array::from(nanos))])
        };
        let id = |bytes: for<'p> fn(&'p Part<'_>) -> Option<&'p [u8]>,
                  data_type: &DataType|
         -> Result<ArrayRef> {
            Ok(cast(
                &ids(listed.iter().map(bytes), data_type)?,
                &kept_id(data_type),
            )?)
        };
        let [first, first_rest] = instants(|part| part.first)?;
        let [last, last_rest] = instants(|part| part.last)?;
        let columns = vec![
            id(|part| Some(part.conversation_id), &self.ids.conversation)?,
            id(|part| part.consumer_id, &self.ids.consumer)?,
            id(|part| part.channel, &DataType::Utf8View)?,
            first,
            first_rest,
            last,
            last_rest,
            count(0),
            count(1),
            count(2),
            flag(GEN_AI),
            flag(LISTENED),
        ];
        let values = StructArray::try_new(self.ids.part_fields(), columns, None)?;
        let list = ListArray::try_new(
            Arc::new(self.ids.part_field()),
            offsets,
            Arc::new(values),
            None,
        )?;
        Ok(Arc::new(list))
    }
}
