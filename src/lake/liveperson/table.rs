//! A part of a history as a table.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};

use super::history::History;
use super::inputs::Input;
use super::part::Part;
use super::rows::{Found, Rows};
use crate::domain::liveperson::{Conversation, Unit, Unusable};
use crate::error;

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
