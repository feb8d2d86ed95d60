//! Parts of DARs sorted by their day, in bounded memory.
//!
//! A day that is settled needs all of its parts, and nothing else does. Parts go onto the shelf of their day as they
//! come; where memory does not hold them, every shelf is emptied to disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SpillFile, TaskContext};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
use datafusion::physical_plan::spill::SpillManager;
use futures::StreamExt;

use super::held::{Bucket, batches};
use super::parts::{self, Parts};

/// How many parts make a batch on disk.
const ROWS: usize = 8192;

/// See the module.
pub(crate) struct Shelves {
    days: BTreeMap<i32, Shelf>,
    /// The bytes that the shelves take.
    size: usize,
    disk: SpillManager,
    reservation: MemoryReservation,
}

/// The parts of one day.
#[derive(Default)]
struct Shelf {
    held: Bucket,
    spilled: Vec<Arc<dyn SpillFile>>,
}

impl Shelves {
    /// These parts; `partition` is the place of their source among others.
    ///
    /// # Errors
    ///
    /// What is wrong with the messages; a disk that is full.
    pub(crate) async fn fill(
        mut parts: SendableRecordBatchStream,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<Self> {
        let metrics = ExecutionPlanMetricsSet::new();
        let mut shelves = Self {
            days: BTreeMap::new(),
            size: 0,
            disk: SpillManager::new(
                context.runtime_env(),
                SpillMetrics::new(&metrics, partition),
                parts::schema(),
            ),
            reservation: MemoryConsumer::new(format!("Shelves[{partition}]"))
                .with_can_spill(true)
                .register(context.memory_pool()),
        };
        while let Some(batch) = parts.next().await.transpose()? {
            shelves.put(&batch)?;
        }
        Ok(shelves)
    }

    fn put(&mut self, batch: &RecordBatch) -> Result<()> {
        for ((_, day), part) in Parts::new(batch)?.rows() {
            self.size += self.days.entry(day).or_default().held.push(part);
        }
        if self.reservation.try_resize(self.size).is_err() {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        for shelf in self.days.values_mut() {
            let held = std::mem::take(&mut shelf.held);
            if held.is_empty() {
                continue;
            }
            let parts = batches(std::slice::from_ref(&held), ROWS).collect::<Result<Vec<_>>>()?;
            let file = self.disk.spill_record_batch_and_finish(&parts, "Shelves")?;
            shelf.spilled.extend(file);
        }
        self.size = 0;
        self.reservation.free();
        Ok(())
    }

    /// The days that have parts.
    pub(crate) fn days(&self) -> impl Iterator<Item = i32> + '_ {
        self.days.keys().copied()
    }

    /// Takes the parts of a day off their shelf.
    ///
    /// # Errors
    ///
    /// A disk that cannot be read.
    pub(crate) async fn take(&mut self, day: i32) -> Result<Bucket> {
        let Some(shelf) = self.days.remove(&day) else {
            return Ok(Bucket::default());
        };
        let mut parts = shelf.held;
        self.size = self.size.saturating_sub(parts.size());
        self.reservation.try_resize(self.size)?;
        for file in shelf.spilled {
            let mut read = self.disk.read_spill_as_stream(file, None)?;
            while let Some(batch) = read.next().await.transpose()? {
                for (_, part) in Parts::new(&batch)?.rows() {
                    parts.push(part);
                }
            }
        }
        Ok(parts)
    }
}
