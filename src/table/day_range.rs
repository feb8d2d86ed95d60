//! Pruning by day where every site has its own zone: a wider range on `sent_at` beside the exact predicate.
//!
//! A filter on the `day` of `dars()` ends up as `dayrate_day(sent_at, time_zone) = D` above the join that brings the
//! zone, where it prunes no file. But no zone is further than 26 hours from UTC, so `sent_at` must lie between 26 hours
//! before `D` begins in UTC and 26 hours after it ends there. This rule says so below the join; the exact predicate stays. Rows
//! without a usable `sent_at` are kept, so that the check for rejected rows still sees them.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, ExprSchema, Result, ScalarValue};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{
    BinaryExpr, Expr, Filter, JoinType, LogicalPlan, Operator, Projection, lit,
};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use crate::scalar::internal::{DAY_NAME, per_second};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct SentAtRange;

/// Seconds on each side: a local day begins at most 26 hours before and ends at most 26 hours after the UTC day.
const MARGIN: i64 = 26 * 3_600;

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
        let predicates = split_conjunction(&filter.predicate);
        let input = with_range(&filter.input, predicates.into_iter().cloned().collect())?;
        let Some(input) = input else {
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        };
        let filter = Filter::try_new(filter.predicate, Arc::new(input))?;
        Ok(Transformed::yes(LogicalPlan::Filter(filter)))
    }
}

/// `plan` with the range that `predicates` above it imply below its join; `None` if there is none to add.
fn with_range(plan: &LogicalPlan, predicates: Vec<Expr>) -> Result<Option<LogicalPlan>> {
    match plan {
        // The optimizer may have computed a day that is compared twice in a projection of its own.
        LogicalPlan::Projection(projection) => {
            let predicates = predicates
                .into_iter()
                .map(|predicate| inlined(predicate, projection));
            let input = with_range(&projection.input, predicates.collect::<Result<_>>()?)?;
            let rebuilt =
                input.map(|input| Projection::try_new(projection.expr.clone(), Arc::new(input)));
            Ok(rebuilt.transpose()?.map(LogicalPlan::Projection))
        }
        LogicalPlan::Join(join) if matches!(join.join_type, JoinType::Right | JoinType::Inner) => {
            let known = known_predicates(&join.right)?;
            let new = predicates.iter().filter_map(|predicate| {
                let days = days(predicate)?;
                let data_type = join.right.schema().data_type(&days.instant).ok()?;
                range(&days, data_type)
            });
            let Some(range) = conjunction(new.filter(|range| !known.contains(&plain(range))))
            else {
                return Ok(None);
            };
            let mut join = join.clone();
            join.right = Arc::new(LogicalPlan::Filter(Filter::try_new(range, join.right)?));
            Ok(Some(LogicalPlan::Join(join)))
        }
        _ => Ok(None),
    }
}

/// The range of the instants, of that type, that a predicate on their days leaves; `None` if it says nothing of them.
pub(crate) fn sent_at_range(predicate: &Expr, data_type: &DataType) -> Option<Expr> {
    range(&days(predicate)?, data_type)
}

/// An expression over the output of a projection as one over its input.
fn inlined(predicate: Expr, projection: &Projection) -> Result<Expr> {
    let rewritten = predicate.transform(|expr| {
        let Expr::Column(column) = &expr else {
            return Ok(Transformed::no(expr));
        };
        Ok(match projection.schema.maybe_index_of_column(column) {
            Some(place) => match projection.expr.get(place) {
                Some(computed) => {
                    Transformed::new(computed.clone().unalias(), true, TreeNodeRecursion::Jump)
                }
                None => Transformed::no(expr),
            },
            None => Transformed::no(expr),
        })
    });
    Ok(rewritten?.data)
}

/// The days that a predicate leaves open to an instant: from the first to the last, either of which may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Days {
    instant: Column,
    first: Option<i32>,
    last: Option<i32>,
}

/// What a predicate says of the day of one instant; `None` if it says nothing.
fn days(expr: &Expr) -> Option<Days> {
    match expr {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Or,
            right,
        }) => {
            let (left, right) = (days(left)?, days(right)?);
            let both = left.first.zip(right.first).map(|(a, b)| a.min(b));
            let last = left.last.zip(right.last).map(|(a, b)| a.max(b));
            (left.instant == right.instant).then_some(Days {
                instant: left.instant,
                first: both,
                last,
            })
        }
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::And,
            right,
        }) => match (days(left), days(right)) {
            (Some(left), Some(right)) if left.instant == right.instant => Some(Days {
                instant: left.instant,
                first: left.first.max(right.first),
                last: left.last.into_iter().chain(right.last).min(),
            }),
            (one, other) => one.or(other),
        },
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (instant, operator, day) = match (instant_of_day(left), instant_of_day(right)) {
                (Some(instant), None) => (instant, *op, literal_day(right)?),
                (None, Some(instant)) => (instant, op.swap()?, literal_day(left)?),
                _ => return None,
            };
            let (first, last) = match operator {
                Operator::Eq => (Some(day), Some(day)),
                Operator::Lt | Operator::LtEq => (None, Some(day)),
                Operator::Gt | Operator::GtEq => (Some(day), None),
                _ => return None,
            };
            Some(Days {
                instant: instant.clone(),
                first,
                last,
            })
        }
        Expr::InList(list) if !list.negated => {
            let days = list
                .list
                .iter()
                .map(literal_day)
                .collect::<Option<Vec<i32>>>()?;
            let instant = instant_of_day(&list.expr)?.clone();
            Some(Days {
                instant,
                first: days.iter().min().copied(),
                last: days.iter().max().copied(),
            })
        }
        _ => None,
    }
}

/// The instant of `day(instant, zone)`.
fn instant_of_day(expr: &Expr) -> Option<&Column> {
    match expr {
        Expr::ScalarFunction(function) => match (function.name(), function.args.as_slice()) {
            (DAY_NAME, [Expr::Column(instant), _]) => Some(instant),
            _ => None,
        },
        _ => None,
    }
}

fn literal_day(expr: &Expr) -> Option<i32> {
    match expr {
        Expr::Literal(ScalarValue::Date32(day), _) => *day,
        _ => None,
    }
}

/// The range of the instant outside of which it cannot show one of these days anywhere on earth.
fn range(days: &Days, data_type: &DataType) -> Option<Expr> {
    let DataType::Timestamp(unit, _) = data_type else {
        return None;
    };
    let count = |count: i64| {
        ScalarValue::Int64(Some(count))
            .cast_to(data_type)
            .ok()
            .map(lit)
    };
    let midnight = |day: i32, margin: i64| {
        count((i64::from(day) * 86_400 + margin).checked_mul(per_second(*unit))?)
    };
    let instant = || Expr::Column(days.instant.clone());
    let from = match days.first {
        Some(day) => Some(instant().gt_eq(midnight(day, -MARGIN)?)),
        None => None,
    };
    let to = match days.last {
        Some(day) => Some(instant().lt(midnight(day, 86_400 + MARGIN)?)),
        None => None,
    };
    let inside = conjunction(from.into_iter().chain(to))?;
    Some(
        inside
            .or(instant().is_null())
            .or(instant().lt_eq(count(0)?)),
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
        Ok(TreeNodeRecursion::Continue)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn day_of(column: &str) -> Expr {
        let zones = crate::domain::zone::ZoneDatabase::bundled();
        crate::scalar::internal::day(&zones).call(vec![
            Expr::Column(Column::new_unqualified(column)),
            lit("UTC"),
        ])
    }

    fn date(day: i32) -> Expr {
        lit(ScalarValue::Date32(Some(day)))
    }

    /// What a predicate leaves open is never less than what it allows.
    #[test]
    fn predicates_leave_days_open() {
        let open = |expr: &Expr| days(expr).map(|days| (days.first, days.last));
        let day = || day_of("t");
        assert_eq!(open(&day().eq(date(3))), Some((Some(3), Some(3))));
        assert_eq!(open(&date(3).lt_eq(day())), Some((Some(3), None)));
        assert_eq!(open(&day().lt(date(3))), Some((None, Some(3))));
        assert_eq!(open(&day().not_eq(date(3))), None);
        assert_eq!(
            open(&day().eq(date(3)).or(day().eq(date(9)))),
            Some((Some(3), Some(9)))
        );
        assert_eq!(
            open(&day().eq(date(3)).or(day().gt(date(9)))),
            Some((Some(3), None))
        );
        assert_eq!(
            open(&day().gt(date(3)).and(day().lt(date(9)))),
            Some((Some(3), Some(9)))
        );
        assert_eq!(open(&day().eq(date(3)).or(day_of("u").eq(date(9)))), None);
        assert_eq!(open(&day().eq(date(3)).or(lit(true))), None);
        assert_eq!(
            open(&day().in_list(vec![date(5), date(2), date(4)], false)),
            Some((Some(2), Some(5)))
        );
        assert_eq!(open(&day().in_list(vec![date(5)], true)), None);
    }
}
