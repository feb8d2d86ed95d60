//! `HistoryExec`: reads the files of a history, each by one task from its first record to its last.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};

use super::history::History;
use super::inputs::Input;
use super::part::Part;
use super::rows::{Found, Rows};
use crate::domain::liveperson::{Conversation, Unit, Unusable};
use crate::error;

/// What all tasks of a scan share.
#[derive(Debug, Clone)]
pub(super) struct Scan {
    pub(super) part: Part,
    pub(super) inputs: Arc<[Input]>,
    /// What cannot be used ends the query.
    pub(super) fails: bool,
    /// The places of the columns that are wanted, if not all are.
    pub(super) projection: Option<Vec<usize>>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct HistoryExec {
    pub(super) scan: Scan,
    /// The places of the files of each partition.
    pub(super) shares: Vec<Vec<usize>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl HistoryExec {
    pub(super) fn new(scan: Scan, shares: Vec<Vec<usize>>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(scan.schema()),
            Partitioning::UnknownPartitioning(shares.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            scan,
            shares,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl Scan {
    /// The columns that come out.
    fn schema(&self) -> SchemaRef {
        let schema = self.part.schema();
        let Some(places) = &self.projection else {
            return schema;
        };
        let fields = places
            .iter()
            .filter_map(|at| schema.fields().get(*at).cloned());
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Reads the files of a share and hands batches of at most `size` rows to `send`, until it returns `false`.
    fn read(
        &self,
        share: Vec<usize>,
        size: usize,
        mut send: impl FnMut(RecordBatch) -> Result<bool>,
    ) -> Result<()> {
        let mut rows = Rows::new(self.part);
        for place in share {
            let Some(input) = self.inputs.get(place) else {
                continue;
            };
            let mut history = History::open(input, place, &Arc::default())?;
            while history.next(|found, record| {
                if self.fails {
                    refuse(self.part, found, record)?;
                }
                rows.add(found, record);
                Ok(())
            })? {
                if rows.are_full(size) && !send(rows.batch()?)? {
                    return Ok(());
                }
            }
        }
        if rows.count() > 0 {
            send(rows.batch()?)?;
        }
        Ok(())
    }
}

impl DisplayAs for HistoryExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (part, files) = (self.scan.part, self.scan.inputs.len());
        write!(
            f,
            "HistoryExec: part={part:?}, files={files}, partitions={}",
            self.shares.len()
        )
    }
}

impl ExecutionPlan for HistoryExec {
    fn name(&self) -> &'static str {
        "HistoryExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        // Two batches in the queue: the reader waits for whoever takes them.
        let mut stream = RecordBatchReceiverStreamBuilder::new(self.schema(), 2);
        let queue = stream.tx();
        let scan = self.scan.clone();
        let share = self.shares.get(partition).cloned().unwrap_or_default();
        let size = context.session_config().batch_size();
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        stream.spawn_blocking(move || {
            scan.read(share, size, |batch| {
                let batch = match &scan.projection {
                    Some(places) => batch.project(places)?,
                    None => batch,
                };
                // `false`: nobody wants more rows.
                Ok(queue
                    .blocking_send(Ok(batch.record_output(&metrics)))
                    .is_ok())
            })
        });
        Ok(stream.build())
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
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
