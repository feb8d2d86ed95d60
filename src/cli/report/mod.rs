//! `dayrate report`: a file of SQL whose first comment says what it shows and what it takes.

mod header;
mod shipped;
mod values;

use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use self::header::Header;
use super::args::{Report, SessionArguments};
use super::config::{self, Discovery};
use super::output::Output;
use super::query::{self, Text};
use super::{read_sql, say};
use crate::error;

/// `dayrate report [NAME|PATH.sql] [key=value …]`
pub(super) async fn run(
    session: &SessionArguments,
    given: &Report,
    output: &mut Output,
) -> Result<()> {
    let Some(name) = &given.name else {
        return say(output, &list());
    };
    if given.describe {
        return say(output, &described(name).await?);
    }
    // A name that is wrong is said before files are looked at.
    let text = text_of(name).await?;
    let ctx = config::session(session, Discovery::On)?;
    show(&ctx, name, text, &given.values, output).await
}

/// Runs the report `name` in a session.
///
/// # Errors
///
/// If there is none, or as its statements fail.
pub(super) async fn run_in(
    ctx: &SessionContext,
    name: &str,
    values: &[(String, String)],
    output: &mut Output,
) -> Result<()> {
    let text = text_of(name).await?;
    show(ctx, name, text, values, output).await
}

/// What the report `name` shows and takes.
///
/// # Errors
///
/// If there is none.
pub(super) async fn described(name: &str) -> Result<String> {
    let text = text_of(name).await?;
    Ok(header_of(name, &text)?.describe(name))
}

/// The names of the shipped reports and their parameters.
pub(super) fn names() -> Vec<(&'static str, Vec<String>)> {
    let parameters = |sql: &str| {
        let header = Header::read(sql).map(|header| header.parameters);
        header.map_or_else(
            |_| Vec::new(),
            |parameters| {
                parameters
                    .into_iter()
                    .map(|parameter| parameter.name)
                    .collect()
            },
        )
    };
    shipped::ALL
        .iter()
        .map(|(name, sql)| (*name, parameters(sql)))
        .collect()
}

fn header_of(name: &str, text: &str) -> Result<Header> {
    Header::read(text).map_err(|cause| cause.context(format!("in the report '{name}'")))
}

async fn show(
    ctx: &SessionContext,
    name: &str,
    text: String,
    values: &[(String, String)],
    output: &mut Output,
) -> Result<()> {
    let header = header_of(name, &text)?;
    let parameters = values::bind(ctx, name, &header, values).await?;
    let text = Text::parsed(ctx, text, Some(format!("in the report '{name}'")))?;
    if text.statements.is_empty() {
        return Err(error::config(format!(
            "the report '{name}' has no statement in it"
        )));
    }
    query::in_order(ctx, vec![text], &parameters, output).await
}

/// The shipped reports with their first comment line.
pub(super) fn list() -> String {
    let widest = shipped::ALL
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for (name, sql) in shipped::ALL {
        text.push_str(&format!("{name:widest$}  {}\n", header::title(sql)));
    }
    text
}

/// The SQL of a shipped report, or of a file: what has a folder or ends in `.sql` is a file.
async fn text_of(name: &str) -> Result<String> {
    if name == "-" || name.ends_with(".sql") || name.contains(['/', '\\']) {
        return read_sql(name).await;
    }
    match shipped::ALL.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => Ok((*text).to_owned()),
        None => {
            let known: Vec<&str> = shipped::ALL.iter().map(|(known, _)| *known).collect();
            Err(error::config(format!(
                "{}. A report of your own is named by its file: dayrate report {name}.sql",
                error::unknown("report", name, &known)
            )))
        }
    }
}
