//! Comma-separated values: a header, NULL is empty, instants are RFC 3339 in UTC with a `Z`.

use std::io::Write;

use datafusion::arrow::csv::{Writer, WriterBuilder};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;

use super::{RowWriter, in_utc, retyped, with_types};

pub(super) struct Csv<W: Write> {
    writer: Writer<W>,
    schema: SchemaRef,
}

impl<W: Write> Csv<W> {
    pub(super) fn new(out: W, schema: &SchemaRef) -> Result<Self> {
        let schema = with_types(schema, in_utc);
        let mut writer = WriterBuilder::new().with_header(true).build(out);
        // No rows still have a header.
        writer.write(&RecordBatch::new_empty(schema.clone()))?;
        Ok(Self { writer, schema })
    }
}

impl<W: Write> RowWriter for Csv<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        Ok(self.writer.write(&retyped(batch, &self.schema)?)?)
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}
