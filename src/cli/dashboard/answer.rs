//! What a query of the page answers, in exact values.

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Date32Type, Decimal128Type};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::Result;
use jiff::civil::Date;

use super::number::Number;
use crate::domain::day::show_day;
use crate::error;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Null,
    Text(String),
    Number(Number),
    Day(Date),
    Flag(bool),
}

/// The rows of one query.
#[derive(Debug, Default)]
pub(super) struct Answer {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

/// One of its rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    columns: &'a [String],
    values: &'a [Value],
}

impl Answer {
    /// The rows of `batches`.
    ///
    /// # Errors
    ///
    /// A number that has more digits than fit.
    pub(super) fn of(columns: Vec<String>, batches: &[RecordBatch]) -> Result<Self> {
        let mut rows = Vec::new();
        for batch in batches {
            let columns = batch.columns().iter().map(|column| values(column));
            let mut columns: Vec<_> = columns
                .map(|values| Ok(values?.into_iter()))
                .collect::<Result<_>>()?;
            for _ in 0..batch.num_rows() {
                rows.push(columns.iter_mut().filter_map(Iterator::next).collect());
            }
        }
        Ok(Self { columns, rows })
    }

    /// Every row, in order.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row {
            columns: &self.columns,
            values,
        })
    }

    /// The first row, of an answer that has one.
    pub(super) fn first(&self) -> Option<Row<'_>> {
        self.rows().next()
    }

    /// Whether it has no row.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl<'a> Row<'a> {
    fn value(self, name: &str) -> &'a Value {
        let place = self.columns.iter().position(|column| column == name);
        debug_assert!(place.is_some(), "no column {name} in {:?}", self.columns);
        place
            .and_then(|place| self.values.get(place))
            .unwrap_or(&Value::Null)
    }

    /// A text; `None` for NULL.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        match self.value(name) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number; `None` for NULL.
    pub(super) fn number(self, name: &str) -> Option<Number> {
        match self.value(name) {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A number, or nothing for NULL.
    pub(super) fn amount(self, name: &str) -> Number {
        self.number(name).unwrap_or(Number::ZERO)
    }

    /// A day; `None` for NULL.
    pub(super) fn day(self, name: &str) -> Option<Date> {
        match self.value(name) {
            Value::Day(day) => Some(*day),
            _ => None,
        }
    }

    /// Whether it is true.
    pub(super) fn is(self, name: &str) -> bool {
        *self.value(name) == Value::Flag(true)
    }
}

fn values(column: &dyn Array) -> Result<Vec<Value>> {
    let nulls = |at: usize| column.is_null(at);
    let each = |value: &dyn Fn(usize) -> Result<Value>| {
        (0..column.len())
            .map(|at| {
                if nulls(at) {
                    Ok(Value::Null)
                } else {
                    value(at)
                }
            })
            .collect()
    };
    match column.data_type() {
        DataType::Boolean => {
            let flags = column.as_boolean();
            each(&|at| Ok(Value::Flag(flags.value(at))))
        }
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>();
            each(&|at| {
                let day = show_day(days.value(at).into());
                let parsed = day.parse().map_err(|_| {
                    error::data(format!(
                        "the day {day} lies beyond what a calendar page can show"
                    ))
                })?;
                Ok(Value::Day(parsed))
            })
        }
        DataType::Decimal128(_, scale) => {
            let scale = u32::try_from(*scale).unwrap_or_default();
            let numbers = column.as_primitive::<Decimal128Type>();
            each(&|at| Ok(Value::Number(Number::new(numbers.value(at), scale))))
        }
        kind if kind.is_integer() => {
            let whole = cast(column, &DataType::Decimal128(38, 0))?;
            values(&whole)
        }
        kind if kind.is_numeric() => {
            let wide = cast(column, &DataType::Decimal128(38, 10))?;
            values(&wide)
        }
        _ => {
            let options = FormatOptions::default();
            let shown = ArrayFormatter::try_new(column, &options)?;
            each(&|at| Ok(Value::Text(printable(&shown.value(at).try_to_string()?))))
        }
    }
}

/// Text that a page can hold: what no reader could see is shown as missing.
pub(super) fn printable(text: &str) -> String {
    let shown = |letter: char| {
        if letter.is_control() {
            '\u{FFFD}'
        } else {
            letter
        }
    };
    text.chars().map(shown).collect()
}
