//! A Delta table of a session whose plans run in other processes.
//!
//! The log is read here, once: a scan says which version of the table it is of, and which files of that version its rows
//! are in. Whoever runs it opens that version and reads these files, whatever was written meanwhile.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::TableType;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::object_store::ObjectMeta;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use deltalake::DeltaTableError;
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};

use super::Place;
use super::sent_scan::{Recipe, SentDeltaExec};
use crate::error;

/// See the module.
#[derive(Debug)]
pub(in crate::lake) struct SentDelta {
    scan: DeltaScanNext,
    /// What every scan of it says of the table.
    recipe: Recipe,
    /// The first column that stands in the files, not in the log.
    in_files: Option<usize>,
}

impl SentDelta {
    /// The version of `table` that was loaded.
    ///
    /// # Errors
    ///
    /// None was.
    pub(in crate::lake) fn new(
        table: &deltalake::DeltaTable,
        scan: DeltaScanNext,
        config: DeltaScanConfig,
        place: &Place,
        location: &str,
    ) -> std::result::Result<Self, DeltaTableError> {
        let snapshot = table.snapshot()?;
        let in_log = snapshot.metadata().partition_columns();
        let schema = scan.schema();
        let mut fields = schema.fields().iter();
        Ok(Self {
            in_files: fields.position(|field| !in_log.contains(field.name())),
            recipe: Recipe {
                location: location.to_owned(),
                store_url: place.url.clone(),
                path: place.path.clone(),
                version: snapshot.version(),
                config,
                columns: Vec::new(),
                filters: Vec::new(),
                limit: None,
            },
            scan,
        })
    }

    /// Another scan of the same version, with these settings.
    pub(in crate::lake) fn other(&self, scan: DeltaScanNext, config: DeltaScanConfig) -> Self {
        let recipe = Recipe {
            config,
            ..self.recipe.clone()
        };
        Self {
            scan,
            recipe,
            in_files: self.in_files,
        }
    }

    /// A scan of one machine, and the files that it would read.
    async fn planned(
        &self,
        session: &dyn Session,
        columns: &Vec<usize>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<(Arc<dyn ExecutionPlan>, Vec<(ObjectStoreUrl, ObjectMeta)>)> {
        let plan = self
            .scan
            .scan(session, Some(columns), filters, limit)
            .await?;
        let files = files_of(&plan)?;
        Ok((plan, files))
    }
}

#[async_trait]
impl TableProvider for SentDelta {
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
        // Not every filter can be sent, so each stays above the scan, too.
        let weaker = |pushdown| match pushdown {
            TableProviderFilterPushDown::Exact => TableProviderFilterPushDown::Inexact,
            other => other,
        };
        let pushdown = self.scan.supports_filters_pushdown(filters)?;
        Ok(pushdown.into_iter().map(weaker).collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let table = self.schema();
        let all = || (0..table.fields().len()).collect();
        let mut columns: Vec<usize> = projection.cloned().unwrap_or_else(all);
        let schema = Arc::new(table.project(&columns)?);
        let (plan, mut files) = self.planned(session, &columns, filters, limit).await?;
        #[expect(deprecated, reason = "the engine still asks this way")]
        let statistics = plan.partition_statistics(None)?;
        if let (true, Some(in_files)) = (files.is_empty(), self.in_files) {
            // Values that stand in the log are given once for each row of a file, so files there must be.
            columns.push(in_files);
            (_, files) = self.planned(session, &columns, filters, limit).await?;
        }
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let recipe = Recipe {
            columns,
            filters: filters.to_vec(),
            limit,
            ..self.recipe.clone()
        };
        let partitions = session.config().target_partitions().max(1);
        let files = self.listed(files, partitions)?;
        let scan = SentDeltaExec::new(Arc::new(recipe), files, schema);
        Ok(Arc::new(scan.with_statistics(statistics)))
    }
}

impl SentDelta {
    /// The files in groups, as a leaf that the engine knows how to give the tasks of a stage their share of.
    fn listed(
        &self,
        files: Vec<(ObjectStoreUrl, ObjectMeta)>,
        partitions: usize,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Recipe {
            location,
            store_url,
            path,
            ..
        } = &self.recipe;
        let mut listed = Vec::with_capacity(files.len());
        for (url, meta) in files {
            if url != *store_url || !meta.location.prefix_matches(path) {
                return Err(error::query(format!(
                    "the cluster cannot read the Delta table '{location}': its file '{}{}' is not in its folder. Run the \
                     statement without --cluster, or make a whole copy of the table",
                    url.as_str(),
                    meta.location
                )));
            }
            listed.push(PartitionedFile::from(meta));
        }
        // Nobody reads a column of it.
        let column = Schema::new(vec![Field::new("file", DataType::Boolean, true)]);
        let columns = TableSchema::builder(Arc::new(column)).build();
        let source = ParquetFormat::default().file_source(columns);
        let list = FileScanConfigBuilder::new(store_url.clone(), source)
            .with_file_groups(FileGroup::new(listed).split_files(partitions))
            .build();
        Ok(DataSourceExec::from_data_source(list))
    }
}

/// The files that a plan reads.
pub(super) fn files_of(plan: &Arc<dyn ExecutionPlan>) -> Result<Vec<(ObjectStoreUrl, ObjectMeta)>> {
    let mut files = Vec::new();
    plan.apply(|plan| {
        if let Some(source) = plan.downcast_ref::<DataSourceExec>()
            && let Some(scan) = source.data_source().downcast_ref::<FileScanConfig>()
        {
            let groups = scan.file_groups.iter().flat_map(|group| group.iter());
            let metas = groups.map(|file| file.object_meta.clone());
            files.extend(metas.map(|meta| (scan.object_store_url.clone(), meta)));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(files)
}
