//! Aligned columns for people: a header, numbers at the right, NULL shown.
//!
//! The widths are those of the first rows; a longer value further down pushes its own line only. So a table streams
//! too, however long it is.

use std::io::Write;
use std::iter::repeat_n;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::{DataFusionError, Result};

use super::{RowWriter, is_number};

/// How many rows are held to find the widths.
const HELD: usize = 2_000;

pub(super) struct Table<W: Write> {
    out: W,
    header: Vec<String>,
    numbers: Vec<bool>,
    /// Rows whose widths are not settled yet; `None` once the header is written.
    held: Option<Vec<Vec<String>>>,
    widths: Vec<usize>,
}

impl<W: Write> Table<W> {
    pub(super) fn new(out: W, schema: &SchemaRef) -> Self {
        let header: Vec<String> = schema
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let numbers = schema
            .fields()
            .iter()
            .map(|field| is_number(field.data_type()))
            .collect();
        let widths = header.iter().map(|name| width(name)).collect();
        Self {
            out,
            header,
            numbers,
            held: Some(Vec::new()),
            widths,
        }
    }

    fn row(&mut self, cells: Vec<String>) -> Result<()> {
        match &mut self.held {
            Some(held) => {
                for (widest, cell) in self.widths.iter_mut().zip(&cells) {
                    *widest = (*widest).max(width(cell));
                }
                held.push(cells);
                if held.len() >= HELD {
                    self.settle()
                } else {
                    Ok(())
                }
            }
            None => self.line(&cells),
        }
    }

    /// Writes the header and what was held.
    fn settle(&mut self) -> Result<()> {
        let Some(held) = self.held.take() else {
            return Ok(());
        };
        let header = std::mem::take(&mut self.header);
        self.line(&header)?;
        let rule: Vec<String> = self
            .widths
            .iter()
            .map(|width| repeat_n('─', *width + 2).collect())
            .collect();
        writeln!(self.out, "{}", rule.join("┼")).map_err(DataFusionError::IoError)?;
        held.iter().try_for_each(|cells| self.line(cells))
    }

    /// A value with several lines, such as a plan, takes as many lines in the table.
    fn line(&mut self, cells: &[String]) -> Result<()> {
        let cells: Vec<Vec<&str>> = cells.iter().map(|cell| cell.lines().collect()).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or_default().max(1);
        for part in 0..height {
            let mut line = String::new();
            for (at, cell) in cells.iter().enumerate() {
                let text = cell.get(part).copied().unwrap_or_default();
                let padding = self.widths[at].saturating_sub(width(text));
                line.push_str(if at == 0 { " " } else { "│ " });
                if self.numbers[at] {
                    line.extend(repeat_n(' ', padding));
                    line.push_str(text);
                } else {
                    line.push_str(text);
                    line.extend(repeat_n(' ', padding));
                }
                line.push(' ');
            }
            writeln!(self.out, "{}", line.trim_end()).map_err(DataFusionError::IoError)?;
        }
        Ok(())
    }
}

impl<W: Write> RowWriter for Table<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let options = FormatOptions::default().with_null("NULL");
        let columns = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let cells = columns
                .iter()
                .map(|column| column.value(row).try_to_string());
            let cells = cells.collect::<std::result::Result<Vec<_>, _>>()?;
            self.row(cells)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.settle()?;
        self.out.flush().map_err(DataFusionError::IoError)
    }
}

/// Columns of a terminal that the text takes: its longest line.
fn width(text: &str) -> usize {
    text.lines()
        .map(|line| line.chars().count())
        .max()
        .unwrap_or_default()
}
