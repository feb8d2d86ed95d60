//! The Arrow IPC stream, which needs no end to be read from a pipe.

use std::io::Write;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;

use super::{RowWriter, portable, retyped, with_types};

pub(super) struct Stream<W: Write> {
    writer: StreamWriter<W>,
    schema: SchemaRef,
}

impl<W: Write> Stream<W> {
    pub(super) fn new(out: W, schema: &SchemaRef) -> Result<Self> {
        let schema = with_types(schema, portable);
        Ok(Self {
            writer: StreamWriter::try_new(out, &schema)?,
            schema,
        })
    }
}

impl<W: Write> RowWriter for Stream<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        Ok(self.writer.write(&retyped(batch, &self.schema)?)?)
    }

    fn finish(&mut self) -> Result<()> {
        Ok(self.writer.finish()?)
    }
}
