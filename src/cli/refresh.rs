//! `dayrate refresh`: runs it, and says what it did.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::CommandFactory;
use clap::error::ErrorKind;
use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::args::{Arguments, RefreshArguments, SessionArguments};
use super::format::{self, Kind};
use super::output::Output;
use super::{config, message};
use crate::domain::day::{day_of, show_day};
use crate::domain::message::Reason;
use crate::error;
use crate::lake::dar_table::{Refresh, Summary, refresh};

/// Rejected rows are in the messages, and were left out.
const REJECTED: u8 = 3;

/// `dayrate refresh`.
pub(super) async fn run(
    session: &SessionArguments,
    asked: &RefreshArguments,
    output: &mut Output,
) -> Result<ExitCode> {
    if let (Some(since), Some(until)) = (asked.since, asked.until)
        && since >= until
    {
        let text =
            "--since is not before --until: the days from --since up to --until are refreshed";
        let _ = Arguments::command()
            .error(ErrorKind::ValueValidation, text)
            .print();
        return Ok(ExitCode::from(2));
    }
    let kind = output.kind();
    if !matches!(kind, Kind::Table | Kind::Json | Kind::Ndjson) {
        return Err(error::config(format!(
            "--format {}: refresh says what it did as table, json or ndjson",
            kind.name()
        )));
    }
    let ctx = config::session(session, config::Discovery::On)?;
    let day = |date: Option<Date>| date.map(day_of);
    let asked = Refresh {
        full: asked.full,
        dry_run: asked.dry_run,
        as_of: day(asked.as_of),
        since: day(asked.since),
        until: day(asked.until),
        without_lock: false,
    };
    // Boxed, because the future of a refresh is large.
    let summary = Box::pin(refresh(&ctx, &asked)).await?;
    if let Some(cause) = &summary.money_fault {
        message::note(&format!(
            "the invoices could not be compared: {}",
            message::paragraph(cause)
        ));
    }
    let said = match kind {
        Kind::Table => table(&summary)?,
        Kind::Json => format!("{:#}\n", as_json(&summary)).into_bytes(),
        _ => format!("{}\n", as_json(&summary)).into_bytes(),
    };
    output
        .words(|out| out.write_all(&said))
        .map_err(DataFusionError::IoError)?;
    Ok(match summary.rejected {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(REJECTED),
    })
}

/// What was done, in a word.
fn status(summary: &Summary) -> &'static str {
    match (summary.is_current, summary.dry_run) {
        (true, _) => "current",
        (false, true) => "dry_run",
        (false, false) => "refreshed",
    }
}

/// How many messages were counted, excluded and rejected.
fn sums(summary: &Summary) -> [(&'static str, u64); 3] {
    let count = |name: &str| summary.messages.get(name).copied().unwrap_or_default();
    let of = |rejected: bool| {
        let reasons = Reason::ALL
            .iter()
            .filter(|reason| reason.is_rejection() == rejected);
        reasons.map(|reason| count(reason.name())).sum()
    };
    [
        ("counted", count("counted")),
        ("excluded", of(false)),
        ("rejected", of(true)),
    ]
}

fn as_json(summary: &Summary) -> Value {
    let reasons = summary
        .messages
        .iter()
        .filter(|(name, _)| *name != "counted");
    let money = summary.money.iter().map(|(owed, before, after)| {
        json!({
            "scenario": owed.scenario,
            "org_id": owed.org_id,
            "contract_id": owed.contract_id,
            "period_start": owed.period_start,
            "period_end": owed.period_end,
            "currency": owed.currency,
            // As text: a number of JSON is a float to most readers.
            "before": before.to_string(),
            "after": after.to_string(),
            "change": (after - before).to_string(),
        })
    });
    let counts = |counts: &[(&'static str, u64)]| -> Value {
        counts
            .iter()
            .map(|(name, count)| ((*name).to_owned(), json!(count)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let mut messages = counts(&sums(summary));
    if let Value::Object(messages) = &mut messages {
        let reasons = reasons.map(|(name, count)| (name.clone(), json!(count)));
        messages.insert(
            "reasons".to_owned(),
            reasons.collect::<serde_json::Map<_, _>>().into(),
        );
    }
    let days = summary.days.iter().map(|day| show_day(i64::from(*day)));
    json!({
        "status": status(summary),
        "table": summary.table,
        "version": summary.version,
        "files": counts(&summary.file_counts()),
        "messages": messages,
        "rejected_messages": summary.rejected,
        "days": days.collect::<Vec<_>>(),
        "dars": counts(&summary.dar_counts()),
        "money": money.collect::<Vec<_>>(),
        "milliseconds": u64::try_from(summary.milliseconds).unwrap_or(u64::MAX),
    })
}

fn table(summary: &Summary) -> Result<Vec<u8>> {
    let mut rows: Vec<(String, String)> = vec![
        ("status".to_owned(), status(summary).replace('_', " ")),
        ("table".to_owned(), summary.table.clone()),
    ];
    let mut row = |name: String, value: String| rows.push((name, value));
    if let Some(version) = summary.version {
        row("version".to_owned(), version.to_string());
    }
    for (name, count) in summary.file_counts() {
        row(format!("files {name}"), count.to_string());
    }
    for (name, count) in sums(summary) {
        row(format!("messages {name}"), count.to_string());
    }
    if summary.rejected > 0 {
        row(
            "messages rejected in all files".to_owned(),
            summary.rejected.to_string(),
        );
    }
    row("days touched".to_owned(), days(&summary.days));
    for (name, count) in summary.dar_counts() {
        row(format!("DARs {name}"), count.to_string());
    }
    let (names, values): (Vec<String>, Vec<String>) = rows.into_iter().unzip();
    let mut said = Vec::new();
    print(&mut said, vec![("what", names), ("value", values)])?;
    if !summary.money.is_empty() {
        let column =
            |value: &dyn Fn(
                &(
                    crate::lake::dar_table::Owed,
                    rust_decimal::Decimal,
                    rust_decimal::Decimal,
                ),
            ) -> String| { summary.money.iter().map(value).collect::<Vec<String>>() };
        writeln!(said).map_err(DataFusionError::IoError)?;
        print(
            &mut said,
            vec![
                (
                    "scenario",
                    column(&|(owed, ..)| owed.scenario.clone().unwrap_or_default()),
                ),
                ("org_id", column(&|(owed, ..)| owed.org_id.clone())),
                (
                    "contract_id",
                    column(&|(owed, ..)| owed.contract_id.clone()),
                ),
                (
                    "period_start",
                    column(&|(owed, ..)| owed.period_start.clone()),
                ),
                ("period_end", column(&|(owed, ..)| owed.period_end.clone())),
                ("before", column(&|(_, before, _)| before.to_string())),
                ("after", column(&|(_, _, after)| after.to_string())),
                (
                    "change",
                    column(&|(_, before, after)| (after - before).to_string()),
                ),
                ("currency", column(&|(owed, ..)| owed.currency.clone())),
            ],
        )?;
    }
    Ok(said)
}

fn print(out: &mut Vec<u8>, columns: Vec<(&str, Vec<String>)>) -> Result<()> {
    let columns = columns.into_iter().map(|(name, values)| {
        let values: ArrayRef = Arc::new(StringArray::from(values));
        (name, values)
    });
    let rows = RecordBatch::try_from_iter(columns)?;
    let mut writer = format::writer(Kind::Table, out, &rows.schema())?;
    writer.write(&rows)?;
    writer.finish()
}

/// `8: 2026-01-01 to 2026-01-08`
fn days(days: &[i32]) -> String {
    let show = |day: &i32| show_day(i64::from(*day));
    match days {
        [] => "0".to_owned(),
        [only] => format!("1: {}", show(only)),
        [first, .., last] => format!("{}: {} to {}", days.len(), show(first), show(last)),
    }
}
