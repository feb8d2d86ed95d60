//! A column that is filled value by value; a value that its type cannot hold whole is a fault, never a NULL.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Decimal256Builder, Int64Builder,
    NullBuilder, StringViewBuilder, TimestampMicrosecondBuilder, TimestampNanosecondBuilder,
};
use datafusion::arrow::datatypes::{DataType, TimeUnit, i256};
use datafusion::error::Result;
use jiff::tz::Offset;

use super::kind::Value;
use super::value::{self, Decimal};
use crate::error;

/// The column.
pub(super) struct Column {
    data_type: DataType,
    values: Values,
}

enum Values {
    Null(NullBuilder),
    Flag(BooleanBuilder),
    Integer(Int64Builder),
    Decimal(Decimal128Builder),
    Wide(Decimal256Builder),
    Date(Date32Builder),
    Micros(TimestampMicrosecondBuilder),
    Nanos(TimestampNanosecondBuilder),
    Text(StringViewBuilder),
}

impl Column {
    /// An empty column.
    ///
    /// # Errors
    ///
    /// A type that no text stands for.
    pub(super) fn new(data_type: &DataType) -> Result<Self> {
        let values = match data_type {
            DataType::Null => Values::Null(NullBuilder::new()),
            DataType::Boolean => Values::Flag(BooleanBuilder::new()),
            DataType::Int64 => Values::Integer(Int64Builder::new()),
            DataType::Decimal128(..) => {
                Values::Decimal(Decimal128Builder::new().with_data_type(data_type.clone()))
            }
            DataType::Decimal256(..) => {
                Values::Wide(Decimal256Builder::new().with_data_type(data_type.clone()))
            }
            DataType::Date32 => Values::Date(Date32Builder::new()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Values::Micros(TimestampMicrosecondBuilder::new().with_data_type(data_type.clone()))
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                Values::Nanos(TimestampNanosecondBuilder::new().with_data_type(data_type.clone()))
            }
            DataType::Utf8View => Values::Text(StringViewBuilder::new()),
            other => {
                return Err(error::config(format!(
                    "a column of CSV or JSON cannot be of the type {other}"
                )));
            }
        };
        Ok(Self {
            data_type: data_type.clone(),
            values,
        })
    }

    /// Adds a value.
    ///
    /// # Errors
    ///
    /// What the value is not.
    pub(super) fn push(&mut self, value: Value<'_>) -> std::result::Result<(), &'static str> {
        if value == Value::Null {
            self.push_null();
            return Ok(());
        }
        match &mut self.values {
            Values::Null(_) => return Err("nothing"),
            Values::Flag(flags) => {
                let flag = match value {
                    Value::Flag(flag) => Some(flag),
                    other => text(other).and_then(value::boolean),
                };
                flags.append_value(flag.ok_or("true or false")?);
            }
            Values::Integer(numbers) => {
                let number = digits(value).and_then(|(text, is_json)| {
                    // JSON may write 5 as 5.0.
                    value::integer(text).or_else(|| {
                        let decimal = value::decimal(text, is_json).filter(|_| is_json)?;
                        let scaled = scaled(decimal, 0)?;
                        i64::try_from(scaled).ok()
                    })
                });
                numbers.append_value(number.ok_or("a whole number")?);
            }
            Values::Decimal(numbers) => {
                let DataType::Decimal128(precision, scale) = self.data_type else {
                    return Err("a number");
                };
                let number = digits(value)
                    .and_then(|(text, is_json)| value::decimal(text, is_json))
                    .and_then(|number| scaled(number, scale))
                    .filter(|number| {
                        number.unsigned_abs() < 10_u128.pow(u32::from(precision.min(38)))
                    });
                numbers.append_value(number.ok_or("a number of so many digits")?);
            }
            Values::Wide(numbers) => {
                let DataType::Decimal256(_, scale) = self.data_type else {
                    return Err("a number");
                };
                let number = digits(value)
                    .and_then(|(text, is_json)| value::decimal(text, is_json))
                    .and_then(|number| {
                        let missing = u32::try_from(scale)
                            .ok()?
                            .checked_sub(number.scale.into())?;
                        let factor = i256::from(10).checked_pow(missing)?;
                        i256::from_i128(number.mantissa).checked_mul(factor)
                    });
                numbers.append_value(number.ok_or("a number of so many digits")?);
            }
            Values::Date(dates) => {
                let date = text(value).and_then(value::date).ok_or("a date")?;
                let days = date.to_datetime(jiff::civil::Time::midnight());
                let seconds = Offset::UTC
                    .to_timestamp(days)
                    .map_err(|_| "a date")?
                    .as_second();
                dates
                    .append_value(i32::try_from(seconds.div_euclid(86_400)).map_err(|_| "a date")?);
            }
            Values::Micros(instants) => {
                let (has_zone, nanos) = (
                    has_zone(&self.data_type),
                    nanoseconds(value, &self.data_type),
                );
                let nanos = nanos.filter(|nanos| nanos.rem_euclid(1000) == 0);
                let micros = nanos.and_then(|nanos| i64::try_from(nanos.div_euclid(1000)).ok());
                instants.append_value(micros.ok_or(moment_words(has_zone))?);
            }
            Values::Nanos(instants) => {
                let (has_zone, nanos) = (
                    has_zone(&self.data_type),
                    nanoseconds(value, &self.data_type),
                );
                let nanos = nanos.and_then(|nanos| i64::try_from(nanos).ok());
                instants.append_value(nanos.ok_or(moment_words(has_zone))?);
            }
            Values::Text(texts) => match value {
                Value::Cell(text)
                | Value::Text(text)
                | Value::Number(text)
                | Value::Nested(text) => {
                    texts.append_value(text);
                }
                Value::Flag(flag) => texts.append_value(if flag { "true" } else { "false" }),
                Value::Null => texts.append_null(),
            },
        }
        Ok(())
    }

    pub(super) fn push_null(&mut self) {
        match &mut self.values {
            Values::Null(nulls) => nulls.append_null(),
            Values::Flag(flags) => flags.append_null(),
            Values::Integer(numbers) => numbers.append_null(),
            Values::Decimal(numbers) => numbers.append_null(),
            Values::Wide(numbers) => numbers.append_null(),
            Values::Date(dates) => dates.append_null(),
            Values::Micros(instants) => instants.append_null(),
            Values::Nanos(instants) => instants.append_null(),
            Values::Text(texts) => texts.append_null(),
        }
    }

    /// The values so far; the column is empty again.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match &mut self.values {
            Values::Null(nulls) => Arc::new(nulls.finish()),
            Values::Flag(flags) => Arc::new(flags.finish()),
            Values::Integer(numbers) => Arc::new(numbers.finish()),
            Values::Decimal(numbers) => Arc::new(numbers.finish()),
            Values::Wide(numbers) => Arc::new(numbers.finish()),
            Values::Date(dates) => Arc::new(dates.finish()),
            Values::Micros(instants) => Arc::new(instants.finish()),
            Values::Nanos(instants) => Arc::new(instants.finish()),
            Values::Text(texts) => Arc::new(texts.finish()),
        }
    }
}

/// A text, whoever says that it is one.
fn text(value: Value<'_>) -> Option<&str> {
    match value {
        Value::Cell(text) | Value::Text(text) => Some(text),
        _ => None,
    }
}

/// What may be a number, and whether JSON says that it is.
fn digits(value: Value<'_>) -> Option<(&str, bool)> {
    match value {
        Value::Number(text) => Some((text, true)),
        other => text(other).map(|text| (text, false)),
    }
}

/// The number at another scale, if it loses nothing there.
fn scaled(number: Decimal, scale: i8) -> Option<i128> {
    let (from, to) = (u32::from(number.scale), u32::try_from(scale).ok()?);
    if to >= from {
        return number.mantissa.checked_mul(10_i128.checked_pow(to - from)?);
    }
    let factor = 10_i128.checked_pow(from - to)?;
    (number.mantissa % factor == 0).then(|| number.mantissa / factor)
}

fn has_zone(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(_, Some(_)))
}

fn moment_words(has_zone: bool) -> &'static str {
    if has_zone {
        "an instant with its zone, such as 2026-11-01T08:30:00Z"
    } else {
        "a time without a zone"
    }
}

/// The nanoseconds since 1970 of a moment that has a zone if the type has one, and only then.
fn nanoseconds(value: Value<'_>, data_type: &DataType) -> Option<i128> {
    let moment = value::moment(text(value)?)?;
    if moment.offset.is_some() != has_zone(data_type) {
        return None;
    }
    let offset = moment.offset.unwrap_or(Offset::UTC);
    Some(offset.to_timestamp(moment.clock).ok()?.as_nanosecond())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use datafusion::arrow::util::display::array_value_to_string;

    use super::*;

    fn held(data_type: &DataType, value: Value<'_>) -> Option<String> {
        let mut column = Column::new(data_type).unwrap();
        column.push(value).ok()?;
        Some(array_value_to_string(&column.finish(), 0).unwrap())
    }

    #[test]
    fn a_value_is_held_whole_or_not_at_all() {
        let utc = |unit| DataType::Timestamp(unit, Some("UTC".into()));
        let cell = Value::Cell;
        for (data_type, value, expected) in [
            (DataType::Int64, cell("007"), None),
            (DataType::Int64, Value::Number("5.0"), Some("5")),
            (DataType::Int64, cell("5.0"), None),
            (DataType::Decimal128(20, 2), cell("5"), Some("5.00")),
            (DataType::Decimal128(20, 2), cell("0.455"), None),
            (DataType::Decimal128(20, 2), cell("0.450"), Some("0.45")),
            (DataType::Decimal128(4, 2), cell("100"), None),
            (DataType::Decimal256(40, 4), cell("0.455"), Some("0.4550")),
            (DataType::Date32, cell("1969-12-31"), Some("1969-12-31")),
            (
                utc(TimeUnit::Microsecond),
                cell("2026-11-01T00:00:00+01:00"),
                Some("2026-10-31T23:00:00Z"),
            ),
            (
                utc(TimeUnit::Microsecond),
                cell("2026-11-01T00:00:00"),
                None,
            ),
            (
                utc(TimeUnit::Microsecond),
                cell("2026-11-01T00:00:00.0000001Z"),
                None,
            ),
            (
                utc(TimeUnit::Nanosecond),
                cell("2026-11-01T00:00:00.0000001Z"),
                Some("2026-11-01T00:00:00.000000100Z"),
            ),
            (
                utc(TimeUnit::Nanosecond),
                cell("3026-11-01T00:00:00Z"),
                None,
            ),
            (
                DataType::Timestamp(TimeUnit::Microsecond, None),
                cell("2026-11-01T00:00:00Z"),
                None,
            ),
            (DataType::Utf8View, cell("007"), Some("007")),
            (DataType::Null, cell("x"), None),
            (DataType::Boolean, cell("yes"), None),
        ] {
            assert_eq!(
                held(&data_type, value).as_deref(),
                expected,
                "{data_type} {value:?}"
            );
        }
    }
}
