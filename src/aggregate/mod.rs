//! The aggregates, one file each.

mod at_first;
mod collect;
mod dar_count;
mod dar_keys;
pub(crate) mod exact_sum;
mod exact_total;
mod interner;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, Expr, WindowFunctionDefinition};

use crate::domain::zone::ZoneDatabase;

/// Every aggregate that people write: the only list.
pub(crate) fn all(zones: &ZoneDatabase) -> Vec<AggregateUDF> {
    vec![
        AggregateUDF::from(dar_count::DarCount::new(zones.clone())),
        AggregateUDF::from(exact_sum::ExactSum::new()),
    ]
}

/// The aggregates that table functions plan and people do not write, for a process that only reads their names in a plan.
#[cfg(feature = "cluster")]
pub(crate) fn internal() -> Vec<AggregateUDF> {
    vec![
        AggregateUDF::from(at_first::AtFirst::new()),
        AggregateUDF::from(collect::Collect::new()),
    ]
}

/// `dayrate_at_first(value, instant)`, as a table function plans it.
pub(crate) fn at_first(value: Expr, instant: Expr) -> Expr {
    Arc::new(AggregateUDF::from(at_first::AtFirst::new())).call(vec![value, instant])
}

/// `dayrate_collect(value)`, as a table function plans it.
pub(crate) fn collect(value: Expr) -> Expr {
    AggregateUDF::from(collect::Collect::new()).call(vec![value])
}

/// `exact_sum(value)`, as a table function plans it.
pub(crate) fn exact_sum(value: Expr) -> Expr {
    AggregateUDF::from(exact_sum::ExactSum::new()).call(vec![value])
}

/// `exact_sum` as the function of a window.
pub(crate) fn exact_sum_function() -> WindowFunctionDefinition {
    WindowFunctionDefinition::AggregateUDF(Arc::new(AggregateUDF::from(exact_sum::ExactSum::new())))
}
