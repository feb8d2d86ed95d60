//! The summary of a refresh as JSON, for workflow engines: every key is always there.

use serde_json::{Map, Value, json};

use super::{status, sums};
use crate::domain::day::show_day;
use crate::lake::dar_table::{MoneyChange, Summary};

/// See the module.
pub(super) fn value(summary: &Summary) -> Value {
    let days = summary.days.iter().map(|day| show_day(i64::from(*day)));
    json!({
        "status": status(summary),
        "table": summary.table,
        "version": summary.version,
        "files": counts(&summary.file_counts()),
        "messages": messages(summary),
        "rejected_messages": summary.rejected,
        "days": days.collect::<Vec<_>>(),
        "dars": counts(&summary.dar_counts()),
        "money": summary.money.iter().map(money).collect::<Vec<_>>(),
        "milliseconds": u64::try_from(summary.milliseconds).unwrap_or(u64::MAX),
    })
}

fn counts(counts: &[(&'static str, u64)]) -> Value {
    let counts = counts
        .iter()
        .map(|(name, count)| ((*name).to_owned(), json!(count)));
    counts.collect::<Map<_, _>>().into()
}

/// The sums, and how many messages were not counted for each reason.
fn messages(summary: &Summary) -> Value {
    let mut messages = counts(&sums(summary));
    let reasons = summary
        .messages
        .iter()
        .filter(|(name, _)| *name != "counted")
        .map(|(name, count)| (name.clone(), json!(count)));
    messages["reasons"] = reasons.collect::<Map<_, _>>().into();
    messages
}

fn money(change: &MoneyChange) -> Value {
    json!({
        "scenario": change.owed.scenario,
        "org_id": change.owed.org_id,
        "contract_id": change.owed.contract_id,
        "period_start": change.owed.period_start,
        "period_end": change.owed.period_end,
        "currency": change.owed.currency,
        // As text: a number of JSON is a float to most readers.
        "before": change.before.to_string(),
        "after": change.after.to_string(),
        "change": change.difference().to_string(),
    })
}
