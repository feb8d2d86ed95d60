//! A small relation as one value: what `array_agg(named_struct(…))` hands to a rule that must see all rows at once.

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Int64Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::ColumnarValue;
use rust_decimal::Decimal;

use super::instant::instants;
use super::rows_out::scaled;
use crate::error;

/// The rows of a small relation.
#[derive(Debug)]
pub(crate) struct ListedRows {
    /// The relation's name, for errors.
    relation: &'static str,
    /// `None`: no rows.
    rows: Option<StructArray>,
}

impl ListedRows {
    /// Reads the one list in `value`; NULL is a relation without rows.
    pub(crate) fn new(relation: &'static str, value: &ColumnarValue) -> Result<Self> {
        let list = value.to_array(1)?;
        if list.is_empty() || list.is_null(0) || list.data_type() == &DataType::Null {
            return Ok(Self {
                relation,
                rows: None,
            });
        }
        let rows = list
            .as_list_opt::<i32>()
            .and_then(|list| list.value(0).as_struct_opt().cloned())
            .ok_or_else(|| {
                exec_datafusion_err!(
                    "{relation}: a list of rows is expected, got {}",
                    list.data_type()
                )
            })?;
        Ok(Self {
            relation,
            rows: Some(rows),
        })
    }

    /// The relation's name.
    pub(crate) fn relation(&self) -> &'static str {
        self.relation
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.as_ref().map_or(0, Array::len)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A column of all rows.
    pub(crate) fn column(&self, name: &str) -> Result<&ArrayRef> {
        self.rows
            .as_ref()
            .and_then(|rows| rows.column_by_name(name))
            .ok_or_else(|| exec_datafusion_err!("{}: no column {name}", self.relation))
    }

    /// The row as people would name it: `{site_id: a, …}`.
    pub(crate) fn show(&self, row: usize) -> String {
        let options = FormatOptions::default().with_null("NULL");
        self.rows
            .as_ref()
            .and_then(|rows| {
                ArrayFormatter::try_new(rows, &options)
                    .ok()
                    .map(|f| f.value(row).to_string())
            })
            .unwrap_or_default()
    }

    /// Text, `None` where NULL.
    pub(crate) fn text(&self, name: &str, row: usize) -> Result<Option<&str>> {
        let column = self.column(name)?;
        let text = column
            .as_string_view_opt()
            .ok_or_else(|| exec_datafusion_err!("{}.{name} is not text", self.relation))?;
        Ok(text.is_valid(row).then(|| text.value(row)))
    }

    /// Text that must be there.
    ///
    /// # Errors
    ///
    /// NULL: names the row.
    pub(crate) fn required_text(&self, name: &str, row: usize) -> Result<&str> {
        self.text(name, row)?.ok_or_else(|| self.missing(name, row))
    }

    fn missing(&self, name: &str, row: usize) -> datafusion::error::DataFusionError {
        error::data(format!(
            "{}: {name} is NULL in the row {}; every row needs a value there",
            self.relation,
            self.show(row)
        ))
    }

    /// A flag; NULL is false.
    pub(crate) fn flag(&self, name: &str, row: usize) -> Result<bool> {
        let column = self.column(name)?;
        Ok(column
            .as_boolean_opt()
            .is_some_and(|flags| flags.is_valid(row) && flags.value(row)))
    }

    /// Nanoseconds since 1970, `None` where NULL.
    pub(crate) fn instant(&self, name: &str, row: usize) -> Result<Option<i128>> {
        let column = self.column(name)?;
        Ok(if column.is_valid(row) {
            Some(instants(column)?.nanoseconds(row))
        } else {
            None
        })
    }

    /// Nanoseconds since 1970, which must be there.
    pub(crate) fn required_instant(&self, name: &str, row: usize) -> Result<i128> {
        self.instant(name, row)?
            .ok_or_else(|| self.missing(name, row))
    }

    /// Days since 1970, `None` where NULL.
    pub(crate) fn day(&self, name: &str, row: usize) -> Result<Option<i32>> {
        let column = self.column(name)?;
        let days = column
            .as_primitive_opt::<Date32Type>()
            .ok_or_else(|| exec_datafusion_err!("{}.{name} is not a date", self.relation))?;
        Ok(days.is_valid(row).then(|| days.value(row)))
    }

    /// Days since 1970, which must be there.
    pub(crate) fn required_day(&self, name: &str, row: usize) -> Result<i32> {
        self.day(name, row)?.ok_or_else(|| self.missing(name, row))
    }

    /// A whole number, which must be there.
    pub(crate) fn number(&self, name: &str, row: usize) -> Result<i64> {
        let column = self.column(name)?;
        let numbers = column
            .as_primitive_opt::<Int64Type>()
            .ok_or_else(|| exec_datafusion_err!("{}.{name} is not a number", self.relation))?;
        if numbers.is_valid(row) {
            Ok(numbers.value(row))
        } else {
            Err(self.missing(name, row))
        }
    }

    /// A list of rows within the row.
    pub(crate) fn list(&self, name: &str, row: usize) -> Result<StructArray> {
        let column = self.column(name)?;
        column
            .as_list_opt::<i32>()
            .and_then(|list| list.value(row).as_struct_opt().cloned())
            .ok_or_else(|| exec_datafusion_err!("{}.{name} is not a list of rows", self.relation))
    }

    /// A number with at most `scale` decimals, `None` where NULL.
    ///
    /// # Errors
    ///
    /// A number that does not fit exactly (a cast would round it without a word): names the row and the column.
    pub(crate) fn decimal(&self, name: &str, row: usize, scale: u32) -> Result<Option<Decimal>> {
        let column = self.column(name)?;
        if column.is_null(row) {
            return Ok(None);
        }
        let value = decimal(column, row).map(|value| value.normalize());
        match value {
            Some(value) if scaled(value, scale).is_ok() => Ok(Some(value)),
            _ => {
                let shown = value.map_or_else(|| "too large".into(), |value| value.to_string());
                Err(error::data(format!(
                    "{}: {name} is {shown} in the row {}; it takes at most {scale} decimals and 18 digits, round it at \
                     the source",
                    self.relation,
                    self.show(row)
                )))
            }
        }
    }

    /// A number with at most `scale` decimals, which must be there.
    pub(crate) fn required_decimal(&self, name: &str, row: usize, scale: u32) -> Result<Decimal> {
        self.decimal(name, row, scale)?
            .ok_or_else(|| self.missing(name, row))
    }
}

/// The exact number at `row` of an integer or decimal column; `None` where it needs more than 28 digits.
pub(crate) fn decimal(column: &ArrayRef, row: usize) -> Option<Decimal> {
    let scaled = |value: i128, scale: i8| {
        let scale = u32::try_from(scale).ok()?;
        let mut decimal = Decimal::try_from_i128_with_scale(value, scale);
        // More digits than a Decimal holds may still be zeros behind the point.
        let (mut value, mut scale) = (value, scale);
        while decimal.is_err() && value % 10 == 0 && scale > 0 {
            (value, scale) = (value / 10, scale - 1);
            decimal = Decimal::try_from_i128_with_scale(value, scale);
        }
        decimal.ok()
    };
    match column.data_type() {
        DataType::Decimal128(_, scale) => {
            scaled(column.as_primitive::<Decimal128Type>().value(row), *scale)
        }
        DataType::Decimal256(_, scale) => scaled(
            column
                .as_primitive::<Decimal256Type>()
                .value(row)
                .to_i128()?,
            *scale,
        ),
        DataType::Int64 => Some(column.as_primitive::<Int64Type>().value(row).into()),
        DataType::UInt64 => Some(column.as_primitive::<UInt64Type>().value(row).into()),
        _ => None,
    }
}
