//! `RemoteExec`: a plan that runs in a cluster, as an operator of this process that gives its rows.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
    displayable,
};
use datafusion_proto::physical_plan::AsExecutionPlan;
use datafusion_proto::protobuf::PhysicalPlanNode;
use futures::{StreamExt, TryStreamExt, stream};

use super::Address;
use super::codec::Codec;
use super::job::{self, Order};
use super::seen_files::SeenFilesExec;
use crate::error;

/// See the module.
#[derive(Debug)]
pub(super) struct RemoteExec {
    plan: Arc<dyn ExecutionPlan>,
    address: Address,
    codec: Arc<Codec>,
    session: String,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// The plan that an operator sends to a cluster, if it sends one.
pub(crate) fn sent(plan: &Arc<dyn ExecutionPlan>) -> Option<&Arc<dyn ExecutionPlan>> {
    plan.downcast_ref::<RemoteExec>().map(|remote| &remote.plan)
}

impl RemoteExec {
    /// `plan` is prepared; `session` is what the scheduler calls the client's session.
    pub(super) fn new(
        plan: Arc<dyn ExecutionPlan>,
        address: Address,
        codec: Arc<Codec>,
        session: String,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(plan.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            plan,
            address,
            codec,
            session,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// The plan as bytes.
    ///
    /// # Errors
    ///
    /// An operator or an expression that cannot be written: the error names the operator.
    fn bytes(&self) -> Result<Vec<u8>> {
        let node = self.node(&self.plan).map_err(|cause| {
            let name = self.culprit(&self.plan);
            let reason = cause.strip_backtrace();
            // For an operator that is not known the engine writes the whole plan, which says no more than its name.
            let reason = match reason.contains("Unsupported plan") {
                true => String::new(),
                false => format!(": {reason}"),
            };
            error::query(format!(
                "the cluster cannot run this statement: its operator {name} cannot be sent{reason}. Run it without --cluster"
            ))
        })?;
        let mut bytes = Vec::new();
        node.try_encode(&mut bytes)?;
        Ok(bytes)
    }

    fn node(&self, plan: &Arc<dyn ExecutionPlan>) -> Result<PhysicalPlanNode> {
        PhysicalPlanNode::try_from_physical_plan(Arc::clone(plan), self.codec.as_ref())
    }

    /// The lowest operator that cannot be written.
    fn culprit(&self, plan: &Arc<dyn ExecutionPlan>) -> String {
        let mut below = plan.children().into_iter();
        match below.find(|child| self.node(child).is_err()) {
            Some(child) => self.culprit(child),
            None => plan.name().to_owned(),
        }
    }

    /// How many pieces of files the client has found for this plan.
    fn pieces(&self) -> Result<usize> {
        let mut pieces = 0;
        self.plan.apply(|plan| {
            pieces += plan
                .downcast_ref::<SeenFilesExec>()
                .map_or(0, SeenFilesExec::pieces);
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(pieces)
    }
}

impl DisplayAs for RemoteExec {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteExec: cluster={}", self.address)?;
        match kind {
            DisplayFormatType::Verbose => {
                write!(f, "\n{}", displayable(self.plan.as_ref()).indent(false))
            }
            _ => Ok(()),
        }
    }
}

impl ExecutionPlan for RemoteExec {
    fn name(&self) -> &'static str {
        "RemoteExec"
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
        if partition > 0 {
            return Err(exec_datafusion_err!("RemoteExec has one partition"));
        }
        let order = Order {
            address: self.address.clone(),
            plan: self.bytes()?,
            session: self.session.clone(),
            config: context.session_config().clone(),
            pieces: self.pieces()?,
        };
        let counter = |name| MetricBuilder::new(&self.metrics).counter(name, partition);
        let (stages, tasks) = (counter("stages"), counter("partitions"));
        let said = move |report: &job::Report| {
            stages.add(report.stages);
            tasks.add(report.partitions);
        };
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let rows = stream::once(job::run(order, said))
            .try_flatten()
            .map(move |batch| batch.record_output(&metrics));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
