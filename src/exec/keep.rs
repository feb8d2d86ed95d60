//! DARs to keep: one local day's DARs, each with the parts that it was settled of, as rows of a table.
//!
//! A DAR alone cannot be merged with late messages: one of them may give a conversation its consumer, or a smaller one,
//! and so move messages from one DAR to another. Its parts can: they only add up, and are settled again.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::cast;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, exec_datafusion_err};

use super::calendar::Calendar;
use super::combine::combined;
use super::dar_rows::{GenAiRule, Output};
use super::fold::SharedCalendar;
use super::gen_ai_days::GenAiDays;
use super::held::Bucket;
use super::ids::ids;
use super::kept_schema::{KeptIds, PARTS};
use super::merge::{Dar, merged_into};
use super::parts::Part;
use super::parts_column::parts_column;

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

/// The most DARs in one batch of rows.
const DARS: usize = 1 << 15;

/// A DAR, and the parts that it was settled of.
pub(super) struct KeptDar<'a> {
    dar: Dar<'a>,
    pub(super) parts: Vec<Part<'a>>,
}

impl Keep {
    /// The rows of a day, sorted by site and relationship, from all of its parts.
    ///
    /// # Errors
    ///
    /// Parts that are damaged or of another day.
    pub(crate) fn rows(&self, day: i32, parts: &Bucket) -> Result<Vec<RecordBatch>> {
        let parts = combined(parts)?;
        let mut dars = kept_dars(&parts, self.by_consumer)?;
        if dars.iter().any(|kept| kept.dar.day != day) {
            return Err(exec_datafusion_err!(
                "a part lies on the shelf of another day"
            ));
        }
        dars.sort_unstable_by_key(|KeptDar { dar, .. }| {
            (dar.site, !dar.has_consumer, dar.relationship_id)
        });
        for kept in &mut dars {
            kept.parts
                .sort_unstable_by_key(|part| (part.conversation_id, part.consumer_id));
        }
        dars.chunks(DARS).map(|dars| self.batch(dars)).collect()
    }

    fn batch(&self, rows: &[KeptDar<'_>]) -> Result<RecordBatch> {
        let dars: Vec<Dar<'_>> = rows.iter().map(|kept| kept.dar).collect();
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
                PARTS => parts_column(&self.ids, self.unit, rows)?,
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
}

/// The DARs of parts, each with its own.
fn kept_dars(parts: &Bucket, by_consumer: bool) -> Result<Vec<KeptDar<'_>>> {
    let parts = parts.all_parts()?;
    let mut places = Vec::with_capacity(parts.len());
    let dars = merged_into(&parts, by_consumer, |place| places.push(place));
    let mut kept: Vec<KeptDar<'_>> = dars
        .into_iter()
        .map(|dar| KeptDar {
            dar,
            parts: Vec::new(),
        })
        .collect();
    for (part, place) in parts.into_iter().zip(places) {
        if let Some(kept) = kept.get_mut(place as usize) {
            kept.parts.push(part);
        }
    }
    Ok(kept)
}
