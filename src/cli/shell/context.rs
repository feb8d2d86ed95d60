//! What is wanted at the cursor: read from the tokens around it, no session needed.

use crate::cli::keywords;
use crate::cli::lexer::{Kind, Token, tokens};
use crate::table::option::OptionSpec;
use crate::table::{self, TableFunction};

/// What may stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A file, inside quotes.
    File,
    /// A value of an option, inside quotes or with them.
    Value { option: &'static str, quoted: bool },
    /// A relation for this parameter of a function.
    RelationFor(&'static str),
    /// What stands behind FROM.
    Relation,
    /// A column of one relation: the name before the dot.
    ColumnOf(String),
    /// `SET dayrate.…`
    Setting,
    /// An argument of a table function: its options, or relations.
    Argument(&'static str),
    /// A column, a function or a keyword.
    Anything,
}

/// The place of the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) wanted: Wanted,
    /// Where what is being typed begins.
    pub(super) start: usize,
    /// What of it is typed already.
    pub(super) typed: String,
    /// The relations of the statement: name, and alias if it has one.
    pub(super) relations: Vec<(String, Option<String>)>,
}

/// The place at byte `cursor` of `text`.
pub(super) fn at(text: &str, cursor: usize) -> Place {
    let before = tokens(text.get(..cursor).unwrap_or(text));
    let own = before
        .iter()
        .rposition(|token| token.is(";"))
        .map_or(0, |end| end + 1);
    let begin = before.get(own).map_or(cursor, |token| token.start);
    let before = before.get(own..).unwrap_or_default();
    let (typed, before) = match before.split_last() {
        Some((last, rest))
            if last.kind == Kind::Word || last.open && last.kind != Kind::Comment =>
        {
            (Some(*last), rest)
        }
        _ => (None, before),
    };
    let said: Vec<Token<'_>> = before.iter().copied().filter(Token::speaks).collect();
    let inside = typed.filter(|token| token.kind != Kind::Word);
    let wanted = match inside {
        Some(token) if token.kind == Kind::Text => in_quotes(&said),
        _ => wanted(&said),
    };
    let start = typed.map_or(cursor, |token| {
        token.start + usize::from(token.kind != Kind::Word)
    });
    let statement = text.get(begin..).unwrap_or_default();
    Place {
        wanted,
        start,
        typed: text.get(start..cursor).unwrap_or_default().to_owned(),
        relations: relations(statement),
    }
}

fn in_quotes(said: &[Token<'_>]) -> Wanted {
    match option_before(said) {
        Some(option) => Wanted::Value {
            option: option.name,
            quoted: true,
        },
        None => Wanted::File,
    }
}

/// The option whose value comes next: `relationship =>`, or `SET dayrate.relationship =`.
fn option_before(said: &[Token<'_>]) -> Option<&'static OptionSpec> {
    let (last, rest) = said.split_last()?;
    let name = rest.last()?;
    let is_set = rest.first().is_some_and(|token| token.is("SET"));
    (last.is("=>") || last.is(":=") || is_set && (last.is("=") || last.is("TO")))
        .then(|| OptionSpec::find(&name.text.to_lowercase()))?
}

fn wanted(said: &[Token<'_>]) -> Wanted {
    let Some((last, rest)) = said.split_last() else {
        return Wanted::Anything;
    };
    if let Some(option) = option_before(said) {
        return Wanted::Value {
            option: option.name,
            quoted: false,
        };
    }
    if last.is("=>") || last.is(":=") {
        let name = rest.last().map(|token| token.text.to_lowercase());
        let relation = table::all()
            .iter()
            .flat_map(|function| function.relations)
            .find(|relation| Some(relation.name) == name.as_deref());
        return relation.map_or(Wanted::Anything, |relation| {
            Wanted::RelationFor(relation.name)
        });
    }
    if last.is(".") {
        let Some(owner) = rest.last() else {
            return Wanted::Anything;
        };
        let is_set = said
            .first()
            .is_some_and(|token| token.is("SET") || token.is("SHOW"));
        return match is_set && owner.is("dayrate") {
            true => Wanted::Setting,
            false => Wanted::ColumnOf(owner.inner().to_owned()),
        };
    }
    if last.is("SET") && rest.is_empty() {
        return Wanted::Setting;
    }
    let names_one = ["FROM", "JOIN", "DESCRIBE", "TABLE", "INTO"];
    if names_one.iter().any(|word| last.is(word)) {
        return Wanted::Relation;
    }
    if last.is("(") || last.is(",") {
        if let Some(function) = call(said) {
            return Wanted::Argument(function.name);
        }
        if last.is(",") && is_in_from(rest) {
            return Wanted::Relation;
        }
    }
    Wanted::Anything
}

/// The table function in whose brackets the end of `said` stands.
fn call(said: &[Token<'_>]) -> Option<&'static TableFunction> {
    let mut depth = 0_usize;
    for (at, token) in said.iter().enumerate().rev() {
        if token.is(")") {
            depth += 1;
        } else if token.is("(") {
            match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return table::find(said.get(at.checked_sub(1)?)?.text),
            }
        }
    }
    None
}

/// Whether the clause that the end of `said` stands in is that of FROM.
fn is_in_from(said: &[Token<'_>]) -> bool {
    let mut depth = 0_usize;
    let ends = [
        "SELECT", "WHERE", "GROUP", "ORDER", "HAVING", "ON", "USING", "LIMIT", "SET", "VALUES",
        "BY",
    ];
    for token in said.iter().rev() {
        if token.is(")") {
            depth += 1;
        } else if token.is("(") {
            match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return false,
            }
        } else if depth == 0 && token.is("FROM") {
            return true;
        } else if depth == 0 && ends.iter().any(|word| token.is(word)) {
            return false;
        }
    }
    false
}

/// The relations that a statement names behind FROM and JOIN, with their aliases.
fn relations(statement: &str) -> Vec<(String, Option<String>)> {
    let all = tokens(statement);
    let end = all
        .iter()
        .position(|token| token.is(";"))
        .unwrap_or(all.len());
    let said: Vec<&Token<'_>> = all[..end].iter().filter(|token| token.speaks()).collect();
    let mut relations = Vec::new();
    for (at, token) in said.iter().enumerate() {
        let earlier: Vec<Token<'_>> = said[..at].iter().map(|token| **token).collect();
        let opens = token.is("FROM")
            || token.is("JOIN")
            || token.is("DESCRIBE")
            || token.is(",") && is_in_from(&earlier);
        let Some(name) = said.get(at + 1).filter(|_| opens) else {
            continue;
        };
        if !matches!(name.kind, Kind::Word | Kind::Name | Kind::Text)
            || name.kind == Kind::Word && keywords::is_keyword(name.text)
        {
            continue;
        }
        let mut next = at + 2;
        if said.get(next).is_some_and(|token| token.is("(")) {
            let mut depth = 0_usize;
            while let Some(token) = said.get(next) {
                depth = if token.is("(") {
                    depth + 1
                } else if token.is(")") {
                    depth - 1
                } else {
                    depth
                };
                next += 1;
                if depth == 0 {
                    break;
                }
            }
        }
        if said.get(next).is_some_and(|token| token.is("AS")) {
            next += 1;
        }
        let alias = said.get(next).filter(|token| {
            matches!(token.kind, Kind::Word | Kind::Name) && !keywords::is_keyword(token.text)
        });
        relations.push((
            name.inner().to_owned(),
            alias.map(|alias| alias.inner().to_owned()),
        ));
    }
    relations
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of the `|` in `text`.
    fn place(text: &str) -> Place {
        let cursor = text.find('|').unwrap_or(text.len());
        at(&text.replacen('|', "", 1), cursor)
    }

    #[test]
    fn what_is_wanted_depends_on_what_stands_before() {
        let value = |option, quoted| Wanted::Value { option, quoted };
        for (text, wanted, typed) in [
            ("SEL|", Wanted::Anything, "SEL"),
            ("SELECT si| FROM messages", Wanted::Anything, "si"),
            ("SELECT 1 FROM |", Wanted::Relation, ""),
            ("SELECT 1 FROM a, me|", Wanted::Relation, "me"),
            ("SELECT 1 FROM 'exports/m|", Wanted::File, "exports/m"),
            ("SELECT m.|", Wanted::ColumnOf("m".into()), ""),
            ("SELECT 1; SELECT m.si|", Wanted::ColumnOf("m".into()), "si"),
            ("FROM dars(rel|", Wanted::Argument("dars"), "rel"),
            ("FROM dars((SELECT 1), |", Wanted::Argument("dars"), ""),
            (
                "FROM dars(relationship => |",
                value("relationship", false),
                "",
            ),
            (
                "FROM dars(relationship => 'co|",
                value("relationship", true),
                "co",
            ),
            (
                "FROM dars(messages => m|",
                Wanted::RelationFor("messages"),
                "m",
            ),
            ("SET dayrate.rel|", Wanted::Setting, "rel"),
            (
                "SET dayrate.relationship = '|",
                value("relationship", true),
                "",
            ),
            ("SELECT 'a;', x|", Wanted::Anything, "x"),
            ("SELECT count(|", Wanted::Anything, ""),
        ] {
            let place = place(text);
            assert_eq!(
                (place.wanted, place.typed.as_str()),
                (wanted, typed),
                "{text}"
            );
        }
    }

    #[test]
    fn the_relations_of_the_statement_are_found_behind_the_cursor_too() {
        let named = |text: &str| place(text).relations;
        let owned = |name: &str, alias: Option<&str>| (name.to_owned(), alias.map(str::to_owned));
        assert_eq!(
            named("SELECT | FROM messages m JOIN 'a/b.parquet' AS s ON m.x = s.x WHERE 1"),
            [
                owned("messages", Some("m")),
                owned("a/b.parquet", Some("s"))
            ]
        );
        assert_eq!(
            named("SELECT 1 FROM other; SELECT | FROM dars(relationship => 'consumer') d, sites;"),
            [owned("dars", Some("d")), owned("sites", None)]
        );
        assert_eq!(named("SELECT extract(day FROM |"), []);
    }
}
