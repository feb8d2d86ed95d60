//! What must never be seen, taken out of a text: the one place that errors, plans and `Debug` go through.
//!
//! Three things give a secret away: the user part of an address, its query (a signature, a token), and the value of a
//! key that a store was opened with ([`keep`]).

use std::borrow::Cow;
use std::sync::RwLock;

/// What stands in its place.
const HIDDEN: &str = "***";

/// The values that stores were opened with.
static KEPT: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Parameters whose value is a secret wherever they stand.
const PARAMETERS: [&str; 10] = [
    "sig",
    "signature",
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-security-token",
    "x-goog-signature",
    "x-goog-credential",
    "awsaccesskeyid",
    "accountkey",
    "sharedaccesssignature",
];

/// Remembers a value that no text may show from now on. A value too short to be a secret would hide half of every text.
pub(crate) fn keep(value: &str) {
    if value.len() < 6 {
        return;
    }
    if let Ok(mut kept) = KEPT.write()
        && !kept.iter().any(|known| known == value)
    {
        kept.push(value.to_owned());
        // A value that holds another one is taken out first.
        kept.sort_by_key(|value| std::cmp::Reverse(value.len()));
    }
}

/// `text` without secrets.
pub(crate) fn hide(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    if let Ok(kept) = KEPT.read() {
        for value in kept.iter() {
            if text.contains(value.as_str()) {
                text = Cow::Owned(text.replace(value.as_str(), HIDDEN));
            }
        }
    }
    let mut found = addresses(&text);
    found.extend(parameters(&text));
    if found.is_empty() {
        return text;
    }
    found.sort_unstable();
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for (start, end) in found {
        if start < at {
            continue;
        }
        shown.push_str(&text[at..start]);
        shown.push_str(HIDDEN);
        at = end;
    }
    shown.push_str(&text[at..]);
    Cow::Owned(shown)
}

/// The user parts and the queries of the addresses in a text, as ranges of bytes.
fn addresses(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (colon, _) in text.match_indices("://") {
        let start = colon + 3;
        let whole = &text[start..start + length(&text[start..], ends_address)];
        let authority = &whole[..length(whole, |c| matches!(c, '/' | '?' | '#'))];
        if let Some(user) = authority.rfind('@') {
            // `abfss://container@account…` names a container; a password has a colon before it.
            let is_web = text[..colon].ends_with("http") || text[..colon].ends_with("https");
            if is_web || authority[..user].contains(':') {
                found.push((start, start + user));
            }
        }
        if let Some(mark) = whole.find('?') {
            // Without `=` it is a pattern such as part-?.parquet.
            if whole[mark..].contains('=') {
                found.push((start + mark + 1, start + whole.len()));
            }
        }
    }
    found
}

/// The values of [`PARAMETERS`] in a text.
fn parameters(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (sign, _) in text.match_indices('=') {
        let name = text[..sign]
            .rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .next()
            .unwrap_or_default();
        if PARAMETERS
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
        {
            let value = &text[sign + 1..];
            let end = length(value, |c| c == '&' || c == ';' || ends_address(c));
            if end > 0 {
                found.push((sign + 1, sign + 1 + end));
            }
        }
    }
    found
}

fn ends_address(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\'' | '"' | '`' | '<' | '>' | ')' | ']' | '}' | ',')
}

/// The bytes before the first letter that `ends`.
fn length(text: &str, ends: impl Fn(char) -> bool) -> usize {
    text.find(ends).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_what_opens_them() {
        for (text, shown) in [
            (
                "'https://me:hunter2@host/x.parquet' is missing",
                "'https://***@host/x.parquet' is missing",
            ),
            ("https://token@host/x", "https://***@host/x"),
            (
                "GET http://h:9/b?list-type=2&X-Amz-Signature=abc in 3s",
                "GET http://h:9/b?*** in 3s",
            ),
            (
                "TableScan: https://h/a.parquet?sv=1&sig=ab%3D projection=[a]",
                "TableScan: https://h/a.parquet?*** projection=[a]",
            ),
            (
                "path/a.csv?sv=1&sig=ab%3D&x=1",
                "path/a.csv?sv=1&sig=***&x=1",
            ),
            ("AccountKey=abc==;x", "AccountKey=***;x"),
        ] {
            assert_eq!(hide(text), shown);
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "s3://exports/part-?.parquet",
            "abfss://container@account.dfs.core.windows.net/x",
            "WHERE design='x' AND a = 1",
            "s3://b/day=2026-11-01/x.parquet",
        ] {
            assert_eq!(hide(text), text);
        }
    }

    #[test]
    fn a_kept_value_is_hidden_anywhere() {
        keep("the-secret-value");
        keep("abc");
        assert_eq!(
            hide("<Key>the-secret-value</Key> abc"),
            "<Key>***</Key> abc"
        );
    }
}
