//! Pruning by day where every site has its own zone: a wider range on `sent_at` beside the exact predicate.
//!
//! A filter on the `day` of `dars()` ends up as `dayrate_day(sent_at, time_zone) = D` above the join that brings the
//! zone, where it prunes no file. But no zone is further than 26 hours from UTC, so `sent_at` must lie between a day
//! before `D` and two days after it began in UTC. This rule says so below the join; the exact predicate stays. Rows
//! without a usable `sent_at` are kept, so that the check for rejected rows still sees them.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, ExprSchema, Result, ScalarValue};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Filter, JoinType, LogicalPlan, Operator, lit};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use crate::scalar::internal::{DAY_NAME, per_second};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct SentAtRange;

/// Days on each side: a local day begins at most 26 hours before and ends at most 26 hours after the UTC day.
const MARGIN: i64 = 2;

impl OptimizerRule for SentAtRange {
    fn name(&self) -> &str {
        "dayrate_sent_at_range"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(filter) = plan else {
            return Ok(Transformed::no(plan));
        };
        let LogicalPlan::Join(join) = filter.input.as_ref() else {
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        };
        if join.join_type != JoinType::Right && join.join_type != JoinType::Inner {
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        }
        let ranges: Vec<Expr> = split_conjunction(&filter.predicate)
            .into_iter()
            .filter_map(day_predicate)
            .filter_map(|(column, operator, day)| {
                let data_type = join.right.schema().data_type(&column).ok()?;
                range(&column, data_type, operator, day)
            })
            .collect();
        let known = known_predicates(&join.right)?;
        let new: Vec<Expr> = ranges
            .into_iter()
            .filter(|range| !known.contains(&plain(range)))
            .collect();
        let Some(range) = conjunction(new) else {
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        };
        let mut join = join.clone();
        join.right = std::sync::Arc::new(LogicalPlan::Filter(Filter::try_new(range, join.right)?));
        let filter = Filter::try_new(
            filter.predicate,
            std::sync::Arc::new(LogicalPlan::Join(join)),
        )?;
        Ok(Transformed::yes(LogicalPlan::Filter(filter)))
    }
}

/// `day(column, zone) op literal`, with the column of the instant, in either order.
fn day_predicate(expr: &Expr) -> Option<(Column, Operator, i32)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else {
        return None;
    };
    let (call, operator, literal) = match (left.as_ref(), right.as_ref()) {
        (call @ Expr::ScalarFunction(_), Expr::Literal(literal, _)) => (call, *op, literal),
        (Expr::Literal(literal, _), call @ Expr::ScalarFunction(_)) => (call, op.swap()?, literal),
        _ => return None,
    };
    let Expr::ScalarFunction(function) = call else {
        return None;
    };
    match (function.name(), function.args.as_slice(), literal) {
        (DAY_NAME, [Expr::Column(instant), _], ScalarValue::Date32(Some(day))) => {
            Some((instant.clone(), operator, *day))
        }
        _ => None,
    }
}

/// The range of `column` outside of which the predicate cannot hold.
fn range(column: &Column, data_type: &DataType, operator: Operator, day: i32) -> Option<Expr> {
    let DataType::Timestamp(unit, zone) = data_type else {
        return None;
    };
    let bound = |days: i64| {
        let count = (i64::from(day) + days)
            .checked_mul(86_400)?
            .checked_mul(per_second(*unit))?;
        ScalarValue::Int64(Some(count))
            .cast_to(&DataType::Timestamp(*unit, zone.clone()))
            .ok()
            .map(lit)
    };
    let instant = || Expr::Column(column.clone());
    let from = || Some(instant().gt_eq(bound(-MARGIN)?));
    let to = || Some(instant().lt(bound(1 + MARGIN)?));
    let inside = match operator {
        Operator::Eq => from()?.and(to()?),
        Operator::Lt | Operator::LtEq => to()?,
        Operator::Gt | Operator::GtEq => from()?,
        _ => return None,
    };
    let epoch = ScalarValue::Int64(Some(0))
        .cast_to(&DataType::Timestamp(*unit, zone.clone()))
        .ok()?;
    Some(
        inside
            .or(instant().is_null())
            .or(instant().lt_eq(lit(epoch))),
    )
}

/// The predicates that already stand below, so that a second pass adds nothing.
fn known_predicates(plan: &LogicalPlan) -> Result<Vec<String>> {
    let mut known = Vec::new();
    plan.apply(|node| {
        match node {
            LogicalPlan::Filter(filter) => {
                known.extend(split_conjunction(&filter.predicate).into_iter().map(plain))
            }
            LogicalPlan::TableScan(scan) => known.extend(scan.filters.iter().map(plain)),
            _ => {}
        }
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    })?;
    Ok(known)
}

/// An expression without the qualifiers of its columns, which change on the way down.
fn plain(expr: &Expr) -> String {
    let unqualified = expr.clone().transform(|expr| {
        Ok(match expr {
            Expr::Column(column) => {
                Transformed::yes(Expr::Column(Column::new_unqualified(column.name)))
            }
            other => Transformed::no(other),
        })
    });
    unqualified.map_or_else(
        |_| expr.to_string(),
        |unqualified| unqualified.data.to_string(),
    )
}
