//! `dayrate report`: a file of SQL whose first comment says what it shows and what it takes.

mod header;
mod shipped;
mod values;

use datafusion::error::Result;

use self::header::Header;
use super::args::{Report, SessionArguments};
use super::config::{self, Discovery};
use super::output::Output;
use super::{query, read_sql, say};
use crate::{error, sql};

/// `dayrate report [NAME|PATH.sql] [key=value …]`
pub(super) async fn run(
    session: &SessionArguments,
    given: &Report,
    output: &mut Output,
) -> Result<()> {
    let Some(name) = &given.name else {
        return say(output, &list());
    };
    let text = text_of(name).await?;
    let header =
        Header::read(&text).map_err(|cause| cause.context(format!("in the report '{name}'")))?;
    if given.describe {
        return say(output, &header.describe(name));
    }
    let ctx = config::session(session, Discovery::On)?;
    let parameters = values::bind(&ctx, name, &header, &given.values).await?;
    let in_report = |cause: datafusion::error::DataFusionError| {
        cause.context(format!("in the report '{name}'"))
    };
    let statements = sql::parse(&ctx, &text).map_err(in_report)?;
    if statements.is_empty() {
        return Err(error::config(format!(
            "the report '{name}' has no statement in it"
        )));
    }
    query::statements_in_order(&ctx, statements, &parameters, output).await
}

/// The shipped reports with their first comment line.
fn list() -> String {
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
