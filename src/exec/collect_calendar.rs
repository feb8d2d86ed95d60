//! A physical rule: the calendar of the sites, the terms of the contracts and their like are built once as a whole.
//!
//! They come out of an aggregate and an unnest, of which the engine knows no size, so it would shuffle every message
//! across partitions to join a few hundred rows. This rule only chooses the mode of the join; the answer is the same
//! without it.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::unnest::UnnestExec;

/// See the module.
#[derive(Debug)]
pub(crate) struct CollectCalendar;

impl PhysicalOptimizerRule for CollectCalendar {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let Some(join) = plan.downcast_ref::<HashJoinExec>() else {
                return Ok(Transformed::no(plan));
            };
            if *join.partition_mode() == PartitionMode::CollectLeft || !is_unlisted(join.left()) {
                return Ok(Transformed::no(plan));
            }
            let collected = join
                .builder()
                .with_partition_mode(PartitionMode::CollectLeft)
                .build()?;
            Ok(Transformed::yes(
                Arc::new(collected) as Arc<dyn ExecutionPlan>
            ))
        })
        .data()
    }

    fn name(&self) -> &str {
        "dayrate_collect_calendar"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether a plan is a list of rows taken apart: one that a table function has checked as a whole.
fn is_unlisted(plan: &Arc<dyn ExecutionPlan>) -> bool {
    if plan.downcast_ref::<UnnestExec>().is_some() {
        return plan
            .schema()
            .fields()
            .iter()
            .any(|field| field.name() == "row");
    }
    match plan.children().as_slice() {
        [child] => is_unlisted(child),
        _ => false,
    }
}
