//! One value of the history that is neither list nor object, and what it means.
//!
//! The vendor writes "none" in several ways: NULL, an empty text, the words `undefined` and `null`, and -1. Numbers come
//! as numbers in one version of the interface and as texts in the other.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde_json::value::RawValue;

/// A value as it was written: a number stays text, so that none is ever a float.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scalar<'a> {
    /// No value.
    None,
    /// A text, unescaped.
    Text(Cow<'a, str>),
    /// A number or a flag, letter by letter.
    Plain(&'a str),
    /// A list, an object, or a text that is none.
    Other,
}

/// An instant in milliseconds since 1970, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instant {
    /// None given.
    None,
    /// Within the years 1970 to 9999.
    At(i64),
    /// Something else.
    Impossible,
}

/// The words for "none", in any letter case.
const NONE: [&str; 4] = ["", "undefined", "null", "-1"];

/// The last millisecond of the year 9999, UTC: the calendar ends there.
const LAST_MILLISECOND: i64 = 253_402_300_799_999;

impl<'a> Scalar<'a> {
    /// The value of a key; `None` if the key is not there.
    pub(super) fn of(raw: Option<&'a RawValue>) -> Self {
        let Some(text) = raw.map(RawValue::get) else {
            return Scalar::None;
        };
        match text.as_bytes().first() {
            None | Some(b'n') => Scalar::None,
            Some(b'{' | b'[') => Scalar::Other,
            Some(b'"') => match text.get(1..text.len() - 1) {
                Some(plain) if !plain.contains('\\') => Scalar::Text(Cow::Borrowed(plain)),
                _ => serde_json::from_str(text)
                    .map_or(Scalar::Other, |text| Scalar::Text(Cow::Owned(text))),
            },
            Some(_) => Scalar::Plain(text),
        }
    }

    /// The letters of it.
    fn letters(&self) -> Option<&str> {
        match self {
            Scalar::Text(text) => Some(text),
            Scalar::Plain(text) => Some(text),
            Scalar::None | Scalar::Other => None,
        }
    }

    /// The text of an id or a name; a number's digits.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        let text = match self {
            Scalar::Text(text) => text,
            Scalar::Plain(text) => Cow::Borrowed(text),
            Scalar::None | Scalar::Other => return None,
        };
        let is_none = NONE.iter().any(|none| none.eq_ignore_ascii_case(&text));
        (!is_none).then_some(text)
    }

    /// The instant that it says in milliseconds since 1970.
    pub(super) fn instant(&self) -> Instant {
        let Some(text) = self.letters() else {
            return match self {
                Scalar::Other => Instant::Impossible,
                _ => Instant::None,
            };
        };
        if NONE.iter().any(|none| none.eq_ignore_ascii_case(text)) {
            return Instant::None;
        }
        match whole(text) {
            Some(at) if (1..=LAST_MILLISECOND).contains(&at) => Instant::At(at),
            _ => Instant::Impossible,
        }
    }

    /// The whole number that it says, 0 or more.
    pub(super) fn count(&self) -> Option<i64> {
        whole(self.letters()?).filter(|count| *count >= 0)
    }

    /// The exact amount of money that it says, in ten-thousandths.
    ///
    /// # Errors
    ///
    /// If it says something and that is no such amount, above all one with more than four decimals: it is not rounded.
    pub(super) fn ten_thousandths(&self) -> Result<Option<i128>, ()> {
        let Some(text) = self.letters() else {
            return match self {
                Scalar::Other => Err(()),
                _ => Ok(None),
            };
        };
        // A refund of one is an amount, not "none".
        if text != "-1" && NONE.iter().any(|none| none.eq_ignore_ascii_case(text)) {
            return Ok(None);
        }
        let amount = decimal(text)
            .filter(|amount| amount.scale() <= 4)
            .ok_or(())?;
        let scale = 10_i128.pow(4 - amount.scale());
        let units = amount.mantissa().checked_mul(scale).ok_or(())?;
        (units.abs() < 10_i128.pow(18))
            .then_some(Some(units))
            .ok_or(())
    }

    /// Whether it says yes, as a flag or in a word.
    pub(super) fn yes(&self) -> Option<bool> {
        let is = |words: &[&str]| {
            self.letters().is_some_and(|text| {
                words
                    .iter()
                    .any(|word| word.eq_ignore_ascii_case(text.trim()))
            })
        };
        if is(&["true", "yes", "y", "1"]) {
            Some(true)
        } else if is(&["false", "no", "n", "0"]) {
            Some(false)
        } else {
            None
        }
    }
}

/// What an error shows of a value: a few letters of it as they were written.
pub(super) fn shown(raw: Option<&RawValue>) -> String {
    let text = raw.map_or("missing", RawValue::get);
    match text.char_indices().nth(60) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A whole number, however it is written: `7`, `7.0`, `1.472483659564E12`.
fn whole(text: &str) -> Option<i64> {
    match text.parse() {
        Ok(number) => Some(number),
        Err(_) => {
            let number = decimal(text).filter(|number| number.scale() == 0)?;
            i64::try_from(number.mantissa()).ok()
        }
    }
}

/// An exact decimal without trailing zeros; exponents as Java writes them from ten million on.
fn decimal(text: &str) -> Option<Decimal> {
    let is_letter =
        |letter: u8| letter.is_ascii_digit() || matches!(letter, b'+' | b'-' | b'.' | b'e' | b'E');
    if !text.bytes().all(is_letter) {
        return None;
    }
    let number = match text.contains(['e', 'E']) {
        true => Decimal::from_scientific(text).ok()?,
        false => Decimal::from_str_exact(text).ok()?,
    };
    Some(number.normalize())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    fn with<T>(json: &str, ask: impl FnOnce(Scalar<'_>) -> T) -> T {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        ask(Scalar::of(Some(raw)))
    }

    #[test]
    fn none_is_written_in_many_ways() {
        for json in [
            "null",
            "\"\"",
            "\"undefined\"",
            "\"NULL\"",
            "-1",
            "\"-1\"",
            "{}",
            "[1]",
        ] {
            assert_eq!(
                with(json, |s| s.text().map(Cow::into_owned)),
                None,
                "{json}"
            );
        }
        assert_eq!(Scalar::of(None).text(), None);
    }

    #[test]
    fn an_id_keeps_its_letters() {
        for (json, text) in [
            ("\"007\"", "007"),
            ("90210877", "90210877"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
            ("\"a\\u00e9\\\"\"", "aé\""),
            ("\" x \"", " x "),
            ("true", "true"),
        ] {
            assert_eq!(with(json, |s| s.text().unwrap().into_owned()), text);
        }
    }

    #[test]
    fn an_instant_is_whole_and_after_1970() {
        for (json, instant) in [
            ("1472483659564", Instant::At(1_472_483_659_564)),
            ("\"1472483659564\"", Instant::At(1_472_483_659_564)),
            ("1.472483659564E12", Instant::At(1_472_483_659_564)),
            ("1472483659564.0", Instant::At(1_472_483_659_564)),
            ("-1", Instant::None),
            ("\"undefined\"", Instant::None),
            ("null", Instant::None),
            ("0", Instant::Impossible),
            ("-5", Instant::Impossible),
            ("1472483659564.5", Instant::Impossible),
            ("253402300800000", Instant::Impossible),
            ("\"2016-08-29 15:14:20.569+0000\"", Instant::Impossible),
            ("[1472483659564]", Instant::Impossible),
            ("99999999999999999999999", Instant::Impossible),
        ] {
            assert_eq!(with(json, |s| s.instant()), instant, "{json}");
        }
    }

    /// 0.1 and 0.2 are not sums of powers of two; a float on the way would show.
    #[test]
    fn money_is_exact_or_nothing() {
        for (json, amount) in [
            ("\"78.0\"", Ok(Some(780_000))),
            ("78", Ok(Some(780_000))),
            ("0.1", Ok(Some(1000))),
            ("11.7000000", Ok(Some(117_000))),
            ("1.0E7", Ok(Some(100_000_000_000))),
            ("\"-1\"", Ok(Some(-10_000))),
            ("12345678901234.5678", Ok(Some(123_456_789_012_345_678))),
            ("null", Ok(None)),
            ("\"undefined\"", Ok(None)),
            ("0.30000000000000004", Err(())),
            ("1e-5", Err(())),
            ("123456789012345.0", Err(())),
            ("1e400", Err(())),
            ("\"1,299.00\"", Err(())),
            ("\"1_000\"", Err(())),
            ("\"78 USD\"", Err(())),
            ("{}", Err(())),
        ] {
            assert_eq!(with(json, |s| s.ten_thousandths()), amount, "{json}");
        }
    }

    #[test]
    fn yes_and_no() {
        assert_eq!(with("\"YES\"", |s| s.yes()), Some(true));
        assert_eq!(with("\" no \"", |s| s.yes()), Some(false));
        assert_eq!(with("true", |s| s.yes()), Some(true));
        assert_eq!(with("\"perhaps\"", |s| s.yes()), None);
    }

    #[test]
    fn counts() {
        assert_eq!(with("\"5\"", |s| s.count()), Some(5));
        assert_eq!(with("5.0", |s| s.count()), Some(5));
        assert_eq!(with("-1", |s| s.count()), None);
        assert_eq!(with("\"five\"", |s| s.count()), None);
    }
}
