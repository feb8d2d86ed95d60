//! `sum` that fails rather than wraps.

use datafusion::logical_expr::AggregateUDF;

/// The aggregate.
pub(crate) fn sum() -> AggregateUDF {
    datafusion::functions_aggregate::sum::sum_udaf()
        .as_ref()
        .clone()
}
