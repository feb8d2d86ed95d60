//! A history read file by file, and a table of one part of it.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use flate2::read::MultiGzDecoder;

use super::inputs::Input;
use super::records::{Broken, Records};
use super::rows::{Found, Part, Rows};
use crate::domain::liveperson::{Conversation, Flaw, Unit, Unusable, read, snippet};
use crate::error;

/// How much of a file is read at once.
const BUFFER: usize = 256 << 10;

/// One file of a history, open.
pub(crate) struct History {
    name: String,
    number: i64,
    records: Records<Box<dyn BufRead + Send>>,
}

impl History {
    /// Opens a file, the `number`th of all; gzip is undone, told by its first bytes.
    ///
    /// `progress` counts the bytes read on disk.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is compressed in another way.
    pub(crate) fn open(input: &Input, number: usize, progress: &Arc<AtomicU64>) -> Result<Self> {
        let name = input.path.display().to_string();
        let failed =
            |cause: std::io::Error| error::config(format!("'{name}' cannot be read: {cause}"));
        let mut file = File::open(&input.path).map_err(failed)?;
        let mut first = Vec::new();
        (&mut file)
            .take(4)
            .read_to_end(&mut first)
            .map_err(failed)?;
        file.rewind().map_err(failed)?;
        let file = BufReader::with_capacity(
            BUFFER,
            Counted {
                file,
                progress: Arc::clone(progress),
            },
        );
        let input: Box<dyn BufRead + Send> = match first.as_slice() {
            [0x1f, 0x8b, ..] => {
                Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file)))
            }
            [0x28, 0xb5, 0x2f, 0xfd] | [b'B', b'Z', b'h', _] | [0xfd, b'7', b'z', b'X'] => {
                return Err(error::config(format!(
                    "'{name}' is compressed, and not with gzip: decompress it first"
                )));
            }
            _ => Box::new(file),
        };
        Ok(Self {
            name,
            number: i64::try_from(number).unwrap_or(i64::MAX),
            records: Records::new(input),
        })
    }

    /// Hands the next record to `take`; `false` at the end.
    ///
    /// # Errors
    ///
    /// If the file breaks off or is something else than JSON: the file and the byte are named. Those of `take`.
    pub(crate) fn next(
        &mut self,
        take: impl FnOnce(
            Found<'_>,
            &std::result::Result<Conversation<'_>, Box<Unusable>>,
        ) -> Result<()>,
    ) -> Result<bool> {
        let record = match self.records.next() {
            Ok(Some(record)) => record,
            Ok(None) if self.records.is_blank() && !is_lines(&self.name) => {
                return Err(error::data(format!(
                    "'{}' is empty, and even a page without conversations is not. Fetch it again, or leave it out",
                    self.name
                )));
            }
            Ok(None) => return Ok(false),
            Err(broken) => return Err(self.broken(&broken)),
        };
        let found = Found {
            file: &self.name,
            file_number: self.number,
            record: record.number,
            offset: i64::try_from(record.offset).unwrap_or(i64::MAX),
        };
        match record.too_large {
            None => take(found, &read(record.json))?,
            Some(bytes) => take(found, &Err(too_large(record.json, bytes)))?,
        }
        Ok(true)
    }

    fn broken(&self, broken: &Broken) -> DataFusionError {
        let (name, at) = (&self.name, self.records.offset());
        error::data(match broken {
            Broken::Io(cause) => format!(
                "'{name}' cannot be read on at byte {at}: {cause}. It may be half-written: fetch it again"
            ),
            Broken::Truncated { since } => format!(
                "'{name}' ends at byte {at}, within what begins at byte {since}: it is cut off. Fetch it again"
            ),
            Broken::Unexpected { expected, found } => format!(
                "'{name}', byte {at}: {expected} is expected, and there is '{}'",
                found.escape_ascii()
            ),
        })
    }
}

/// Whether a file has a record a line: without lines, it has no records.
fn is_lines(name: &str) -> bool {
    let name = name.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.ends_with(".ndjson") || name.ends_with(".jsonl")
}

fn too_large(beginning: &[u8], bytes: u64) -> Box<Unusable> {
    Box::new(Unusable {
        unit: Unit::Record,
        flaw: Flaw::TooLarge,
        found: format!("it has {bytes} bytes"),
        conversation_id: None,
        message_id: None,
        messages: 0,
        json: snippet(&String::from_utf8_lossy(beginning)),
    })
}

/// A file that counts what is read of it.
struct Counted {
    file: File,
    progress: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        let bytes = u64::try_from(count).unwrap_or(u64::MAX);
        self.progress.fetch_add(bytes, Ordering::Relaxed);
        Ok(count)
    }
}

/// A part of a history as a table: every copy of every row, read while the query runs.
#[derive(Debug)]
pub(crate) struct HistoryTable {
    part: Part,
    inputs: Arc<[Input]>,
    fails: bool,
}

impl HistoryTable {
    /// The table of `part` in these files. If it `fails`, what cannot be used ends the query.
    pub(crate) fn new(part: Part, inputs: Vec<Input>, fails: bool) -> Self {
        Self {
            part,
            inputs: inputs.into(),
            fails,
        }
    }

    /// The files for each of at most `most` threads, of about the same size together.
    fn shares(&self, most: usize) -> Vec<Vec<usize>> {
        let count = most.clamp(1, self.inputs.len().max(1));
        let mut shares = vec![(0_u64, Vec::new()); count];
        let mut by_size: Vec<usize> = (0..self.inputs.len()).collect();
        let bytes = |place: &usize| self.inputs.get(*place).map_or(0, |input| input.bytes);
        by_size.sort_by_key(|place| std::cmp::Reverse(bytes(place)));
        for place in by_size {
            if let Some((total, share)) = shares.iter_mut().min_by_key(|(total, _)| *total) {
                *total += bytes(&place);
                share.push(place);
            }
        }
        shares.into_iter().map(|(_, share)| share).collect()
    }
}

#[async_trait]
impl TableProvider for HistoryTable {
    fn schema(&self) -> SchemaRef {
        self.part.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let partitions = self.shares(session.config().target_partitions());
        let partition = |share| {
            Arc::new(Share {
                part: self.part,
                schema: self.part.schema(),
                inputs: Arc::clone(&self.inputs),
                share,
                fails: self.fails,
            }) as Arc<dyn PartitionStream>
        };
        Ok(Arc::new(StreamingTableExec::try_new(
            self.part.schema(),
            partitions.into_iter().map(partition).collect(),
            projection,
            None,
            false,
            limit,
        )?))
    }
}

/// The files that one thread reads.
struct Share {
    part: Part,
    schema: SchemaRef,
    inputs: Arc<[Input]>,
    share: Vec<usize>,
    fails: bool,
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({:?}, {} files)", self.part, self.share.len())
    }
}

impl PartitionStream for Share {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        // Two batches in the queue: the reader waits for whoever takes them.
        let mut stream = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), 2);
        let queue = stream.tx();
        let (part, inputs, share) = (self.part, Arc::clone(&self.inputs), self.share.clone());
        let (fails, size) = (self.fails, context.session_config().batch_size());
        stream.spawn_blocking(move || {
            let mut rows = Rows::new(part);
            // `false`: nobody wants more rows.
            let send = |batch: RecordBatch| queue.blocking_send(Ok(batch)).is_ok();
            for place in share {
                let Some(input) = inputs.get(place) else {
                    continue;
                };
                let mut history = History::open(input, place, &Arc::default())?;
                while history.next(|found, record| {
                    if fails {
                        refuse(part, found, record)?;
                    }
                    rows.add(found, record);
                    Ok(())
                })? {
                    if rows.are_full(size) && !send(rows.batch()?) {
                        return Ok(());
                    }
                }
            }
            if rows.count() > 0 {
                send(rows.batch()?);
            }
            Ok(())
        });
        stream.build()
    }
}

/// The error for the first thing in a record that this part would have to leave out.
fn refuse(
    part: Part,
    found: Found<'_>,
    record: &std::result::Result<Conversation<'_>, Box<Unusable>>,
) -> Result<()> {
    let unit = match part {
        Part::Messages => Unit::Message,
        Part::Outcomes => Unit::Outcome,
        Part::Rejects | Part::Deliveries => return Ok(()),
    };
    let unusable = match record {
        Ok(conversation) => conversation
            .unusable
            .iter()
            .find(|other| other.unit == unit),
        Err(unusable) => Some(unusable.as_ref()),
    };
    let Some(unusable) = unusable else {
        return Ok(());
    };
    let conversation = unusable
        .conversation_id
        .as_ref()
        .map_or(String::new(), |id| format!(", conversation '{id}'"));
    Err(error::data(format!(
        "'{0}', record {1} (byte {2}){conversation}: this {3} cannot be used, {4}: {5}. See them all with FROM \
         liveperson_rejects('{0}'); rejects => 'skip' leaves them out",
        found.file,
        found.record,
        found.offset,
        unusable.unit.name(),
        unusable.flaw.name(),
        unusable.found,
    )))
}
