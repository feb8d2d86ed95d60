//! DARs as rows: what [`super::settle`] gives.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Int64Array, RecordBatchOptions, StructArray, UInt64Array,
    new_null_array,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, exec_datafusion_err};

use super::alike::{ALIKE, Alike};
use super::calendar::Calendar;
use super::fold::SharedCalendar;
use super::ids::ids;
use super::merge::Dar;
use super::parts::{GEN_AI, LISTENED};

/// Whether generative AI was on, by the option `gen_ai_rule`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GenAiRule {
    /// At any message.
    Any,
    /// At the first one.
    FirstMessage,
    /// Settled elsewhere: false here.
    DayStart,
}

/// How DARs become rows.
pub(super) struct Output {
    pub(super) calendar: SharedCalendar,
    pub(super) gen_ai_rule: GenAiRule,
    pub(super) schema: SchemaRef,
    pub(super) rows: usize,
}

impl Output {
    /// DARs as rows; those alike as one, where the schema asks for their number.
    pub(super) fn batches(&self, mut dars: Vec<Dar<'_>>) -> Result<Vec<RecordBatch>> {
        if let Some(alike) = Alike::of(&self.schema) {
            dars = alike.counted(self.calendar()?, dars)?;
        }
        let batches = dars.chunks(self.rows.max(1));
        batches.map(|dars| self.batch(dars)).collect()
    }

    fn batch(&self, dars: &[Dar<'_>]) -> Result<RecordBatch> {
        let calendar = self.calendar()?;
        let columns = self
            .schema
            .fields()
            .iter()
            .map(|field| self.column(calendar, field.name(), field.data_type(), dars));
        let options = RecordBatchOptions::new().with_row_count(Some(dars.len()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns.collect::<Result<Vec<_>>>()?,
            &options,
        )?)
    }

    /// The calendar that the parts were made with.
    pub(super) fn calendar(&self) -> Result<&Calendar> {
        let calendar = self.calendar.get();
        calendar
            .map(|calendar| calendar.as_ref())
            .ok_or_else(|| exec_datafusion_err!("the calendar is read before any message"))
    }

    /// The column of that name.
    pub(super) fn column(
        &self,
        calendar: &Calendar,
        name: &str,
        data_type: &DataType,
        dars: &[Dar<'_>],
    ) -> Result<ArrayRef> {
        let period = |dar: &Dar<'_>| {
            calendar
                .period(dar.site, dar.first)
                .ok_or_else(|| exec_datafusion_err!("a DAR lies outside the calendar"))
        };
        let of_period = |values: &ArrayRef| -> Result<ArrayRef> {
            let places = dars.iter().map(|dar| Ok(Some(period(dar)?.0 as u64)));
            let places = places.collect::<Result<UInt64Array>>()?;
            Ok(take(values, &places, None)?)
        };
        let counts = |count: fn(&Dar<'_>) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(dars.iter().map(count)))
        };
        let flags = |flag: fn(&Dar<'_>) -> bool| -> ArrayRef {
            let flags = BooleanBuffer::collect_bool(dars.len(), |row| flag(&dars[row]));
            Arc::new(BooleanArray::from(flags))
        };
        Ok(match name {
            "site_id" => {
                let places: UInt64Array =
                    dars.iter().map(|dar| Some(u64::from(dar.site))).collect();
                take(&calendar.site_ids, &places, None)?
            }
            "relationship_id" => ids(dars.iter().map(|dar| Some(dar.relationship_id)), data_type)?,
            "has_consumer" => flags(|dar| dar.has_consumer),
            "consumer_id" => consumers(dars, data_type)?,
            "day" => Arc::new(Date32Array::from_iter_values(
                dars.iter().map(|dar| dar.day),
            )),
            "org_id" => of_period(&calendar.org_ids)?,
            "time_zone" => of_period(&calendar.time_zones)?,
            "channel" => ids(dars.iter().map(|dar| dar.channel), data_type)?,
            "first_message_at" => cast(&counts(|dar| dar.first), data_type)?,
            "last_message_at" => cast(&counts(|dar| dar.last), data_type)?,
            "messages" => counts(|dar| dar.messages.iter().sum()),
            "consumer_messages" => counts(|dar| dar.messages[0]),
            "agent_messages" => counts(|dar| dar.messages[1]),
            "bot_messages" => counts(|dar| dar.messages[2]),
            "gen_ai" => match self.gen_ai_rule {
                GenAiRule::Any => flags(|dar| dar.flags & GEN_AI != 0),
                GenAiRule::FirstMessage => {
                    let on = dars.iter().map(|dar| Ok(period(dar)?.1.gen_ai));
                    Arc::new(BooleanArray::from(on.collect::<Result<Vec<bool>>>()?))
                }
                GenAiRule::DayStart => flags(|_| false),
            },
            "intent_analyzer" => flags(|dar| dar.flags & LISTENED != 0),
            ALIKE => counts(|dar| dar.alike),
            other => return Err(exec_datafusion_err!("DARs have no column {other}")),
        })
    }
}

/// The consumers of conversations, as `{channel, value}` of which only the value is asked for.
fn consumers(dars: &[Dar<'_>], data_type: &DataType) -> Result<ArrayRef> {
    let DataType::Struct(fields) = data_type else {
        return Err(exec_datafusion_err!("a consumer of type {data_type}"));
    };
    let values = dars
        .iter()
        .map(|dar| dar.consumer.map(|consumer| consumer.consumer_id));
    let columns = fields.iter().map(|field| match field.name().as_str() {
        "value" if field.data_type() != &DataType::Null => ids(values.clone(), field.data_type()),
        _ => Ok(new_null_array(field.data_type(), dars.len())),
    });
    Ok(Arc::new(StructArray::try_new_with_length(
        fields.clone(),
        columns.collect::<Result<Vec<_>>>()?,
        None,
        dars.len(),
    )?))
}
