//! `RefusedExec`: what an executor puts in the place of a plan that it must not run, because its rules differ.
//!
//! An executor that could not read a plan would give it back without a reason; this one takes it, and its task fails with
//! the reason.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};

use crate::error;

/// See the module.
#[derive(Debug)]
pub(super) struct RefusedExec {
    reason: String,
    properties: Arc<PlanProperties>,
}

impl RefusedExec {
    /// In the place of an operator with these columns and partitions.
    pub(super) fn new(reason: String, schema: SchemaRef, partitions: usize) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            reason,
            properties: Arc::new(properties),
        }
    }

    /// In the place of `plan`.
    pub(super) fn instead_of(
        plan: &Arc<dyn ExecutionPlan>,
        reason: &str,
    ) -> Arc<dyn ExecutionPlan> {
        let partitions = plan.properties().output_partitioning().partition_count();
        Arc::new(Self::new(reason.to_owned(), plan.schema(), partitions))
    }
}

impl DisplayAs for RefusedExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefusedExec: {}", self.reason)
    }
}

impl ExecutionPlan for RefusedExec {
    fn name(&self) -> &'static str {
        "RefusedExec"
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
        _partition: usize,
        _context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        Err(error::config(self.reason.clone()))
    }
}
