//! `dayrate doctor`: everything that a bill stands on is looked at, and what is wrong is said with its remedy.
//!
//! ```text
//! configuration ── relations (open, columns, types) ── messages (rejects, time range) ── zones, switches, contracts
//! ```
//!
//! A check that cannot run because an earlier one failed is left out: there is nothing to mend in it yet.

mod configuration;
mod contracts;
mod finding;
mod messages;
mod question;
mod relations;
mod switches;
mod zones;

use std::process::ExitCode;

use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;

use self::finding::{Finding, Findings};
use super::args::SessionArguments;
use super::format::Kind;
use super::listing::listing;
use super::message;
use super::output::Output;
use super::screen::Screen;

/// Checks and says what it found: code 1 if a bill could not be made, 0 otherwise.
///
/// # Errors
///
/// If the findings cannot be written.
pub(super) async fn run(session: &SessionArguments, output: &mut Output) -> Result<ExitCode> {
    let mut findings = Findings::default();
    let ctx = configuration::check(session, &mut findings);
    if let Some(ctx) = &ctx {
        everything(ctx, &mut findings).await;
    }
    match (output.kind(), &ctx) {
        (Kind::Table, _) => {
            let width = Screen::at_the_output().map_or(100, |screen| screen.width.clamp(60, 120));
            let text = findings.text(width);
            output
                .words(|out| out.write_all(text.as_bytes()))
                .map_err(DataFusionError::IoError)?;
        }
        (_, Some(ctx)) => rows(ctx, &findings, output).await?,
        (_, None) => rows(&SessionContext::new(), &findings, output).await?,
    }
    message::note(&findings.summary());
    Ok(match findings.fails() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

async fn everything(ctx: &SessionContext, findings: &mut Findings) {
    let stands = relations::check(ctx, findings).await;
    if !stands.messages {
        return;
    }
    if let Some(range) = messages::check(ctx, findings).await {
        zones::check(ctx, range, findings).await;
    }
    if stands.feature_periods {
        switches::check(ctx, findings).await;
    }
    if stands.contracts {
        contracts::check(ctx, findings).await;
    }
}

async fn rows(ctx: &SessionContext, findings: &Findings, output: &mut Output) -> Result<()> {
    let names = ["severity", "check", "place", "finding", "remedy"];
    let rows = findings.all().iter().map(Finding::cells).collect();
    output.rows(listing(ctx, names, rows)?).await?;
    Ok(())
}
