//! The days and the sites that filters leave.

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{Between, InList};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::exec::{Asked, DaySet};

/// Every site and day that a row may have which passes all of `filters`, and perhaps more.
pub(super) fn asked(filters: &[Expr]) -> Asked {
    Asked {
        days: asked_days(filters),
        sites: filters
            .iter()
            .map(sites_of)
            .reduce(of_both)
            .unwrap_or_default(),
    }
}

/// Every day that a row may have which passes all of `filters`, and perhaps more.
pub(crate) fn asked_days(filters: &[Expr]) -> DaySet {
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
                is(left, "day"),
                day(right),
                is(right, "day"),
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
        }) if is(expr, "day") => match (day(low), day(high)) {
            (Some(low), Some(high)) => DaySet::range(low..=high),
            _ => DaySet::all(),
        },
        Expr::InList(InList {
            expr,
            list,
            negated: false,
        }) if is(expr, "day") => {
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

/// The sites that a filter leaves, as texts; `None` where it leaves any.
fn sites_of(filter: &Expr) -> Option<BTreeSet<String>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And => of_both(sites_of(left), sites_of(right)),
            Operator::Or => Some(&sites_of(left)? | &sites_of(right)?),
            Operator::Eq if is(left, "site_id") => Some([site(right)?].into()),
            Operator::Eq if is(right, "site_id") => Some([site(left)?].into()),
            _ => None,
        },
        Expr::InList(InList {
            expr,
            list,
            negated: false,
        }) if is(expr, "site_id") => list.iter().map(site).collect(),
        _ => None,
    }
}

fn of_both(
    one: Option<BTreeSet<String>>,
    other: Option<BTreeSet<String>>,
) -> Option<BTreeSet<String>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(&one & &other),
        (one, other) => one.or(other),
    }
}

/// A literal as the text of a site's id.
fn site(expr: &Expr) -> Option<String> {
    let Expr::Literal(value, _) = expr else {
        return None;
    };
    match value.cast_to(&DataType::Utf8).ok()? {
        ScalarValue::Utf8(text) => text,
        _ => None,
    }
}

fn is(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Column(column) if column.name == name)
}

fn day(expr: &Expr) -> Option<i32> {
    match expr {
        Expr::Literal(ScalarValue::Date32(day), _) => *day,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{col, lit};

    use super::*;

    /// What filters leave is never less than what they allow, and a filter that says nothing leaves all.
    #[test]
    fn filters_leave_sites_and_days() {
        let date = |day| lit(ScalarValue::Date32(Some(day)));
        let sites = |filters: &[Expr]| asked(filters).sites;
        let named = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let a = || col("site_id").eq(lit("a"));
        let b = || lit("b").eq(col("site_id"));
        assert_eq!(sites(&[]), None);
        assert_eq!(sites(&[a()]), named(&["a"]));
        assert_eq!(sites(&[a().or(b())]), named(&["a", "b"]));
        assert_eq!(sites(&[a(), a().or(b())]), named(&["a"]));
        assert_eq!(sites(&[a().and(b())]), named(&[]));
        assert_eq!(sites(&[a().or(col("day").eq(date(3)))]), None);
        assert_eq!(sites(&[a().and(col("day").eq(date(3)))]), named(&["a"]));
        assert_eq!(sites(&[col("site_id").not_eq(lit("a"))]), None);
        assert_eq!(sites(&[a().is_not_true()]), None);
        assert_eq!(
            sites(&[col("site_id").eq(lit(ScalarValue::Utf8(None)))]),
            None
        );
        assert_eq!(
            sites(&[col("site_id").in_list(vec![lit(7_i64), lit(8_i64)], false)]),
            named(&["7", "8"])
        );
        assert_eq!(
            sites(&[col("site_id").in_list(vec![lit("a"), col("org_id")], false)]),
            None
        );
        assert_eq!(sites(&[col("site_id").in_list(vec![lit("a")], true)]), None);
        let days = |filter: Expr| asked(&[filter]).days;
        assert_eq!(days(a()), DaySet::all());
        assert_eq!(days(a().or(col("day").eq(date(3)))), DaySet::all());
        assert_eq!(
            days(a().and(date(3).lt(col("day")))),
            DaySet::range(4..=i32::MAX)
        );
        assert_eq!(
            days(col("day").between(date(3), date(5))),
            DaySet::range(3..=5)
        );
        assert_eq!(days(col("day").not_eq(date(3))), DaySet::all());
    }
}
