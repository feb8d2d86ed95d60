//! The shell: statements over several lines, each ended by `;`, and commands that begin with `\`.
//!
//! For a person at a terminal there is an editor with history, colours and completion; Ctrl-C ends the query that runs,
//! or clears the line. Statements that come from a file or a pipe are read line by line ([`plain`]).

mod candidate;
mod columns;
mod command;
mod completer;
mod context;
mod desk;
mod editor;
mod highlighter;
mod history;
mod offers;
mod plain;
mod vocabulary;

use std::io::IsTerminal;
use std::process::ExitCode;

use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;
use reedline::{Reedline, Signal};

use self::desk::{Desk, Next};
use self::editor::Prompt;
use super::message;
use super::output::Output;
use crate::error;

/// Whether a person types, at a terminal that an editor can work on.
pub(super) fn is_interactive() -> bool {
    std::io::stdin().is_terminal()
        && std::io::stderr().is_terminal()
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Reads and runs until the input ends or says `\q`.
///
/// Fails at the end if any statement failed and nobody was there to see it, that is, if the input is no terminal.
pub(super) async fn run(ctx: &SessionContext, output: &mut Output) -> Result<ExitCode> {
    if !is_interactive() {
        return plain::run(ctx, output).await;
    }
    message::note(&format!(
        "dayrate {}. Statements end with ';'. \\? lists the commands, Tab completes, \\q quits.",
        env!("CARGO_PKG_VERSION")
    ));
    let mut editor = editor::open(ctx);
    let mut desk = Desk::new(ctx, output);
    loop {
        let (back, typed) = read(editor).await?;
        editor = back;
        let next = match typed {
            Signal::Success(text) => desk.hear(&text).await,
            Signal::CtrlD => Next::Quit,
            // The line is cleared, and nothing else.
            _ => Next::Listen,
        };
        if next == Next::Quit || desk.is_deaf() {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What a person types next. The editor waits on a thread of its own, on which it may ask the session for names.
async fn read(mut editor: Reedline) -> Result<(Reedline, Signal)> {
    let typed = tokio::task::spawn_blocking(move || {
        let typed = editor.read_line(&Prompt);
        (editor, typed)
    });
    let (editor, typed) = typed
        .await
        .map_err(|cause| error::config(cause.to_string()))?;
    Ok((editor, typed.map_err(DataFusionError::IoError)?))
}
