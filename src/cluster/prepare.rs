//! What a plan needs before it is cut into stages that run in processes of their own.
//!
//! On one machine the partitions of an operator share memory; in a cluster each task has only its own. Where a plan relies
//! on more than that, it gets another form here, or is refused by name.

use std::sync::Arc;

use arrow::array::{RecordBatchOptions, new_null_array};
use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use ballista_core::config::BallistaConfig;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{JoinType, Result};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::memory::LazyMemoryExec;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::union::{InterleaveExec, UnionExec};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ExecutionPlanProperties, ReplaceChildrenOptions,
};

use super::faults::with_faults;
use super::same_columns::SameColumnsExec;
use super::same_rules::SameRulesExec;
use super::seen_files::{self, SeenFilesExec};
use crate::error;
#[cfg(feature = "delta")]
use crate::lake::SentDeltaExec;
#[cfg(feature = "delta")]
use crate::lake::dar_table::DarTableExec;
use crate::lake::{HistoryExec, RowsExec};

/// The plan as it is sent.
///
/// # Errors
///
/// An operator that cannot run in another process: the error names it.
pub(super) fn prepared(
    plan: Arc<dyn ExecutionPlan>,
    config: &BallistaConfig,
) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = plan.transform_up(|plan| {
        let prepared = match plan.children().is_empty() {
            true => leaf(&plan)?,
            false => inner(&plan)?,
        };
        Ok(prepared.map_or_else(|| Transformed::no(plan), Transformed::yes))
    });
    let plan = with_faults(plan.data()?, config)?;
    Ok(Arc::new(SameRulesExec::new(plan)))
}

/// A leaf as it is sent; `None` as it is.
fn leaf(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(rows) = plan.downcast_ref::<RowsExec>() {
        refuse_signed(plan)?;
        let seen = |rows| Arc::new(SeenFilesExec::new(Arc::new(rows))) as _;
        return union(rows.apart().into_iter().map(seen).collect()).map(Some);
    }
    if let Some(history) = plan.downcast_ref::<HistoryExec>() {
        let seen = |scan| Arc::new(SeenFilesExec::new(Arc::new(scan))) as _;
        return union(history.apart().into_iter().map(seen).collect()).map(Some);
    }
    if seen_files::files(plan, 0).is_some() {
        refuse_signed(plan)?;
        return Ok(Some(Arc::new(SeenFilesExec::new(Arc::clone(plan)))));
    }
    let is_in_memory = plan.downcast_ref::<DataSourceExec>().is_some_and(|source| {
        source
            .data_source()
            .downcast_ref::<MemorySourceConfig>()
            .is_some()
    });
    // `generate_series` and its like, as the engine writes them: in one piece, and with its column.
    let is_whole = partitions(plan) == 1 && !plan.schema().fields().is_empty();
    let is_series = plan.is::<LazyMemoryExec>() && is_whole;
    if is_in_memory || is_series {
        return Ok(None);
    }
    if plan.is::<EmptyExec>() || plan.is::<PlaceholderRowExec>() {
        return in_memory(plan).map(Some);
    }
    Err(error::query(format!(
        "the cluster cannot run {}: an executor could not read what it reads. Run the statement without --cluster, or \
         turn what it reads into Parquet files first",
        plan.name()
    )))
}

/// A leaf without a source as rows in memory. A task that has no part of it would get another kind of leaf in its place,
/// with other metrics, and a stage whose tasks differ in that never ends.
fn in_memory(plan: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    // Nobody reads the columns of the one row there is; its NULLs are only there to be counted.
    let fields = plan
        .schema()
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true))
        .collect::<Vec<_>>();
    let schema = Arc::new(Schema::new(fields));
    let mut partition = Vec::new();
    if plan.is::<PlaceholderRowExec>() {
        let nulls = schema
            .fields()
            .iter()
            .map(|field| new_null_array(field.data_type(), 1));
        let one_row = RecordBatchOptions::new().with_row_count(Some(1));
        let row =
            RecordBatch::try_new_with_options(Arc::clone(&schema), nulls.collect(), &one_row)?;
        partition.push(row);
    }
    let partitions = vec![partition; partitions(plan)];
    let source = MemorySourceConfig::try_new(&partitions, schema, None)?;
    Ok(DataSourceExec::from_data_source(source))
}

/// The engine gives a task its share of the engine's own scans only, so each group of our files is a scan of its own.
fn union(mut scans: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
    match scans.len() {
        1 => Ok(scans.remove(0)),
        _ => UnionExec::try_new(scans),
    }
}

/// A signed address opens one file for the client alone; its signature does not leave this process.
fn refuse_signed(plan: &Arc<dyn ExecutionPlan>) -> Result<()> {
    match seen_files::files(plan, 0) {
        Some((url, _)) if url.as_str().starts_with("https://signed-") => Err(error::query(
            "the cluster cannot read a signed address: its signature would have to be sent to every executor. Give the \
             executors keys of their own, or run the statement without --cluster",
        )),
        _ => Ok(()),
    }
}

/// An inner operator as it is sent; `None` as it is.
fn inner(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    #[cfg(feature = "delta")]
    if let Some(kept) = delta(plan)? {
        return Ok(Some(kept));
    }
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>()
        && gives_unmatched_left(*join.join_type())
        && partitions(join.right()) > 1
    {
        // Which rows of the left side have found a partner is known only where the whole right side is. The engine arranges
        // stages anew and takes out what brings partitions together, unless an operator asks for it: a limit of no rows does.
        let right = Arc::new(CoalescePartitionsExec::new(Arc::clone(join.right())));
        let right = Arc::new(GlobalLimitExec::new(right, 0, None));
        return with_children(plan, vec![Arc::clone(join.left()), right]).map(Some);
    }
    if let Some(repartition) = plan.downcast_ref::<RepartitionExec>()
        && repartition.preserve_order()
        && let Some(order) = plan.output_ordering()
    {
        // What a task reads of other tasks is in no order.
        let input = Arc::clone(repartition.input());
        let shuffled = RepartitionExec::try_new(input, repartition.partitioning().clone())?;
        let sorted =
            SortExec::new(order.clone(), Arc::new(shuffled)).with_preserve_partitioning(true);
        return Ok(Some(Arc::new(sorted)));
    }
    if plan.is::<UnionExec>() || plan.is::<InterleaveExec>() {
        let branches = plan
            .children()
            .into_iter()
            .map(|branch| Arc::new(SameColumnsExec::new(Arc::clone(branch), plan.schema())) as _);
        return with_children(plan, branches.collect()).map(Some);
    }
    Ok(None)
}

/// A scan of a Delta table as it is sent; `None` for anything else.
#[cfg(feature = "delta")]
fn delta(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let [input] = plan.children()[..] else {
        return Ok(None);
    };
    if plan.is::<SentDeltaExec>() {
        // Its list of files was taken for a scan. What is to be looked at is what this one reads.
        let list = input.children().into_iter().cloned().collect();
        let scan = with_children(plan, list)?;
        return Ok(Some(Arc::new(SeenFilesExec::new(scan))));
    }
    if plan.is::<DarTableExec>() {
        // It names the table, for who looks at the plan, and says that its columns are never NULL.
        let rows = SameColumnsExec::new(Arc::clone(input), plan.schema());
        return Ok(Some(Arc::new(rows)));
    }
    Ok(None)
}

/// Whether a join gives rows of its left side by what its whole right side holds.
fn gives_unmatched_left(join: JoinType) -> bool {
    match join {
        JoinType::Left
        | JoinType::Full
        | JoinType::LeftSemi
        | JoinType::LeftAnti
        | JoinType::LeftMark => true,
        JoinType::Inner
        | JoinType::Right
        | JoinType::RightSemi
        | JoinType::RightAnti
        | JoinType::RightMark => false,
    }
}

fn partitions(plan: &Arc<dyn ExecutionPlan>) -> usize {
    plan.output_partitioning().partition_count()
}

fn with_children(
    plan: &Arc<dyn ExecutionPlan>,
    children: Vec<Arc<dyn ExecutionPlan>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    Arc::clone(plan).replace_children(
        children,
        ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
    )
}
