//! Parts in memory, by bucket: what [`super::settle`] merges or lays out on disk.

use arrow::array::UInt64Array;
use arrow::compute::{concat_batches, take_record_batch};
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::physical_plan::spill::get_record_batch_memory_size;

use super::merge::PartRow;
use super::parts::{self, Parts};

/// How many buckets are merged one after the other: few enough parts in each for a processor's own cache.
pub(super) const BUCKETS: usize = 256;

/// What holding a batch takes: itself, and the place of each of its rows. The columns of a batch that was read from disk
/// lie in one buffer, which counts once.
pub(super) fn size(batch: &RecordBatch) -> usize {
    get_record_batch_memory_size(batch) + batch.num_rows() * size_of::<PartRow>()
}

/// The bucket of a site's day.
fn bucket((site, day): (u32, i32)) -> usize {
    let key = u64::from(site) << 32 | u64::from(day.cast_unsigned());
    // The high bits of a product mix well; the engine's partitions are chosen by another hash.
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as usize
}

/// Batches of parts, and the rows of each bucket.
pub(super) struct Held {
    batches: Vec<RecordBatch>,
    pub(super) parts: Vec<Parts>,
    pub(super) rows: Vec<Vec<PartRow>>,
}

impl Held {
    pub(super) fn new(batches: Vec<RecordBatch>) -> Result<Self> {
        let parts = batches.iter().map(Parts::new).collect::<Result<Vec<_>>>()?;
        let mut rows: Vec<Vec<PartRow>> = (0..BUCKETS).map(|_| Vec::new()).collect();
        for (batch, parts) in (0..).zip(&parts) {
            for (number, row) in (0..).zip(0..parts.len()) {
                if let Some(rows) = rows.get_mut(bucket(parts.site_day(row))) {
                    rows.push((batch, number));
                }
            }
        }
        Ok(Self {
            batches,
            parts,
            rows,
        })
    }

    /// Some rows as batches of their own.
    pub(super) fn batches_of(&self, rows: &[PartRow]) -> Result<Vec<RecordBatch>> {
        let mut small = Vec::new();
        for run in rows.chunk_by(|a, b| a.0 == b.0) {
            let Some(batch) = run
                .first()
                .and_then(|(batch, _)| self.batches.get(*batch as usize))
            else {
                continue;
            };
            let places: UInt64Array = run.iter().map(|(_, row)| Some(u64::from(*row))).collect();
            small.push(take_record_batch(batch, &places)?);
        }
        let whole = small
            .chunks(256)
            .map(|small| Ok(concat_batches(&parts::schema(), small)?));
        whole.collect()
    }
}
