//! `SeenFilesExec`: before a scan reads a file, looks whether this process sees the same file that the client saw.
//!
//! A process that does not see the folder, or sees an older copy of it, would otherwise bill from other rows, or from none.
//! The client compares the number of files that were looked at with the number that it had found.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, exec_datafusion_err};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::object_store::path::Path;
use datafusion::object_store::{self, ObjectStore, ObjectStoreExt};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::error;
#[cfg(feature = "delta")]
use crate::lake::SentDeltaExec;
use crate::lake::{HistoryExec, RowsExec};

/// The name of the operator, and what its metric counts: pieces of files that were looked at.
pub(super) const NAME: &str = "SeenFilesExec";
pub(super) const FILES_SEEN: &str = "files_seen";

/// How many files are looked at in one go.
const AT_ONCE: usize = 8;

/// See the module. Its child is a scan.
#[derive(Debug)]
pub(super) struct SeenFilesExec {
    scan: Arc<dyn ExecutionPlan>,
    metrics: ExecutionPlanMetricsSet,
}

/// A file, and the bytes that the client saw of it.
type Seen = (Path, u64);

impl SeenFilesExec {
    pub(super) fn new(scan: Arc<dyn ExecutionPlan>) -> Self {
        Self {
            scan,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// How many pieces of files there are in all partitions.
    pub(super) fn pieces(&self) -> usize {
        let partitions = self.properties().output_partitioning().partition_count();
        (0..partitions)
            .map(|at| files(&self.scan, at).map_or(0, |(_, files)| files.len()))
            .sum()
    }
}

/// The store of a scan's files and the pieces of one partition; `None` for what is no scan of files.
pub(super) fn files(
    scan: &Arc<dyn ExecutionPlan>,
    partition: usize,
) -> Option<(ObjectStoreUrl, Vec<Seen>)> {
    if let Some(rows) = scan.downcast_ref::<RowsExec>() {
        let files = rows
            .files(partition)
            .map(|meta| (meta.location.clone(), meta.size));
        return Some((rows.store_url().clone(), files.collect()));
    }
    if let Some(history) = scan.downcast_ref::<HistoryExec>() {
        let files = history
            .files(partition)
            .map(|(path, bytes)| (path.ok(), bytes));
        let files = files
            .map(|(path, bytes)| path.map(|path| (path, bytes)))
            .collect::<Option<_>>()?;
        return Some((ObjectStoreUrl::local_filesystem(), files));
    }
    #[cfg(feature = "delta")]
    if let Some(delta) = scan.downcast_ref::<SentDeltaExec>() {
        return files(delta.list(), partition);
    }
    let source = scan.downcast_ref::<DataSourceExec>()?;
    let config = source.data_source().downcast_ref::<FileScanConfig>()?;
    let group = config.file_groups.get(partition)?;
    let files = group
        .iter()
        .map(|file| (file.object_meta.location.clone(), file.object_meta.size));
    Some((config.object_store_url.clone(), files.collect()))
}

/// Compares one file with what the client saw.
async fn look(
    store: &Arc<dyn ObjectStore>,
    url: &ObjectStoreUrl,
    (path, bytes): Seen,
) -> Result<()> {
    let name = format!("{}{path}", url.as_str());
    match store.head(&path).await {
        Ok(found) if found.size == bytes => Ok(()),
        Ok(found) => Err(error::data(format!(
            "'{name}' has {} bytes for this executor, and {bytes} for the client: they do not see the same files. Let every \
             process of the cluster see the same folder or store, and run again what was interrupted by a change of files",
            found.size
        ))),
        Err(object_store::Error::NotFound { .. }) => Err(error::data(format!(
            "'{name}' is not there for this executor, and has {bytes} bytes for the client: they do not see the same files. \
             Let every process of the cluster see the same folder or store under the same path"
        ))),
        Err(cause) => Err(DataFusionError::ObjectStore(Box::new(cause))),
    }
}

/// Compares the files of a partition, each once.
async fn look_at_all(
    store: Arc<dyn ObjectStore>,
    url: ObjectStoreUrl,
    files: Vec<Seen>,
) -> Result<()> {
    let files: BTreeSet<Seen> = files.into_iter().collect();
    stream::iter(files)
        .map(|file| look(&store, &url, file))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

impl DisplayAs for SeenFilesExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}: files={}", self.pieces())
    }
}

impl ExecutionPlan for SeenFilesExec {
    fn name(&self) -> &'static str {
        NAME
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.scan.properties()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.scan]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = children
            .pop()
            .ok_or_else(|| exec_datafusion_err!("{NAME} has one child"))?;
        Ok(Arc::new(Self::new(scan)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (url, files) = files(&self.scan, partition)
            .ok_or_else(|| exec_datafusion_err!("{NAME} stands above a scan of files"))?;
        let store = context.runtime_env().object_store(&url)?;
        MetricBuilder::new(&self.metrics)
            .counter(FILES_SEEN, partition)
            .add(files.len());
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let rows = self.scan.execute(partition, context)?;
        let looked = async move {
            look_at_all(store, url, files).await?;
            Ok::<_, DataFusionError>(rows)
        };
        let rows = stream::once(looked)
            .try_flatten()
            .map(move |batch| batch.record_output(&metrics));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _arguments: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let unknown = || Arc::new(Statistics::new_unknown(&self.schema()));
        Ok(inputs.first().map_or_else(unknown, Arc::clone))
    }
}
