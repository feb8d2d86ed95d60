//! `SettleDarsExec`: from parts to DARs, in bounded memory.
//!
//! Parts come partitioned by site and day, so that everything a DAR is made of meets in one partition. Parts are held
//! until all have come; where memory does not hold them, they go to disk, sorted into buckets by site and day. Then one
//! bucket after the other is merged, so that only a bucket's tables are ever in use. A file that is too large to be read
//! back at once is split into one for each of its buckets.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Int64Array, RecordBatchOptions, StructArray, UInt64Array,
    new_null_array,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{cast, concat_batches, take, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SpillFile, TaskContext};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput, SpillMetrics,
};
use datafusion::physical_plan::spill::{SpillManager, get_record_batch_memory_size};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties,
    InputDistributionRequirements, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::calendar::Calendar;
use super::fold::{FoldMessagesExec, Folding, SharedCalendar};
use super::ids::ids;
use super::merge::{Dar, PartRow, merged};
use super::parts::{self, GEN_AI, LISTENED, Parts};

/// How many buckets are merged one after the other: few enough parts in each for a processor's own cache.
const BUCKETS: usize = 256;

/// How many files they share on disk: few enough to be open at once.
const FILES: usize = 32;

/// Whether generative AI was on, by the option `gen_ai_rule`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GenAiRule {
    /// At any message.
    Any,
    /// At the first one.
    FirstMessage,
    /// Settled elsewhere: false here.
    DayStart,
}

/// See the module. Its columns are those of `schema` that the ordinary plan has too, by name.
#[derive(Debug)]
pub(crate) struct SettleDarsExec {
    parts: Arc<dyn ExecutionPlan>,
    calendar: SharedCalendar,
    by_consumer: bool,
    gen_ai_rule: GenAiRule,
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
    let by_consumer = folding.by_consumer;
    let fold = FoldMessagesExec::new(folding, calendar_rows, messages, Arc::clone(&calendar));
    Arc::new(SettleDarsExec::new(
        Arc::new(fold),
        calendar,
        by_consumer,
        gen_ai_rule,
        schema,
    ))
}

impl SettleDarsExec {
    fn new(
        parts: Arc<dyn ExecutionPlan>,
        calendar: SharedCalendar,
        by_consumer: bool,
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
            parts,
            calendar,
            by_consumer,
            gen_ai_rule,
            schema,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for SettleDarsExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self
            .schema
            .fields()
            .iter()
            .map(|f| f.name().as_str())
            .collect();
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
        InputDistributionRequirements::new(vec![match keys.into_iter().collect() {
            Ok(keys) => Distribution::KeyPartitioned(keys),
            // Right too, only slower.
            Err::<Vec<_>, _>(_) => Distribution::SinglePartition,
        }])
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.parts]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let parts = children
            .pop()
            .ok_or_else(|| exec_datafusion_err!("SettleDarsExec has one child"))?;
        Ok(Arc::new(Self::new(
            parts,
            Arc::clone(&self.calendar),
            self.by_consumer,
            self.gen_ai_rule,
            Arc::clone(&self.schema),
        )))
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
            held: Vec::new(),
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
            by_consumer: self.by_consumer,
        };
        let input = self.parts.execute(partition, context)?;
        let dars = stream::once(settle.gather(input))
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
    held: Vec<RecordBatch>,
    /// Parts on disk, by bucket; empty until memory runs out.
    writers: Vec<Writer>,
    files: VecDeque<Spilled>,
    /// What is being merged, and the number of the next bucket of it.
    current: Option<(Held, usize)>,
    ready: VecDeque<RecordBatch>,
    disk: SpillManager,
    reservation: MemoryReservation,
    metrics: BaselineMetrics,
    output: Output,
    by_consumer: bool,
}

/// What holding a batch takes: itself, and the place of each of its rows. The columns of a batch that was read from disk
/// lie in one buffer, which counts once.
fn size(batch: &RecordBatch) -> usize {
    get_record_batch_memory_size(batch) + batch.num_rows() * size_of::<PartRow>()
}

/// The bucket of a site's day.
fn bucket((site, day): (u32, i32)) -> usize {
    let key = u64::from(site) << 32 | u64::from(day.cast_unsigned());
    // The high bits of a product mix well; the engine's partitions are chosen by another hash.
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as usize
}

impl Settle {
    /// Takes all parts in.
    async fn gather(mut self, mut input: SendableRecordBatchStream) -> Result<Self> {
        while let Some(batch) = input.next().await.transpose()? {
            if self.reservation.try_grow(size(&batch)).is_err() {
                self.spill()?;
                self.reservation.try_grow(size(&batch))?;
            }
            self.held.push(batch);
        }
        if self.writers.is_empty() {
            self.current = Some((Held::new(std::mem::take(&mut self.held))?, 0));
        } else {
            self.spill()?;
            let writers = std::mem::take(&mut self.writers);
            self.files = finished(writers, 0..BUCKETS)?.into();
        }
        Ok(self)
    }

    /// Writes what is held to disk.
    fn spill(&mut self) -> Result<()> {
        if self.writers.is_empty() {
            self.writers = self.new_files(FILES)?;
        }
        let held = Held::new(std::mem::take(&mut self.held))?;
        for (buckets, writer) in held.rows.chunks(BUCKETS / FILES).zip(&mut self.writers) {
            for batch in held.batches_of(&buckets.concat())? {
                writer(Some(&batch))?;
            }
        }
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
            let held = Held::new(vec![batch])?;
            let rows = held.rows.get(spilled.buckets.clone()).unwrap_or_default();
            for (rows, writer) in rows.iter().zip(&mut writers) {
                for batch in held.batches_of(rows)? {
                    writer(Some(&batch))?;
                }
            }
        }
        for file in finished(writers, spilled.buckets)?.into_iter().rev() {
            self.files.push_front(file);
        }
        Ok(())
    }

    /// The parts in a file; `None` if there is no memory for them and the file can still be split.
    async fn read(&mut self, spilled: &Spilled) -> Result<Option<Held>> {
        let mut batches = Vec::new();
        let mut read = self
            .disk
            .read_spill_as_stream(Arc::clone(&spilled.file), None)?;
        while let Some(batch) = read.next().await.transpose()? {
            match self.reservation.try_grow(size(&batch)) {
                Ok(()) => batches.push(batch),
                Err(_) if spilled.buckets.len() > 1 => {
                    self.reservation.free();
                    return Ok(None);
                }
                Err(full) => return Err(full),
            }
        }
        Ok(Some(Held::new(batches)?))
    }

    /// The next batch of DARs, and what is left to do.
    async fn step(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some((batch.record_output(&self.metrics), self)));
            }
            match &mut self.current {
                Some((held, next)) => match held.rows.get(*next) {
                    Some(rows) => {
                        *next += 1;
                        let timer = self.metrics.elapsed_compute().clone();
                        let _timer = timer.timer();
                        let dars = merged(&held.parts, rows, self.by_consumer);
                        for dars in dars.chunks(self.output.rows.max(1)) {
                            self.ready.push_back(self.output.batch(dars)?);
                        }
                    }
                    None => {
                        self.current = None;
                        self.reservation.free();
                    }
                },
                None => match self.files.pop_front() {
                    Some(file) => match self.read(&file).await? {
                        Some(held) => self.current = Some((held, 0)),
                        None => self.split(file).await?,
                    },
                    None => return Ok(None),
                },
            }
        }
    }
}

/// What was written, each file with its share of `buckets`; files with nothing in them are left out.
fn finished(writers: Vec<Writer>, buckets: Range<usize>) -> Result<Vec<Spilled>> {
    let share = buckets.len() / writers.len().max(1);
    let starts = buckets.step_by(share.max(1));
    let mut files = Vec::new();
    for (mut writer, start) in writers.into_iter().zip(starts) {
        if let Some(file) = writer(None)? {
            let buckets = start..start + share;
            files.push(Spilled { file, buckets });
        }
    }
    Ok(files)
}

/// Batches of parts, and the rows of each bucket.
struct Held {
    batches: Vec<RecordBatch>,
    parts: Vec<Parts>,
    rows: Vec<Vec<PartRow>>,
}

impl Held {
    fn new(batches: Vec<RecordBatch>) -> Result<Self> {
        let parts = batches.iter().map(Parts::new).collect::<Result<Vec<_>>>()?;
        let mut rows: Vec<Vec<PartRow>> = (0..BUCKETS).map(|_| Vec::new()).collect();
        for (batch, parts) in (0..).zip(&parts) {
            for (number, row) in (0..).zip(0..parts.len()) {
                if let Some(rows) = rows.get_mut(bucket(parts.site_day(row))) {
                    rows.push((batch, number));
                }
            }
        }
        Ok(Self {
            batches,
            parts,
            rows,
        })
    }

    /// Some rows as batches of their own.
    fn batches_of(&self, rows: &[PartRow]) -> Result<Vec<RecordBatch>> {
        let mut small = Vec::new();
        for run in rows.chunk_by(|a, b| a.0 == b.0) {
            let Some(batch) = run
                .first()
                .and_then(|(batch, _)| self.batches.get(*batch as usize))
            else {
                continue;
            };
            let places: UInt64Array = run.iter().map(|(_, row)| Some(u64::from(*row))).collect();
            small.push(take_record_batch(batch, &places)?);
        }
        let whole = small
            .chunks(256)
            .map(|small| Ok(concat_batches(&parts::schema(), small)?));
        whole.collect()
    }
}

/// How DARs become rows.
pub(super) struct Output {
    pub(super) calendar: SharedCalendar,
    pub(super) gen_ai_rule: GenAiRule,
    pub(super) schema: SchemaRef,
    pub(super) rows: usize,
}

impl Output {
    fn batch(&self, dars: &[Dar<'_>]) -> Result<RecordBatch> {
        let calendar = self
            .calendar
            .get()
            .ok_or_else(|| exec_datafusion_err!("the calendar is read before any message"))?;
        let columns = self
            .schema
            .fields()
            .iter()
            .map(|field| self.column(calendar, field.name(), field.data_type(), dars));
        let options = RecordBatchOptions::new().with_row_count(Some(dars.len()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns.collect::<Result<Vec<_>>>()?,
            &options,
        )?)
    }

    /// The column of that name.
    pub(super) fn column(
        &self,
        calendar: &Calendar,
        name: &str,
        data_type: &DataType,
        dars: &[Dar<'_>],
    ) -> Result<ArrayRef> {
        let period = |dar: &Dar<'_>| {
            calendar
                .period(dar.site, dar.first)
                .ok_or_else(|| exec_datafusion_err!("a DAR lies outside the calendar"))
        };
        let of_period = |values: &ArrayRef| -> Result<ArrayRef> {
            let places = dars.iter().map(|dar| Ok(Some(period(dar)?.0 as u64)));
            let places = places.collect::<Result<UInt64Array>>()?;
            Ok(take(values, &places, None)?)
        };
        let counts = |count: fn(&Dar<'_>) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(dars.iter().map(count)))
        };
        let flags = |flag: fn(&Dar<'_>) -> bool| -> ArrayRef {
            let flags = BooleanBuffer::collect_bool(dars.len(), |row| flag(&dars[row]));
            Arc::new(BooleanArray::from(flags))
        };
        Ok(match name {
            "site_id" => {
                let places: UInt64Array =
                    dars.iter().map(|dar| Some(u64::from(dar.site))).collect();
                take(&calendar.site_ids, &places, None)?
            }
            "relationship_id" => ids(dars.iter().map(|dar| Some(dar.relationship_id)), data_type)?,
            "has_consumer" => flags(|dar| dar.has_consumer),
            "consumer_id" => consumers(dars, data_type)?,
            "day" => Arc::new(Date32Array::from_iter_values(
                dars.iter().map(|dar| dar.day),
            )),
            "org_id" => of_period(&calendar.org_ids)?,
            "time_zone" => of_period(&calendar.time_zones)?,
            "channel" => ids(dars.iter().map(|dar| dar.channel), data_type)?,
            "first_message_at" => cast(&counts(|dar| dar.first), data_type)?,
            "last_message_at" => cast(&counts(|dar| dar.last), data_type)?,
            "messages" => counts(|dar| dar.messages.iter().sum()),
            "consumer_messages" => counts(|dar| dar.messages[0]),
            "agent_messages" => counts(|dar| dar.messages[1]),
            "bot_messages" => counts(|dar| dar.messages[2]),
            "gen_ai" => match self.gen_ai_rule {
                GenAiRule::Any => flags(|dar| dar.flags & GEN_AI != 0),
                GenAiRule::FirstMessage => {
                    let on = dars.iter().map(|dar| Ok(period(dar)?.1.gen_ai));
                    Arc::new(BooleanArray::from(on.collect::<Result<Vec<bool>>>()?))
                }
                GenAiRule::DayStart => flags(|_| false),
            },
            "intent_analyzer" => flags(|dar| dar.flags & LISTENED != 0),
            other => return Err(exec_datafusion_err!("DARs have no column {other}")),
        })
    }
}

/// The consumers of conversations, as `{channel, value}` of which only the value is asked for.
fn consumers(dars: &[Dar<'_>], data_type: &DataType) -> Result<ArrayRef> {
    let DataType::Struct(fields) = data_type else {
        return Err(exec_datafusion_err!("a consumer of type {data_type}"));
    };
    let values = dars
        .iter()
        .map(|dar| dar.consumer.map(|consumer| consumer.consumer_id));
    let columns = fields.iter().map(|field| match field.name().as_str() {
        "value" if field.data_type() != &DataType::Null => ids(values.clone(), field.data_type()),
        _ => Ok(new_null_array(field.data_type(), dars.len())),
    });
    Ok(Arc::new(StructArray::try_new_with_length(
        fields.clone(),
        columns.collect::<Result<Vec<_>>>()?,
        None,
        dars.len(),
    )?))
}
