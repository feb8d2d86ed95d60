//! The commands of the shell, which begin with `\`: the one list that parsing, help and completion read.

use clap::ValueEnum;
use datafusion::error::Result;

use crate::cli::format::Kind;
use crate::error;

/// A command that was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Relations,
    Describe(String),
    Functions(Option<String>),
    Format(Option<Kind>),
    Records,
    All,
    Output(Option<String>),
    Reports,
    AboutReport(String),
    Report(String, Vec<(String, String)>),
    Timing,
    Help,
    Quit,
}

/// What stands behind a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Relation,
    Function,
    Format,
    File,
    Report,
}

/// One command, for help and completion.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    /// How it is written behind its name.
    form: &'static str,
    pub(super) about: &'static str,
}

/// Every command: the only list.
pub(super) const ALL: [Entry; 11] = [
    entry(
        "\\d",
        Takes::Relation,
        "[NAME]",
        "the relations, or the columns of one",
    ),
    entry(
        "\\h",
        Takes::Function,
        "[FUNCTION]",
        "the functions that dayrate adds, or all about one",
    ),
    entry(
        "\\report",
        Takes::Report,
        "[NAME [key=value …] | NAME ?]",
        "the reports; run one, or ask what it takes",
    ),
    entry(
        "\\format",
        Takes::Format,
        "[FORMAT]",
        "how rows are written: table, records, chart, csv, json, markdown …",
    ),
    entry(
        "\\x",
        Takes::Nothing,
        "",
        "rows as records, one line a column, on and off",
    ),
    entry(
        "\\all",
        Takes::Nothing,
        "",
        "everything, even if it is wider or longer than the screen, on and off",
    ),
    entry(
        "\\o",
        Takes::File,
        "[FILE]",
        "the rows of the next statement go to a file; alone: to the terminal",
    ),
    entry(
        "\\timing",
        Takes::Nothing,
        "",
        "how long statements take, on and off",
    ),
    entry("\\?", Takes::Nothing, "", "this help"),
    entry("\\help", Takes::Nothing, "", "this help"),
    entry("\\q", Takes::Nothing, "", "quit (Ctrl-D does, too)"),
];

const fn entry(name: &'static str, takes: Takes, form: &'static str, about: &'static str) -> Entry {
    Entry {
        name,
        takes,
        form,
        about,
    }
}

/// The help of the shell.
pub(super) fn help() -> String {
    let shown = || ALL.iter().filter(|entry| entry.name != "\\help");
    let head = |entry: &Entry| {
        format!("{} {}", entry.name, entry.form)
            .trim_end()
            .to_owned()
    };
    let widest = shown().map(|entry| head(entry).chars().count()).max();
    let mut text = String::from(
        "Statements may take several lines and end with ';'.\n\
         Tab completes names, options and files; Ctrl-R searches the history; Ctrl-C cancels.\n\n",
    );
    for entry in shown() {
        let head = head(entry);
        let gap = " ".repeat(widest.unwrap_or_default() - head.chars().count() + 2);
        text.push_str(&format!("  {head}{gap}{}\n", entry.about));
    }
    text.push_str(
        "\nTo begin with:\n  \\d\n  SELECT * FROM dars LIMIT 10;\n  \\report monthly_credits\n  \
         SET dayrate.relationship = 'conversation';",
    );
    text
}

/// The command that a line means.
///
/// # Errors
///
/// If there is none of that name, or what stands behind it is not what it takes.
pub(super) fn parse(line: &str) -> Result<Command> {
    let line = line.trim().trim_end_matches(';').trim_end();
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let known = || ALL.map(|entry| entry.name);
    let found = ALL
        .iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| error::query(error::unknown("command", name, &known())))?;
    if found.takes == Takes::Nothing && !rest.is_empty() {
        return Err(error::query(format!(
            "{name} takes nothing behind it, and '{rest}' is there"
        )));
    }
    let word = (!rest.is_empty()).then(|| unquoted(rest).to_owned());
    Ok(match (name, word) {
        ("\\d", None) => Command::Relations,
        ("\\d", Some(name)) => Command::Describe(name),
        ("\\h", name) => {
            Command::Functions(name.map(|name| name.trim_end_matches("()").to_owned()))
        }
        ("\\format", None) => Command::Format(None),
        ("\\format", Some(name)) => Command::Format(Some(format(&name)?)),
        ("\\o", file) => Command::Output(file),
        ("\\report", None) => Command::Reports,
        ("\\report", Some(_)) => report(rest)?,
        ("\\x", _) => Command::Records,
        ("\\all", _) => Command::All,
        ("\\timing", _) => Command::Timing,
        ("\\q", _) => Command::Quit,
        _ => Command::Help,
    })
}

fn format(name: &str) -> Result<Kind> {
    let names: Vec<String> = Kind::value_variants()
        .iter()
        .map(|kind| kind.name())
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Kind::from_str(name, true).map_err(|_| error::query(error::unknown("format", name, &names)))
}

/// `NAME`, `NAME ?` or `NAME key=value key='a value'`
fn report(rest: &str) -> Result<Command> {
    let mut words = words(rest).into_iter();
    let name = words.next().unwrap_or_default();
    let rest: Vec<String> = words.collect();
    if matches!(rest.as_slice(), [only] if only == "?" || only == "--describe") {
        return Ok(Command::AboutReport(name));
    }
    let pair = |word: &String| match word.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(error::query(format!(
            "'{word}' is no value of a report: write key=value, or \\report {name} ? to see what it takes"
        ))),
    };
    let values = rest.iter().map(pair).collect::<Result<Vec<_>>>()?;
    Ok(Command::Report(name, values))
}

/// Words between spaces; a space in single quotes parts none.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in text.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' | '\t' | '\n' if !quoted => words.push(String::new()),
            letter => {
                if let Some(word) = words.last_mut() {
                    word.push(letter);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn unquoted(text: &str) -> &str {
    ['\'', '"']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    #[test]
    fn every_command_is_understood_and_in_the_help() {
        for entry in &ALL {
            assert!(parse(entry.name).is_ok(), "{}", entry.name);
            assert!(entry.name == "\\help" || help().contains(entry.name));
        }
    }

    #[test]
    fn what_stands_behind_a_command() {
        assert_eq!(
            parse("\\d 'a b/'").unwrap(),
            Command::Describe("a b/".into())
        );
        assert_eq!(
            parse("\\format JSON;").unwrap(),
            Command::Format(Some(Kind::Json))
        );
        assert_eq!(
            parse("\\report r ?").unwrap(),
            Command::AboutReport("r".into())
        );
        assert_eq!(
            parse("\\report r a=1 b='x y'").unwrap(),
            Command::Report(
                "r".into(),
                vec![("a".into(), "1".into()), ("b".into(), "x y".into())]
            )
        );
    }

    #[test]
    fn a_mistake_names_what_there_is() {
        for (line, expected) in [
            ("\\tming", "did you mean '\\timing'?"),
            ("\\format xml", "'csv'"),
            ("\\x y", "takes nothing"),
            ("\\report r a", "key=value"),
        ] {
            let cause = parse(line).unwrap_err().to_string();
            assert!(cause.contains(expected), "{line}: {cause}");
        }
    }
}
