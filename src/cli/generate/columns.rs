//! Columns by name and kind, and small relations written as Parquet files.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::error::Result;
use jiff::civil::{Date, date};

use crate::cli::parquet_file::{cannot_write, open, properties};

/// A relation under construction: a list of named columns.
#[derive(Default)]
pub(super) struct Columns(Vec<(&'static str, ArrayRef, bool)>);

impl Columns {
    /// A text column without NULL.
    pub(super) fn text(self, name: &'static str, values: Vec<String>) -> Self {
        self.add(name, Arc::new(StringArray::from(values)), false)
    }

    /// A text column that may be NULL.
    pub(super) fn text_or_null(self, name: &'static str, values: Vec<Option<String>>) -> Self {
        self.add(name, Arc::new(StringArray::from(values)), true)
    }

    /// A yes or no.
    pub(super) fn boolean(self, name: &'static str, values: Vec<bool>) -> Self {
        self.add(name, Arc::new(BooleanArray::from(values)), false)
    }

    /// A whole number.
    pub(super) fn integer(self, name: &'static str, values: Vec<i64>) -> Self {
        self.add(name, Arc::new(Int64Array::from(values)), false)
    }

    /// Instants given in milliseconds since 1970, kept as microseconds in UTC.
    pub(super) fn instant_or_null(self, name: &'static str, values: Vec<Option<i64>>) -> Self {
        let micros = values
            .into_iter()
            .map(|millis| millis.map(|millis| millis * 1000));
        self.add(
            name,
            Arc::new(
                micros
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
            true,
        )
    }

    /// Calendar days.
    pub(super) fn day(self, name: &'static str, values: Vec<Date>) -> Self {
        self.add(
            name,
            Arc::new(
                values
                    .into_iter()
                    .map(|day| Some(days(day)))
                    .collect::<Date32Array>(),
            ),
            false,
        )
    }

    /// Calendar days that may be NULL.
    pub(super) fn day_or_null(self, name: &'static str, values: Vec<Option<Date>>) -> Self {
        self.add(
            name,
            Arc::new(
                values
                    .into_iter()
                    .map(|day| day.map(days))
                    .collect::<Date32Array>(),
            ),
            true,
        )
    }

    /// `DECIMAL(18,4)` that may be NULL, from ten-thousandths.
    pub(super) fn credits_or_null(
        self,
        name: &'static str,
        values: Vec<Option<i128>>,
    ) -> Result<Self> {
        let column = Decimal128Array::from(values).with_precision_and_scale(18, 4)?;
        Ok(self.add(name, Arc::new(column), true))
    }

    /// `DECIMAL(18,6)`, from millionths.
    pub(super) fn price(self, name: &'static str, values: Vec<i128>) -> Result<Self> {
        let column = Decimal128Array::from(values).with_precision_and_scale(18, 6)?;
        Ok(self.add(name, Arc::new(column), false))
    }

    fn add(mut self, name: &'static str, column: ArrayRef, nullable: bool) -> Self {
        self.0.push((name, column, nullable));
        self
    }

    /// The columns as one batch.
    pub(super) fn batch(self) -> Result<RecordBatch> {
        Ok(RecordBatch::try_from_iter_with_nullable(self.0)?)
    }

    /// Writes the relation as one file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written, or columns differ in length.
    pub(super) fn write(self, file: &Path) -> Result<()> {
        let batch = self.batch()?;
        let mut writer = open(file, batch.schema(), properties())?;
        writer
            .write(&batch)
            .and_then(|()| writer.close())
            .map_err(|e| cannot_write(file, &e))?;
        Ok(())
    }
}

/// Days since 1970-01-01.
fn days(day: Date) -> i32 {
    day.duration_since(date(1970, 1, 1))
        .as_hours()
        .checked_div(24)
        .and_then(|days| i32::try_from(days).ok())
        .unwrap_or(0)
}
