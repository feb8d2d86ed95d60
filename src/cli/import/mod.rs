//! `dayrate import`: a vendor's history as relations that billing takes.
//!
//! ```text
//! JSON files ── stage (each read once, every copy kept) ── settle (of every copy the newest) ── DIR
//! ```
//!
//! The staged rows lie in Parquet files beside the result until it is complete. Memory holds a record and a batch for each
//! thread, and what the engine sorts before it goes to disk; never the history.

mod settle;
mod stage;
mod summary;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::{Args, Subcommand};
use datafusion::error::Result;

use self::summary::Summary;
use super::args::SessionArguments;
use super::folder::NewFolder;
use super::format::Kind;
use super::output::Output;
use super::{config, message, say};
use crate::error;
use crate::lake::liveperson::{Input, find};

/// `dayrate import`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Import {
    #[command(subcommand)]
    vendor: Vendor,
}

/// Whose history it is.
#[derive(Debug, Subcommand)]
enum Vendor {
    Liveperson(Liveperson),
}

const EXAMPLES: &str = "\
Examples:
  dayrate import liveperson exports/*.json --out history
  dayrate import liveperson exports/ --out history --format json -o summary.json

The folder then holds messages/, outcomes.parquet and rejects.parquet (what could not be used, and why).
Exit codes: 0 all is well; 1 nothing was written; 2 the arguments are wrong; 3 done, and rejects.parquet has rows.";

/// Import the Messaging Interactions history of LivePerson (conversationHistoryRecords)
///
/// Files hold whole pages of the interface, lists of records, or a record or page a line, also compressed with gzip; a
/// folder is read with all that is below it. A conversation that was delivered several times is taken once.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Liveperson {
    /// JSON files, folders or patterns
    #[arg(required = true, value_name = "FILES")]
    files: Vec<String>,
    /// The folder to make; it must not exist yet, or be empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Bytes before what is sorted goes to disk, unless `--memory-limit` says otherwise: half of the machine, as queries take
/// it, would hold most of a history.
const MEMORY: usize = 512 << 20;

/// The code of a run that is done, with rows among the rejects.
const REJECTS_PRESENT: u8 = 3;

/// Imports, and says what came of it: as JSON where results go if that is the format, else in words on the standard
/// error.
pub(super) async fn run(
    session: &SessionArguments,
    given: Import,
    output: &mut Output,
) -> Result<ExitCode> {
    let Vendor::Liveperson(given) = given.vendor;
    let inputs = find(&given.files)?;
    let session = &SessionArguments {
        memory_limit: session.memory_limit.or(Some(MEMORY)),
        ..session.clone()
    };
    let ctx = config::session(session, config::Discovery::Off)?;
    let folder = NewFolder::start(&given.out)?;
    let staging = folder.beside("staged")?;
    let threads = session.threads.map_or_else(
        || std::thread::available_parallelism().map_or(1, Into::into),
        Into::into,
    );

    let bytes = inputs.iter().map(|input| input.bytes).sum();
    let files = inputs.len();
    let tally = staged(inputs, staging.clone(), threads, bytes).await?;
    let settled = settle::settle(&ctx, &staging, folder.path()).await?;
    folder.finish()?;

    let summary = Summary::new(given.out, (files, bytes), tally, &settled);
    match output.kind() {
        Kind::Json | Kind::Ndjson => say(output, &summary.json()?)?,
        _ => message::note(&summary.to_string()),
    }
    Ok(match summary.rejects() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(REJECTS_PRESENT),
    })
}

/// Stages on threads of its own; how far it is shows on a terminal, and only there.
async fn staged(
    inputs: Vec<Input>,
    staging: PathBuf,
    threads: usize,
    bytes: u64,
) -> Result<stage::Tally> {
    let read = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&read);
    let mut work =
        tokio::task::spawn_blocking(move || stage::stage(&inputs, &staging, threads, &counted));
    let person = std::io::stderr().is_terminal();
    loop {
        tokio::select! {
            done = &mut work => {
                if person {
                    message::progress("");
                }
                return done.map_err(|_| error::data(message::panicked()))?;
            }
            () = tokio::time::sleep(Duration::from_millis(250)), if person => {
                let done = read.load(Ordering::Relaxed);
                let percent = done.saturating_mul(100).checked_div(bytes).unwrap_or(100);
                message::progress(&format!("{percent} % of the history read"));
            }
        }
    }
}
