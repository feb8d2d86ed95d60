//! `dayrate refresh`: runs it, and says what it did.

mod as_json;
mod as_table;

use std::process::ExitCode;

use clap::CommandFactory;
use clap::error::ErrorKind;
use datafusion::error::{DataFusionError, Result};
use jiff::civil::Date;

use super::args::{Arguments, RefreshArguments, SessionArguments};
use super::format::Kind;
use super::output::Output;
use super::{config, message};
use crate::domain::day::day_of;
use crate::domain::message::Reason;
use crate::error;
use crate::lake::dar_table::{Refresh, Summary, refresh};

/// Rejected rows are in the messages, and were left out.
const REJECTED: u8 = 3;

/// `dayrate refresh`.
///
/// # Errors
///
/// A format that is none of a summary; whatever keeps the refresh from being done.
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
    // Boxed, because the future of a refresh is large.
    let summary = Box::pin(refresh(&ctx, &wanted(asked))).await?;
    if let Some(cause) = &summary.money_fault {
        message::note(&format!(
            "the invoices could not be compared: {}",
            message::paragraph(cause)
        ));
    }
    let said = match kind {
        Kind::Table => as_table::bytes(&summary)?,
        Kind::Json => format!("{:#}\n", as_json::value(&summary)).into_bytes(),
        _ => format!("{}\n", as_json::value(&summary)).into_bytes(),
    };
    output
        .words(|out| out.write_all(&said))
        .map_err(DataFusionError::IoError)?;
    Ok(match summary.rejected {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(REJECTED),
    })
}

/// What was typed, as a refresh takes it.
fn wanted(asked: &RefreshArguments) -> Refresh {
    let day = |date: Option<Date>| date.map(day_of);
    Refresh {
        full: asked.full,
        dry_run: asked.dry_run,
        as_of: day(asked.as_of),
        since: day(asked.since),
        until: day(asked.until),
        without_lock: false,
    }
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
