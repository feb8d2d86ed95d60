//! A part of the history that cannot be used, and why.

use crate::domain::message::Reason;

/// What cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A whole record of a conversation.
    Record,
    /// One message of it.
    Message,
    /// One outcome of it.
    Outcome,
}

impl Unit {
    /// The name in the `unit` column.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::Record => "record",
            Unit::Message => "message",
            Unit::Outcome => "outcome",
        }
    }
}

/// Why it cannot be used. Of several, the first in this order is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Flaw {
    /// Brackets and quotes match, but what is between them is no JSON.
    NotJson,
    /// JSON, but no record of a conversation.
    NotARecord,
    /// Larger than a record may be.
    TooLarge,
    /// Billing would reject it for this reason.
    Billing(Reason),
    /// An entry of `messageRecords` that is no object, or has a key twice.
    NotAMessage,
    /// An amount that is no number, or has more than four decimals.
    UnknownAmount,
}

impl Flaw {
    /// The name in the `reason` column: that of billing where it has one.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Flaw::NotJson => "not_json",
            Flaw::NotARecord => "not_a_record",
            Flaw::TooLarge => "too_large",
            Flaw::Billing(reason) => reason.name(),
            Flaw::NotAMessage => "not_a_message",
            Flaw::UnknownAmount => "unknown_amount",
        }
    }
}

/// Something that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unusable {
    /// What it is.
    pub(crate) unit: Unit,
    /// Why.
    pub(crate) flaw: Flaw,
    /// What was found: the end of a sentence.
    pub(crate) found: String,
    /// The conversation, if it is known.
    pub(crate) conversation_id: Option<String>,
    /// The message, if it is one and has an id.
    pub(crate) message_id: Option<String>,
    /// How many messages are lost with it.
    pub(crate) messages: i64,
    /// The JSON of it, its beginning if it is long.
    pub(crate) json: String,
}

/// The most letters of JSON that are kept of what cannot be used.
const SNIPPET: usize = 64 << 10;

/// The JSON that is kept of what cannot be used.
pub(crate) fn snippet(json: &str) -> String {
    if json.len() <= SNIPPET {
        return json.to_owned();
    }
    let cut = (0..=SNIPPET).rev().find(|end| json.is_char_boundary(*end));
    format!("{}…", &json[..cut.unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_is_cut_between_letters() {
        assert_eq!(snippet("{}"), "{}");
        let long = "é".repeat(SNIPPET);
        let kept = snippet(&long);
        assert!(kept.len() <= SNIPPET + '…'.len_utf8() && kept.ends_with("é…"));
    }
}
