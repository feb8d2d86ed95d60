//! The type of a column from its values: the narrowest in which all of them are exact.

use datafusion::arrow::datatypes::{DataType, TimeUnit};

use super::value;

/// A value as a row has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// No value: an empty cell, a JSON null.
    Null,
    /// A cell of CSV, which may stand for anything.
    Cell(&'a str),
    /// A JSON text.
    Text(&'a str),
    /// A JSON number, as it is written.
    Number(&'a str),
    /// A JSON true or false.
    Flag(bool),
    /// A JSON object or list, as it is written.
    Nested(&'a str),
}

/// What the values of a column have been so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing yet.
    Unknown,
    Flag,
    Integer,
    /// Digits before the point, and behind it.
    Decimal(u8, u8),
    Date,
    /// With a zone; the digits behind the second.
    Instant(u8),
    /// Without one.
    Wall(u8),
    Text,
}

impl Kind {
    /// The kind of one value, by itself.
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Unknown),
            Value::Flag(_) => Some(Self::Flag),
            Value::Nested(_) => Some(Self::Text),
            Value::Number(text) => Self::number(text, true),
            Value::Text(text) => Some(Self::time(text).unwrap_or(Self::Text)),
            Value::Cell(text) => Some(
                value::boolean(text)
                    .map(|_| Self::Flag)
                    .or_else(|| Self::number(text, false))
                    .or_else(|| Self::time(text))
                    .unwrap_or(Self::Text),
            ),
        }
    }

    fn number(text: &str, is_json: bool) -> Option<Self> {
        if value::integer(text).is_some() {
            return Some(Self::Integer);
        }
        // A whole number beyond the integers is an id in CSV; in JSON it says that it is a number.
        let decimal = value::decimal(text, is_json).filter(|_| is_json || text.contains('.'))?;
        let digits = decimal
            .mantissa
            .unsigned_abs()
            .checked_ilog10()
            .map_or(1, |log| log + 1);
        let before = u8::try_from(digits)
            .ok()?
            .saturating_sub(decimal.scale)
            .max(1);
        (before.checked_add(decimal.scale)? <= 38).then_some(Self::Decimal(before, decimal.scale))
    }

    fn time(text: &str) -> Option<Self> {
        if value::date(text).is_some() {
            return Some(Self::Date);
        }
        let moment = value::moment(text)?;
        Some(match moment.offset {
            Some(_) => Self::Instant(moment.digits),
            None => Self::Wall(moment.digits),
        })
    }

    /// The kind of a column that was of this one and now has `value` too.
    ///
    /// # Errors
    ///
    /// JSON says what a value is, so two kinds in one column are a mistake; in CSV they are text.
    pub(super) fn with(self, value: Value<'_>) -> Result<Self, Mixed> {
        let is_cell = matches!(value, Value::Cell(_));
        if self == Self::Text && is_cell {
            return Ok(self);
        }
        let found = Self::of(value).ok_or(Mixed(self, Self::Decimal(38, 0)))?;
        match (self, found) {
            (Self::Unknown, found) => Ok(found),
            (kind, Self::Unknown) => Ok(kind),
            (a, b) if a == b => Ok(a),
            (Self::Integer, Self::Decimal(before, behind))
            | (Self::Decimal(before, behind), Self::Integer) => {
                Ok(Self::Decimal(before.max(18), behind))
            }
            (Self::Decimal(a, b), Self::Decimal(c, d)) => Ok(Self::Decimal(a.max(c), b.max(d))),
            (Self::Instant(a), Self::Instant(b)) => Ok(Self::Instant(a.max(b))),
            (Self::Wall(a), Self::Wall(b)) => Ok(Self::Wall(a.max(b))),
            _ if is_cell => Ok(Self::Text),
            // Texts that look like times and others are all texts.
            (a, b) if a.is_text() && b.is_text() => Ok(Self::Text),
            (a, b) => Err(Mixed(a, b)),
        }
    }

    /// Whether JSON writes it as a text.
    fn is_text(self) -> bool {
        matches!(
            self,
            Self::Text | Self::Date | Self::Instant(_) | Self::Wall(_)
        )
    }

    /// The type of the column; `is_whole` if no more rows can come.
    pub(super) fn data_type(self, is_whole: bool) -> DataType {
        let unit = |digits: u8| match digits {
            ..=6 => TimeUnit::Microsecond,
            _ => TimeUnit::Nanosecond,
        };
        match self {
            Self::Unknown if is_whole => DataType::Null,
            Self::Unknown | Self::Text => DataType::Utf8View,
            Self::Flag => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Decimal(before, behind) => {
                // Room for larger numbers in the rows to come.
                let precision = before.max(18).saturating_add(behind).min(38);
                DataType::Decimal128(precision, i8::try_from(behind).unwrap_or(i8::MAX))
            }
            Self::Date => DataType::Date32,
            Self::Instant(digits) => DataType::Timestamp(unit(digits), Some("UTC".into())),
            Self::Wall(digits) => DataType::Timestamp(unit(digits), None),
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Unknown => "nothing",
            Self::Flag => "true or false",
            Self::Integer => "a whole number",
            Self::Decimal(..) => "a number",
            Self::Date => "a date",
            Self::Instant(_) => "an instant",
            Self::Wall(_) => "a time without a zone",
            Self::Text => "text",
        }
    }
}

/// Two kinds in one column of JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mixed(pub(super) Kind, pub(super) Kind);

/// Whether a column of CSV holds ids by its name. Ids compare as text, so text they are: `007` is not `7`, in whatever
/// row it comes.
pub(super) fn is_id(column: &str) -> bool {
    let column = column.to_lowercase();
    column == "id" || column.ends_with("_id")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(values: &[&str]) -> Kind {
        let mut kind = Kind::Unknown;
        for value in values {
            let next = if value.is_empty() {
                Value::Null
            } else {
                Value::Cell(value)
            };
            kind = kind.with(next).unwrap_or(Kind::Unknown);
        }
        kind
    }

    #[test]
    fn csv_is_of_the_narrowest_exact_kind() {
        for (values, kind) in [
            (&["1", "", "20"][..], Kind::Integer),
            (&["1", "007"], Kind::Text),
            (&["0.46", "12"], Kind::Decimal(18, 2)),
            (&["0.46", "0.455"], Kind::Decimal(1, 3)),
            (&["true", "FALSE"], Kind::Flag),
            (&["2026-01-01"], Kind::Date),
            (
                &["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.1234567+01:00"],
                Kind::Instant(7),
            ),
            (&["2026-01-01T00:00:00Z", "2026-01-01T00:00:00"], Kind::Text),
            (&["1e5"], Kind::Text),
            (&["12345678901234567890"], Kind::Text),
            (&[""], Kind::Unknown),
        ] {
            assert_eq!(cells(values), kind, "{values:?}");
        }
    }

    #[test]
    fn json_says_itself_what_a_value_is() {
        assert_eq!(
            Kind::Integer.with(Value::Number("1.5")),
            Ok(Kind::Decimal(18, 1))
        );
        assert_eq!(
            Kind::Integer.with(Value::Text("7")),
            Err(Mixed(Kind::Integer, Kind::Text))
        );
        assert_eq!(Kind::Date.with(Value::Text("x")), Ok(Kind::Text));
        assert_eq!(
            Kind::Unknown.with(Value::Number("1e-7")),
            Ok(Kind::Decimal(1, 7))
        );
    }

    #[test]
    fn a_decimal_has_room_for_larger_ones() {
        assert_eq!(
            Kind::Decimal(1, 2).data_type(true),
            DataType::Decimal128(20, 2)
        );
        assert_eq!(
            Kind::Decimal(30, 8).data_type(true),
            DataType::Decimal128(38, 8)
        );
    }
}
