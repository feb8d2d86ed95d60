//! `FoldMessagesExec`: from messages to parts of DARs, in one pass.
//!
//! It does what the ordinary plan does in a join, a filter, a projection and a first aggregate: finds each message's
//! period in the calendar, checks the message by the rule of [`crate::domain::message`], dates it, and counts it in a
//! [`Window`]. Only what a message that counts needs is done for each of them; any other goes through the rule itself.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit, UInt32Type};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties,
    InputDistributionRequirements, PlanProperties, SendableRecordBatchStream, collect_partitioned,
};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::OnceCell;

use super::calendar::Calendar;
use super::file_notes::{FILE, FoldedFiles, NoteTaker};
use super::id_hash::IdHash;
use super::ids::Ids;
use super::parts::{self, GEN_AI, LISTENED};
use super::window::{AT_ONCE, LONGEST_ID, Message, Window};
use crate::domain::message::{Audience, Facts, Sender, reason};
use crate::domain::zone::{Clock, Zone, ZoneDatabase};
use crate::error;
use crate::scalar::internal::{instants, rejection};
use crate::scalar::spellings::Spellings;

/// The calendar of a plan, read once for all of its partitions.
pub(super) type SharedCalendar = Arc<OnceCell<Arc<Calendar>>>;

/// What is to be made of the messages.
#[derive(Debug, Clone)]
pub(crate) struct Folding {
    /// Whether a DAR is with a consumer; else with a conversation.
    pub(crate) by_consumer: bool,
    /// Whether each consumer of a conversation has parts of its own, which it takes to say who a DAR is with.
    pub(crate) with_consumers: bool,
    /// Leave rejected messages out instead of failing.
    pub(crate) skip_rejected: bool,
    /// The type of `site_id` and of `org_id` in the output.
    pub(crate) ids: (DataType, DataType),
    /// The rules for days.
    pub(crate) zones: ZoneDatabase,
    /// The files that the messages come from, where somebody wants to know.
    pub(crate) files: Option<Arc<FoldedFiles>>,
}

/// See the module. Children: the calendar, the messages (`site_id, conversation_id, consumer_id, sent_at, sent_by,
/// audience, intent_analyzer, channel`; under `by_consumer` ids of conversations and consumers of one type).
#[derive(Debug)]
pub(crate) struct FoldMessagesExec {
    folding: Folding,
    calendar_rows: Arc<dyn ExecutionPlan>,
    messages: Arc<dyn ExecutionPlan>,
    calendar: SharedCalendar,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl FoldMessagesExec {
    pub(super) fn new(
        folding: Folding,
        calendar_rows: Arc<dyn ExecutionPlan>,
        messages: Arc<dyn ExecutionPlan>,
        calendar: SharedCalendar,
    ) -> Self {
        let partitions = messages.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(parts::schema()),
            datafusion::physical_plan::Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            folding,
            calendar_rows,
            messages,
            calendar,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

/// The parts of messages under a calendar that is known already.
#[cfg(feature = "delta")]
pub(crate) fn fold(
    folding: Folding,
    calendar: Arc<Calendar>,
    messages: Arc<dyn ExecutionPlan>,
) -> Arc<dyn ExecutionPlan> {
    let nothing = datafusion::physical_plan::empty::EmptyExec::new(parts::schema());
    let calendar = Arc::new(OnceCell::new_with(Some(calendar)));
    let fold = FoldMessagesExec::new(folding, Arc::new(nothing), messages, calendar);
    Arc::new(fold)
}

impl DisplayAs for FoldMessagesExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = if self.folding.by_consumer {
            "consumer"
        } else {
            "conversation"
        };
        let rejects = if self.folding.skip_rejected {
            "skip"
        } else {
            "fail"
        };
        write!(f, "FoldMessagesExec: relationship={by}, rejects={rejects}")
    }
}

impl ExecutionPlan for FoldMessagesExec {
    fn name(&self) -> &str {
        "FoldMessagesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![
            Distribution::SinglePartition,
            Distribution::UnspecifiedDistribution,
        ])
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.calendar_rows, &self.messages]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([calendar_rows, messages]) = <[_; 2]>::try_from(children) else {
            return Err(exec_datafusion_err!("FoldMessagesExec has two children"));
        };
        Ok(Arc::new(Self::new(
            self.folding.clone(),
            calendar_rows,
            messages,
            Arc::clone(&self.calendar),
        )))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let reservation = MemoryConsumer::new(format!("FoldMessages[{partition}]"))
            .register(context.memory_pool());
        let fold = Fold {
            columns: Columns::new(&self.messages.schema())?,
            input: self.messages.execute(partition, Arc::clone(&context))?,
            calendar: Arc::clone(&self.calendar),
            folding: self.folding.clone(),
            rows: context.session_config().batch_size(),
            window: Window::default(),
            meanings: Meanings::new(),
            notes: self.folding.files.clone().map(NoteTaker::new),
            hash: IdHash::default(),
            ready: VecDeque::new(),
            is_done: false,
            reservation,
            metrics: BaselineMetrics::new(&self.metrics, partition),
        };
        let (calendar, calendar_rows) =
            (Arc::clone(&self.calendar), Arc::clone(&self.calendar_rows));
        let folding = self.folding.clone();
        let parts = stream::once(async move {
            calendar
                .get_or_try_init(|| async move {
                    let rows = collect_partitioned(calendar_rows, context).await?.concat();
                    let ids = (&folding.ids.0, &folding.ids.1);
                    Calendar::new(&rows, ids, &folding.zones).map(Arc::new)
                })
                .await?;
            Ok::<_, datafusion::error::DataFusionError>(stream::try_unfold(fold, Fold::step))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            parts::schema(),
            parts.try_flatten(),
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// The places of the columns of messages.
#[derive(Debug, Clone, Copy)]
struct Columns([usize; 8]);

impl Columns {
    fn new(schema: &SchemaRef) -> Result<Self> {
        let mut places = [0; 8];
        let names = [
            "site_id",
            "conversation_id",
            "consumer_id",
            "sent_at",
            "sent_by",
            "audience",
            "intent_analyzer",
            "channel",
        ];
        for (place, name) in places.iter_mut().zip(names) {
            *place = schema.index_of(name)?;
        }
        Ok(Self(places))
    }

    fn of<'a>(&self, batch: &'a RecordBatch) -> [&'a ArrayRef; 8] {
        self.0.map(|place| batch.column(place))
    }
}

/// What rows mean, as other rows did before them.
#[derive(Debug)]
struct Meanings {
    /// `None`: not in `sites`.
    sites: Spellings<Option<u32>>,
    senders: Spellings<Option<Sender>>,
    audiences: Spellings<Option<Audience>>,
    /// Where messages of each site counted last.
    lately: Vec<Lately>,
}

/// Instants of a site at which every message counts, on one day and under the same switches.
#[derive(Debug, Clone, Copy)]
struct Lately {
    first: i64,
    last: i64,
    day: i32,
    /// As of a part.
    flags: u8,
}

impl Lately {
    const NEVER: Self = Self {
        first: i64::MAX,
        last: i64::MIN,
        day: 0,
        flags: 0,
    };

    /// What holds around an instant of a site at which messages count; `None` at any other.
    fn at<const PER_SECOND: i64>(
        calendar: &Calendar,
        site: u32,
        instant: i64,
        clock: for<'a> fn(&'a Zone) -> Clock<'a, PER_SECOND>,
    ) -> Option<Self> {
        let (_, period) = calendar.period(site, instant)?;
        if !period.in_force || period.is_test {
            return None;
        }
        let (day, stretch) = clock(period.zone.as_deref()?).stretch(instant)?;
        // After 1970-01-01T00:00:00Z, and before any doubt about the year 9999.
        let (first, last) = (1, 8_000_000_000_i64.saturating_mul(PER_SECOND));
        let lately = Self {
            first: period.first.max(*stretch.start()).max(first),
            last: period.last.min(*stretch.end()).min(last),
            day,
            flags: period.flags(),
        };
        lately.holds(instant).then_some(lately)
    }

    #[inline]
    fn holds(&self, instant: i64) -> bool {
        self.first <= instant && instant <= self.last
    }
}

impl Meanings {
    fn new() -> Self {
        Self {
            sites: Spellings::new(),
            senders: Spellings::new(),
            audiences: Spellings::new(),
            lately: Vec::new(),
        }
    }

    fn next_batch(&mut self) {
        self.sites.next_batch();
        self.senders.next_batch();
        self.audiences.next_batch();
    }

    /// What holds around an instant of a site; `None` if messages then do not count, or not for certain.
    #[inline]
    fn lately<const PER_SECOND: i64>(
        &mut self,
        calendar: &Calendar,
        site: u32,
        instant: i64,
        clock: for<'a> fn(&'a Zone) -> Clock<'a, PER_SECOND>,
    ) -> Option<Lately> {
        match self.lately.get(site as usize) {
            Some(lately) if lately.holds(instant) => Some(*lately),
            _ => {
                let found = Lately::at(calendar, site, instant, clock)?;
                if self.lately.is_empty() {
                    self.lately.resize(calendar.sites(), Lately::NEVER);
                }
                if let Some(lately) = self.lately.get_mut(site as usize) {
                    *lately = found;
                }
                Some(found)
            }
        }
    }
}

/// One partition at work.
struct Fold {
    input: SendableRecordBatchStream,
    columns: Columns,
    calendar: SharedCalendar,
    folding: Folding,
    rows: usize,
    window: Window,
    meanings: Meanings,
    notes: Option<NoteTaker>,
    hash: IdHash,
    ready: VecDeque<RecordBatch>,
    is_done: bool,
    reservation: MemoryReservation,
    metrics: BaselineMetrics,
}

impl Fold {
    /// The next batch of parts, and what is left to do.
    async fn step(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                let batch = batch.record_output(&self.metrics);
                return Ok(Some((batch, self)));
            }
            if self.is_done {
                return Ok(None);
            }
            match self.input.next().await.transpose()? {
                Some(batch) => self.take_in(&batch)?,
                None => {
                    self.is_done = true;
                    self.drain()?;
                }
            }
        }
    }

    fn take_in(&mut self, batch: &RecordBatch) -> Result<()> {
        let timer = self.metrics.elapsed_compute().clone();
        let _timer = timer.timer();
        let calendar = Arc::clone(&self.calendar);
        let calendar = calendar
            .get()
            .ok_or_else(|| exec_datafusion_err!("the calendar is read before any message"))?;
        let columns = self.columns.of(batch);
        let files = match &self.notes {
            Some(_) => batch.column_by_name(FILE),
            None => None,
        };
        match columns[3].data_type() {
            DataType::Timestamp(TimeUnit::Second, _) => {
                self.fold::<1>(calendar, columns, files, Zone::by_second)?;
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                self.fold::<1_000>(calendar, columns, files, Zone::by_millisecond)?;
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                self.fold::<1_000_000>(calendar, columns, files, Zone::by_microsecond)?;
            }
            _ => self.fold::<1_000_000_000>(calendar, columns, files, Zone::by_nanosecond)?,
        }
        // A window that finds no memory is emptied early.
        if self.reservation.try_resize(self.window.size()).is_err() {
            self.drain()?;
            self.window = Window::default();
            self.reservation.free();
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<()> {
        self.ready.extend(self.window.drain(self.rows)?);
        Ok(())
    }

    fn fold<const PER_SECOND: i64>(
        &mut self,
        calendar: &Calendar,
        columns: [&ArrayRef; 8],
        files: Option<&ArrayRef>,
        clock: for<'a> fn(&'a Zone) -> Clock<'a, PER_SECOND>,
    ) -> Result<()> {
        let [
            site_id,
            conversation,
            consumer,
            sent_at,
            sent_by,
            audience,
            own,
            channel,
        ] = columns;
        let instants = instants(sent_at)?;
        let (conversations, consumers) = (Ids::new(conversation)?, Ids::new(consumer)?);
        let sites: &StringViewArray = site_id.as_string_view();
        let senders: &StringViewArray = sent_by.as_string_view();
        let audiences: &StringViewArray = audience.as_string_view();
        let channels: &StringViewArray = channel.as_string_view();
        let own: &BooleanArray = own.as_boolean();
        let files = files.map(|files| files.as_primitive::<UInt32Type>());
        // A column without any value is not asked row by row.
        let audience_nulls = audiences.nulls();
        let has_audiences = audiences.null_count() < audiences.len();
        let has_channels = channels.null_count() < channels.len();
        let has_own = own.null_count() < own.len();
        let with_consumers = self.folding.with_consumers && consumer.null_count() < consumer.len();
        self.meanings.next_batch();

        let mut messages: Vec<Message<'_>> = Vec::with_capacity(AT_ONCE);
        for row in 0..sites.len() {
            let meanings = &mut self.meanings;
            let site = match is_valid(sites.nulls(), row) {
                true => meanings.sites.of(sites, row, |text| calendar.site(text)),
                false => None,
            };
            let sender = match is_valid(senders.nulls(), row) {
                true => meanings.senders.of(senders, row, Sender::parse),
                false => None,
            };
            let audience = match has_audiences && is_valid(audience_nulls, row) {
                true => meanings.audiences.of(audiences, row, Audience::parse),
                false => Some(Audience::All),
            };
            let has_instant = is_valid(sent_at.nulls(), row);
            let instant = instants.count(row);
            if let (Some(notes), Some(files)) = (&mut self.notes, files) {
                notes.message(files.value(row), has_instant.then_some(instant));
            }
            let lately = match site {
                Some(site) if has_instant => meanings
                    .lately(calendar, site, instant, clock)
                    .map(|lately| (site, lately)),
                _ => None,
            };
            let conversation_id = conversations.bytes(row);
            let (site, lately, conversation_id, sender) = match (lately, conversation_id, sender) {
                (Some((site, lately)), Some(id), Some(sender))
                    if sender != Sender::System && audience == Some(Audience::All) =>
                {
                    (site, lately, id, sender)
                }
                (_, id, sender) => {
                    let period = site
                        .filter(|_| has_instant)
                        .and_then(|site| Some(calendar.period(site, instant)?.1));
                    let reason = reason(&Facts {
                        has_site: sites.is_valid(row),
                        has_conversation: id.is_some(),
                        sent_at: has_instant.then(|| instants.ceil(row)),
                        sender,
                        audience,
                        in_force: period.map(|period| period.in_force),
                        is_test: period.is_some_and(|period| period.is_test),
                    });
                    if let (Some(notes), Some(reason)) = (&mut self.notes, reason) {
                        notes.left_out(reason);
                    }
                    match (reason, site, period, id, sender) {
                        (Some(reason), ..)
                            if reason.is_rejection() && !self.folding.skip_rejected =>
                        {
                            let ids = [site_id, conversation, sent_at];
                            return Err(rejection(ids, senders, row, reason));
                        }
                        (None, Some(site), Some(period), Some(id), Some(sender)) => {
                            let day = period
                                .zone
                                .as_deref()
                                .and_then(|zone| clock(zone).day(instant))
                                .ok_or_else(|| {
                                    exec_datafusion_err!("a message that counts has no day")
                                })?;
                            let lately = Lately {
                                first: instant,
                                last: instant,
                                day,
                                flags: period.flags(),
                            };
                            (site, lately, id, sender)
                        }
                        _ => continue,
                    }
                }
            };
            let day = lately.day;
            if let Some(notes) = &mut self.notes
                && !notes.counted(site, day)
            {
                continue;
            }
            let flags = match has_own && is_valid(own.nulls(), row) {
                true => (lately.flags & GEN_AI) | (u8::from(own.values().value(row)) * LISTENED),
                false => lately.flags,
            };
            let consumer_id = match with_consumers {
                true => consumers.bytes(row),
                false => None,
            };
            let channel =
                (has_channels && channels.is_valid(row)).then(|| channels.value(row).as_bytes());
            let texts = [Some(conversation_id), consumer_id, channel];
            if texts.iter().flatten().any(|text| text.len() > LONGEST_ID) {
                return Err(error::data(format!(
                    "a message of site_id '{}' has an id or a channel of more than {LONGEST_ID} bytes; shorten it, or \
                     SET dayrate.fast_path = 'off'",
                    sites.value(row)
                )));
            }
            messages.push(Message {
                hash: self.hash.of(conversation_id, site, day),
                site,
                day,
                conversation_id,
                consumer_id,
                sent_at: instant,
                sender: match sender {
                    Sender::Consumer => 0,
                    Sender::Agent => 1,
                    Sender::Bot | Sender::System => 2,
                },
                flags,
                channel,
            });
            if messages.len() == AT_ONCE {
                count(&mut self.window, &messages, &mut self.ready, self.rows)?;
                messages.clear();
            }
        }
        count(&mut self.window, &messages, &mut self.ready, self.rows)
    }
}

#[inline]
fn is_valid(nulls: Option<&NullBuffer>, row: usize) -> bool {
    nulls.is_none_or(|nulls| nulls.is_valid(row))
}

/// Adds messages to a window, and empties it first if it is full.
fn count(
    window: &mut Window,
    messages: &[Message<'_>],
    ready: &mut VecDeque<RecordBatch>,
    rows: usize,
) -> Result<()> {
    if window.is_full() {
        ready.extend(window.drain(rows)?);
    }
    window.add(messages);
    Ok(())
}
