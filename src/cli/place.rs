//! The place in the SQL that an error speaks of, and the name that was probably meant.
//!
//! The engine says "table 'datafusion.public.mesages' not found". People get the name as they wrote it, the nearest one
//! that exists, and the line with a mark under it.

use std::error::Error;
use std::fmt;

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;

use super::lexer::{Kind, Token, statements, tokens};
use super::{keywords, message};
use crate::{error, table};

/// An error with the piece of SQL that it is about.
#[derive(Debug)]
pub(super) struct Pointed {
    /// What is wrong.
    pub(super) cause: DataFusionError,
    /// The line of the SQL, and under it the mark.
    pub(super) excerpt: String,
}

impl fmt::Display for Pointed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", message::paragraph(&self.cause), self.excerpt)
    }
}

impl Error for Pointed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

/// The error of the statement number `statement` (from 0) of `sql`, with its place and the nearest name if they can be
/// found; as it is otherwise.
pub(super) fn pointed(
    ctx: &SessionContext,
    sql: &str,
    statement: usize,
    cause: DataFusionError,
) -> DataFusionError {
    let all = tokens(sql);
    let statements = statements(&all);
    let own = statements.get(statement).copied().unwrap_or(&all);
    let cause = named(ctx, cause);
    let text = message::paragraph(&cause);
    // A line and a column inside the SQL of a relation are none of this text.
    let parsed = match text.starts_with("in the relation") {
        true => None,
        false => parser_place(sql, &text),
    };
    let place = parsed.or_else(|| {
        let mut names = wrong_column(&cause).into_iter().chain(quoted_names(&text));
        names.find_map(|name| find(own, &name))
    });
    match place {
        Some((start, length)) => {
            let excerpt = excerpt(sql, start, length);
            DataFusionError::External(Box::new(Pointed { cause, excerpt }))
        }
        None => cause,
    }
}

/// The error of a text that does not parse, with its place.
pub(super) fn unparsed(sql: &str, cause: DataFusionError) -> DataFusionError {
    match parser_place(sql, &message::paragraph(&cause)) {
        Some((start, length)) => {
            let excerpt = excerpt(sql, start, length);
            let word = sql.get(start..start + length).unwrap_or_default();
            let near = error::nearest(word, keywords::ALL).filter(|_| !keywords::is_keyword(word));
            let cause = match near {
                Some(near) => {
                    let text = message::paragraph(&cause);
                    error::query(format!("{text}: did you mean {near}?"))
                }
                None => cause,
            };
            DataFusionError::External(Box::new(Pointed { cause, excerpt }))
        }
        None => cause,
    }
}

/// The same error in words that name what exists, where the engine only says what does not.
fn named(ctx: &SessionContext, cause: DataFusionError) -> DataFusionError {
    let text = message::paragraph(&cause);
    let between = |before: &str, after: &str| {
        let rest = text.strip_prefix(before)?;
        rest.split_once(after).map(|(name, _)| name.to_owned())
    };
    let state = ctx.state();
    let said = |what: &str, name: &str, known: &[&str], remedy: &str| {
        let near = error::nearest(name, known).map(|near| format!(": did you mean '{near}'?"));
        error::query(format!(
            "there is no {what} '{name}'{} {remedy}",
            near.unwrap_or_else(|| ".".to_owned())
        ))
    };
    if let Some(path) = between("table '", "' not found") {
        let name = path.rsplit('.').next().unwrap_or(&path);
        let known = relations(ctx);
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let remedy = "SHOW TABLES lists them; files stand in quotes, and --relation NAME=PATH or dayrate.toml \
                      gives them names";
        return said("table", name, &known, remedy);
    }
    if text.contains(", and the session has none of that name: write ") {
        return error::query(format!(
            "{text}. Or give the relation its name: `dayrate init FOLDER` writes a dayrate.toml for the files of a folder, \
             and --relation NAME=PATH names one for this run"
        ));
    }
    let is_table = between("table function '", "' not found");
    let call = is_table.or_else(|| between("Invalid function '", "'"));
    if let Some(name) = call {
        let mut known: Vec<&str> = table::all().iter().map(|function| function.name).collect();
        known.extend(state.scalar_functions().keys().map(String::as_str));
        known.extend(state.aggregate_functions().keys().map(String::as_str));
        known.extend(state.window_functions().keys().map(String::as_str));
        let remedy = "dayrate functions lists what dayrate adds";
        return said("function", &name, &known, remedy);
    }
    cause
}

/// The names of the default schema.
pub(super) fn relations(ctx: &SessionContext) -> Vec<String> {
    let state = ctx.state();
    let options = &state.config_options().catalog;
    let schema = state
        .catalog_list()
        .catalog(&options.default_catalog)
        .and_then(|catalog| catalog.schema(&options.default_schema));
    schema.map_or_else(Vec::new, |schema| schema.table_names())
}

/// The column that an error says is unknown.
fn wrong_column(cause: &DataFusionError) -> Option<String> {
    match cause.find_root() {
        DataFusionError::SchemaError(unknown, _) => match unknown.as_ref() {
            SchemaError::FieldNotFound { field, .. } => Some(field.name.clone()),
            SchemaError::AmbiguousReference { field } => Some(field.name.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// What stands in single quotes, in order.
fn quoted_names(text: &str) -> Vec<String> {
    let inside = text.split('\'').skip(1).step_by(2);
    inside
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// "… at Line: 2, Column: 7"
fn parser_place(sql: &str, text: &str) -> Option<(usize, usize)> {
    let (_, behind) = text.rsplit_once("at Line: ")?;
    let (line, behind) = behind.split_once(", Column: ")?;
    let digits = behind
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(behind.len());
    let (line, column): (usize, usize) = (line.parse().ok()?, behind[..digits].parse().ok()?);
    let before: usize = sql
        .split_inclusive('\n')
        .take(line.checked_sub(1)?)
        .map(str::len)
        .sum();
    let rest = sql.get(before..)?;
    let at = rest
        .char_indices()
        .nth(column.checked_sub(1)?)
        .map_or(rest.len(), |(at, _)| at);
    let start = before + at;
    let all = tokens(sql);
    let length = all
        .iter()
        .find(|token| token.start <= start && start < token.end())
        .map_or(1, |token| token.end() - start);
    Some((start, length))
}

/// The first token that is this name, or a text of it.
fn find(tokens: &[Token<'_>], name: &str) -> Option<(usize, usize)> {
    let fits = |token: &&Token<'_>| match token.kind {
        Kind::Word => token.text.eq_ignore_ascii_case(name),
        Kind::Name | Kind::Text => token.inner() == name,
        _ => false,
    };
    let found = tokens.iter().find(fits)?;
    Some((found.start, found.text.len()))
}

/// The widest piece of a line that is shown.
const WIDEST: usize = 100;

/// The line that the place is in, and a mark under it.
fn excerpt(sql: &str, start: usize, length: usize) -> String {
    let before = sql.get(..start).unwrap_or(sql);
    let from = before.rfind('\n').map_or(0, |end| end + 1);
    let line = sql.get(from..).unwrap_or_default();
    let line = line.lines().next().unwrap_or_default();
    let letters: Vec<char> = line
        .chars()
        .map(|letter| if letter == '\t' { ' ' } else { letter })
        .collect();
    let column = before.get(from..).map_or(0, |text| text.chars().count());
    let marked = sql
        .get(start..start + length)
        .and_then(|text| text.lines().next());
    let marked = marked.map_or(1, |text| text.chars().count()).max(1);
    let first = if letters.len() > WIDEST {
        column.saturating_sub(WIDEST / 2)
    } else {
        0
    };
    let mut shown: String = letters.iter().skip(first).take(WIDEST).collect();
    let mut column = column - first;
    if first > 0 {
        shown.insert(0, '…');
        column += 1;
    }
    let number = before.matches('\n').count() + 1;
    let margin = if sql.trim_end().contains('\n') {
        format!("  line {number} │ ")
    } else {
        "  ".to_owned()
    };
    let under = " ".repeat(margin.chars().count() + column);
    let marks = "^".repeat(marked.min(WIDEST));
    format!("{margin}{}\n{under}{marks}", shown.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_under_the_place() {
        assert_eq!(excerpt("SELECT nope", 7, 4), "  SELECT nope\n         ^^^^");
        assert_eq!(
            excerpt("SELECT 1,\n  'ä', nope\nFROM t", 18, 4),
            "  line 2 │   'ä', nope\n                  ^^^^"
        );
        let long = format!("SELECT {}nope", "a, ".repeat(100));
        let shown = excerpt(&long, 307, 4);
        let lines: Vec<&str> = shown.lines().collect();
        let mark = lines[1].find('^').unwrap_or_default();
        let letters: Vec<char> = lines[0].chars().collect();
        assert_eq!(letters[mark..].iter().collect::<String>(), "nope");
    }

    #[test]
    fn the_parser_says_the_line_and_the_column() {
        let sql = "SELECT 1;\nSELEC 2";
        assert_eq!(
            parser_place(sql, "found: SELEC at Line: 2, Column: 1"),
            Some((10, 5))
        );
        assert_eq!(
            parser_place("SELECT (", "found: EOF at Line: 9, Column: 1"),
            Some((8, 1))
        );
        assert_eq!(parser_place(sql, "no place"), None);
    }

    #[test]
    fn a_name_is_found_as_it_is_written() {
        let tokens = tokens("SELECT 'x' FROM f(rel => 'x', Nope => 1)");
        assert_eq!(find(&tokens, "nope"), Some((30, 4)));
        assert_eq!(find(&tokens, "x"), Some((7, 3)));
        assert_eq!(find(&tokens, "none"), None);
    }
}
