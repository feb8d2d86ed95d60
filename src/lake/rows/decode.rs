//! From the rows of a text to batches of columns.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatchOptions;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;

use super::column::Column;
use super::kind::Value;
use super::{Cell, Fault, RowFormat, Text};

/// Reads one file.
pub(super) struct Decoder {
    text: Text,
    rows: Rows,
}

/// The columns that are wanted, and the rows in them.
struct Rows {
    /// All columns of the relation's files: a member beyond them would be lost.
    known: SchemaRef,
    wanted: SchemaRef,
    columns: Vec<Column>,
    /// For each column of the file, the place in `columns`.
    places: Vec<Option<usize>>,
    /// The row that each column had its last value in, counted from 1.
    filled: Vec<usize>,
    count: usize,
    at_once: usize,
    ready: Vec<RecordBatch>,
}

impl Decoder {
    /// A reader of the columns `wanted` of a file whose relation has the columns `known`; `None` if the format is no text.
    pub(super) fn new(
        format: RowFormat,
        known: SchemaRef,
        wanted: SchemaRef,
        at_once: usize,
    ) -> Result<Option<Self>> {
        let Some(text) = Text::of(format) else {
            return Ok(None);
        };
        let columns = wanted
            .fields()
            .iter()
            .map(|field| Column::new(field.data_type()))
            .collect::<Result<Vec<_>>>()?;
        Ok(Some(Self {
            text,
            rows: Rows {
                known,
                filled: vec![0; columns.len()],
                columns,
                wanted,
                places: Vec::new(),
                count: 0,
                at_once,
                ready: Vec::new(),
            },
        }))
    }

    /// The batches that the next bytes of `file` complete.
    ///
    /// # Errors
    ///
    /// A row or a value that is not what it should be.
    pub(super) fn feed(&mut self, bytes: &[u8], file: &str) -> Result<Vec<RecordBatch>> {
        let rows = &mut self.rows;
        self.text
            .feed(bytes, &mut |line, names, cells| {
                rows.push(line, names, cells)
            })
            .map_err(|fault| fault.of(file))?;
        Ok(std::mem::take(&mut self.rows.ready))
    }

    /// What is left at the end of `file`.
    ///
    /// # Errors
    ///
    /// As [`Self::feed`].
    pub(super) fn finish(&mut self, file: &str) -> Result<Vec<RecordBatch>> {
        let rows = &mut self.rows;
        self.text
            .finish(&mut |line, names, cells| rows.push(line, names, cells))
            .map_err(|fault| fault.of(file))?;
        if self.rows.count > 0 {
            self.rows.batch().map_err(|fault| fault.of(file))?;
        }
        Ok(std::mem::take(&mut self.rows.ready))
    }
}

impl Rows {
    fn push(&mut self, line: u64, names: &[String], cells: &[Cell<'_>]) -> Result<(), Fault> {
        for name in names.get(self.places.len()..).unwrap_or_default() {
            if self.known.index_of(name).is_err() {
                return Err(Fault {
                    line,
                    text: format!(
                        "'{name}' comes up here first and would be lost: name its type in dayrate.toml: \
                         columns = {{ {name} = \"TEXT\" }}"
                    ),
                });
            }
            self.places.push(self.wanted.index_of(name).ok());
        }
        self.count += 1;
        for (place, value) in cells {
            let Some(at) = self.places.get(*place).copied().flatten() else {
                continue;
            };
            let (Some(column), Some(filled)) = (self.columns.get_mut(at), self.filled.get_mut(at))
            else {
                continue;
            };
            column.push(*value).map_err(|expected| Fault {
                line,
                text: format!(
                    "{} in the column '{}' is not {expected}, as the rows before and the other files are. Correct it, \
                     or name the column's type in dayrate.toml: columns = {{ {} = \"TEXT\" }}",
                    shown(*value),
                    self.wanted.field(at).name(),
                    self.wanted.field(at).name()
                ),
            })?;
            *filled = self.count;
        }
        for (column, filled) in self.columns.iter_mut().zip(&self.filled) {
            if *filled < self.count {
                column.push_null();
            }
        }
        if self.count >= self.at_once {
            self.batch()
        } else {
            Ok(())
        }
    }

    fn batch(&mut self) -> Result<(), Fault> {
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.count));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.wanted), columns, &options)
            .map_err(|cause| Fault {
                line: 0,
                text: cause.to_string(),
            })?;
        self.ready.push(batch);
        self.count = 0;
        self.filled.fill(0);
        Ok(())
    }
}

/// A value for an error, cut where it is long.
fn shown(value: Value<'_>) -> String {
    const LONGEST: usize = 60;
    let text = match value {
        Value::Null => return "NULL".to_owned(),
        Value::Flag(flag) => return flag.to_string(),
        Value::Cell(text) | Value::Text(text) | Value::Number(text) | Value::Nested(text) => text,
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("'{}…'", &text[..end]),
        None => format!("'{text}'"),
    }
}
