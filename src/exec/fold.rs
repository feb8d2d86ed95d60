//! `FoldMessagesExec`: from messages to parts of DARs, in one pass.
//!
//! It does what the ordinary plan does in a join, a filter, a projection and a first aggregate: finds each message's
//! period in the calendar, checks the message by the rule of [`crate::domain::message`], dates it, and counts it in a
//! window of open parts. Only what a message that counts needs is done for each of them; any other goes through the rule itself.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties,
    InputDistributionRequirements, PlanProperties, SendableRecordBatchStream, collect_partitioned,
};
use futures::{TryStreamExt, stream};
use tokio::sync::OnceCell;

use super::asked::Asked;
use super::calendar::Calendar;
use super::census::Census;
use super::file_notes::FoldedFiles;
use super::fold_partition::Fold;
use super::parts;
use crate::domain::zone::ZoneDatabase;

/// The calendar of a plan, read once for all operators and partitions that one process runs of it.
pub(super) type SharedCalendar = Arc<OnceCell<Arc<Calendar>>>;

/// Reads the calendar, unless another partition or operator has.
///
/// # Errors
///
/// Those of the plan of its rows.
pub(super) async fn read_calendar(
    calendar: &SharedCalendar,
    rows: Arc<dyn ExecutionPlan>,
    folding: &Folding,
    context: Arc<TaskContext>,
) -> Result<()> {
    let read = || async move {
        let schema = rows.schema();
        let mut rows = collect_partitioned(rows, context).await?.concat();
        if rows.is_empty() {
            rows.push(RecordBatch::new_empty(schema));
        }
        let ids = (&folding.ids.0, &folding.ids.1);
        Calendar::new(&rows, ids, &folding.zones).map(Arc::new)
    };
    calendar.get_or_try_init(read).await.map(|_| ())
}

/// What is to be made of the messages.
#[derive(Debug, Clone)]
pub(crate) struct Folding {
    /// Whether a DAR is with a consumer; else with a conversation.
    pub(crate) by_consumer: bool,
    /// Whether each consumer of a conversation has parts of its own, which it takes to say who a DAR is with.
    pub(crate) with_consumers: bool,
    /// Leave rejected messages out instead of failing.
    pub(crate) skip_rejected: bool,
    /// The type of `site_id` and of `org_id` in the output.
    pub(crate) ids: (DataType, DataType),
    /// The rules for days.
    pub(crate) zones: ZoneDatabase,
    /// What is asked for; nothing else has to be made. Every message that is read is checked all the same.
    pub(crate) asked: Asked,
    /// The files that the messages come from, where somebody wants to know.
    pub(crate) files: Option<Arc<FoldedFiles>>,
    /// What else is to be found out about them, file by file.
    pub(crate) census: Option<Arc<Census>>,
}

/// See the module. Children: the calendar, the messages (`site_id, conversation_id, consumer_id, sent_at, sent_by,
/// audience, intent_analyzer, channel`; under `by_consumer` ids of conversations and consumers of one type).
#[derive(Debug)]
pub(crate) struct FoldMessagesExec {
    pub(super) folding: Folding,
    calendar_rows: Arc<dyn ExecutionPlan>,
    messages: Arc<dyn ExecutionPlan>,
    calendar: SharedCalendar,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl FoldMessagesExec {
    /// With a calendar that the operators of one process share.
    pub(super) fn new(
        folding: Folding,
        calendar_rows: Arc<dyn ExecutionPlan>,
        messages: Arc<dyn ExecutionPlan>,
        calendar: SharedCalendar,
    ) -> Self {
        let partitions = messages.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(parts::schema()),
            datafusion::physical_plan::Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            folding,
            calendar_rows,
            messages,
            calendar,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

/// The parts of messages under a calendar that is known already.
#[cfg(all(feature = "cli", feature = "delta"))]
pub(crate) fn fold(
    folding: Folding,
    calendar: Arc<Calendar>,
    messages: Arc<dyn ExecutionPlan>,
) -> Arc<dyn ExecutionPlan> {
    let nothing = datafusion::physical_plan::empty::EmptyExec::new(parts::schema());
    let calendar = Arc::new(OnceCell::new_with(Some(calendar)));
    let fold = FoldMessagesExec::new(folding, Arc::new(nothing), messages, calendar);
    Arc::new(fold)
}

impl DisplayAs for FoldMessagesExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = if self.folding.by_consumer {
            "consumer"
        } else {
            "conversation"
        };
        let rejects = if self.folding.skip_rejected {
            "skip"
        } else {
            "fail"
        };
        let asked = &self.folding.asked;
        write!(
            f,
            "FoldMessagesExec: relationship={by}, rejects={rejects}{asked}"
        )
    }
}

impl ExecutionPlan for FoldMessagesExec {
    fn name(&self) -> &str {
        "FoldMessagesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![
            Distribution::SinglePartition,
            Distribution::UnspecifiedDistribution,
        ])
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.calendar_rows, &self.messages]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([calendar_rows, messages]) = <[_; 2]>::try_from(children) else {
            return Err(exec_datafusion_err!("FoldMessagesExec has two children"));
        };
        Ok(Arc::new(Self::new(
            self.folding.clone(),
            calendar_rows,
            messages,
            Arc::clone(&self.calendar),
        )))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let reservation = MemoryConsumer::new(format!("FoldMessages[{partition}]"))
            .register(context.memory_pool());
        let fold = Fold::new(
            self.folding.clone(),
            Arc::clone(&self.calendar),
            self.messages.execute(partition, Arc::clone(&context))?,
            context.session_config().batch_size(),
            reservation,
            BaselineMetrics::new(&self.metrics, partition),
        )?;
        let (calendar, calendar_rows) =
            (Arc::clone(&self.calendar), Arc::clone(&self.calendar_rows));
        let folding = self.folding.clone();
        let parts = stream::once(async move {
            read_calendar(&calendar, calendar_rows, &folding, context).await?;
            Ok::<_, datafusion::error::DataFusionError>(stream::try_unfold(fold, Fold::step))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            parts::schema(),
            parts.try_flatten(),
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
