//! The days that filters leave.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{Between, InList};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::exec::DaySet;

/// Every day that a row may have which passes all of `filters`, and perhaps more.
pub(super) fn asked_days(filters: &[Expr]) -> DaySet {
    let mut days = DaySet::all();
    for filter in filters {
        days = days.and(&days_of(filter));
    }
    days
}

fn days_of(filter: &Expr) -> DaySet {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And => days_of(left).and(&days_of(right)),
            Operator::Or => {
                let mut days = days_of(left);
                days.unite(&days_of(right));
                days
            }
            op => match (
                is_day(left),
                day(right),
                is_day(right),
                day(left),
                op.swap(),
            ) {
                (true, Some(day), ..) => compared(*op, day),
                (_, _, true, Some(day), Some(swapped)) => compared(swapped, day),
                _ => DaySet::all(),
            },
        },
        Expr::Between(Between {
            expr,
            negated: false,
            low,
            high,
        }) if is_day(expr) => match (day(low), day(high)) {
            (Some(low), Some(high)) => DaySet::range(low..=high),
            _ => DaySet::all(),
        },
        Expr::InList(InList {
            expr,
            list,
            negated: false,
        }) if is_day(expr) => {
            let mut days = DaySet::default();
            for entry in list {
                match day(entry) {
                    Some(day) => days.insert(day),
                    None => return DaySet::all(),
                }
            }
            days
        }
        _ => DaySet::all(),
    }
}

fn compared(op: Operator, day: i32) -> DaySet {
    match op {
        Operator::Eq => DaySet::range(day..=day),
        Operator::Lt => DaySet::range(i32::MIN..=day.saturating_sub(1)),
        Operator::LtEq => DaySet::range(i32::MIN..=day),
        Operator::Gt => DaySet::range(day.saturating_add(1)..=i32::MAX),
        Operator::GtEq => DaySet::range(day..=i32::MAX),
        _ => DaySet::all(),
    }
}

fn is_day(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(column) if column.name == "day")
}

fn day(expr: &Expr) -> Option<i32> {
    match expr {
        Expr::Literal(ScalarValue::Date32(day), _) => *day,
        _ => None,
    }
}
