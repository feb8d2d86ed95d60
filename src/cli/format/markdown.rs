//! A Markdown table, for notes and pull requests: numbers at the right, NULL shown.

use std::io::Write;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};

use super::{RowWriter, cells, is_number};

pub(super) struct Markdown<W: Write> {
    out: W,
}

impl<W: Write> Markdown<W> {
    pub(super) fn new(out: W, schema: &SchemaRef) -> Result<Self> {
        let mut markdown = Self { out };
        let fields = schema.fields();
        markdown.line(fields.iter().map(|field| escaped(field.name())))?;
        let rule = |number| if number { "---:" } else { "---" };
        markdown.line(
            fields
                .iter()
                .map(|field| rule(is_number(field.data_type())).to_owned()),
        )?;
        Ok(markdown)
    }

    fn line(&mut self, cells: impl Iterator<Item = String>) -> Result<()> {
        let mut line = String::from("|");
        for cell in cells {
            line.push(' ');
            line.push_str(&cell);
            line.push_str(" |");
        }
        writeln!(self.out, "{line}").map_err(DataFusionError::IoError)
    }
}

impl<W: Write> RowWriter for Markdown<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        for cells in cells::rows(batch)? {
            self.line(cells.iter().map(|cell| escaped(cell)))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.out.flush().map_err(DataFusionError::IoError)
    }
}

/// A bar would end the cell, and a new line the row.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
