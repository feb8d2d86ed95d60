//! `dayrate functions`: the reference, from what the functions say about themselves.

use std::collections::BTreeMap;

use datafusion::error::Result;
use datafusion::logical_expr::Documentation;
use datafusion::prelude::SessionContext;

use super::args::Functions;
use super::format::Kind;
use super::output::Output;
use super::say;
use crate::error;
use crate::table::{self, TableFunction};

/// Prints the list, or one function.
///
/// # Errors
///
/// If there is no function of that name: the nearest ones are named.
pub(super) fn run(ctx: &SessionContext, given: &Functions, output: &mut Output) -> Result<()> {
    let markdown = output.kind() == Kind::Markdown;
    let text = match &given.name {
        Some(name) => one(ctx, name)?,
        None if markdown => listed(ctx, |name, _, syntax, summary| {
            let syntax = if syntax.is_empty() { name } else { syntax };
            format!(
                "| `{}` | {} |\n",
                syntax.replace('|', "\\|"),
                summary.replace('|', "\\|")
            )
        }),
        None => list(ctx),
    };
    let text = match (markdown, &given.name) {
        (true, None) => format!("| function | what it gives |\n| --- | --- |\n{text}"),
        _ => text,
    };
    say(output, &text)
}

/// Every function that dayrate adds, for people.
pub(super) fn list(ctx: &SessionContext) -> String {
    let mut kind_before = String::new();
    listed(ctx, |_, kind, syntax, summary| {
        let heading = if kind == kind_before {
            String::new()
        } else {
            format!("{kind} functions\n")
        };
        kind_before = kind.to_owned();
        format!("{heading}  {syntax}\n      {summary}\n")
    })
}

/// Every function that dayrate adds, a line or so each: scalars, aggregates, tables.
fn listed(ctx: &SessionContext, mut line: impl FnMut(&str, &str, &str, &str) -> String) -> String {
    let mut text = String::new();
    for (kind, functions) in added(ctx) {
        for (name, documentation) in functions {
            let (syntax, summary) = match &documentation {
                Some(documentation) => (
                    documentation.syntax_example.as_str(),
                    first_sentence(&documentation.description),
                ),
                None => (name.as_str(), ""),
            };
            text.push_str(&line(&name, kind, syntax, summary));
        }
    }
    for function in table::all() {
        let summary = first_sentence(function.summary);
        text.push_str(&line(function.name, "Table", &function.syntax(), summary));
    }
    text
}

type Documented = BTreeMap<String, Option<Documentation>>;

/// What the session knows and a plain DataFusion session does not.
fn added(ctx: &SessionContext) -> [(&'static str, Documented); 2] {
    let (ours, plain) = (ctx.state(), SessionContext::new().state());
    let scalars = ours
        .scalar_functions()
        .iter()
        .filter(|(name, _)| !plain.scalar_functions().contains_key(*name));
    let aggregates = ours
        .aggregate_functions()
        .iter()
        .filter(|(name, _)| !plain.aggregate_functions().contains_key(*name));
    [
        (
            "Scalar",
            scalars
                .map(|(_, udf)| (udf.name().to_owned(), udf.documentation().cloned()))
                .collect(),
        ),
        (
            "Aggregate",
            aggregates
                .map(|(_, udf)| (udf.name().to_owned(), udf.documentation().cloned()))
                .collect(),
        ),
    ]
}

/// All that a function says about itself; DataFusion's own functions too.
pub(super) fn one(ctx: &SessionContext, name: &str) -> Result<String> {
    let name = name.trim_end_matches("()").to_lowercase();
    if let Some(function) = table::find(&name) {
        return Ok(table_page(function));
    }
    let state = ctx.state();
    let documentation = (state
        .scalar_functions()
        .get(&name)
        .map(|udf| udf.documentation()))
    .or_else(|| {
        state
            .aggregate_functions()
            .get(&name)
            .map(|udf| udf.documentation())
    })
    .or_else(|| {
        state
            .window_functions()
            .get(&name)
            .map(|udf| udf.documentation())
    });
    match documentation {
        Some(Some(documentation)) => Ok(page(&name, documentation)),
        Some(None) => Ok(format!(
            "{name}\n\nThis function says nothing about itself.\n"
        )),
        None => {
            let mut known: Vec<&str> = table::all().iter().map(|function| function.name).collect();
            known.extend(state.scalar_functions().keys().map(String::as_str));
            known.extend(state.aggregate_functions().keys().map(String::as_str));
            let nearest =
                error::nearest(&name, &known).map(|near| format!(" Did you mean '{near}'?"));
            Err(error::config(format!(
                "there is no function '{name}'.{} See all that dayrate adds: dayrate functions",
                nearest.unwrap_or_default()
            )))
        }
    }
}

fn page(name: &str, documentation: &Documentation) -> String {
    let mut text = format!(
        "{name}\n\n{}\n\n  {}\n",
        documentation.description.trim(),
        documentation.syntax_example
    );
    if let Some(arguments) = &documentation.arguments {
        text.push_str("\nArguments\n");
        text.push_str(&aligned(
            arguments
                .iter()
                .map(|(name, about)| vec![name.clone(), about.clone()]),
        ));
    }
    if let Some(example) = &documentation.sql_example {
        text.push_str(&format!("\nExample\n{}\n", indented(example)));
    }
    text
}

fn table_page(function: &TableFunction) -> String {
    let mut text = format!(
        "{}\n\n{}\n\n  {}\n",
        function.name,
        function.summary,
        function.syntax()
    );
    let relations = function.relations.iter().map(|relation| {
        let need = if relation.required {
            "required"
        } else {
            "optional"
        };
        vec![relation.name.into(), need.into(), relation.columns.into()]
    });
    section(&mut text, "Relations", relations);
    let options = function.options.iter().map(|option| {
        let default = if option.default.is_empty() {
            "none"
        } else {
            option.default
        };
        vec![
            format!("{} =>", option.name),
            option.expected(),
            format!("default {default}"),
            option.description.into(),
        ]
    });
    section(&mut text, "Options", options);
    let columns = function
        .columns
        .iter()
        .map(|(name, data_type)| vec![(*name).into(), (*data_type).into()]);
    section(&mut text, "Columns", columns);
    text.push_str(&format!("\nExample\n{}\n", indented(function.example)));
    text
}

fn section(text: &mut String, heading: &str, rows: impl Iterator<Item = Vec<String>>) {
    let rows = aligned(rows);
    if !rows.is_empty() {
        text.push_str(&format!("\n{heading}\n{rows}"));
    }
}

fn aligned(rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows.collect();
    let width = |at: usize| {
        rows.iter()
            .filter_map(|row| row.get(at))
            .map(|cell| cell.chars().count())
            .max()
    };
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(at, cell)| format!("{cell:width$}", width = width(at).unwrap_or_default()))
            .collect();
        text.push_str(&format!("  {}\n", cells.join("  ").trim_end()));
    }
    text
}

/// Without the fence that documentation may have around SQL.
fn indented(example: &str) -> String {
    let lines = example
        .trim()
        .lines()
        .filter(|line| !line.trim_start().starts_with("```"));
    lines
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What a text says first.
pub(super) fn first_sentence(text: &str) -> &str {
    let text = text.trim();
    match text.find(". ").or_else(|| text.find(".\n")) {
        Some(end) => &text[..=end],
        None => text,
    }
}
