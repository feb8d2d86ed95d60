//! Aligned columns for people: a header, numbers at the right, NULL shown.
//!
//! The widths are those of the first rows; a longer value further down pushes its own line only. So a table streams
//! too, however long it is. On a screen it shows what fits and says what it left out; anywhere else it is whole.

use std::io::Write;
use std::iter::repeat_n;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};

use super::cells::{self, shortened, width};
use super::fit::{self, Wish};
use super::{RowWriter, is_number};
use crate::cli::screen::Screen;

/// How many rows are held to find the widths.
const HELD: usize = 2_000;

pub(super) struct Table<W: Write> {
    out: W,
    header: Vec<String>,
    numbers: Vec<bool>,
    /// Rows whose widths are not settled yet; `None` once the header is written.
    held: Option<Vec<Vec<String>>>,
    widths: Vec<usize>,
    /// The columns shown, `None` where some are left out.
    shown: Vec<Option<usize>>,
    screen: Option<Screen>,
    rows: usize,
    cut: bool,
}

impl<W: Write> Table<W> {
    pub(super) fn new(out: W, schema: &SchemaRef, screen: Option<Screen>) -> Self {
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
            shown: (0..header.len()).map(Some).collect(),
            header,
            numbers,
            held: Some(Vec::new()),
            widths,
            screen,
            rows: 0,
            cut: false,
        }
    }

    fn row(&mut self, cells: Vec<String>) -> Result<()> {
        self.rows += 1;
        if self
            .screen
            .is_some_and(|screen| self.rows > fit::rows(screen))
        {
            return Ok(());
        }
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
        if let Some(screen) = self.screen {
            self.fit(&held, screen);
        }
        let header = std::mem::take(&mut self.header);
        self.line(&header)?;
        let rule: Vec<String> = self
            .shown
            .iter()
            .map(|shown| shown.map_or(1, |at| self.widths[at]))
            .map(|width| repeat_n('─', width + 2).collect())
            .collect();
        writeln!(self.out, "{}", rule.join("┼")).map_err(DataFusionError::IoError)?;
        held.iter().try_for_each(|cells| self.line(cells))
    }

    /// Chooses the columns that the screen has room for.
    fn fit(&mut self, held: &[Vec<String>], screen: Screen) {
        let wishes: Vec<Wish> = (0..self.header.len())
            .map(|at| Wish {
                width: self.widths[at],
                // A value of several lines, such as a plan, is read as a whole or not at all.
                may_be_cut: !self.numbers[at] && !held.iter().any(|cells| cells[at].contains('\n')),
            })
            .collect();
        let columns = fit::columns(&wishes, screen);
        for (at, width) in columns.iter().flatten() {
            self.cut |= *width < self.widths[*at];
            self.widths[*at] = *width;
        }
        self.shown = columns
            .into_iter()
            .map(|column| column.map(|(at, _)| at))
            .collect();
    }

    /// A value with several lines, such as a plan, takes as many lines in the table.
    fn line(&mut self, cells: &[String]) -> Result<()> {
        let cut = |at: usize| match cells.get(at) {
            Some(cell) if self.screen.is_some() && self.cut && !self.numbers[at] => {
                shortened(cell, self.widths[at])
            }
            Some(cell) => cell.clone(),
            None => String::new(),
        };
        let cells: Vec<(Option<usize>, String)> = self
            .shown
            .iter()
            .map(|shown| (*shown, shown.map_or_else(|| "…".to_owned(), cut)))
            .collect();
        let cells: Vec<(Option<usize>, Vec<&str>)> = cells
            .iter()
            .map(|(at, cell)| (*at, cell.lines().collect()))
            .collect();
        let height = cells
            .iter()
            .map(|(_, lines)| lines.len())
            .max()
            .unwrap_or_default()
            .max(1);
        for part in 0..height {
            let mut line = String::new();
            for (place, (at, cell)) in cells.iter().enumerate() {
                let text = cell.get(part).copied().unwrap_or_default();
                let wanted = at.map_or(1, |at| self.widths[at]);
                let padding = wanted.saturating_sub(width(text));
                line.push_str(if place == 0 { " " } else { "│ " });
                if at.is_some_and(|at| self.numbers[at]) {
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
        let most = self.screen.map(fit::rows);
        if most.is_some_and(|most| self.rows > most) {
            // What nobody sees is only counted.
            self.rows += batch.num_rows();
            return Ok(());
        }
        let rows = cells::rows(batch)?;
        rows.into_iter().try_for_each(|cells| self.row(cells))
    }

    fn finish(&mut self) -> Result<()> {
        self.settle()?;
        self.out.flush().map_err(DataFusionError::IoError)
    }

    fn left_out(&self) -> Option<String> {
        let most = fit::rows(self.screen?);
        let columns = self.numbers.len();
        let shown = self.shown.iter().flatten().count();
        let mut parts = Vec::new();
        if self.rows > most {
            parts.push(format!("{most} of {} rows", self.rows));
        }
        if shown < columns {
            parts.push(format!("{shown} of {columns} columns"));
        }
        if parts.is_empty() {
            self.cut.then(|| "long texts are cut".to_owned())
        } else {
            Some(format!("{} are shown", parts.join(" and ")))
        }
    }
}
