//! `liveperson_rejects('files')`: what of a history cannot be used, and why.

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::TableFunction;
use super::liveperson_messages::copies;
use super::option::FILES;
use crate::lake::liveperson::Part;

/// See the module.
pub(crate) static LIVEPERSON_REJECTS: TableFunction = TableFunction {
    name: "liveperson_rejects",
    summary: "The records, messages and outcomes of LivePerson's history that cannot be used: the reason, what was found, \
              where, how many messages are lost with it, and its JSON.",
    relations: &[],
    options: &[&FILES],
    columns: &[
        ("unit", "text"),
        ("reason", "text"),
        ("found", "text"),
        ("file", "text"),
        ("record", "BIGINT"),
        ("byte_offset", "BIGINT"),
        ("conversation_id", "text"),
        ("message_id", "text"),
        ("messages", "BIGINT"),
        ("json", "text"),
    ],
    example: "SELECT reason, count(*) FROM liveperson_rejects('exports/*.json') GROUP BY reason",
    plan: |call| {
        let columns = LIVEPERSON_REJECTS.columns.iter();
        let columns = columns.map(|(name, _)| Expr::Column(Column::new_unqualified(*name)));
        LogicalPlanBuilder::from(copies(call, Part::Rejects)?)
            .project(columns.collect::<Vec<_>>())?
            .build()
    },
};
