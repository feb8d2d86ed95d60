//! A Delta table as a relation: its rows as `deltalake` scans them, and, for a refresh, the files that they are in.

#[cfg(feature = "cli")]
mod files;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use deltalake::DeltaTable;
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};

#[cfg(feature = "cli")]
use self::files::Contents;
#[cfg(feature = "cli")]
pub(super) use self::files::DeltaFile;

/// A Delta table at one version.
#[derive(Debug)]
pub(super) struct DeltaRelation {
    scan: DeltaScanNext,
    #[cfg(feature = "cli")]
    contents: Contents,
}

impl DeltaRelation {
    /// The version that `table` has loaded.
    ///
    /// # Errors
    ///
    /// None is loaded; a feature of Delta that the reader does not know.
    pub(super) fn new(table: &DeltaTable, config: DeltaScanConfig) -> Result<Self> {
        let state = table.snapshot()?;
        Ok(Self {
            scan: DeltaScanNext::new(state.snapshot().clone(), config.clone())?,
            #[cfg(feature = "cli")]
            contents: Contents::new(table.table_url().clone(), state.clone(), config),
        })
    }
}

#[async_trait]
impl TableProvider for DeltaRelation {
    fn schema(&self) -> SchemaRef {
        self.scan.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        self.scan.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.scan.scan(session, projection, filters, limit).await
    }
}
