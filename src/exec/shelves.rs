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
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
use datafusion::physical_plan::spill::SpillManager;
use futures::StreamExt;

use super::parts::{self, Builder, Parts};

/// How many parts make a batch.
const ROWS: usize = 8192;

/// How many bytes of ids and channels make a batch.
const BYTES: usize = 16 << 20;

/// What a part takes beside its ids and its channel.
const PART: usize = 64;

/// See the module.
pub(crate) struct Shelves {
    days: BTreeMap<i32, Shelf>,
    disk: SpillManager,
    reservation: MemoryReservation,
}

#[derive(Default)]
struct Shelf {
    open: Builder,
    /// Bytes of ids in `open`.
    bytes: usize,
    held: Vec<RecordBatch>,
    spilled: Vec<Arc<dyn SpillFile>>,
}

impl Shelf {
    fn close(&mut self) -> Result<()> {
        if self.open.len() > 0 {
            self.held.push(self.open.finish()?);
            self.bytes = 0;
        }
        Ok(())
    }
}

impl Shelves {
    /// The parts that one partition of `parts` gives.
    pub(crate) async fn fill(
        parts: Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<Self> {
        let metrics = ExecutionPlanMetricsSet::new();
        let mut shelves = Self {
            days: BTreeMap::new(),
            disk: SpillManager::new(
                context.runtime_env(),
                SpillMetrics::new(&metrics, partition),
                parts::schema(),
            ),
            reservation: MemoryConsumer::new(format!("Shelves[{partition}]"))
                .with_can_spill(true)
                .register(context.memory_pool()),
        };
        let mut parts = parts.execute(partition, context)?;
        while let Some(batch) = parts.next().await.transpose()? {
            shelves.put(&batch)?;
        }
        for shelf in shelves.days.values_mut() {
            shelf.close()?;
        }
        Ok(shelves)
    }

    fn put(&mut self, batch: &RecordBatch) -> Result<()> {
        let size = batch.get_array_memory_size() + batch.num_rows() * PART;
        if self.reservation.try_grow(size).is_err() {
            self.spill()?;
            self.reservation.try_grow(size)?;
        }
        let parts = Parts::new(batch)?;
        for row in 0..parts.len() {
            let part = parts.get(row);
            let shelf = self.days.entry(part.day).or_default();
            shelf.open.push(&part);
            shelf.bytes += part.bytes();
            if shelf.open.len() >= ROWS || shelf.bytes >= BYTES {
                shelf.close()?;
            }
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        for shelf in self.days.values_mut() {
            shelf.close()?;
            if shelf.held.is_empty() {
                continue;
            }
            let held = std::mem::take(&mut shelf.held);
            let file = self.disk.spill_record_batch_and_finish(&held, "Shelves")?;
            shelf.spilled.extend(file);
        }
        self.reservation.free();
        Ok(())
    }

    /// The days that have parts.
    pub(crate) fn days(&self) -> impl Iterator<Item = i32> + '_ {
        self.days.keys().copied()
    }

    /// Takes the parts of a day off their shelf.
    pub(crate) async fn take(&mut self, day: i32) -> Result<Vec<RecordBatch>> {
        let Some(shelf) = self.days.remove(&day) else {
            return Ok(Vec::new());
        };
        let mut batches = shelf.held;
        for file in shelf.spilled {
            let mut read = self.disk.read_spill_as_stream(file, None)?;
            while let Some(batch) = read.next().await.transpose()? {
                batches.push(batch);
            }
        }
        Ok(batches)
    }
}
