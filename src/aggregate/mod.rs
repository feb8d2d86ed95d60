//! The aggregates, one file each.

mod at_first;
mod collect;
mod dar_count;
mod dar_keys;
pub(crate) mod exact_sum;
mod exact_total;
mod interner;
mod sum_alike;

use std::sync::Arc;

use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::{AggregateUDF, Expr};

use crate::domain::zone::ZoneDatabase;
pub(crate) use exact_sum::is_exact;

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
        AggregateUDF::from(sum_alike::SumAlike::new()),
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

/// What `dayrate_sum_alike(value, number)` is called by.
pub(crate) fn sum_alike() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(sum_alike::SumAlike::new()))
}

/// Whether an aggregate adds up its argument, exactly or as the engine does.
pub(crate) fn is_sum(function: &AggregateUDF) -> bool {
    [
        exact_sum::sum(),
        AggregateUDF::from(exact_sum::ExactSum::new()),
    ]
    .contains(function)
        || function == sum_udaf().as_ref()
}

/// `exact_sum(value)`, as a table function plans it.
pub(crate) fn exact_sum(value: Expr) -> Expr {
    exact_sum_function().call(vec![value])
}

/// What `exact_sum(value)` is called by.
pub(crate) fn exact_sum_function() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(exact_sum::ExactSum::new()))
}
