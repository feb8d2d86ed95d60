//! One line a column, for rows that are wider than a screen: nothing is left out, however wide.

use std::io::Write;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};

use super::RowWriter;
use super::cells::{self, width};

pub(super) struct Records<W: Write> {
    out: W,
    names: Vec<String>,
    rows: usize,
}

impl<W: Write> Records<W> {
    pub(super) fn new(out: W, schema: &SchemaRef) -> Self {
        let names = schema.fields().iter().map(|field| field.name().clone());
        Self {
            out,
            names: names.collect(),
            rows: 0,
        }
    }

    fn row(&mut self, cells: &[String]) -> std::io::Result<()> {
        self.rows += 1;
        writeln!(self.out, "── row {} ──", self.rows)?;
        let widest = self.names.iter().map(|name| width(name)).max();
        for (name, cell) in self.names.iter().zip(cells) {
            let padding = " ".repeat(widest.unwrap_or_default().saturating_sub(width(name)));
            let behind = format!("\n {} │ ", " ".repeat(widest.unwrap_or_default()));
            let cell = cell.lines().collect::<Vec<_>>().join(&behind);
            writeln!(
                self.out,
                "{}",
                format!(" {name}{padding} │ {cell}").trim_end()
            )?;
        }
        Ok(())
    }
}

impl<W: Write> RowWriter for Records<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let rows = cells::rows(batch)?;
        rows.iter()
            .try_for_each(|cells| self.row(cells))
            .map_err(DataFusionError::IoError)
    }

    fn finish(&mut self) -> Result<()> {
        self.out.flush().map_err(DataFusionError::IoError)
    }
}
