//! A plain line shell: statements from the standard input, each ended by `;`. An error keeps the shell.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;

use crate::cli::output::Output;
use crate::cli::query::{self, Text};
use crate::cli::{lexer, message, place};
use crate::error;
use crate::sql::Parameters;

const HELP: &str = "\
Statements end with ';'.  \\q quits, \\d lists the relations, \\h this help.
SELECT * FROM monthly;   SHOW TABLES;   DESCRIBE messages;   SET dayrate.relationship = 'conversation';";

/// Reads and runs until the input ends or says `\q`.
///
/// Fails at the end if any statement failed and nobody was there to see it, that is, if the input is no terminal.
pub(super) async fn run(ctx: &SessionContext, output: &mut Output) -> Result<ExitCode> {
    let person = std::io::stdin().is_terminal();
    if person {
        message::note(&format!("dayrate {}. {HELP}", env!("CARGO_PKG_VERSION")));
    }
    let mut failed = false;
    let mut pending = String::new();
    loop {
        if person {
            prompt(pending.is_empty());
        }
        // On a thread of its own, so that the shell can be interrupted while it waits.
        let typed = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line);
            read.map(|read| (read == 0, line))
        });
        let typed = typed
            .await
            .map_err(|cause| error::config(cause.to_string()))?;
        let (ended, mut line) = typed.map_err(DataFusionError::IoError)?;
        if pending.trim().is_empty() {
            match line.trim() {
                "\\q" | "exit" | "quit" => break,
                "\\h" | "\\?" | "help" => {
                    message::note(HELP);
                    continue;
                }
                "\\d" => line = "SHOW TABLES;\n".to_owned(),
                _ => {}
            }
        }
        pending.push_str(&line);
        if ended || lexer::is_complete(&pending) {
            let text = std::mem::take(&mut pending);
            if let Err(cause) = all(ctx, &text, output, person).await {
                if output.closed().is_closed() {
                    break;
                }
                failed = true;
                message::failure(&cause);
            }
        }
        if ended {
            break;
        }
    }
    Ok(if failed && !person {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn all(ctx: &SessionContext, text: &str, output: &mut Output, person: bool) -> Result<()> {
    let parsed = Text::parsed(ctx, text.to_owned(), None)?;
    for (at, statement) in parsed.statements.into_iter().enumerate() {
        let ran = query::one(ctx, statement, &Parameters::default(), output).await;
        let rows = ran.map_err(|cause| place::pointed(ctx, text, at, cause))?;
        if let (Some(rows), true) = (rows, person) {
            message::note(&format!(
                "{rows} {}",
                if rows == 1 { "row" } else { "rows" }
            ));
        }
    }
    Ok(())
}

fn prompt(first: bool) {
    let mut err = std::io::stderr();
    let _ = write!(err, "{}", if first { "dayrate> " } else { "    ...> " });
    let _ = err.flush();
}
