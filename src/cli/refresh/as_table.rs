//! The summary of a refresh as tables, for people: what was done, and what became of the invoices.

use std::io::Write;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};

use super::{status, sums};
use crate::cli::format::{self, Kind};
use crate::domain::day::show_day;
use crate::lake::dar_table::{MoneyChange, Summary};

/// See the module.
///
/// # Errors
///
/// None that is known: tables of text are printed into memory.
pub(super) fn bytes(summary: &Summary) -> Result<Vec<u8>> {
    let (names, values): (Vec<String>, Vec<String>) = facts(summary).into_iter().unzip();
    let mut said = Vec::new();
    print(&mut said, vec![("what", names), ("value", values)])?;
    if !summary.money.is_empty() {
        writeln!(said).map_err(DataFusionError::IoError)?;
        print(&mut said, money(&summary.money))?;
    }
    Ok(said)
}

fn facts(summary: &Summary) -> Vec<(String, String)> {
    let mut rows = vec![
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
        let all = "messages rejected in all files".to_owned();
        row(all, summary.rejected.to_string());
    }
    row("days touched".to_owned(), days(&summary.days));
    for (name, count) in summary.dar_counts() {
        row(format!("DARs {name}"), count.to_string());
    }
    rows
}

type Columns = Vec<(&'static str, Vec<String>)>;

fn money(changes: &[MoneyChange]) -> Columns {
    let column = |name: &'static str, value: fn(&MoneyChange) -> String| {
        (name, changes.iter().map(value).collect::<Vec<_>>())
    };
    vec![
        column("scenario", |change| {
            change.owed.scenario.clone().unwrap_or_default()
        }),
        column("org_id", |change| change.owed.org_id.clone()),
        column("contract_id", |change| change.owed.contract_id.clone()),
        column("period_start", |change| change.owed.period_start.clone()),
        column("period_end", |change| change.owed.period_end.clone()),
        column("before", |change| change.before.to_string()),
        column("after", |change| change.after.to_string()),
        column("change", |change| change.difference().to_string()),
        column("currency", |change| change.owed.currency.clone()),
    ]
}

fn print(out: &mut Vec<u8>, columns: Columns) -> Result<()> {
    let columns = columns.into_iter().map(|(name, values)| {
        let values: ArrayRef = Arc::new(StringArray::from(values));
        (name, values)
    });
    let rows = RecordBatch::try_from_iter(columns)?;
    let mut writer = format::writer(Kind::Table, out, &rows.schema(), None)?;
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
