//! Apache Parquet, compressed with ZSTD.

use std::io::Write;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{RowWriter, portable, retyped, with_types};

pub(super) struct Parquet<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
}

impl<W: Write + Send> Parquet<W> {
    pub(super) fn new(out: W, schema: &SchemaRef) -> Result<Self> {
        let schema = with_types(schema, portable);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        Ok(Self {
            writer: ArrowWriter::try_new(out, schema.clone(), Some(properties))?,
            schema,
        })
    }
}

impl<W: Write + Send> RowWriter for Parquet<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        Ok(self.writer.write(&retyped(batch, &self.schema)?)?)
    }

    fn finish(&mut self) -> Result<()> {
        self.writer.finish()?;
        Ok(())
    }
}
