//! `RowsExec`: reads files of rows, each by one task from its first byte to its last.
//!
//! A file is not split: a line break within quotes looks like any other, and a row on a seam would be lost or read twice.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatchOptions};
use datafusion::arrow::datatypes::{Fields, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{ScalarValue, Statistics, exec_datafusion_err};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
#[cfg(feature = "cluster")]
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::object_store::{ObjectMeta, ObjectStore};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
    SendableRecordBatchStream,
};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};

use super::bytes::{self, Compression};
use super::decode::Decoder;
use super::ipc::{self, Ipc};
use super::{RowFormat, unreadable};

/// One file to read.
#[derive(Debug, Clone)]
pub(in crate::lake) struct RowsFile {
    pub(in crate::lake) meta: ObjectMeta,
    /// How people find it.
    pub(in crate::lake) name: String,
    pub(in crate::lake) compression: Compression,
    /// The values of the folder columns.
    pub(in crate::lake) folders: Vec<ScalarValue>,
    pub(in crate::lake) rows: Precision<usize>,
}

/// What all files of a scan share.
#[derive(Clone)]
pub(in crate::lake) struct RowsScan {
    pub(in crate::lake) store: Arc<dyn ObjectStore>,
    /// What another process calls the store.
    #[cfg(feature = "cluster")]
    pub(in crate::lake) store_url: ObjectStoreUrl,
    pub(in crate::lake) format: RowFormat,
    /// The columns in the files.
    pub(in crate::lake) file_schema: SchemaRef,
    /// The columns that folders give, which stand behind them.
    pub(in crate::lake) folder_fields: Fields,
    /// The places of the columns that are wanted.
    pub(in crate::lake) projection: Vec<usize>,
}

/// See the module.
pub(crate) struct RowsExec {
    pub(super) scan: RowsScan,
    /// The files of each partition.
    pub(super) groups: Vec<Vec<RowsFile>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl RowsExec {
    /// Reads `files` with at most `partitions` tasks, the largest files first.
    pub(in crate::lake) fn new(
        scan: RowsScan,
        mut files: Vec<RowsFile>,
        partitions: usize,
    ) -> Self {
        files.sort_by_key(|file| std::cmp::Reverse(file.meta.size));
        let count = partitions.min(files.len()).max(1);
        let mut groups: Vec<(u64, Vec<RowsFile>)> = vec![(0, Vec::new()); count];
        for file in files {
            if let Some(group) = groups.iter_mut().min_by_key(|(bytes, _)| *bytes) {
                group.0 = group.0.saturating_add(file.meta.size);
                group.1.push(file);
            }
        }
        Self::of_groups(scan, groups.into_iter().map(|(_, files)| files).collect())
    }

    /// Reads each group of files with one task.
    pub(super) fn of_groups(scan: RowsScan, groups: Vec<Vec<RowsFile>>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(scan.schema()),
            Partitioning::UnknownPartitioning(groups.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            scan,
            groups,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl RowsScan {
    /// The columns that are wanted of the files.
    fn wanted(&self) -> SchemaRef {
        let fields = self
            .projection
            .iter()
            .filter_map(|at| self.file_schema.fields().get(*at).cloned());
        Arc::new(Schema::new(fields.collect::<Fields>()))
    }

    /// The columns that come out.
    fn schema(&self) -> SchemaRef {
        let fields = self.projection.iter().filter_map(|at| {
            let of_folders = || self.folder_fields.get(at - self.file_schema.fields().len());
            self.file_schema
                .fields()
                .get(*at)
                .or_else(of_folders)
                .cloned()
        });
        Arc::new(Schema::new(fields.collect::<Fields>()))
    }

    /// The rows of a file with the values of its folders.
    fn completed(
        &self,
        batch: &RecordBatch,
        file: &RowsFile,
        schema: &SchemaRef,
    ) -> Result<RecordBatch> {
        let in_file = self.file_schema.fields().len();
        let mut read = batch.columns().iter();
        let columns = self
            .projection
            .iter()
            .map(|at| match at.checked_sub(in_file) {
                None => read
                    .next()
                    .cloned()
                    .ok_or_else(|| exec_datafusion_err!("a column is missing")),
                Some(folder) => file
                    .folders
                    .get(folder)
                    .ok_or_else(|| exec_datafusion_err!("a folder is missing"))?
                    .to_array_of_size(batch.num_rows()),
            })
            .collect::<Result<Vec<ArrayRef>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(schema),
            columns,
            &options,
        )?)
    }

    /// The batches of one file.
    fn read(
        self,
        file: RowsFile,
        at_once: usize,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let (wanted, schema) = (self.wanted(), self.schema());
        let decoder = Decoder::new(
            self.format,
            Arc::clone(&self.file_schema),
            Arc::clone(&wanted),
            at_once,
        )?;
        let reading = Reading {
            bytes: bytes::read(Arc::clone(&self.store), file.meta.clone(), file.compression),
            reader: decoder.map_or_else(|| Reader::Ipc(Ipc::new()), Reader::Text),
            ready: VecDeque::new(),
            is_done: false,
        };
        let batches =
            stream::try_unfold((reading, self, file), move |(mut reading, scan, file)| {
                let (wanted, schema) = (Arc::clone(&wanted), Arc::clone(&schema));
                async move {
                    let Some(batch) = reading.next(&file.name, &wanted).await? else {
                        return Ok(None);
                    };
                    let batch = scan.completed(&batch, &file, &schema)?;
                    Ok(Some((batch, (reading, scan, file))))
                }
            });
        Ok(batches.boxed())
    }
}

/// A file that is being read.
struct Reading {
    bytes: BoxStream<'static, std::io::Result<::bytes::Bytes>>,
    reader: Reader,
    ready: VecDeque<RecordBatch>,
    is_done: bool,
}

enum Reader {
    Text(Decoder),
    Ipc(Ipc),
}

impl Reading {
    async fn next(&mut self, file: &str, wanted: &SchemaRef) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            if self.is_done {
                return Ok(None);
            }
            let piece = self.bytes.next().await;
            let piece = piece
                .transpose()
                .map_err(|cause| unreadable(file, &cause))?;
            self.is_done = piece.is_none();
            match (&mut self.reader, piece) {
                (Reader::Text(decoder), Some(piece)) => {
                    self.ready.extend(decoder.feed(&piece, file)?)
                }
                (Reader::Text(decoder), None) => self.ready.extend(decoder.finish(file)?),
                (Reader::Ipc(ipc), Some(piece)) => {
                    for batch in ipc.feed(&piece, file)? {
                        self.ready.push_back(ipc::adapted(&batch, wanted, file)?);
                    }
                }
                (Reader::Ipc(ipc), None) => ipc.finish(file)?,
            }
        }
    }
}

impl fmt::Debug for RowsExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowsExec")
            .field("groups", &self.groups)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for RowsExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        let names: Vec<&str> = self
            .groups
            .iter()
            .flatten()
            .map(|file| file.name.as_str())
            .collect();
        let more = names.len().saturating_sub(SHOWN);
        let shown = names[..names.len().min(SHOWN)].join(", ");
        let columns: Vec<String> = self
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let more = if more > 0 {
            format!(", and {more} more")
        } else {
            String::new()
        };
        write!(
            f,
            "RowsExec: format={:?}, partitions={}, files=[{shown}{more}], projection=[{}]",
            self.scan.format,
            self.groups.len(),
            columns.join(", ")
        )
    }
}

impl ExecutionPlan for RowsExec {
    fn name(&self) -> &'static str {
        "RowsExec"
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

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let files = self.groups.get(partition).cloned().unwrap_or_default();
        let (scan, at_once) = (self.scan.clone(), context.session_config().batch_size());
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let batches = stream::iter(files)
            .map(move |file| match scan.clone().read(file, at_once) {
                Ok(batches) => batches,
                Err(cause) => stream::once(async { Err(cause) }).boxed(),
            })
            .flatten()
            .map(move |batch| batch.record_output(&metrics));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            batches,
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        arguments: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let all = || self.groups.iter().flatten();
        let rows = match arguments.partition() {
            None => all().fold(Precision::Exact(0), |sum, file| sum.add(&file.rows)),
            Some(partition) => self
                .groups
                .get(partition)
                .into_iter()
                .flatten()
                .fold(Precision::Exact(0), |sum, file| sum.add(&file.rows)),
        };
        Ok(Arc::new(
            Statistics::new_unknown(&self.schema()).with_num_rows(rows),
        ))
    }
}
