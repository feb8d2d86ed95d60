//! The one language of errors: every message says what is wrong, where, what was found and what to do.
//!
//! Three kinds, by who can mend them: [`query`] (whoever wrote the SQL), [`data`] (whoever exported the rows) and
//! [`config`] (whoever set the tool up). None of them shows a secret. The other constructors word the mistakes that many
//! places share.

use datafusion::common::utils::datafusion_strsim::levenshtein;
use datafusion::error::DataFusionError;

use crate::secret;

/// A mistake in a query or in its options, found while it is planned.
pub(crate) fn query(text: impl Into<String>) -> DataFusionError {
    DataFusionError::Plan(secret::hide(&text.into()).into_owned())
}

/// A fault in the rows, found while they are read.
pub(crate) fn data(text: impl Into<String>) -> DataFusionError {
    DataFusionError::Execution(secret::hide(&text.into()).into_owned())
}

/// A mistake in the configuration or the command line.
pub(crate) fn config(text: impl Into<String>) -> DataFusionError {
    DataFusionError::Configuration(secret::hide(&text.into()).into_owned())
}

/// A sentence that names `got` as unknown, the nearest of `known`, and all of them: what follows "has no …".
///
/// `kind` is the noun: "option", "value", "report".
pub(crate) fn unknown(kind: &str, got: &str, known: &[&str]) -> String {
    let mut text = format!("unknown {kind} '{got}'");
    if let Some(nearest) = nearest(got, known) {
        text.push_str(&format!(": did you mean '{nearest}'?"));
    }
    if known.is_empty() {
        return text;
    }
    let separator = if text.ends_with('?') { " " } else { ": " };
    text.push_str(&format!("{separator}one of {} is expected", quoted(known)));
    text
}

/// The entry of `known` that `got` most likely meant, if one is near: at most a third of its letters differ. Two letters
/// in each other's place are one slip.
pub(crate) fn nearest<'a>(got: &str, known: &[&'a str]) -> Option<&'a str> {
    let got = got.to_lowercase();
    let distance = |name: &str| match levenshtein(&got, name) {
        2 if letters(&got) == letters(name) => 1,
        distance => distance,
    };
    known
        .iter()
        .map(|name| (distance(&name.to_lowercase()), *name))
        .filter(|(distance, name)| *distance * 3 <= name.chars().count().max(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The letters of a word, whatever their order.
fn letters(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.chars().collect();
    letters.sort_unstable();
    letters
}

/// `'a', 'b', 'c'`
pub(crate) fn quoted(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("'{name}'"))
        .collect::<Vec<_>>()
        .join(", ")
}
