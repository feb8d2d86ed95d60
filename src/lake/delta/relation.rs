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
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use deltalake::{DeltaTable, DeltaTableError};

#[cfg(feature = "cli")]
use self::files::Contents;
#[cfg(feature = "cli")]
pub(in crate::lake) use self::files::DeltaFile;
#[cfg(feature = "cluster")]
pub(crate) use self::files::FileNumber;
#[cfg(feature = "cluster")]
use super::sent::SentDelta;
#[cfg(feature = "cluster")]
use crate::lake::stores::Place;

/// A Delta table at one version.
#[derive(Debug)]
pub(in crate::lake) struct DeltaRelation {
    scan: DeltaScanNext,
    #[cfg(feature = "cli")]
    contents: Contents,
    /// The rows as they are read where plans run in other processes.
    #[cfg(feature = "cluster")]
    sent: Option<SentDelta>,
}

impl DeltaRelation {
    /// The version that `table` has loaded, and the scan of its rows with these settings.
    ///
    /// # Errors
    ///
    /// None is loaded.
    #[cfg_attr(
        not(feature = "cli"),
        expect(unused_variables, reason = "only a refresh asks for files")
    )]
    pub(super) fn new(
        table: &DeltaTable,
        scan: DeltaScanNext,
        config: DeltaScanConfig,
    ) -> std::result::Result<Self, DeltaTableError> {
        Ok(Self {
            scan,
            #[cfg(feature = "cli")]
            contents: Contents::new(table.table_url().clone(), table.snapshot()?.clone(), config),
            #[cfg(feature = "cluster")]
            sent: None,
        })
    }

    /// The same relation in a session whose plans run in other processes.
    ///
    /// # Errors
    ///
    /// No version is loaded.
    #[cfg(feature = "cluster")]
    pub(super) fn sent(
        self,
        table: &DeltaTable,
        place: &Place,
        location: &str,
    ) -> std::result::Result<Self, DeltaTableError> {
        let (scan, config) = (self.scan.clone(), self.contents.config());
        let sent = SentDelta::new(table, scan, config, place, location)?;
        Ok(Self {
            sent: Some(sent),
            ..self
        })
    }

    /// Whose rows these are.
    fn rows(&self) -> &dyn TableProvider {
        #[cfg(feature = "cluster")]
        if let Some(sent) = &self.sent {
            return sent;
        }
        &self.scan
    }

    /// Another scan of the same version, with these settings.
    #[cfg(feature = "cli")]
    fn other(&self, scan: DeltaScanNext, config: DeltaScanConfig) -> Arc<dyn TableProvider> {
        #[cfg(feature = "cluster")]
        if let Some(sent) = &self.sent {
            return Arc::new(sent.other(scan, config));
        }
        // On one machine a scan has its settings already.
        drop(config);
        Arc::new(scan)
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
        self.rows().supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.rows().scan(session, projection, filters, limit).await
    }
}
