//! Counting DARs that are alike instead of rating each of them.
//!
//! Credits, prices and most reports ask only what thousands of DARs have in common: the site, the day, the organization, the
//! switches. An aggregate over such columns, through any contracts joined to them, needs one row for all that are
//! alike, with their number: `count` adds the numbers up, `sum` adds each value as often as its row's number says. This rule
//! plans it so wherever the fast path makes the DARs; the operator that settles them counts them.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, JoinType, Result};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::bool_and_or::{bool_and_udaf, bool_or_udaf};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::logical_plan::TableScanBuilder;
use datafusion::logical_expr::{
    Aggregate, AggregateUDF, Expr, ExprSchemable, Filter, Join, LogicalPlan, Projection,
    SubqueryAlias, lit, when,
};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::fast_path::DarStep;
use crate::aggregate::{exact_sum_function, is_exact, is_sum, sum_alike};
use crate::exec::ALIKE;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct CountAlike;

impl OptimizerRule for CountAlike {
    fn name(&self) -> &str {
        "dayrate_count_alike"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = &plan else {
            return Ok(Transformed::no(plan));
        };
        Ok(match counted(aggregate)? {
            Some(counted) => Transformed::yes(counted),
            None => Transformed::no(plan),
        })
    }
}

/// An aggregate over single DARs as one over DARs alike, with the same columns; `None` if it needs each of them.
fn counted(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    let is_plain = |expr: &Expr| !is_random(expr) && !matches!(expr, Expr::GroupingSet(_));
    if !aggregate.group_expr.iter().all(is_plain) {
        return Ok(None);
    }
    let Some(input) = with_number(&aggregate.input)? else {
        return Ok(None);
    };
    let number = number(&input)?;
    let mut totals: Vec<Expr> = Vec::new();
    let mut places = Vec::new();
    for expr in &aggregate.aggr_expr {
        let Some(total) = over_alike(expr, &number, &input)? else {
            return Ok(None);
        };
        let place = totals.iter().position(|other| *other == total);
        places.push(place.unwrap_or(totals.len()));
        if place.is_none() {
            totals.push(total);
        }
    }
    let groups = aggregate.group_expr.len();
    let over = Aggregate::try_new(Arc::new(input), aggregate.group_expr.clone(), totals)?;
    let mut columns = Vec::new();
    for (place, (qualifier, field)) in aggregate.schema.iter().enumerate() {
        let (made, is_count) = match place.checked_sub(groups) {
            None => (place, false),
            Some(place) => (
                places.get(place).map_or(usize::MAX, |place| groups + place),
                aggregate.aggr_expr.get(place).is_some_and(is_count),
            ),
        };
        let Some(made) = over.schema.iter().nth(made) else {
            return Ok(None);
        };
        if made.1.data_type() != field.data_type() {
            return Ok(None);
        }
        let value = Expr::Column(Column::from(made));
        let value = match is_count {
            // Of no rows, a count is 0 where a sum is NULL.
            true => coalesce(vec![value, lit(0_i64)]),
            false => value,
        };
        columns.push(value.alias_qualified(qualifier.cloned(), field.name()));
    }
    let over = Arc::new(LogicalPlan::Aggregate(over));
    Ok(Some(LogicalPlan::Projection(Projection::try_new(
        columns, over,
    )?)))
}

/// A plan over DARs as one over DARs alike, with a further column [`ALIKE`]; `None` if they need not be alike to it.
fn with_number(plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    Ok(match plan {
        LogicalPlan::TableScan(scan) if scan.fetch.is_none() => {
            let provider = source_as_provider(&scan.source);
            let step = provider.as_ref().ok();
            let step = step.and_then(|provider| provider.downcast_ref::<DarStep>());
            let columns = Arc::new(scan.projected_schema.as_arrow().clone());
            let Some(counted) = step.and_then(|step| step.counted(columns)) else {
                return Ok(None);
            };
            let source = provider_as_source(Arc::new(counted));
            let scan = TableScanBuilder::new(scan.table_name.clone(), source)
                .with_filters(scan.filters.clone());
            Some(LogicalPlan::TableScan(scan.build()?))
        }
        LogicalPlan::Projection(projection) if !projection.expr.iter().any(is_random) => {
            let Some(input) = with_number(&projection.input)? else {
                return Ok(None);
            };
            let columns = projection.expr.iter().cloned().chain([number(&input)?]);
            let columns = Projection::try_new(columns.collect(), Arc::new(input))?;
            Some(LogicalPlan::Projection(columns))
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let Some(input) = with_number(&alias.input)? else {
                return Ok(None);
            };
            let alias = SubqueryAlias::try_new(Arc::new(input), alias.alias.clone())?;
            Some(LogicalPlan::SubqueryAlias(alias))
        }
        LogicalPlan::Filter(filter) if !is_random(&filter.predicate) => {
            let Some(input) = with_number(&filter.input)? else {
                return Ok(None);
            };
            let filter = Filter::try_new(filter.predicate.clone(), Arc::new(input))?;
            Some(LogicalPlan::Filter(filter))
        }
        LogicalPlan::Join(join) if !join.filter.as_ref().is_some_and(is_random) => {
            joined(join)?.map(LogicalPlan::Join)
        }
        _ => None,
    })
}

/// A join of DARs with something else, no row of which comes without a DAR.
fn joined(join: &Join) -> Result<Option<Join>> {
    // Of two such sides, one is counted.
    let is_counted = |side: &LogicalPlan| side.schema().has_column_with_unqualified_name(ALIKE);
    if is_counted(&join.left) || is_counted(&join.right) {
        return Ok(None);
    }
    let left = match join.join_type {
        JoinType::Inner | JoinType::Left => with_number(&join.left)?,
        _ => None,
    };
    let right = match join.join_type {
        JoinType::Inner | JoinType::Right if left.is_none() => with_number(&join.right)?,
        _ => None,
    };
    if left.is_none() && right.is_none() {
        return Ok(None);
    }
    let or = |side: Option<LogicalPlan>, other: &Arc<LogicalPlan>| {
        side.map_or_else(|| Arc::clone(other), Arc::new)
    };
    let joined = Join::try_new(
        or(left, &join.left),
        or(right, &join.right),
        join.on.clone(),
        join.filter.clone(),
        join.join_type,
        join.join_constraint,
        join.null_equality,
        join.null_aware,
    )?;
    Ok(Some(joined))
}

/// The column [`ALIKE`] of a plan.
fn number(plan: &LogicalPlan) -> Result<Expr> {
    let column = plan.schema().qualified_field_with_unqualified_name(ALIKE)?;
    Ok(Expr::Column(Column::from(column)))
}

/// An aggregate of single rows as one of rows that stand for `number` each; `None` if there is no such one.
fn over_alike(expr: &Expr, number: &Expr, input: &LogicalPlan) -> Result<Option<Expr>> {
    let Some(AggregateFunction { func, params }) = function(expr) else {
        return Ok(None);
    };
    let AggregateFunctionParams {
        args,
        distinct,
        filter,
        order_by,
        null_treatment,
    } = params;
    let is_plain = order_by.is_empty() && null_treatment.is_none();
    let (true, [value]) = (is_plain, args.as_slice()) else {
        return Ok(None);
    };
    if is_random(value) || filter.as_ref().is_some_and(|filter| is_random(filter)) {
        return Ok(None);
    }
    let is_one_of = |functions: &[Arc<AggregateUDF>]| functions.contains(func);
    let is_count = is_one_of(&[count_udaf()]);
    let of_values = is_one_of(&[min_udaf(), max_udaf(), bool_and_udaf(), bool_or_udaf()]);
    if of_values || (*distinct && (is_count || is_sum(func))) {
        return Ok(Some(expr.clone().unalias()));
    }
    let total = |func, args| {
        let total = AggregateFunction::new_udf(func, args, false, filter.clone(), Vec::new(), None);
        Some(Expr::AggregateFunction(total))
    };
    if is_count {
        let number = match value {
            Expr::Literal(value, _) if !value.is_null() => number.clone(),
            value => when(value.clone().is_not_null(), number.clone()).end()?,
        };
        return Ok(total(exact_sum_function(), vec![number]));
    }
    let data_type = value.get_type(input.schema())?;
    match is_sum(func) && is_exact(&data_type) {
        true => Ok(total(sum_alike(), vec![value.clone(), number.clone()])),
        false => Ok(None),
    }
}

fn function(expr: &Expr) -> Option<&AggregateFunction> {
    match expr {
        Expr::AggregateFunction(function) => Some(function),
        Expr::Alias(alias) => function(&alias.expr),
        _ => None,
    }
}

fn is_count(expr: &Expr) -> bool {
    function(expr)
        .is_some_and(|function| !function.params.distinct && function.func == count_udaf())
}

/// Whether an expression may have another value for each of several rows alike. Our own functions never do; some are
/// volatile by name, so that they stay in their place.
fn is_random(expr: &Expr) -> bool {
    let is_random = |expr: &Expr| match expr {
        Expr::ScalarFunction(function) => {
            expr.is_volatile_node() && !function.func.name().starts_with("dayrate_")
        }
        _ => false,
    };
    expr.exists(|expr| Ok(is_random(expr))).unwrap_or(true)
}
