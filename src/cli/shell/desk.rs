//! What a shell remembers between two lines, and what it does with one.

use std::time::{Duration, Instant};

use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use super::columns;
use super::command::{self, Command};
use crate::cli::format::Kind;
use crate::cli::listing::listing;
use crate::cli::output::Output;
use crate::cli::query::{self, Text};
use crate::cli::{engine, functions, interrupt, message, place, report};
use crate::error;
use crate::lake::relations::{Origin, Relations};
use crate::sql::Parameters;
use crate::table;

/// How everything is seen where the terminal shows a part.
const REMEDY: &str = "\\x shows rows as records, \\all shows everything, \\o FILE writes it";

/// Whether the shell goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Listen,
    Quit,
}

/// A shell at work.
pub(super) struct Desk<'a> {
    ctx: &'a SessionContext,
    output: Output,
    /// Where the next rows go, if not to the terminal.
    once: Option<Output>,
    timing: bool,
    /// The format that `\x` goes back to.
    before_records: Kind,
}

impl<'a> Desk<'a> {
    pub(super) fn new(ctx: &'a SessionContext, given: &Output) -> Self {
        Self {
            ctx,
            output: Output::of_a_shell(given.kind(), REMEDY),
            once: None,
            timing: false,
            before_records: Kind::Table,
        }
    }

    /// Whether nobody reads the rows any more.
    pub(super) fn is_deaf(&self) -> bool {
        self.output.closed().is_closed()
    }

    /// Does what was typed; whatever goes wrong is said, and the shell goes on.
    pub(super) async fn hear(&mut self, typed: &str) -> Next {
        let typed = typed.trim();
        let done = tokio::select! {
            done = self.does(typed) => done,
            _ = interrupt::pressed() => {
                self.once = None;
                engine::abandon();
                message::note("cancelled");
                return Next::Listen;
            }
        };
        match done {
            Ok(next) => next,
            Err(cause) => {
                if !self.is_deaf() {
                    message::failure(&cause);
                }
                Next::Listen
            }
        }
    }

    async fn does(&mut self, typed: &str) -> Result<Next> {
        match typed.trim_end_matches(';').trim_end() {
            "" => return Ok(Next::Listen),
            "exit" | "quit" => return Ok(Next::Quit),
            "help" => {
                message::note(&command::help());
                return Ok(Next::Listen);
            }
            _ => {}
        }
        if typed.starts_with('\\') {
            return self.command(command::parse(typed)?).await;
        }
        self.statements(typed).await?;
        Ok(Next::Listen)
    }

    async fn command(&mut self, command: Command) -> Result<Next> {
        match command {
            Command::Quit => return Ok(Next::Quit),
            Command::Help => message::note(&command::help()),
            Command::Relations => self.relations().await?,
            Command::Describe(name) => self.describe(&name).await?,
            Command::Functions(None) => message::note(functions::list(self.ctx).trim_end()),
            Command::Functions(Some(name)) => {
                message::note(functions::one(self.ctx, &name)?.trim_end());
            }
            Command::Timing => {
                self.timing = !self.timing;
                said("timing", self.timing);
            }
            Command::Records => {
                let records = self.output.kind() != Kind::Records;
                if records {
                    self.before_records = self.output.kind();
                }
                let kind = if records {
                    Kind::Records
                } else {
                    self.before_records
                };
                self.output.set_kind(kind)?;
                said("records", records);
            }
            Command::All => {
                let shortens = !self.output.shortens();
                self.output.shorten(shortens);
                said("showing everything", !shortens);
            }
            Command::Format(None) => {
                message::note(&format!("the format is {}", self.output.kind().name()));
            }
            Command::Format(Some(kind)) => self.output.set_kind(kind)?,
            Command::Output(None) => {
                self.once = None;
                message::note("rows go to the terminal");
            }
            Command::Output(Some(file)) => {
                self.once = Some(Output::of_file(&file)?);
                message::note(&format!("the rows of the next statement go to '{file}'"));
            }
            Command::Reports => message::note(report::list().trim_end()),
            Command::AboutReport(name) => {
                message::note(report::described(&name).await?.trim_end());
            }
            Command::Report(name, values) => {
                let begun = Instant::now();
                let mut once = self.once.take();
                let output = once.as_mut().unwrap_or(&mut self.output);
                Box::pin(report::run_in(self.ctx, &name, &values, output)).await?;
                self.time(begun.elapsed(), None);
            }
        }
        Ok(Next::Listen)
    }

    async fn statements(&mut self, typed: &str) -> Result<()> {
        let text = Text::parsed(self.ctx, typed.to_owned(), None)?;
        for (at, statement) in text.statements.into_iter().enumerate() {
            let begun = Instant::now();
            let takes_rows = query::returns_rows(&statement);
            let mut once = if takes_rows { self.once.take() } else { None };
            let output = once.as_mut().unwrap_or(&mut self.output);
            let ran = query::one(self.ctx, statement, &Parameters::default(), output).await;
            let rows = ran.map_err(|cause| place::pointed(self.ctx, typed, at, cause))?;
            self.time(begun.elapsed(), rows);
        }
        Ok(())
    }

    fn time(&self, took: Duration, rows: Option<usize>) {
        let rows = rows.map(|rows| match rows {
            1 => "1 row".to_owned(),
            rows => format!("{rows} rows"),
        });
        let time = self
            .timing
            .then(|| format!("{}.{:03} s", took.as_secs(), took.subsec_millis()));
        match (rows, time) {
            (Some(rows), Some(time)) => message::note(&format!("{rows} in {time}")),
            (Some(words), None) | (None, Some(words)) => message::note(&words),
            (None, None) => {}
        }
    }

    /// `\d`
    async fn relations(&mut self) -> Result<()> {
        let state = self.ctx.state();
        let options = &state.config_options().catalog;
        let schema = state
            .catalog_list()
            .catalog(&options.default_catalog)
            .and_then(|catalog| catalog.schema(&options.default_schema))
            .ok_or_else(|| error::config("the session has no schema"))?;
        let mut rows = Vec::new();
        for name in schema.table_names() {
            let origin = schema
                .downcast_ref::<Relations>()
                .and_then(|relations| relations.origin(&name));
            let (kind, from) = match origin {
                Some(Origin::Files(location)) => ("files", Some(location)),
                Some(Origin::Query(sql)) => ("query", Some(sql)),
                Some(Origin::Function(function)) => (
                    "function",
                    Some(functions::first_sentence(function.summary).to_owned()),
                ),
                Some(Origin::Created) | None => ("created here", None),
            };
            rows.push([Some(name), Some(kind.to_owned()), from]);
        }
        if rows.is_empty() {
            message::note(
                "there are no relations yet: name files with --relation NAME=PATH, or let `dayrate init` write a \
                 dayrate.toml",
            );
            return Ok(());
        }
        self.output
            .rows(listing(self.ctx, ["name", "is", "from"], rows)?)
            .await?;
        Ok(())
    }

    /// `\d NAME`
    async fn describe(&mut self, name: &str) -> Result<()> {
        let rows = match columns::of(self.ctx, name).await {
            Ok(columns) => columns
                .into_iter()
                .map(|column| {
                    let null = if column.nullable { "yes" } else { "no" };
                    [
                        Some(column.name),
                        Some(column.sql_type),
                        Some(null.to_owned()),
                    ]
                })
                .collect(),
            // A function whose relations are missing still has its columns.
            Err(cause) => match table::find(name) {
                Some(function) => function
                    .columns
                    .iter()
                    .map(|(name, sql_type)| {
                        [Some((*name).to_owned()), Some((*sql_type).to_owned()), None]
                    })
                    .collect(),
                None => {
                    let sql = columns::query_of(name);
                    return Err(place::pointed(self.ctx, &sql, 0, cause));
                }
            },
        };
        self.output
            .rows(listing(self.ctx, ["column", "type", "may be null"], rows)?)
            .await?;
        Ok(())
    }
}

fn said(what: &str, on: bool) {
    message::note(&format!("{what} is {}", if on { "on" } else { "off" }));
}
