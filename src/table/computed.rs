//! Tables of which the rows are planned when they are scanned, below the optimizer's level.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::Schema;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::ExecutionPlan;

use super::expression::column;

/// The rows of a table as a plan. The engine takes scans of one name for scans of one table, so every scan has a name of
/// its own, which begins with `name`.
pub(super) fn scanned(name: &str, table: Arc<dyn TableProvider>) -> Result<LogicalPlan> {
    static SCANS: AtomicU64 = AtomicU64::new(1);
    let columns: Vec<Expr> = table
        .schema()
        .fields()
        .iter()
        .map(|field| column(field.name()).alias(field.name()))
        .collect();
    let name = format!("{name}_{}", SCANS.fetch_add(1, Ordering::Relaxed));
    LogicalPlanBuilder::scan(name, provider_as_source(table), None)?
        .project(columns)?
        .build()
}

/// The `columns` of the rows of a plan that filters leave.
pub(crate) async fn planned(
    session: &dyn Session,
    rows: &LogicalPlan,
    filters: &[Expr],
    columns: &Schema,
) -> Result<Arc<dyn ExecutionPlan>> {
    let mut plan = LogicalPlanBuilder::from(rows.clone());
    for filter in filters {
        plan = plan.filter(filter.clone())?;
    }
    let columns = columns.fields().iter().map(|field| column(field.name()));
    let plan = plan.project(columns.collect::<Vec<_>>())?.build()?;
    session.create_physical_plan(&plan).await
}
