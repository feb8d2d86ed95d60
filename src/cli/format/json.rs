//! JSON: an array with one object a line, or the objects alone. NULL is `null`, decimals keep every digit, instants
//! are RFC 3339 in UTC with a `Z`.

use std::fmt::Debug;
use std::io::Write;

use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::writer::{JsonFormat, LineDelimited, Writer, WriterBuilder};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;

use super::{RowWriter, in_utc, retyped, with_types};

pub(super) struct Json<W: Write, F: JsonFormat> {
    writer: Writer<W, F>,
}

/// An array, one row a line, so that it can be read and compared.
#[derive(Debug, Default)]
pub(super) struct RowsOfAnArray;

pub(super) fn array<W: Write>(out: W) -> Json<W, RowsOfAnArray> {
    Json {
        writer: WriterBuilder::new().with_explicit_nulls(true).build(out),
    }
}

pub(super) fn lines<W: Write>(out: W) -> Json<W, LineDelimited> {
    Json {
        writer: WriterBuilder::new().with_explicit_nulls(true).build(out),
    }
}

impl<W: Write, F: JsonFormat> RowWriter for Json<W, F> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let schema = with_types(batch.schema_ref(), in_utc);
        Ok(self.writer.write(&retyped(batch, &schema)?)?)
    }

    fn finish(&mut self) -> Result<()> {
        Ok(self.writer.finish()?)
    }
}

impl JsonFormat for RowsOfAnArray {
    fn start_stream<W: Write>(&self, out: &mut W) -> std::result::Result<(), ArrowError> {
        Ok(out.write_all(b"[")?)
    }

    fn start_row<W: Write>(
        &self,
        out: &mut W,
        is_first: bool,
    ) -> std::result::Result<(), ArrowError> {
        Ok(out.write_all(if is_first { b"\n" } else { b",\n" })?)
    }

    fn end_stream<W: Write>(&self, out: &mut W) -> std::result::Result<(), ArrowError> {
        Ok(out.write_all(b"\n]\n")?)
    }
}
