//! `SentDeltaExec`: the rows that some files of a version of a Delta table have in it.
//!
//! Its child is a list of files that nobody runs: the engine gives every task its part of it. What a file's rows are in
//! the table (columns of the log, columns under other names, deleted rows) Delta's own reader settles in the process that
//! reads them, from the log at that version.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, exec_datafusion_err};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::{SessionState, SessionStateBuilder, TaskContext};
use datafusion::logical_expr::{Expr, expr_vec_fmt};
use datafusion::object_store::ObjectMeta;
use datafusion::object_store::path::Path;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream, execute_stream,
};
use deltalake::delta_datafusion::{
    DeltaScanConfig, DeltaScanNext, FileSelection, MissingSelectedFilePolicy,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::sent::files_of;
use super::{log_store, scan};
use crate::error;
use crate::lake::stores::{Place, Service};

/// What is read of which table.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    /// The table, as it was written.
    pub(super) location: String,
    pub(super) store_url: ObjectStoreUrl,
    /// Its folder in the store.
    pub(super) path: Path,
    pub(super) version: u64,
    pub(super) config: DeltaScanConfig,
    /// The columns that are read, by their places in the table; the scan gives the first of them.
    pub(super) columns: Vec<usize>,
    /// What rows need not be read. A filter that is meant to keep rows out stands above the scan.
    pub(super) filters: Vec<Expr>,
    /// How many rows are enough.
    pub(super) limit: Option<usize>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct SentDeltaExec {
    pub(super) recipe: Arc<Recipe>,
    files: Arc<dyn ExecutionPlan>,
    schema: SchemaRef,
    statistics: Arc<Statistics>,
    properties: Arc<PlanProperties>,
}

impl SentDeltaExec {
    /// The rows of `files` under these columns.
    pub(super) fn new(
        recipe: Arc<Recipe>,
        files: Arc<dyn ExecutionPlan>,
        schema: SchemaRef,
    ) -> Self {
        let partitions = files.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            statistics: Arc::new(Statistics::new_unknown(&schema)),
            recipe,
            files,
            schema,
            properties: Arc::new(properties),
        }
    }

    pub(super) fn with_statistics(mut self, statistics: Arc<Statistics>) -> Self {
        self.statistics = statistics;
        self
    }

    /// The list of its files.
    pub(crate) fn list(&self) -> &Arc<dyn ExecutionPlan> {
        &self.files
    }

    /// The files of a partition.
    fn metas(&self, partition: usize) -> Result<Vec<ObjectMeta>> {
        let source = self.files.downcast_ref::<DataSourceExec>();
        let list = source
            .and_then(|source| source.data_source().downcast_ref::<FileScanConfig>())
            .ok_or_else(|| exec_datafusion_err!("SentDeltaExec stands above a list of files"))?;
        let group = list.file_groups.get(partition);
        let files = group.into_iter().flat_map(|group| group.iter());
        Ok(files.map(|file| file.object_meta.clone()).collect())
    }
}

impl Recipe {
    /// The rows of these files.
    async fn rows(
        &self,
        files: Vec<ObjectMeta>,
        schema: &SchemaRef,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let session = session(&context);
        let selection = FileSelection::from_file_paths(self.names(&files)?)
            .with_missing_file_policy(MissingSelectedFilePolicy::Ignore);
        let scan = self.open(&context).await?.with_file_selection(selection);
        let plan = scan
            .scan(&session, Some(&self.columns), &self.filters, self.limit)
            .await?;
        self.compare(&files, &plan)?;
        let rows = execute_stream(plan, context)?;
        let width = schema.fields().len();
        let given = Arc::clone(schema);
        let rows = rows.map(move |batch| {
            let batch = batch?;
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let columns = batch.columns().iter().take(width).cloned().collect();
            Ok(RecordBatch::try_new_with_options(
                Arc::clone(&given),
                columns,
                &options,
            )?)
        });
        let schema = Arc::clone(schema);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }

    /// The table at its version, from the log that this process sees.
    async fn open(&self, context: &TaskContext) -> Result<DeltaScanNext> {
        let place = Place {
            service: Service::Local,
            url: self.store_url.clone(),
            store: context.runtime_env().object_store(&self.store_url)?,
            path: self.path.clone(),
        };
        let mut table = deltalake::DeltaTable::new(log_store(&place)?);
        table.load_version(self.version).await.map_err(|cause| {
            error::data(format!(
                "the Delta table '{}' cannot be read at version {}, which the client saw: {cause}. Let every process of \
                 the cluster see the same folder or store",
                self.location, self.version
            ))
        })?;
        scan(&table, &self.config, &self.location)
    }

    /// What Delta's reader calls the files: their addresses below the table. A path does not say how a writer has spelt
    /// its unusual characters, so each file is called by both spellings that there are.
    fn names(&self, files: &[ObjectMeta]) -> Result<Vec<String>> {
        let mut names = Vec::with_capacity(2 * files.len());
        for file in files {
            let below = file.location.prefix_match(&self.path).ok_or_else(|| {
                exec_datafusion_err!("'{}' is not below '{}'", file.location, self.path)
            })?;
            let below: Vec<String> = below.map(|part| part.as_ref().to_owned()).collect();
            let below = below.join("/");
            let few = below
                .replace('%', "%25")
                .replace('?', "%3F")
                .replace('#', "%23");
            names.push(format!("./{few}"));
            names.push(format!("./{}", Path::from(below)));
        }
        Ok(names)
    }

    /// Compares the files that a plan reads with those that it should.
    fn compare(&self, files: &[ObjectMeta], plan: &Arc<dyn ExecutionPlan>) -> Result<()> {
        let key = |meta: &ObjectMeta| (meta.location.clone(), meta.size);
        let expected: BTreeSet<_> = files.iter().map(key).collect();
        let found = files_of(plan)?;
        let found: BTreeSet<_> = found.iter().map(|(_, meta)| key(meta)).collect();
        match expected.symmetric_difference(&found).next() {
            None => Ok(()),
            Some((path, _)) => Err(error::data(format!(
                "the Delta table '{}' at version {} has other files here than for the client, among them '{path}'. Let \
                 every process of the cluster see the same folder or store; if they do, please report the statement",
                self.location, self.version
            ))),
        }
    }
}

/// A session that reads with the stores and settings of a task, one file after the other.
fn session(context: &TaskContext) -> SessionState {
    let config = context.session_config().clone().with_target_partitions(1);
    SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(context.runtime_env())
        .build()
}

impl DisplayAs for SentDeltaExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Recipe {
            location,
            version,
            filters,
            ..
        } = self.recipe.as_ref();
        write!(f, "SentDeltaExec: table={location}, version={version}")?;
        match filters.is_empty() {
            true => Ok(()),
            false => write!(f, ", filters=[{}]", expr_vec_fmt!(filters)),
        }
    }
}

impl ExecutionPlan for SentDeltaExec {
    fn name(&self) -> &'static str {
        "SentDeltaExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.files]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = children
            .pop()
            .ok_or_else(|| exec_datafusion_err!("SentDeltaExec has one child"))?;
        let scan = Self::new(Arc::clone(&self.recipe), files, Arc::clone(&self.schema));
        Ok(Arc::new(scan.with_statistics(Arc::clone(&self.statistics))))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let files = self.metas(partition)?;
        let (recipe, schema) = (Arc::clone(&self.recipe), Arc::clone(&self.schema));
        let rows = stream::once(async move { recipe.rows(files, &schema, context).await });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            rows.try_flatten(),
        )))
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        arguments: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(match arguments.partition() {
            None => Arc::clone(&self.statistics),
            Some(_) => Arc::new(Statistics::new_unknown(&self.schema)),
        })
    }
}
