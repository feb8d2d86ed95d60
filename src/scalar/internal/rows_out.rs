//! The way back from a rule to a column: rows as a list of one element, ready to be unnested.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, ListArray,
    StringViewArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::ColumnarValue;
use rust_decimal::Decimal;

use crate::error;

/// A struct's fields from names and types; all nullable.
pub(crate) fn fields<const N: usize>(named: [(&str, DataType); N]) -> Fields {
    named
        .into_iter()
        .map(|(name, data_type)| Field::new(name, data_type, true))
        .collect()
}

/// The type of [`one_list`].
pub(crate) fn list_field(name: &str, fields: Fields) -> FieldRef {
    let item = Arc::new(Field::new("item", DataType::Struct(fields), true));
    Arc::new(Field::new(name, DataType::List(item), true))
}

/// All rows as the one element of a list column.
pub(crate) fn one_list(fields: Fields, columns: Vec<ArrayRef>) -> Result<ColumnarValue> {
    let rows = StructArray::try_new(fields.clone(), columns, None)?;
    let offsets = OffsetBuffer::from_lengths([rows.len()]);
    let item = Arc::new(Field::new("item", DataType::Struct(fields), true));
    Ok(ColumnarValue::Array(Arc::new(ListArray::try_new(
        item,
        offsets,
        Arc::new(rows),
        None,
    )?)))
}

/// A text column.
pub(crate) fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringViewArray>())
}

/// A column of days.
pub(crate) fn dates(values: impl Iterator<Item = Option<i32>>) -> ArrayRef {
    Arc::new(values.collect::<Date32Array>())
}

/// A column of whole numbers.
pub(crate) fn numbers(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

/// A column of flags.
pub(crate) fn flags(values: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(values.map(Some).collect::<BooleanArray>())
}

/// A decimal column of 18 digits.
///
/// # Errors
///
/// A value that has more decimals than `scale` or more than 18 digits.
pub(crate) fn decimals(
    values: impl Iterator<Item = Option<Decimal>>,
    scale: u32,
) -> Result<ArrayRef> {
    let values = values
        .map(|value| value.map(|value| scaled(value, scale)).transpose())
        .collect::<Result<Vec<Option<i128>>>>()?;
    fixed(values.into_iter(), 18, scale)
}

/// A decimal column from counts of its last decimal.
///
/// # Errors
///
/// A value of more than `precision` digits.
pub(crate) fn fixed(
    values: impl Iterator<Item = Option<i128>>,
    precision: u8,
    scale: u32,
) -> Result<ArrayRef> {
    let scale =
        i8::try_from(scale).map_err(|_| exec_datafusion_err!("scale {scale} is too large"))?;
    let column = values
        .collect::<Decimal128Array>()
        .with_precision_and_scale(precision, scale)?;
    column
        .validate_decimal_precision(precision)
        .map_err(|cause| {
            error::data(format!(
                "a number does not fit DECIMAL({precision},{scale}): {cause}"
            ))
        })?;
    Ok(Arc::new(column))
}

/// `value` as a count of its last of `scale` decimals.
pub(crate) fn scaled(value: Decimal, scale: u32) -> Result<i128> {
    let too_large = || {
        error::data(format!(
            "{value} does not fit DECIMAL(18,{scale}): at most 18 digits, {scale} of them decimals"
        ))
    };
    let value = value.normalize();
    let shift = scale.checked_sub(value.scale()).ok_or_else(too_large)?;
    value
        .mantissa()
        .checked_mul(10_i128.pow(shift))
        .filter(|scaled| scaled.unsigned_abs() < 10_u128.pow(18))
        .ok_or_else(too_large)
}
