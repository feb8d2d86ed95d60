//! `SettleDarsExec`: from parts to DARs, in bounded memory.
//!
//! Parts come partitioned by site and day, so that everything a DAR is made of meets in one partition. They are held in
//! buckets by site and day until all have come; what memory does not hold goes to disk. Then one bucket after the other
//! is merged, so that only a bucket's tables are ever in use. A file that is too large to be read back at once is split
//! into one for each of its buckets.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SpillFile, TaskContext};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput, SpillMetrics,
};
use datafusion::physical_plan::spill::SpillManager;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties,
    InputDistributionRequirements, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::dar_rows::{GenAiRule, Output};
use super::fold::{FoldMessagesExec, Folding, SharedCalendar, read_calendar};
use super::held::{BUCKETS, Bucket, Held, batches};
use super::merge::merged;
use super::parts::{self, Parts};

/// How many files they share on disk: few enough to be open at once.
const FILES: usize = 32;

/// See the module. Its columns are those of `schema` that the ordinary plan has too, by name. Children: the parts, and the
/// calendar that they were made with, which is read only where no other operator of the plan has read it.
#[derive(Debug)]
pub(crate) struct SettleDarsExec {
    pub(super) folding: Folding,
    parts: Arc<dyn ExecutionPlan>,
    calendar_rows: Arc<dyn ExecutionPlan>,
    calendar: SharedCalendar,
    pub(super) gen_ai_rule: GenAiRule,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// The plan of the fast path: DARs of `messages` under the calendar of `calendar_rows`, as rows of `schema`.
pub(crate) fn dars(
    folding: Folding,
    gen_ai_rule: GenAiRule,
    calendar_rows: Arc<dyn ExecutionPlan>,
    messages: Arc<dyn ExecutionPlan>,
    schema: SchemaRef,
) -> Arc<dyn ExecutionPlan> {
    let calendar = SharedCalendar::default();
    let fold = FoldMessagesExec::new(
        folding.clone(),
        Arc::clone(&calendar_rows),
        messages,
        Arc::clone(&calendar),
    );
    let settle = SettleDarsExec::alone(folding, Arc::new(fold), calendar_rows, gen_ai_rule, schema);
    Arc::new(SettleDarsExec { calendar, ..settle })
}

impl SettleDarsExec {
    /// With a calendar of its own, as it arrives in another process.
    pub(crate) fn alone(
        folding: Folding,
        parts: Arc<dyn ExecutionPlan>,
        calendar_rows: Arc<dyn ExecutionPlan>,
        gen_ai_rule: GenAiRule,
        schema: SchemaRef,
    ) -> Self {
        let partitions = parts.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            datafusion::physical_plan::Partitioning::UnknownPartitioning(partitions),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            folding,
            parts,
            calendar_rows,
            calendar: SharedCalendar::default(),
            gen_ai_rule,
            schema,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for SettleDarsExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.schema.fields().iter();
        let names: Vec<&str> = fields.map(|field| field.name().as_str()).collect();
        write!(
            f,
            "SettleDarsExec: gen_ai_rule={:?}, columns=[{}]",
            self.gen_ai_rule,
            names.join(", ")
        )
    }
}

impl ExecutionPlan for SettleDarsExec {
    fn name(&self) -> &str {
        "SettleDarsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        let schema = parts::schema();
        let keys = ["site", "day"].map(|name| col(name, &schema));
        let parts = match keys.into_iter().collect() {
            Ok(keys) => Distribution::KeyPartitioned(keys),
            // Right too, only slower.
            Err::<Vec<_>, _>(_) => Distribution::SinglePartition,
        };
        InputDistributionRequirements::new(vec![parts, Distribution::SinglePartition])
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.parts, &self.calendar_rows]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([parts, calendar_rows]) = <[_; 2]>::try_from(children) else {
            return Err(exec_datafusion_err!("SettleDarsExec has two children"));
        };
        let alone = Self::alone(
            self.folding.clone(),
            parts,
            calendar_rows,
            self.gen_ai_rule,
            Arc::clone(&self.schema),
        );
        Ok(Arc::new(Self {
            calendar: Arc::clone(&self.calendar),
            ..alone
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let reservation = MemoryConsumer::new(format!("SettleDars[{partition}]"))
            .with_can_spill(true)
            .register(context.memory_pool());
        let settle = Settle {
            held: Held::default(),
            writers: Vec::new(),
            files: VecDeque::new(),
            current: None,
            ready: VecDeque::new(),
            disk: SpillManager::new(
                context.runtime_env(),
                SpillMetrics::new(&self.metrics, partition),
                parts::schema(),
            ),
            reservation,
            metrics: BaselineMetrics::new(&self.metrics, partition),
            output: Output {
                calendar: Arc::clone(&self.calendar),
                gen_ai_rule: self.gen_ai_rule,
                schema: Arc::clone(&self.schema),
                rows: context.session_config().batch_size(),
            },
            by_consumer: self.folding.by_consumer,
        };
        let input = self.parts.execute(partition, Arc::clone(&context))?;
        let (calendar, calendar_rows) =
            (Arc::clone(&self.calendar), Arc::clone(&self.calendar_rows));
        let folding = self.folding.clone();
        let gathered = async move {
            let settle = settle.gather(input).await?;
            read_calendar(&calendar, calendar_rows, &folding, context).await?;
            Ok::<_, DataFusionError>(settle)
        };
        let dars = stream::once(gathered)
            .map_ok(|settle| stream::try_unfold(settle, Settle::step))
            .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            dars,
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// A file that parts are written to: takes a batch, or with `None` is finished.
type Writer = Box<dyn FnMut(Option<&RecordBatch>) -> Result<Option<Arc<dyn SpillFile>>> + Send>;

/// A file of parts, and which buckets they are of.
struct Spilled {
    file: Arc<dyn SpillFile>,
    buckets: Range<usize>,
}

/// One partition at work.
struct Settle {
    /// Parts in memory, until all have come.
    held: Held,
    /// Parts on disk, by bucket; empty until memory runs out.
    writers: Vec<Writer>,
    files: VecDeque<Spilled>,
    /// The buckets that are being merged.
    current: Option<std::vec::IntoIter<Bucket>>,
    ready: VecDeque<RecordBatch>,
    disk: SpillManager,
    reservation: MemoryReservation,
    metrics: BaselineMetrics,
    output: Output,
    by_consumer: bool,
}

impl Settle {
    /// Takes all parts in.
    async fn gather(mut self, mut input: SendableRecordBatchStream) -> Result<Self> {
        while let Some(batch) = input.next().await.transpose()? {
            if !self.hold(&batch)? {
                self.spill()?;
                // A limit that not even one batch fits under.
                self.reservation.try_resize(Parts::new(&batch)?.size())?;
                self.reservation.free();
            }
        }
        if self.writers.is_empty() {
            self.current = Some(std::mem::take(&mut self.held).buckets.into_iter());
        } else {
            self.spill()?;
            let writers = std::mem::take(&mut self.writers);
            self.files = finished(writers, 0..BUCKETS)?.into();
        }
        Ok(self)
    }

    /// Takes a batch in; whether there was memory left for it.
    fn hold(&mut self, batch: &RecordBatch) -> Result<bool> {
        self.held.add(batch)?;
        Ok(self.reservation.try_resize(self.held.size).is_ok())
    }

    /// Writes what is held to disk.
    fn spill(&mut self) -> Result<()> {
        if self.writers.is_empty() {
            self.writers = self.new_files(FILES)?;
        }
        let held = std::mem::take(&mut self.held);
        lay_out(&held, 0..BUCKETS, &mut self.writers, self.output.rows)?;
        self.reservation.free();
        Ok(())
    }

    /// Files that parts can be written to.
    fn new_files(&self, count: usize) -> Result<Vec<Writer>> {
        let new_file = |_| -> Result<Writer> {
            let mut file = self.disk.create_in_progress_file("SettleDars")?;
            Ok(Box::new(move |batch| match batch {
                Some(batch) => {
                    file.append_batch(batch)?;
                    Ok(None)
                }
                None => file.finish(),
            }))
        };
        (0..count).map(new_file).collect()
    }

    /// Makes one file of each bucket in a file; they come next.
    async fn split(&mut self, spilled: Spilled) -> Result<()> {
        let mut writers = self.new_files(spilled.buckets.len())?;
        let mut read = self.disk.read_spill_as_stream(spilled.file, None)?;
        while let Some(batch) = read.next().await.transpose()? {
            let mut held = Held::default();
            held.add(&batch)?;
            let buckets = spilled.buckets.clone();
            lay_out(&held, buckets, &mut writers, self.output.rows)?;
        }
        for file in finished(writers, spilled.buckets)?.into_iter().rev() {
            self.files.push_front(file);
        }
        Ok(())
    }

    /// The parts in a file; `None` if there is no memory for them and the file can still be split.
    async fn read(&mut self, spilled: &Spilled) -> Result<Option<Held>> {
        let mut held = Held::default();
        let mut read = self
            .disk
            .read_spill_as_stream(Arc::clone(&spilled.file), None)?;
        while let Some(batch) = read.next().await.transpose()? {
            held.add(&batch)?;
            match self.reservation.try_resize(held.size) {
                Ok(()) => {}
                Err(_) if spilled.buckets.len() > 1 => {
                    self.reservation.free();
                    return Ok(None);
                }
                Err(full) => return Err(full),
            }
        }
        Ok(Some(held))
    }

    /// The next batch of DARs, and what is left to do.
    async fn step(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some((batch.record_output(&self.metrics), self)));
            }
            match &mut self.current {
                Some(buckets) => match buckets.next() {
                    Some(bucket) => {
                        let timer = self.metrics.elapsed_compute().clone();
                        let _timer = timer.timer();
                        let parts = bucket.all_parts()?;
                        let dars = merged(&parts, self.by_consumer);
                        self.ready.extend(self.output.batches(dars)?);
                    }
                    None => {
                        self.current = None;
                        self.reservation.free();
                    }
                },
                None => match self.files.pop_front() {
                    Some(file) => match self.read(&file).await? {
                        Some(held) => self.current = Some(held.buckets.into_iter()),
                        None => self.split(file).await?,
                    },
                    None => return Ok(None),
                },
            }
        }
    }
}

/// Writes the parts of some buckets, each file an equal share of them.
fn lay_out(held: &Held, buckets: Range<usize>, writers: &mut [Writer], rows: usize) -> Result<()> {
    let share = share(&buckets, writers);
    let buckets = held.buckets.get(buckets).unwrap_or_default();
    for (buckets, writer) in buckets.chunks(share).zip(writers) {
        for batch in batches(buckets, rows) {
            writer(Some(&batch?))?;
        }
    }
    Ok(())
}

/// How many of the buckets go to each file.
fn share(buckets: &Range<usize>, writers: &[Writer]) -> usize {
    (buckets.len() / writers.len().max(1)).max(1)
}

/// What was written, each file with its share of `buckets`; files with nothing in them are left out.
fn finished(writers: Vec<Writer>, buckets: Range<usize>) -> Result<Vec<Spilled>> {
    let share = share(&buckets, &writers);
    let starts = buckets.step_by(share);
    let mut files = Vec::new();
    for (mut writer, start) in writers.into_iter().zip(starts) {
        if let Some(file) = writer(None)? {
            let buckets = start..start + share;
            files.push(Spilled { file, buckets });
        }
    }
    Ok(files)
}
