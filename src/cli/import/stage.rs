//! The history as it was delivered, every copy of it, in Parquet files of plain rows.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use datafusion::error::{DataFusionError, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;

use crate::cli::folder::make;
use crate::cli::parquet_file::{cannot_write, open, properties};
use crate::domain::liveperson::{Conversation, Unit, Unusable};
use crate::error;
use crate::lake::liveperson::{History, Input, Part, Rows};

/// Rows handed to the encoder at a time.
const BATCH_ROWS: usize = 8192;
/// Rows of a row group: what a thread holds of each part.
const ROW_GROUP_ROWS: usize = 100_000;

/// What was read, and what could not be used. Everything read is in one place of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Records in the files.
    pub(super) records: u64,
    /// Records that cannot be used, by reason.
    pub(super) unusable_records: BTreeMap<&'static str, u64>,
    /// Records of conversations that the vendor cut off.
    pub(super) partial: u64,
    /// Messages in the records, as far as they could be counted.
    pub(super) messages: u64,
    /// Messages that cannot be used, by reason; also those of an unusable record.
    pub(super) unusable_messages: BTreeMap<&'static str, u64>,
    /// Messages by agents that are in no list of participants.
    pub(super) by_unlisted_agents: u64,
    /// Outcomes in the records.
    pub(super) outcomes: u64,
    /// Outcomes that cannot be used, by reason.
    pub(super) unusable_outcomes: BTreeMap<&'static str, u64>,
}

impl Tally {
    fn add(&mut self, record: &std::result::Result<Conversation<'_>, Box<Unusable>>) {
        self.records += 1;
        match record {
            Ok(conversation) => {
                self.partial += u64::from(conversation.is_partial);
                self.messages += count(conversation.messages.len());
                let unlisted = conversation.messages.iter();
                self.by_unlisted_agents += count(unlisted.filter(|m| m.by_unlisted_agent).count());
                self.outcomes += count(conversation.outcomes.len());
                conversation
                    .unusable
                    .iter()
                    .for_each(|other| self.add_unusable(other));
            }
            Err(unusable) => self.add_unusable(unusable),
        }
    }

    fn add_unusable(&mut self, unusable: &Unusable) {
        let reason = unusable.flaw.name();
        match unusable.unit {
            Unit::Record => *self.unusable_records.entry(reason).or_default() += 1,
            Unit::Outcome => {
                self.outcomes += 1;
                *self.unusable_outcomes.entry(reason).or_default() += 1;
            }
            Unit::Message => {}
        }
        let messages = u64::try_from(unusable.messages).unwrap_or(0);
        if messages > 0 {
            self.messages += messages;
            *self.unusable_messages.entry(reason).or_default() += messages;
        }
    }

    fn join(&mut self, other: Self) {
        self.records += other.records;
        self.partial += other.partial;
        self.messages += other.messages;
        self.by_unlisted_agents += other.by_unlisted_agents;
        self.outcomes += other.outcomes;
        for (mine, theirs) in [
            (&mut self.unusable_records, other.unusable_records),
            (&mut self.unusable_messages, other.unusable_messages),
            (&mut self.unusable_outcomes, other.unusable_outcomes),
        ] {
            for (reason, more) in theirs {
                *mine.entry(reason).or_default() += more;
            }
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The folder of one part's rows.
pub(super) fn folder(staging: &Path, part: Part) -> PathBuf {
    staging.join(format!("{part:?}").to_lowercase())
}

/// What is staged.
const PARTS: [Part; 4] = [
    Part::Messages,
    Part::Outcomes,
    Part::Rejects,
    Part::Deliveries,
];

/// Reads every file once, on so many threads, into files below `staging`; `read` counts bytes.
///
/// # Errors
///
/// The first file that cannot be read to its end; a file that cannot be written.
pub(super) fn stage(
    inputs: &[Input],
    staging: &Path,
    threads: usize,
    read: &Arc<AtomicU64>,
) -> Result<Tally> {
    for part in PARTS {
        make(&folder(staging, part))?;
    }
    let queue = Queue {
        inputs,
        next: AtomicUsize::new(0),
        stopped: AtomicBool::new(false),
    };
    let threads = threads.clamp(1, inputs.len().max(1));
    let parts: Vec<Result<Tally>> = std::thread::scope(|scope| {
        let queue = &queue;
        let running: Vec<_> = (0..threads)
            .map(|number| {
                scope.spawn(move || {
                    let done = work(queue, staging, number, read);
                    if done.is_err() {
                        queue.stopped.store(true, Ordering::Relaxed);
                    }
                    done
                })
            })
            .collect();
        let gave_up = |_| Err(error::data(crate::cli::message::panicked()));
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(gave_up))
            .collect()
    });
    let mut whole = Tally::default();
    for part in parts {
        whole.join(part?);
    }
    Ok(whole)
}

/// The files, for whichever thread is free.
struct Queue<'a> {
    inputs: &'a [Input],
    next: AtomicUsize,
    /// One thread has failed: the others need not go on.
    stopped: AtomicBool,
}

/// One thread: file after file into its own staged files.
fn work(queue: &Queue<'_>, staging: &Path, number: usize, read: &Arc<AtomicU64>) -> Result<Tally> {
    let mut files = Vec::new();
    for part in PARTS {
        files.push(StagedFile::create(staging, part, number)?);
    }
    let mut tally = Tally::default();
    loop {
        let place = queue.next.fetch_add(1, Ordering::Relaxed);
        let Some(input) = queue.inputs.get(place) else {
            break;
        };
        let mut history = History::open(input, place, read)?;
        while history.next(|found, record| {
            tally.add(record);
            files.iter_mut().try_for_each(|file| {
                file.rows.add(found, record);
                file.hand_over(BATCH_ROWS)
            })
        })? {
            if queue.stopped.load(Ordering::Relaxed) {
                return Ok(tally);
            }
        }
    }
    files.into_iter().try_for_each(StagedFile::close)?;
    Ok(tally)
}

/// One part's rows, as one thread reads them.
struct StagedFile {
    rows: Rows,
    path: PathBuf,
    writer: ArrowWriter<File>,
}

impl StagedFile {
    fn create(staging: &Path, part: Part, number: usize) -> Result<Self> {
        let path = folder(staging, part).join(format!("{number}.parquet"));
        let properties = properties()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
        let writer = open(&path, part.schema(), properties)?;
        Ok(Self {
            rows: Rows::new(part),
            path,
            writer,
        })
    }

    fn hand_over(&mut self, rows: usize) -> Result<()> {
        if self.rows.count() > 0 && self.rows.are_full(rows) {
            let batch = self.rows.batch()?;
            self.writer
                .write(&batch)
                .map_err(|cause| self.failed(&cause))?;
            // Large texts: the encoder holds a row group, whose rows say nothing about its bytes.
            if self.writer.in_progress_size() > MOST_BYTES {
                self.writer.flush().map_err(|cause| self.failed(&cause))?;
            }
        }
        Ok(())
    }

    fn close(mut self) -> Result<()> {
        self.hand_over(1)?;
        self.writer.finish().map_err(|cause| self.failed(&cause))?;
        Ok(())
    }

    fn failed(&self, cause: &parquet::errors::ParquetError) -> DataFusionError {
        cannot_write(&self.path, cause)
    }
}

/// The most bytes that the encoder holds.
const MOST_BYTES: usize = 32 << 20;
