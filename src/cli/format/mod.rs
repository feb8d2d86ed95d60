//! The formats in which rows are written, one file each. All but the chart stream: what is held in memory does not grow
//! with the number of rows.

mod arrow;
mod cells;
mod chart;
mod csv;
mod fit;
mod json;
mod markdown;
mod parquet;
mod records;
mod table;

use std::io::Write;
use std::sync::Arc;

use clap::ValueEnum;
use datafusion::arrow::array::{Array, ArrayRef, RecordBatchOptions};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;

use super::screen::Screen;
use crate::error;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Aligned columns for people
    Table,
    /// One line a column, for wide rows
    Records,
    /// Bars, or a line if the label is a date
    Chart,
    /// Comma-separated values with a header, NULL empty, instants in UTC
    Csv,
    /// One JSON array of objects
    Json,
    /// One JSON object a line
    Ndjson,
    /// A Markdown table
    Markdown,
    /// Apache Parquet
    Parquet,
    /// The Arrow IPC stream
    Arrow,
}

/// Takes the batches of one result, in order.
pub(super) trait RowWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;
    /// Writes what is still held, and the end.
    fn finish(&mut self) -> Result<()>;
    /// What a screen had no room for, as a sentence without its end.
    fn left_out(&self) -> Option<String> {
        None
    }
}

impl Kind {
    /// The format that the ending of a file's name tells.
    ///
    /// # Errors
    ///
    /// If it tells none.
    pub(super) fn of_file(path: &str) -> Result<Self> {
        let ending = path
            .rsplit(['/', '\\'])
            .next()
            .and_then(|file| file.rsplit_once('.'))
            .map(|(_, ending)| ending);
        match ending.unwrap_or_default().to_lowercase().as_str() {
            "txt" => Ok(Self::Table),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            "ndjson" | "jsonl" => Ok(Self::Ndjson),
            "md" | "markdown" => Ok(Self::Markdown),
            "parquet" => Ok(Self::Parquet),
            "arrow" | "arrows" | "ipc" => Ok(Self::Arrow),
            _ => {
                let names = Self::value_variants().iter().map(|kind| kind.name());
                let names: Vec<String> = names.collect();
                Err(error::config(format!(
                    "the name of -o '{path}' does not tell a format: end it in .csv, .json, .ndjson, .md, .parquet, \
                     .arrow or .txt, or add --format {}",
                    names.join("|")
                )))
            }
        }
    }

    pub(super) fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    pub(super) fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }
}

/// A writer of rows of this schema. A table that goes to a screen is shortened to it.
pub(super) fn writer<'a>(
    kind: Kind,
    out: &'a mut (dyn Write + Send),
    schema: &SchemaRef,
    screen: Option<Screen>,
) -> Result<Box<dyn RowWriter + Send + 'a>> {
    Ok(match kind {
        Kind::Table => Box::new(table::Table::new(out, schema, screen)),
        Kind::Records => Box::new(records::Records::new(out, schema)),
        Kind::Chart => Box::new(chart::Chart::new(out, schema, screen)?),
        Kind::Csv => Box::new(csv::Csv::new(out, schema)?),
        Kind::Json => Box::new(json::array(out)),
        Kind::Ndjson => Box::new(json::lines(out)),
        Kind::Markdown => Box::new(markdown::Markdown::new(out, schema)?),
        Kind::Parquet => Box::new(parquet::Parquet::new(out, schema)?),
        Kind::Arrow => Box::new(arrow::Stream::new(out, schema)?),
    })
}

/// Whether values of this type are numbers, which stand at the right of a column.
fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

/// The rows with every column in another type, where `change` gives one.
fn retyped(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(
            |(column, field)| match column.data_type() == field.data_type() {
                true => Ok(Arc::clone(column)),
                false => cast(column, field.data_type()),
            },
        )
        .collect::<std::result::Result<Vec<ArrayRef>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}

/// The schema with every column in another type, where `change` gives one.
fn with_types(schema: &Schema, change: impl Fn(&DataType) -> Option<DataType>) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| match change(field.data_type()) {
            Some(data_type) => Field::new(field.name(), data_type, field.is_nullable()),
            None => field.as_ref().clone(),
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// Instants in UTC, so that they are written with a `Z` whatever label the query gave them.
fn in_utc(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Timestamp(unit, Some(_)) => Some(DataType::Timestamp(*unit, Some("UTC".into()))),
        _ => None,
    }
}

/// Text and bytes in the encodings that every reader of Arrow and Parquet knows.
fn portable(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Utf8View => Some(DataType::Utf8),
        DataType::BinaryView => Some(DataType::Binary),
        _ => None,
    }
}
