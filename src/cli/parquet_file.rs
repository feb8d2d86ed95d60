//! A Parquet file among the results of a command.

use std::fs::File;
use std::path::Path;

use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};

use crate::error::data;

/// The error for a file that cannot be written, a full disk above all.
pub(super) fn cannot_write(file: &Path, error: &ParquetError) -> DataFusionError {
    data(format!(
        "cannot write the file '{}': {error}; is there room for it? choose another --out",
        file.display()
    ))
}

/// How all files are written: ZSTD, statistics of every page.
pub(super) fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Page)
}

/// A new Parquet file with these columns, with the plain Parquet types only: no Arrow schema rides along, so that
/// every reader sees the same.
pub(super) fn open(
    file: &Path,
    schema: SchemaRef,
    properties: WriterPropertiesBuilder,
) -> Result<ArrowWriter<File>> {
    let out = File::create_new(file)
        .map_err(|e| data(format!("cannot create the file '{}': {e}", file.display())))?;
    let options = ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(out, schema, options).map_err(|e| cannot_write(file, &e))
}
