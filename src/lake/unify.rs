//! One schema for files that were written by different hands.
//!
//! What may differ is how a value is encoded: text (plain, large, view, dictionary), the unit and label of an instant,
//! the width of an integer, the scale of a decimal. What may not is what the column *is*: text in one file and an
//! integer in another is an error that names both files.

use std::cmp::max;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::error::Result;

use super::files::DataFile;
use crate::error;

/// The schema of all files together: columns in the order in which the files first have them. A column may be NULL
/// unless every file has it and says that it is not: a filter that lets NULLs through could skip nothing otherwise.
///
/// # Errors
///
/// If a column is of two kinds.
pub(super) fn schema_of(files: &[DataFile]) -> Result<SchemaRef> {
    let mut columns: Vec<Column<'_>> = Vec::new();
    for file in files {
        for field in file.schema.fields() {
            let found = plain(field.data_type());
            match columns
                .iter_mut()
                .find(|column| column.name == field.name())
            {
                Some(column) => {
                    column.join(found, file)?;
                    column.required += usize::from(!field.is_nullable());
                }
                None => columns.push(Column {
                    name: field.name(),
                    data_type: found,
                    first: &file.found.name,
                    required: usize::from(!field.is_nullable()),
                }),
            }
        }
    }
    let fields: Vec<Field> = columns
        .into_iter()
        .map(|column| {
            let nullable = column.required < files.len();
            Field::new(column.name, column.data_type, nullable)
        })
        .collect();
    Ok(Arc::new(Schema::new(fields)))
}

struct Column<'a> {
    name: &'a str,
    data_type: DataType,
    /// The file that gave it its kind.
    first: &'a str,
    /// How many files have it and say that it is never NULL.
    required: usize,
}

impl<'a> Column<'a> {
    fn join(&mut self, found: DataType, file: &'a DataFile) -> Result<()> {
        if self.data_type == DataType::Null {
            self.first = &file.found.name;
        }
        match widest(&self.data_type, &found) {
            Some(data_type) => self.data_type = data_type,
            None => {
                return Err(error::data(format!(
                    "the column '{}' is {} in '{}' and {} in '{}'. The files of one relation must agree on what a \
                     column is: export them again, or read each file by itself and join them with UNION ALL and a CAST",
                    self.name,
                    kind(&self.data_type),
                    self.first,
                    kind(&found),
                    file.found.name
                )));
            }
        }
        Ok(())
    }
}

/// The type in which dayrate reads a column of this type.
fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, value) => plain(value),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::BinaryView,
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32 => DataType::Int64,
        DataType::Float16 | DataType::Float32 => DataType::Float64,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("UTC".into())),
        other => other.clone(),
    }
}

/// The type that holds the values of both, if they are of one kind.
fn widest(a: &DataType, b: &DataType) -> Option<DataType> {
    match (a, b) {
        (a, b) if a == b => Some(a.clone()),
        (DataType::Null, other) | (other, DataType::Null) => Some(other.clone()),
        // A value beyond the signed range fails while it is read; none is wrapped.
        (DataType::Int64, DataType::UInt64) | (DataType::UInt64, DataType::Int64) => {
            Some(DataType::Int64)
        }
        (DataType::Timestamp(left, zone), DataType::Timestamp(right, other)) if zone == other => {
            Some(DataType::Timestamp(finest(*left, *right), zone.clone()))
        }
        _ => {
            let ((left_digits, left_scale), (right_digits, right_scale)) = (digits(a)?, digits(b)?);
            let scale = max(left_scale, right_scale);
            let precision = max(left_digits, right_digits).checked_add_signed(scale)?;
            match precision {
                ..=38 => Some(DataType::Decimal128(precision, scale)),
                39..=76 => Some(DataType::Decimal256(precision, scale)),
                _ => None,
            }
        }
    }
}

/// Digits before the point, and the scale, of an exact number.
fn digits(data_type: &DataType) -> Option<(u8, i8)> {
    match data_type {
        DataType::Int64 => Some((19, 0)),
        DataType::UInt64 => Some((20, 0)),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            Some((precision.checked_add_signed(scale.checked_neg()?)?, *scale))
        }
        _ => None,
    }
}

fn finest(a: TimeUnit, b: TimeUnit) -> TimeUnit {
    let rank = |unit: TimeUnit| match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    };
    if rank(a) >= rank(b) { a } else { b }
}

/// What a column is, in words.
fn kind(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8View => "text".to_owned(),
        DataType::BinaryView | DataType::FixedSizeBinary(_) => "binary".to_owned(),
        DataType::Int64 | DataType::UInt64 => "an integer".to_owned(),
        DataType::Float64 => "a floating-point number".to_owned(),
        DataType::Decimal128(..) | DataType::Decimal256(..) => "a decimal".to_owned(),
        DataType::Boolean => "a boolean".to_owned(),
        DataType::Date32 => "a date".to_owned(),
        DataType::Timestamp(_, Some(_)) => "a timestamp with a zone".to_owned(),
        DataType::Timestamp(_, None) => "a timestamp without a zone".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_of_one_kind_meet() {
        let zoned = |unit, zone: &str| plain(&DataType::Timestamp(unit, Some(zone.into())));
        assert_eq!(
            widest(
                &zoned(TimeUnit::Millisecond, "Europe/Rome"),
                &zoned(TimeUnit::Microsecond, "+00:00")
            ),
            Some(DataType::Timestamp(
                TimeUnit::Microsecond,
                Some("UTC".into())
            ))
        );
        let dictionary =
            DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::LargeUtf8));
        assert_eq!(
            widest(&plain(&dictionary), &plain(&DataType::Utf8)),
            Some(DataType::Utf8View)
        );
        assert_eq!(
            widest(&DataType::Null, &DataType::Boolean),
            Some(DataType::Boolean)
        );
    }

    #[test]
    fn decimals_lose_no_digit() {
        let of = |precision, scale| DataType::Decimal128(precision, scale);
        assert_eq!(widest(&of(12, 4), &of(10, 6)), Some(of(14, 6)));
        assert_eq!(widest(&of(12, 4), &DataType::Int64), Some(of(23, 4)));
        assert_eq!(
            widest(&of(38, 0), &of(38, 10)),
            Some(DataType::Decimal256(48, 10))
        );
    }

    #[test]
    fn kinds_never_meet() {
        assert_eq!(widest(&DataType::Utf8View, &DataType::Int64), None);
        assert_eq!(widest(&DataType::Float64, &DataType::Int64), None);
        let unit = TimeUnit::Microsecond;
        assert_eq!(
            widest(
                &DataType::Timestamp(unit, None),
                &DataType::Timestamp(unit, Some("UTC".into()))
            ),
            None
        );
    }
}
