//! The engine's own fault injection, for plans that the engine does not plan itself.
//!
//! `SET ballista.testing.chaos_execution.enabled = true` puts one operator into each plan, at a place by chance, that
//! fails with a probability of `…probability`, in the way of `…fault_type`.

use std::sync::Arc;

use ballista_core::config::BallistaConfig;
use ballista_core::execution_plans::ChaosExec;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;
use rand::{RngExt, SeedableRng};

use super::seen_files::SeenFilesExec;

/// `plan` with a fault in it, if faults are wanted.
///
/// # Errors
///
/// A setting of the fault that the engine does not know.
pub(super) fn with_faults(
    plan: Arc<dyn ExecutionPlan>,
    config: &BallistaConfig,
) -> Result<Arc<dyn ExecutionPlan>> {
    if !config.chaos_execution_enabled() {
        return Ok(plan);
    }
    let mut count = 0_usize;
    plan.apply(|plan| {
        count += 1;
        Ok(below(plan))
    })?;
    let seed = config.chaos_execution_seed();
    let mut chance = match seed {
        Some(seed) => rand_chacha::ChaCha8Rng::seed_from_u64(seed),
        None => rand_chacha::ChaCha8Rng::seed_from_u64(rand::random()),
    };
    let target = chance.random_range(0..count.max(1));
    let mut at = 0;
    plan.transform_down(|plan| {
        let is_target = at == target;
        at += 1;
        // A branch of a union has to stay one that a task can leave out.
        if !is_target || plan.is::<UnionExec>() {
            let below = below(&plan);
            return Ok(Transformed::new(plan, false, below));
        }
        let kind = config.chaos_execution_fault_type();
        let faulty = ChaosExec::new(plan, config.chaos_execution_probability(), &kind, seed)?;
        Ok(Transformed::new(
            Arc::new(faulty) as _,
            true,
            TreeNodeRecursion::Stop,
        ))
    })
    .data()
}

/// A scan stays right below what looks at its files.
fn below(plan: &Arc<dyn ExecutionPlan>) -> TreeNodeRecursion {
    match plan.is::<SeenFilesExec>() {
        true => TreeNodeRecursion::Jump,
        false => TreeNodeRecursion::Continue,
    }
}
