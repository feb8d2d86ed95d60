//! Filters above a join that no side of it can answer alone stay above it.
//!
//! The logical optimizer leaves them there. The physical one of DataFusion 55 may push one below all the same, onto the
//! wrong column: where both sides of a join have a column of one name, and the key of one side is an expression, it
//! takes the column by its name (`ProjectionExec::collect_reverse_alias`). `a.k IS NOT NULL OR b.channel = 'SMS'` above a
//! join by `a.k = CAST(b.k AS TEXT)` becomes `b.k IS NOT NULL OR b.channel = 'SMS'` below it: rows that should go
//! stay, without a word. So this rule, the last of the logical ones, says of each such filter that it is to be asked
//! where it stands.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, JoinType, Result};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Expr, Filter, Join, LogicalPlan};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::expression::call;
use crate::scalar::internal;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct StayingFilters;

impl OptimizerRule for StayingFilters {
    fn name(&self) -> &str {
        "dayrate_staying_filters"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(filter) = &plan else {
            return Ok(Transformed::no(plan));
        };
        let Some(join) = join_below(&filter.input) else {
            return Ok(Transformed::no(plan));
        };
        let stays = |predicate: &Expr| !predicate.is_volatile() && !is_of_one_side(predicate, join);
        let predicates = split_conjunction(&filter.predicate);
        if !predicates.iter().any(|predicate| stays(predicate)) {
            return Ok(Transformed::no(plan));
        }
        let kept = predicates
            .into_iter()
            .cloned()
            .map(|predicate| match stays(&predicate) {
                true => call(internal::here(), vec![predicate]),
                false => predicate,
            });
        let Some(predicate) = conjunction(kept) else {
            return Ok(Transformed::no(plan));
        };
        let filter = Filter::try_new(predicate, Arc::clone(&filter.input))?;
        Ok(Transformed::yes(LogicalPlan::Filter(filter)))
    }
}

/// The join that a filter stands on, but for columns left out between them.
fn join_below(plan: &LogicalPlan) -> Option<&Join> {
    match plan {
        LogicalPlan::Join(join) => Some(join),
        LogicalPlan::Projection(projection) => {
            let is_column = |expr: &Expr| matches!(expr, Expr::Column(_));
            let only_columns = projection.expr.iter().all(is_column);
            only_columns.then(|| join_below(&projection.input))?
        }
        _ => None,
    }
}

/// Whether a predicate can be asked of one side of a join, and no row is lost that the join would give: the logical
/// optimizer pushes it there.
fn is_of_one_side(predicate: &Expr, join: &Join) -> bool {
    use JoinType::{
        Inner, Left, LeftAnti, LeftMark, LeftSemi, Right, RightAnti, RightMark, RightSemi,
    };
    let is_of = |side: &LogicalPlan| {
        let mut columns = predicate.column_refs().into_iter();
        columns.all(|column: &Column| side.schema().has_column(column))
    };
    let on_left = matches!(
        join.join_type,
        Inner | Left | LeftSemi | LeftAnti | LeftMark
    );
    let on_right = matches!(
        join.join_type,
        Inner | Right | RightSemi | RightAnti | RightMark
    );
    (on_left && is_of(&join.left)) || (on_right && is_of(&join.right))
}
