//! Something that may stand at the cursor, and which of many fit what is typed.

use reedline::{Span, Suggestion};

/// Something that may stand at the cursor.
#[derive(Debug, Clone, Default)]
pub(super) struct Candidate {
    pub(super) text: String,
    pub(super) about: String,
    /// Whether another word follows.
    pub(super) space: bool,
}

impl Candidate {
    /// Behind which nothing needs to follow.
    pub(super) fn new(text: impl Into<String>, about: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            about: about.into(),
            space: false,
        }
    }

    /// Behind which another word follows.
    pub(super) fn with_space(text: impl Into<String>, about: impl Into<String>) -> Self {
        Self {
            space: true,
            ..Self::new(text, about)
        }
    }
}

/// A column as SQL needs it written: in quotes if it has capital letters or others than a-z, 0-9 and _.
pub(super) fn written(name: &str) -> String {
    let is_plain = name
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    match is_plain {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// The candidates that go on with what is typed; if there are none, those that have it anywhere.
pub(super) fn fitting(
    found: Vec<Candidate>,
    typed: &str,
    start: usize,
    cursor: usize,
) -> Vec<Suggestion> {
    let typed = typed.to_lowercase();
    let key = |candidate: &Candidate| candidate.text.trim_start_matches('"').to_lowercase();
    let begins = |candidate: &&Candidate| key(candidate).starts_with(&typed);
    let holds = |candidate: &&Candidate| key(candidate).contains(&typed);
    let mut chosen: Vec<&Candidate> = found.iter().filter(begins).collect();
    if chosen.is_empty() {
        chosen = found.iter().filter(holds).collect();
    }
    chosen
        .into_iter()
        .map(|candidate| Suggestion {
            value: candidate.text.clone(),
            description: (!candidate.about.is_empty()).then(|| candidate.about.clone()),
            span: Span::new(start, cursor),
            append_whitespace: candidate.space,
            ..Suggestion::default()
        })
        .collect()
}
