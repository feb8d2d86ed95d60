//! One day of a refresh: new parts are merged into its rows, and the rows written.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;

use super::alike::alike;
use super::day_rows::{self, DarCounts, file_schema};
use super::log::DayFile;
use super::place::Place;
use crate::exec::{Bucket, DayScope, Keep};

/// See the module.
pub(super) struct DayJob {
    pub(super) day: i32,
    pub(super) keep: Arc<Keep>,
    pub(super) place: Place,
    /// The file of the day, if it has rows.
    pub(super) kept: Option<DayFile>,
    /// Whether the rows are made of the new parts alone.
    pub(super) is_anew: bool,
    /// The parts that are dropped from the rows.
    pub(super) dropped: Arc<DayScope>,
    /// The name that new files bear; `None` writes none.
    pub(super) writes: Option<String>,
    pub(super) context: Arc<TaskContext>,
}

/// What became of a day.
pub(super) struct SettledDay {
    pub(super) day: i32,
    /// The file that it has now, if it has rows.
    pub(super) file: Option<DayFile>,
    pub(super) dars: DarCounts,
    /// Its DARs by what a bill asks of them, unless they are as they were.
    pub(super) alike: Option<RecordBatch>,
}

impl DayJob {
    /// Merges new parts into the day.
    ///
    /// # Errors
    ///
    /// Rows that cannot be read or written; memory that is not enough for one day.
    pub(super) async fn settle(self, mut parts: Bucket) -> Result<SettledDay> {
        let schema = file_schema(&self.keep.ids.schema());
        let (before, unread) = self.before(&schema).await?;
        if !self.is_anew {
            self.keep
                .parts(self.day, &before, &self.dropped, &mut parts)?;
        }
        let reservation = MemoryConsumer::new("DayRows").register(self.context.memory_pool());
        // The parts once more as they are merged, and the rows.
        reservation.try_grow(before.get_array_memory_size() + 3 * parts.size())?;
        let rows = self.keep.rows(self.day, &parts)?;
        let bare = rows.iter().map(|rows| day_rows::without_day(rows, &schema));
        let after = concat_batches(&schema, &bare.collect::<Result<Vec<_>>>()?)?;
        if after == before && unread == 0 {
            return Ok(SettledDay {
                day: self.day,
                file: self.kept,
                dars: DarCounts::default(),
                alike: match self.is_anew {
                    true => Some(alike(self.day, &after, &self.keep.ids.org)?),
                    false => None,
                },
            });
        }
        let mut dars = day_rows::compared(&before, &after, self.keep.by_consumer)?;
        dars.gone += unread;
        Ok(SettledDay {
            day: self.day,
            file: self.file(&after).await?,
            dars,
            alike: Some(alike(self.day, &after, &self.keep.ids.org)?),
        })
    }

    /// The rows that the day has, and how many more are there that cannot be read: that matters to none that are made
    /// anew.
    async fn before(&self, schema: &SchemaRef) -> Result<(RecordBatch, u64)> {
        let none = RecordBatch::new_empty(Arc::clone(schema));
        let Some(file) = &self.kept else {
            return Ok((none, 0));
        };
        match day_rows::read(&self.place, file, schema).await {
            Ok(rows) => Ok((rows, 0)),
            Err(cause) if !self.is_anew || matches!(cause, DataFusionError::ObjectStore(_)) => {
                Err(cause)
            }
            Err(_) => Ok((none, file.rows as u64)),
        }
    }

    /// The file of these rows.
    async fn file(&self, rows: &RecordBatch) -> Result<Option<DayFile>> {
        if rows.num_rows() == 0 {
            return Ok(None);
        }
        Ok(Some(match &self.writes {
            Some(run) => day_rows::write(&self.place, self.day, run, rows).await?,
            None => DayFile {
                path: String::new(),
                size: 0,
                rows: rows.num_rows(),
            },
        }))
    }
}
