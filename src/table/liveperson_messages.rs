//! `liveperson_messages('files')`: the messages of a history, as billing takes them.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};

use super::option::{FILES, REJECTS};
use super::{Call, TableFunction};
use crate::error;
use crate::lake::liveperson::{HistoryTable, Part, find, newest};

/// See the module.
pub(crate) static LIVEPERSON_MESSAGES: TableFunction = TableFunction {
    name: "liveperson_messages",
    summary: "The messages of LivePerson's Messaging Interactions history, from its JSON (pages, lists, or a record a line; \
              also gzip), each once, as the newest delivery of its conversation has it.",
    relations: &[],
    options: &[&FILES, &REJECTS],
    columns: &[
        ("site_id", "text"),
        ("conversation_id", "text"),
        ("sent_at", "TIMESTAMP WITH TIME ZONE"),
        ("sent_by", "text"),
        ("consumer_id", "text"),
        ("message_id", "text"),
        ("audience", "text"),
        ("channel", "text"),
        ("intent_analyzer", "BOOLEAN"),
        ("dialog_id", "text"),
        ("dialog_type", "text"),
        ("seq", "BIGINT"),
    ],
    example: "SELECT site_id, count(*) FROM liveperson_messages('exports/*.json') GROUP BY site_id",
    plan: |call| newest(Part::Messages, copies(call, Part::Messages)?),
};

/// Every copy of the rows of `part` in the files of a call.
pub(super) fn copies(call: &Call, part: Part) -> Result<LogicalPlan> {
    let files = call.option(&FILES).ok_or_else(|| {
        error::query(format!(
            "{0} needs the files of a history: write {0}('exports/*.json')",
            call.function.name
        ))
    })?;
    let fails = call.is(&REJECTS, "fail");
    let table = HistoryTable::new(part, find(&[files])?, fails);
    LogicalPlanBuilder::scan(
        call.function.name,
        provider_as_source(Arc::new(table)),
        None,
    )?
    .build()
}
