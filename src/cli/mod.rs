//! The command-line tool: the only folder that prints.
//!
//! What was typed ([`args`]) and what was found in `dayrate.toml` ([`config`]) become the settings of one session; a
//! command then runs statements in it and hands their rows to [`output`]. Rows go to the standard output, every word
//! to the standard error.

mod args;
mod config;
mod format;
mod functions;
mod generate;
mod init;
mod message;
mod output;
mod query;
mod report;
mod shell;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use datafusion::error::{DataFusionError, Result};

use self::args::{Arguments, Command};
use self::output::Output;
use crate::error;

/// Runs `dayrate` with these arguments, the first of which is the name of the program.
///
/// Returns 0 if all went well (a reader that closes the pipe is no failure), 1 after the first failure, 2 if the
/// arguments cannot be understood, and 130 if the run was interrupted.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(usage) => {
            // Printing help to a closed pipe is no failure either.
            let _ = usage.print();
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2));
        }
    };
    match in_runtime(arguments) {
        Ok(code) => code,
        Err(failure) => {
            message::failure(&failure);
            ExitCode::FAILURE
        }
    }
}

fn in_runtime(arguments: Arguments) -> Result<ExitCode> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = arguments.session.threads {
        builder.worker_threads(threads.get());
    }
    // Plans of nested views are deep, and without optimisation each step of the planner takes much stack.
    let runtime = builder
        .thread_stack_size(8 << 20)
        .enable_all()
        .build()
        .map_err(DataFusionError::IoError)?;
    let mut output = Output::from_arguments(&arguments.output)?;
    let closed = output.closed();
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = command(arguments, &mut output) => outcome,
            _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(130)),
        }
    });
    drop(output);
    // A worker that is deep in a file must not hold up an interrupted run.
    runtime.shutdown_background();
    if closed.is_closed() {
        Ok(ExitCode::SUCCESS)
    } else {
        outcome
    }
}

async fn command(arguments: Arguments, output: &mut Output) -> Result<ExitCode> {
    match arguments.command {
        Some(Command::Init(init)) => init::run(&init, output).await?,
        Some(Command::Functions(functions)) => {
            let ctx = config::session(&arguments.session, config::Discovery::Off)?;
            functions::run(&ctx, &functions, output)?;
        }
        Some(Command::Generate(generate)) => {
            let summary = generate::generate(&generate, &mut |_| {})?;
            say(output, &format!("{summary}\n"))?;
        }
        Some(Command::Report(report)) => report::run(&arguments.session, &report, output).await?,
        None => {
            let ctx = config::session(&arguments.session, config::Discovery::On)?;
            if arguments.statements.command.is_empty() && arguments.statements.file.is_empty() {
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

/// A file of SQL, or the standard input for `-`.
fn read_sql(path: &str) -> Result<String> {
    let text = if path == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    text.map_err(|cause| error::config(format!("the SQL file '{path}' cannot be read: {cause}")))
}
