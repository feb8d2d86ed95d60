//! `liveperson_outcomes('files')`: what came of the conversations of a history.

use super::TableFunction;
use super::liveperson_messages::copies;
use super::option::{FILES, REJECTS};
use crate::lake::liveperson::{Part, newest};

/// See the module.
pub(crate) static LIVEPERSON_OUTCOMES: TableFunction = TableFunction {
    name: "liveperson_outcomes",
    summary: "What came of the conversations of LivePerson's history: a row for each purchase among the engagement \
              attributes (sales), its amount exact, and for each dialog whose survey was answered (support).",
    relations: &[],
    options: &[&FILES, &REJECTS],
    columns: &[
        ("conversation_id", "text"),
        ("kind", "text"),
        ("site_id", "text"),
        ("outcome_id", "text"),
        ("occurred_at", "TIMESTAMP WITH TIME ZONE"),
        ("currency", "text"),
        ("revenue", "DECIMAL(18,4)"),
        ("saving", "DECIMAL(18,4)"),
        ("resolved", "BOOLEAN"),
        ("csat", "BIGINT"),
        ("nps", "BIGINT"),
        ("mcs", "BIGINT"),
    ],
    example: "SELECT kind, currency, sum(revenue) FROM liveperson_outcomes('exports/*.json') GROUP BY kind, currency",
    plan: |call| newest(Part::Outcomes, copies(call, Part::Outcomes)?),
};
