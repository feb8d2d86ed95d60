//! The few expressions that every table function is written in.

use arrow::datatypes::DataType;
use datafusion::common::{Column, Result, ScalarValue, UnnestOptions};
use datafusion::functions::core::named_struct;
use datafusion::functions_aggregate::array_agg::array_agg_udaf;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ScalarUDF, lit};

use super::relation::{Relation, null};
use crate::scalar::internal;

/// The column `name` of the relation aliased `relation`; unlike `col`, takes the name as it is.
pub(crate) fn of(relation: &str, name: &str) -> Expr {
    Expr::Column(Column::new(Some(relation), name))
}

/// The column `name`; unlike `col`, takes the name as it is.
pub(crate) fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// Text, in the encoding that plans compare it in.
pub(crate) fn text(value: &str) -> Expr {
    lit(ScalarValue::Utf8View(Some(value.into())))
}

/// A call of one of our scalar functions.
pub(crate) fn call(function: ScalarUDF, arguments: Vec<Expr>) -> Expr {
    function.call(arguments)
}

/// One field of a struct.
pub(crate) fn field(value: Expr, name: &str) -> Expr {
    internal::field().call(vec![value, lit(name)])
}

/// A small relation as the one row of a plan: a column `name` with the list of its rows, NULL if there are none.
///
/// The aggregate is also the barrier behind which the rows are checked: no filter above it can hide a row from the
/// check, and none can take the check away.
pub(crate) fn listed(
    relation: &Relation,
    name: &str,
    columns: Vec<(&str, Expr)>,
) -> Result<LogicalPlan> {
    let fields = columns
        .into_iter()
        .flat_map(|(name, value)| [lit(name), value])
        .collect();
    let row = named_struct().call(fields);
    let rows = array_agg_udaf().call(vec![row]).alias(name);
    LogicalPlanBuilder::from(relation.plan.clone())
        .aggregate(Vec::<Expr>::new(), vec![rows])?
        .build()
}

/// The rows of the list `rows`, the one value of `plan`, as a relation named `alias` with those columns.
pub(crate) fn unlisted(
    plan: LogicalPlan,
    rows: Expr,
    columns: &[&str],
    alias: &str,
) -> Result<LogicalPlan> {
    let fields = columns
        .iter()
        .map(|name| field(column("row"), name).alias(*name));
    LogicalPlanBuilder::from(plan)
        .project(vec![rows.alias("row")])?
        // There is one row anyway. But no filter goes below a limit, where the engine would push one without columns,
        // such as a `false` that it has worked out itself, through the aggregate: that empties the list, not the answer.
        .limit(0, Some(1))?
        .unnest_columns_with_options(
            vec![Column::new_unqualified("row")],
            UnnestOptions::new().with_preserve_nulls(false),
        )?
        .project(fields)?
        .alias(alias)?
        .build()
}

/// NULL as an expression of a type, for a list that is not there.
pub(crate) fn no_rows() -> Expr {
    null(&DataType::Null)
}

/// Both plans side by side, each of one row or small.
pub(crate) fn beside(left: LogicalPlan, right: LogicalPlan) -> Result<LogicalPlan> {
    LogicalPlanBuilder::from(left).cross_join(right)?.build()
}
