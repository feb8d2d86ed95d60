//! Suggestions for what is being typed.

use clap::ValueEnum;
use reedline::{Completer, CompletionResult, Suggestion};

use super::candidate::{Candidate, fitting, written};
use super::command::{self, Takes};
use super::context::{self, Place, Wanted};
use super::offers::{arguments, files, reports, settings, values};
use super::vocabulary::Vocabulary;
use crate::cli::format::Kind;
use crate::cli::keywords;
use crate::table;

/// Completes SQL and commands from the names of a session.
pub(super) struct SqlCompleter {
    vocabulary: Vocabulary,
}

impl Completer for SqlCompleter {
    fn complete(&mut self, line: &str, cursor: usize) -> CompletionResult {
        let before = line.get(..cursor).unwrap_or(line);
        if before.trim_start().starts_with('\\') {
            return CompletionResult::fresh(self.command(before));
        }
        let place = context::at(line, cursor);
        let candidates = self.candidates(&place);
        let suggestions = fitting(candidates, &place.typed, place.start, cursor);
        CompletionResult::fresh(suggestions)
    }
}

impl SqlCompleter {
    pub(super) fn new(vocabulary: Vocabulary) -> Self {
        Self { vocabulary }
    }

    fn candidates(&self, place: &Place) -> Vec<Candidate> {
        match &place.wanted {
            Wanted::File => files(&place.typed),
            Wanted::Value { option, quoted } => values(option, *quoted),
            Wanted::RelationFor(name) => {
                let mut found = self.relations();
                // The relation of that very name first.
                found.sort_by_key(|candidate| candidate.text != *name);
                found
            }
            Wanted::Relation => self.relations(),
            Wanted::ColumnOf(owner) => self.columns_of(place, owner),
            Wanted::Setting => settings(),
            Wanted::Argument(function) => {
                let mut found = arguments(function);
                found.extend(self.relations());
                found
            }
            Wanted::Anything => self.anything(place),
        }
    }

    fn relations(&self) -> Vec<Candidate> {
        let relations = self.vocabulary.relations();
        let mut found: Vec<Candidate> = relations
            .iter()
            .filter(|name| table::find(name).is_none())
            .map(|name| Candidate::new(name, "relation"))
            .collect();
        for function in table::all() {
            let about = crate::cli::functions::first_sentence(function.summary);
            // A function that finds all it reads can stand without its brackets.
            if relations.iter().any(|name| name == function.name) {
                found.push(Candidate::new(function.name, about));
            }
            found.push(Candidate::new(format!("{}(", function.name), about));
        }
        found
    }

    fn columns_of(&self, place: &Place, owner: &str) -> Vec<Candidate> {
        let by_alias = |(name, alias): &&(String, Option<String>)| {
            alias.as_deref().unwrap_or(name).eq_ignore_ascii_case(owner)
        };
        let relation = place.relations.iter().find(by_alias);
        let name = relation.map_or(owner, |(name, _)| name.as_str());
        self.columns(name)
    }

    fn columns(&self, relation: &str) -> Vec<Candidate> {
        let columns = self.vocabulary.columns(relation).into_iter();
        columns
            .map(|column| Candidate::new(written(&column.name), column.sql_type))
            .collect()
    }

    /// Columns first, then functions, then keywords.
    fn anything(&self, place: &Place) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = Vec::new();
        for (relation, _) in &place.relations {
            for column in self.columns(relation) {
                if !found.iter().any(|known| known.text == column.text) {
                    found.push(column);
                }
            }
        }
        for (relation, alias) in &place.relations {
            let name = alias.as_deref().unwrap_or(relation);
            found.push(Candidate::new(name, "relation"));
        }
        // Without a letter to go by, four hundred names help nobody.
        if place.typed.is_empty() && !found.is_empty() {
            return found;
        }
        let functions = self.vocabulary.functions();
        let called = functions
            .into_iter()
            .filter(|function| !function.is_table)
            .map(|function| Candidate::new(format!("{}(", function.name), function.about));
        found.extend(called);
        let lower = place.typed.starts_with(|first: char| first.is_lowercase());
        found.extend(keywords::ALL.iter().map(|word| match lower {
            true => Candidate::with_space(word.to_lowercase(), ""),
            false => Candidate::with_space(*word, ""),
        }));
        found
    }

    /// The commands, and what stands behind one.
    fn command(&self, before: &str) -> Vec<Suggestion> {
        let line = before.trim_start();
        let indent = before.len() - line.len();
        let Some((name, _)) = line.split_once(char::is_whitespace) else {
            let entries = command::ALL.iter();
            let found = entries
                .map(|entry| {
                    let space = entry.takes != Takes::Nothing;
                    Candidate {
                        space,
                        ..Candidate::new(entry.name, entry.about)
                    }
                })
                .collect();
            return fitting(found, line, indent, before.len());
        };
        let start = before
            .rfind(char::is_whitespace)
            .map_or(before.len(), |space| space + 1);
        let typed = before.get(start..).unwrap_or_default();
        let (start, typed) = match typed.strip_prefix('\'') {
            Some(inner) => (start + 1, inner),
            None => (start, typed),
        };
        let takes = command::ALL
            .iter()
            .find(|entry| entry.name == name)
            .map_or(Takes::Nothing, |entry| entry.takes);
        let found = match takes {
            Takes::Nothing => Vec::new(),
            Takes::Relation if typed.contains('/') => files(typed),
            Takes::Relation => {
                let names = self.vocabulary.relations().into_iter();
                names.map(|name| Candidate::new(name, "")).collect()
            }
            Takes::Function => {
                let functions = self.vocabulary.functions().into_iter();
                functions
                    .map(|function| Candidate::new(function.name, function.about))
                    .collect()
            }
            Takes::Format => {
                let kinds = Kind::value_variants().iter();
                kinds.map(|kind| Candidate::new(kind.name(), "")).collect()
            }
            Takes::File => files(typed),
            Takes::Report => reports(line),
        };
        fitting(found, typed, start, before.len())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;
    use crate::session::{self, Settings};

    /// The suggestions at the `|` of a line, in a session with a view `m`.
    fn suggested(line: &str) -> Vec<String> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let vocabulary = runtime.block_on(async {
            let ctx = session::open(Settings::default()).unwrap();
            let view = "CREATE VIEW m AS SELECT 1 AS site_id, 2 AS sent_at, 3 AS \"brandId\"";
            crate::sql(&ctx, view).await.unwrap();
            Vocabulary::new(&ctx)
        });
        let cursor = line.find('|').unwrap();
        let line = line.replacen('|', "", 1);
        let result = SqlCompleter::new(vocabulary).complete(&line, cursor);
        let values = result.suggestions().iter();
        values.map(|suggestion| suggestion.value.clone()).collect()
    }

    #[test]
    fn columns_are_those_of_the_relations_of_the_statement() {
        assert_eq!(suggested("SELECT s| FROM m")[..2], ["site_id", "sent_at"]);
        assert_eq!(suggested("SELECT x.b| FROM m x"), ["\"brandId\""]);
        assert!(suggested("SELECT rel| FROM dars(a, b)").contains(&"relationship_id".to_owned()));
    }

    #[test]
    fn a_call_offers_its_options_and_an_option_its_values() {
        assert_eq!(
            suggested("SELECT 1 FROM dars(a, b, rela|"),
            ["relationship =>"]
        );
        assert_eq!(
            suggested("SELECT 1 FROM ledger(relationship => '|"),
            ["consumer", "conversation"]
        );
        assert_eq!(
            suggested("SELECT 1 FROM invoice_lines(as_of => |"),
            ["DATE '"]
        );
        assert_eq!(suggested("SET dayrate.gen_ai_r|"), ["gen_ai_rule"]);
    }

    #[test]
    fn keywords_come_in_the_letters_that_are_typed() {
        assert_eq!(suggested("sel|"), ["select"]);
        assert_eq!(suggested("SEL|"), ["SELECT"]);
    }

    #[test]
    fn commands_are_completed_and_what_they_take() {
        assert_eq!(suggested("\\tim|"), ["\\timing"]);
        assert_eq!(suggested("\\format par|"), ["parquet"]);
        assert_eq!(suggested("\\report monthly_cr|"), ["monthly_credits"]);
        assert_eq!(suggested("\\report invoice si|"), ["since="]);
        assert_eq!(suggested("\\h local_day_s|"), ["local_day_start"]);
        assert_eq!(suggested("\\d m|"), ["m"]);
    }

    #[test]
    fn files_are_completed_inside_quotes() {
        assert_eq!(
            suggested("SELECT * FROM 'testdata/odd/site|")[0],
            "testdata/odd/sites.csv"
        );
        assert_eq!(
            suggested("SELECT * FROM 'testdata/wri|"),
            ["testdata/writers/"]
        );
    }
}
