//! What a text is: the rules by which CSV and JSON values become numbers, dates and instants, in plain Rust.
//!
//! Exact or not at all: a value that a type cannot hold whole is no value of that type. `007` and `+5` are no numbers, a
//! number is never a float, and an instant has a zone written beside it.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// A number with its digits: `mantissa / 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    /// All digits.
    pub(super) mantissa: i128,
    /// How many of them are behind the point.
    pub(super) scale: u8,
}

/// `true` or `false`, in any letter case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A whole number as one writes it: no plus, no leading zero, no minus zero.
pub(super) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'))
        && text != "-0";
    if is_plain { text.parse().ok() } else { None }
}

/// A number with or without a point; with `exponents` also `1e-7`, as JSON writes it.
pub(super) fn decimal(text: &str, exponents: bool) -> Option<Decimal> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) if exponents => {
            let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
            (number, exponent.parse::<i32>().ok()?)
        }
        Some(_) => return None,
        None => (text, 0),
    };
    let (is_negative, digits) = match number.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, number),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (digits, ""),
    };
    let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || has_leading_zero {
        return None;
    }
    let mut mantissa = 0_i128;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !byte.is_ascii_digit() {
            return None;
        }
        mantissa = mantissa
            .checked_mul(10)?
            .checked_add(i128::from(byte - b'0'))?;
    }
    let mut scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    while scale < 0 {
        mantissa = mantissa.checked_mul(10)?;
        scale += 1;
    }
    if is_negative {
        mantissa = -mantissa;
    }
    Some(Decimal {
        mantissa,
        scale: u8::try_from(scale).ok().filter(|scale| *scale <= 37)?,
    })
}

/// `2026-11-01`.
pub(super) fn date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let year = number(bytes.get(..4)?)?;
    let (month, day) = (number(bytes.get(5..7)?)?, number(bytes.get(8..)?)?);
    Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    )
    .ok()
}

/// A time on a wall clock and, if it is written beside it, the distance to UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// What the clock showed.
    pub(super) clock: DateTime,
    /// Seconds that it was ahead of UTC.
    pub(super) offset: Option<Offset>,
    /// Digits behind the second.
    pub(super) digits: u8,
}

/// RFC 3339: `2026-11-01T08:30:00.25Z`, `2026-11-01 08:30:00+01:00`. Databases also write the offset as `+01` or `+0100`,
/// or the word ` UTC`; without any of them the moment has no zone.
pub(super) fn moment(text: &str) -> Option<Moment> {
    let day = date(text.get(..10)?)?;
    let rest = text.get(10..)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let bytes = rest.as_bytes();
    if bytes.get(2) != Some(&b':') || bytes.get(5) != Some(&b':') {
        return None;
    }
    let hour = number(bytes.get(..2)?)?;
    let (minute, second) = (number(bytes.get(3..5)?)?, number(bytes.get(6..8)?)?);
    let mut rest = rest.get(8..)?;
    let (mut nanosecond, mut digits) = (0_u32, 0_u8);
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = fraction
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(fraction.len());
        if !(1..=9).contains(&end) {
            return None;
        }
        digits = u8::try_from(end).ok()?;
        nanosecond = number(fraction.get(..end)?.as_bytes())?
            .checked_mul(10_u32.pow(9 - u32::from(digits)))?;
        rest = fraction.get(end..)?;
    }
    let time = Time::new(
        i8::try_from(hour).ok()?,
        i8::try_from(minute).ok()?,
        i8::try_from(second).ok()?,
        i32::try_from(nanosecond).ok()?,
    )
    .ok()?;
    Some(Moment {
        clock: day.to_datetime(time),
        offset: offset(rest)?,
        digits,
    })
}

/// The distance to UTC behind a time; `Some(None)` if nothing is written.
fn offset(text: &str) -> Option<Option<Offset>> {
    let (sign, rest) = match text.as_bytes() {
        [] => return Some(None),
        b"Z" | b"z" | b" UTC" => return Some(Some(Offset::UTC)),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [_, _] => (number(rest)?, 0),
        [_, _, b':', minutes @ ..] if minutes.len() == 2 => (number(&rest[..2])?, number(minutes)?),
        [_, _, _, _] => (number(&rest[..2])?, number(&rest[2..])?),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    Some(Some(Offset::from_seconds(sign * seconds).ok()?))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_one_writes_it() {
        for (text, value) in [
            ("0", Some(0)),
            ("-7", Some(-7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("007", None),
            ("+5", None),
            ("-0", None),
            ("1_000", None),
            ("", None),
            ("٣", None),
        ] {
            assert_eq!(integer(text), value, "{text}");
        }
    }

    #[test]
    fn a_decimal_keeps_its_digits() {
        let of = |mantissa, scale| Some(Decimal { mantissa, scale });
        for (text, value) in [
            ("0.46", of(46, 2)),
            ("-0.10", of(-10, 2)),
            ("12", of(12, 0)),
            ("00.5", None),
            (".5", None),
            ("5.", None),
            ("1e-7", of(1, 7)),
            ("1.5E+2", of(150, 0)),
            ("1e400", None),
            ("NaN", None),
        ] {
            assert_eq!(decimal(text, true), value, "{text}");
        }
        assert_eq!(decimal("1e5", false), None);
    }

    #[test]
    fn an_instant_has_its_zone_beside_it() {
        let utc = |text| {
            let moment = moment(text)?;
            Some(moment.offset?.to_timestamp(moment.clock).ok()?.to_string())
        };
        for (text, instant) in [
            ("2026-11-01T08:30:00Z", Some("2026-11-01T08:30:00Z")),
            (
                "2026-11-01 08:30:00.250+05:45",
                Some("2026-11-01T02:45:00.25Z"),
            ),
            ("2026-11-01 08:30:00-03", Some("2026-11-01T11:30:00Z")),
            ("2026-11-01 08:30:00+0100", Some("2026-11-01T07:30:00Z")),
            ("2026-11-01 08:30:00 UTC", Some("2026-11-01T08:30:00Z")),
            ("2026-11-01T08:30:00", None),
            ("2026-11-31T08:30:00Z", None),
            ("2026-11-01T24:00:00Z", None),
            ("2026-11-01T08:30:00.Z", None),
            ("2026-11-01T08:30:00 Rome", None),
        ] {
            assert_eq!(utc(text).as_deref(), instant, "{text}");
        }
        assert_eq!(moment("2026-11-01T08:30:00").map(|m| m.offset), Some(None));
        assert_eq!(date("2026-02-29"), None);
    }
}
