//! One day's rows: read, compared with those that take their place, written as a file.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::{Result, exec_datafusion_err};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::actions::show;
use super::log::DayFile;
use super::place::Place;
use crate::error;
use crate::exec::PARTS;

/// The column that stands in the path of a file and not in it.
const DAY: &str = "day";

/// The columns of a file.
pub(super) fn file_schema(kept: &Schema) -> SchemaRef {
    let fields = kept.fields().iter().filter(|field| field.name() != DAY);
    Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()))
}

/// The rows of a file, without their day.
pub(super) async fn read(place: &Place, file: &DayFile, schema: &SchemaRef) -> Result<RecordBatch> {
    let unreadable = |cause: &dyn std::fmt::Display| {
        error::data(format!(
            "the file '{}' of the table '{}' cannot be read: {cause}. Make the table anew: dayrate refresh --full",
            file.path, place.name
        ))
    };
    let bytes = place.read(&file.path).await?;
    let bytes = bytes.ok_or_else(|| unreadable(&"it is not there"))?;
    let options = ArrowReaderOptions::new().with_schema(Arc::clone(schema));
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)
        .and_then(|builder| builder.with_batch_size(1 << 16).build())
        .map_err(|cause| unreadable(&cause))?;
    let batches = reader.collect::<std::result::Result<Vec<_>, _>>();
    Ok(concat_batches(
        schema,
        &batches.map_err(|cause| unreadable(&cause))?,
    )?)
}

/// Writes the rows of a day, without their day, as one file of a run.
pub(super) async fn write(
    place: &Place,
    day: i32,
    run: &str,
    rows: &RecordBatch,
) -> Result<DayFile> {
    let level = ZstdLevel::try_new(3)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .build();
    let options = ArrowWriterOptions::new()
        .with_properties(properties)
        // Other readers take the types from the table's schema.
        .with_skip_arrow_metadata(true);
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new_with_options(&mut bytes, rows.schema(), options)?;
    writer.write(rows)?;
    writer.close()?;
    let path = format!("{DAY}={}/dars-{run}.parquet", show(day));
    let size = bytes.len() as u64;
    place.write(&path, bytes).await?;
    Ok(DayFile {
        path,
        size,
        rows: rows.num_rows(),
    })
}

/// Whether a name is one that [`write()`] gives to a file.
pub(super) fn is_day_file(name: &str) -> bool {
    name.starts_with("dars-") && name.ends_with(".parquet")
}

/// Rows as a file has them.
pub(super) fn without_day(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema.fields().iter().map(|field| {
        let column = rows.column_by_name(field.name()).cloned();
        column.ok_or_else(|| exec_datafusion_err!("DARs have no column {}", field.name()))
    });
    Ok(RecordBatch::try_new(
        Arc::clone(schema),
        columns.collect::<Result<Vec<_>>>()?,
    )?)
}

/// How many DARs differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct DarCounts {
    pub(super) new: u64,
    pub(super) changed: u64,
    pub(super) gone: u64,
}

impl DarCounts {
    pub(super) fn add(&mut self, more: Self) {
        self.new += more.new;
        self.changed += more.changed;
        self.gone += more.gone;
    }

    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What became of the DARs of a day; all rows without their day.
pub(super) fn compared(
    before: &RecordBatch,
    after: &RecordBatch,
    by_consumer: bool,
) -> Result<DarCounts> {
    let (old_keys, old_values) = (keys(before, by_consumer)?, values(before)?);
    let (new_keys, new_values) = (keys(after, by_consumer)?, values(after)?);
    let mut old: HashMap<&[u8], usize> = (0..before.num_rows())
        .map(|row| (old_keys.row(row).data(), row))
        .collect();
    let mut counts = DarCounts::default();
    for row in 0..after.num_rows() {
        match old.remove(new_keys.row(row).data()) {
            None => counts.new += 1,
            Some(before) if old_values.row(before).data() != new_values.row(row).data() => {
                counts.changed += 1;
            }
            Some(_) => {}
        }
    }
    counts.gone = old.len() as u64;
    Ok(counts)
}

fn keys(rows: &RecordBatch, by_consumer: bool) -> Result<Rows> {
    let column = |name: &str| {
        let column = rows.column_by_name(name).cloned();
        column.ok_or_else(|| exec_datafusion_err!("DARs have no column {name}"))
    };
    let consumers = column("consumer_id")?;
    // A conversation may be called as a consumer is.
    let is_consumer: BooleanArray = (0..rows.num_rows())
        .map(|row| Some(by_consumer && consumers.is_valid(row)))
        .collect();
    converted(vec![
        column("site_id")?,
        column("relationship_id")?,
        Arc::new(is_consumer),
    ])
}

fn values(rows: &RecordBatch) -> Result<Rows> {
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns());
    let columns = columns.filter(|(field, _)| field.name() != PARTS);
    converted(columns.map(|(_, column)| Arc::clone(column)).collect())
}

fn converted(columns: Vec<ArrayRef>) -> Result<Rows> {
    let fields = columns
        .iter()
        .map(|column| SortField::new(column.data_type().clone()));
    let converter = RowConverter::new(fields.collect())?;
    let rows = converter.convert_columns(&columns)?;
    Ok(rows)
}
