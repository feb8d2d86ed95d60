//! The messages, the calendar and the reading of a session as they are now.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::Session;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::collect;

use super::message_files::MessageFiles;
use super::settled_calendar::SettledCalendar;
use crate::error;
use crate::exec::{Calendar, GenAiDays, Keep, KeptIds};
use crate::table::{DarSource, IdKind};

/// See the module.
#[derive(Debug)]
pub(super) struct Present {
    pub(super) files: MessageFiles,
    pub(super) calendar: SettledCalendar,
    /// The options and types that rows depend on, by name.
    pub(super) reading: BTreeMap<String, String>,
    calendar_rows: Vec<RecordBatch>,
    gen_ai_rows: Vec<RecordBatch>,
}

impl Present {
    /// Reads the small relations of `source`, which are checked by that.
    ///
    /// # Errors
    ///
    /// What is wrong with them; messages that cannot be read file by file.
    pub(super) async fn of(session: &dyn Session, source: &DarSource) -> Result<Self> {
        let files = MessageFiles::of(&source.messages).map_err(|why| {
            error::config(format!(
                "messages cannot be read file by file: {why}. A table of DARs is kept of files, folders, \
                 patterns and Delta tables, or of a query that only selects, computes and filters rows of such"
            ))
        })?;
        let calendar_rows = rows(session, &source.calendar).await?;
        let gen_ai_rows = match &source.gen_ai_spans {
            Some(spans) => rows(session, spans).await?,
            None => Vec::new(),
        };
        let mut reading: BTreeMap<String, String> = source
            .reading
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let ids = ids(source);
        for (name, data_type) in [
            ("org_id", &ids.org),
            ("site_id", &ids.site),
            ("conversation_id", &ids.conversation),
            ("consumer_id", &ids.consumer),
        ] {
            reading.insert(name.to_owned(), kind(data_type).to_owned());
        }
        let zones = source.folding.zones.version();
        reading.insert("tzdb_version".to_owned(), zones.to_owned());
        reading.insert("messages".to_owned(), fingerprint(&files.definition()?));
        Ok(Self {
            calendar: SettledCalendar::new(&calendar_rows, &gen_ai_rows)?,
            files,
            reading,
            calendar_rows,
            gen_ai_rows,
        })
    }

    /// The rows that [`Calendar`] is made of, for other processes to make it of.
    #[cfg(feature = "cluster")]
    pub(super) fn calendar_rows(&self) -> &[RecordBatch] {
        &self.calendar_rows
    }

    /// The calendar without what is switched on for sites: counts of messages do not depend on that.
    pub(super) fn calendar_of_sites(&self) -> Result<SettledCalendar> {
        SettledCalendar::of_sites(&self.calendar_rows)
    }

    /// How DARs of these messages are settled and kept.
    pub(super) fn keep(&self, source: &DarSource) -> Result<Keep> {
        let (site, org) = &source.folding.ids;
        let calendar = Calendar::new(&self.calendar_rows, (site, org), &source.folding.zones)?;
        Ok(Keep {
            calendar: Arc::new(calendar),
            by_consumer: source.folding.by_consumer,
            gen_ai_rule: source.gen_ai_rule,
            gen_ai_days: GenAiDays::new(&self.gen_ai_rows)?,
            ids: ids(source),
            unit: unit(&source.messages)?,
        })
    }
}

pub(super) async fn rows(session: &dyn Session, plan: &LogicalPlan) -> Result<Vec<RecordBatch>> {
    let plan = session.create_physical_plan(plan).await?;
    let schema = plan.schema();
    let mut rows = collect(plan, session.task_ctx()).await?;
    if rows.is_empty() {
        rows.push(RecordBatch::new_empty(schema));
    }
    Ok(rows)
}

/// The types of the ids of a source.
pub(super) fn ids(source: &DarSource) -> KeptIds {
    let kinds = &source.kinds;
    let consumer = kinds.consumer.unwrap_or(IdKind::Text);
    let relationship = match source.folding.by_consumer {
        true => consumer.meet(kinds.conversation),
        false => kinds.conversation,
    };
    KeptIds {
        site: kinds.site.data_type(),
        org: kinds.org.data_type(),
        conversation: kinds.conversation.data_type(),
        consumer: consumer.data_type(),
        relationship: relationship.data_type(),
    }
}

/// What an id is called in a reading.
pub(super) fn kind(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Int64 => "integer",
        DataType::UInt64 => "unsigned integer",
        _ => "text",
    }
}

/// The unit of the messages' `sent_at`.
pub(super) fn unit(messages: &LogicalPlan) -> Result<TimeUnit> {
    match messages
        .schema()
        .field_with_unqualified_name("sent_at")?
        .data_type()
    {
        DataType::Timestamp(unit, _) => Ok(*unit),
        other => Err(exec_datafusion_err!("sent_at is {other}")),
    }
}

/// A short text in place of a long one: nobody reads it, and what a query says, a password in an address perhaps, stays
/// out of the table. FNV-1a of 64 bits.
pub(super) fn fingerprint(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}
