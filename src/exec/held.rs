//! Parts in memory, by bucket: what [`super::settle`] merges or lays out on disk.

use arrow::record_batch::RecordBatch;
use datafusion::common::Result;

use super::parts::{Builder, Part, Parts};

/// How many buckets are merged one after the other: few enough parts in each for a processor's own cache.
pub(super) const BUCKETS: usize = 256;

/// The bytes that a bucket grows by.
const CHUNK: usize = 16 << 10;

/// The bucket of a site's day.
fn bucket((site, day): (u32, i32)) -> usize {
    let key = u64::from(site) << 32 | u64::from(day.cast_unsigned());
    // The high bits of a product mix well; the engine's partitions are chosen by another hash.
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as usize
}

/// Parts of some sites' days, one after the other, in chunks that never move.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    chunks: Vec<Vec<u8>>,
    count: usize,
}

impl Bucket {
    /// Appends the bytes of a part; the bytes that it takes for that.
    pub(super) fn push(&mut self, part: &[u8]) -> usize {
        self.count += 1;
        match self.chunks.last_mut() {
            Some(chunk) if chunk.capacity() - chunk.len() >= part.len() => {
                chunk.extend_from_slice(part);
                0
            }
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK.max(part.len()));
                chunk.extend_from_slice(part);
                let size = chunk.capacity();
                self.chunks.push(chunk);
                size
            }
        }
    }

    /// Appends a part; the bytes that it takes for that.
    #[cfg(all(feature = "cli", feature = "delta"))]
    pub(super) fn put(&mut self, part: &Part<'_>) -> usize {
        let mut bytes = Vec::new();
        part.pack(&mut bytes);
        self.push(&bytes)
    }

    /// Appends the parts of another one.
    #[cfg(all(feature = "cli", feature = "delta"))]
    pub(crate) fn append(&mut self, other: Self) {
        self.chunks.extend(other.chunks);
        self.count += other.count;
    }

    /// Whether it has no part.
    #[cfg(all(feature = "cli", feature = "delta"))]
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The bytes that it takes.
    #[cfg(all(feature = "cli", feature = "delta"))]
    pub(crate) fn size(&self) -> usize {
        self.chunks.iter().map(Vec::capacity).sum()
    }

    /// All of its parts, in the order of their arrival.
    pub(super) fn all_parts(&self) -> Result<Vec<Part<'_>>> {
        let mut parts = Vec::with_capacity(self.count);
        for part in self.parts() {
            parts.push(part?);
        }
        Ok(parts)
    }

    /// Its parts, in the order of their arrival.
    pub(super) fn parts(&self) -> impl Iterator<Item = Result<Part<'_>>> {
        self.chunks.iter().flat_map(|chunk| {
            let mut rest = chunk.as_slice();
            std::iter::from_fn(move || {
                if rest.is_empty() {
                    return None;
                }
                let (part, after) = match Part::unpack(rest) {
                    Ok((part, after)) => (Ok(part), after),
                    Err(damaged) => (Err(damaged), Default::default()),
                };
                rest = after;
                Some(part)
            })
        })
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) buckets: Vec<Bucket>,
    /// The bytes that it takes.
    pub(super) size: usize,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            buckets: std::iter::repeat_with(Bucket::default)
                .take(BUCKETS)
                .collect(),
            size: 0,
        }
    }
}

impl Held {
    /// Takes the parts of a batch in.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        for (key, part) in Parts::new(batch)?.rows() {
            if let Some(bucket) = self.buckets.get_mut(bucket(key)) {
                self.size += bucket.push(part);
            }
        }
        Ok(())
    }
}

/// The parts of some buckets as batches of about `rows`.
pub(super) fn batches(
    buckets: &[Bucket],
    rows: usize,
) -> impl Iterator<Item = Result<RecordBatch>> {
    let mut parts = buckets.iter().flat_map(Bucket::parts);
    std::iter::from_fn(move || {
        let mut builder = Builder::default();
        for part in parts.by_ref().take(rows) {
            match part {
                Ok(part) => builder.push(&part),
                Err(damaged) => return Some(Err(damaged)),
            }
        }
        (builder.len() > 0).then(|| builder.finish())
    })
}
