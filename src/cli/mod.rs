//! The command-line tool: the only folder that prints.
//!
//! What was typed (`args`) and what was found in `dayrate.toml` (`config`) become the settings of one session; a
//! command then runs statements in it and hands their rows to `output`. Rows go to the standard output, every word
//! to the standard error.

mod args;
#[cfg(feature = "cluster")]
mod cluster;
mod completions;
mod config;
mod copy;
mod count;
mod dashboard;
mod doctor;
mod engine;
mod expected;
mod folder;
mod format;
mod functions;
mod generate;
mod import;
mod init;
mod interrupt;
mod keywords;
mod lexer;
mod listing;
mod man;
pub(crate) mod message;
mod output;
mod parquet_file;
mod pipe;
mod place;
mod progress;
mod query;
#[cfg(feature = "delta")]
mod refresh;
mod report;
mod screen;
mod shell;
mod upload;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use datafusion::error::{DataFusionError, Result};

use self::args::{Arguments, Command};
use self::output::Output;
use crate::error;

/// Runs `dayrate` with these arguments, the first of which is the name of the program.
///
/// Returns 0 if all went well (a reader that closes the pipe is no failure), 1 after the first failure, 2 if the
/// arguments cannot be understood, 3 if an import or a refresh is done but has rejects, and 130 if the run was
/// interrupted.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(usage) => {
            // Printing help to a closed pipe is no failure either.
            let _ = usage.print();
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2));
        }
    };
    if arguments.command.is_some() && !arguments.statements.is_empty() {
        let text =
            "-c and -f run statements by themselves: leave them out, or leave out the command";
        let _ = Arguments::command()
            .error(ErrorKind::ArgumentConflict, text)
            .print();
        return ExitCode::from(2);
    }
    message::catch_panics();
    let run = std::thread::Builder::new()
        .stack_size(engine::STACK)
        .spawn(|| in_runtime(arguments));
    let outcome = run
        .map(std::thread::JoinHandle::join)
        .map_err(DataFusionError::IoError);
    match outcome {
        Ok(Ok(Ok(code))) => code,
        Ok(Ok(Err(failure))) | Err(failure) => {
            message::failure(&failure);
            ExitCode::FAILURE
        }
        Ok(Err(_)) => {
            message::note(&format!("error: {}", message::panicked()));
            ExitCode::FAILURE
        }
    }
}

fn in_runtime(arguments: Arguments) -> Result<ExitCode> {
    engine::set_threads(arguments.session.threads.map(Into::into));
    // For planning, and for what a person types; queries run on the engine's own workers.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(engine::STACK)
        .enable_all()
        .build()
        .map_err(DataFusionError::IoError)?;
    if arguments.output.quiet {
        message::be_quiet();
    }
    progress::show(arguments.output.progress);
    let mut output = match arguments.command {
        Some(Command::Dashboard(_)) => Output::of_page(&arguments.output)?,
        _ => Output::from_arguments(&arguments.output)?,
    };
    let closed = output.closed();
    // In a shell that a person uses, Ctrl-C ends the query and not the shell.
    let survives =
        arguments.command.is_none() && arguments.statements.is_empty() && shell::is_interactive();
    // An executor gives its tasks back before it ends.
    #[cfg(feature = "cluster")]
    let survives = survives || matches!(arguments.command, Some(Command::Cluster(_)));
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = command(arguments, &mut output) => outcome,
            _ = interrupt::pressed(), if !survives => Ok(ExitCode::from(130)),
        }
    });
    drop(output);
    // A worker that is deep in a file must not hold up an interrupted run.
    engine::abandon();
    runtime.shutdown_background();
    if closed.is_closed() {
        Ok(ExitCode::SUCCESS)
    } else {
        outcome
    }
}

async fn command(arguments: Arguments, output: &mut Output) -> Result<ExitCode> {
    match arguments.command {
        Some(Command::Generate(generate)) => invent(generate, output).await?,
        Some(Command::Import(import)) => {
            return import::run(&arguments.session, import, output).await;
        }
        Some(Command::Init(init)) => init::run(&init, output).await?,
        Some(Command::Functions(functions)) => {
            let ctx = config::session(&arguments.session, config::Discovery::Off)?;
            functions::run(&ctx, &functions, output)?;
        }
        #[cfg(feature = "delta")]
        Some(Command::Refresh(asked)) => {
            return refresh::run(&arguments.session, &asked, output).await;
        }
        #[cfg(feature = "cluster")]
        Some(Command::Cluster(given)) => cluster::run(&arguments.session, given).await?,
        Some(Command::Doctor(_)) => return doctor::run(&arguments.session, output).await,
        Some(Command::Completions(completions)) => completions::run(&completions, output)?,
        Some(Command::Man(manual)) => man::run(&manual, output)?,
        Some(Command::Report(report)) => report::run(&arguments.session, &report, output).await?,
        Some(Command::Dashboard(given)) => {
            Box::pin(dashboard::run(&arguments.session, &given, output)).await?;
        }
        None => {
            let ctx = config::session(&arguments.session, config::Discovery::On)?;
            if arguments.statements.is_empty() {
                return shell::run(&ctx, output).await;
            }
            query::run(&ctx, &arguments.statements, output).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes words that were asked for, such as a list of reports: they are the result.
fn say(output: &mut Output, text: &str) -> Result<()> {
    output
        .words(|out| out.write_all(text.as_bytes()))
        .map_err(DataFusionError::IoError)
}

/// `dayrate generate`; its progress shows on a terminal, and only there.
async fn invent(given: generate::GenerateArgs, output: &mut Output) -> Result<()> {
    let (person, whole) = (progress::is_drawn(), given.messages);
    let work = tokio::task::spawn_blocking(move || {
        let mut shown = None;
        generate::generate(&given, &mut |done| {
            let percent = done.saturating_mul(100).checked_div(whole);
            if person && percent != shown {
                shown = percent;
                message::progress(&format!("{done} of {whole} messages"));
            }
        })
    });
    let summary = work.await.map_err(|_| error::data(message::panicked()))??;
    if person {
        message::progress("");
    }
    say(output, &format!("{summary}\n"))
}

/// A file of SQL, or the standard input for `-`. Read on a thread of its own, so that a run that waits for words can
/// still be interrupted.
async fn read_sql(path: &str) -> Result<String> {
    let name = path.to_owned();
    let read = tokio::task::spawn_blocking(move || match name.as_str() {
        "-" => std::io::read_to_string(std::io::stdin()),
        name => std::fs::read_to_string(name),
    });
    let text = read
        .await
        .map_err(|cause| error::config(cause.to_string()))?;
    text.map_err(|cause| error::config(format!("the SQL file '{path}' cannot be read: {cause}")))
}
