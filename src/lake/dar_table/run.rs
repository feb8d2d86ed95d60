//! The work of a refresh done: files folded, days merged and settled, rows written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::Session;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{Column, Result, ScalarValue, exec_datafusion_err};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::physical_plan::ExecutionPlanProperties;
use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::day_job::{DayJob, SettledDay};
use super::day_rows::DarCounts;
#[cfg(feature = "cluster")]
use super::far_fold::shelves;
use super::log::DayFile;
use super::place::Place;
use super::present::Present;
use super::work::{Reading, Work};
use crate::exec::{self, Bucket, Census, FILE, FileNotes, FoldedFiles, Folding, Keep, Shelves};
#[cfg(feature = "cluster")]
use crate::lake::elsewhere::Elsewhere;
use crate::scalar::internal::per_second;
use crate::table::DarSource;

/// Where a run works, and on what.
pub(super) struct Run<'a> {
    pub(super) session: &'a dyn Session,
    pub(super) source: &'a DarSource,
    pub(super) present: &'a Present,
    pub(super) keep: Arc<Keep>,
    pub(super) place: &'a Place,
    /// The days that the table has rows of, which stay unless they are touched.
    pub(super) kept: &'a BTreeMap<i32, DayFile>,
    /// Whether every day is made anew, and what the table has of it is only compared.
    pub(super) is_anew: bool,
    /// The name that new files bear; `None` writes none.
    pub(super) writes: Option<String>,
    /// What else is to be found out about the files that are read.
    pub(super) census: Option<Arc<Census>>,
}

/// What came out of it.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// What each file that was read holds, by its place among the files of now.
    pub(super) notes: BTreeMap<usize, FileNotes>,
    /// Every day that was touched: the file that it has now, if it has rows.
    pub(super) days: BTreeMap<i32, Option<DayFile>>,
    pub(super) dars: DarCounts,
    /// The DARs of the days whose rows are others now, or were made anew; see [`super::alike`].
    pub(super) alike: BTreeMap<i32, RecordBatch>,
}

impl Done {
    /// The files of all days, where these were the files before.
    pub(super) fn files(&self, before: &BTreeMap<i32, DayFile>) -> BTreeMap<i32, DayFile> {
        let mut files = before.clone();
        for (day, now) in &self.days {
            match now {
                Some(file) => files.insert(*day, file.clone()),
                None => files.remove(day),
            };
        }
        files
    }
}

impl Run<'_> {
    /// Does the work.
    pub(super) async fn execute(&self, work: &Work) -> Result<Done> {
        let context = self.session.task_ctx();
        let places: Vec<usize> = work.readings.keys().copied().collect();
        let readings = || work.readings.values();
        let wanted = readings().map(|reading| Arc::new(reading.wanted.clone()));
        let files = Arc::new(FoldedFiles::new(wanted.collect()));
        let mut shelves = match places.is_empty() {
            true => Vec::new(),
            false => self.fold(work, &files, &context).await?,
        };
        let mut touched: BTreeSet<i32> = shelves.iter().flat_map(Shelves::days).collect();
        let mut emptied = work.dropped.days();
        emptied.unite(&work.opened);
        let is_touched = |day: &&i32| self.is_anew || emptied.contains(**day);
        touched.extend(self.kept.keys().filter(is_touched));

        let dropped = Arc::new(work.dropped.clone());
        let at_once = self.session.config().target_partitions().max(1);
        let mut done = Done::default();
        let mut note = |settled: Result<SettledDay>| {
            let settled = settled?;
            done.dars.add(settled.dars);
            done.days.insert(settled.day, settled.file);
            let alike = settled.alike.map(|alike| (settled.day, alike));
            done.alike.extend(alike);
            Ok::<_, DataFusionError>(())
        };
        let mut at_work = FuturesUnordered::new();
        for day in touched {
            let job = DayJob {
                day,
                keep: Arc::clone(&self.keep),
                place: self.place.clone(),
                kept: self.kept.get(&day).cloned(),
                is_anew: self.is_anew,
                dropped: Arc::clone(&dropped),
                writes: self.writes.clone(),
                context: Arc::clone(&context),
            };
            // Days are taken off the shelves one after the other, and settled side by side.
            let parts = take(&mut shelves, day).await?;
            at_work.push(SpawnedTask::spawn(job.settle(parts)));
            if at_work.len() >= at_once
                && let Some(task) = at_work.next().await
            {
                note(joined(task))?;
            }
        }
        while let Some(task) = at_work.next().await {
            note(joined(task))?;
        }
        done.notes = places.into_iter().zip(files.notes()).collect();
        Ok(done)
    }

    /// The parts of the files that are to be read, by day.
    async fn fold(
        &self,
        work: &Work,
        files: &Arc<FoldedFiles>,
        context: &Arc<TaskContext>,
    ) -> Result<Vec<Shelves>> {
        let messages = self.messages(work)?;
        let messages = self.session.create_physical_plan(&messages).await?;
        #[cfg(feature = "cluster")]
        if let Some(elsewhere) = Elsewhere::of(self.session) {
            let folding = self.source.folding.clone();
            let (session, present) = (self.session, self.present);
            return shelves(&elsewhere, session, present, folding, messages, files).await;
        }
        let folding = Folding {
            files: Some(Arc::clone(files)),
            census: self.census.clone(),
            ..self.source.folding.clone()
        };
        let parts = exec::fold(folding, Arc::clone(&self.keep.calendar), messages);
        let partitions = 0..parts.output_partitioning().partition_count();
        let tasks = partitions.map(|partition| {
            let parts = parts.execute(partition, Arc::clone(context))?;
            let filled = Shelves::fill(parts, partition, Arc::clone(context));
            Ok(SpawnedTask::spawn(filled))
        });
        let tasks = tasks.collect::<Result<Vec<_>>>()?;
        let mut filled = Vec::with_capacity(tasks.len());
        for task in tasks {
            filled.push(joined(task.await)?);
        }
        Ok(filled)
    }

    /// The messages of the files that are to be read, with the numbers of their files.
    fn messages(&self, work: &Work) -> Result<LogicalPlan> {
        let read = |is_whole: bool| -> Result<Option<LogicalPlan>> {
            let chosen = (0..)
                .zip(&work.readings)
                .filter(|(_, (_, reading))| reading.is_whole == is_whole);
            let files = &self.present.files.files;
            let mut numbers: HashMap<&str, u32> = HashMap::new();
            let mut days = exec::DaySet::default();
            for (number, (place, reading)) in chosen {
                if let Some(file) = files.get(*place) {
                    numbers.insert(&file.path, number);
                }
                days.unite(&wanted_days(reading));
            }
            if numbers.is_empty() {
                return Ok(None);
            }
            let plan = self.present.files.read(&numbers)?;
            let plan = match days.hull() {
                Some(hull) if !is_whole => within(plan, hull)?,
                _ => plan,
            };
            let messages = match &self.census {
                Some(_) => self.source.counted(plan, true, &[FILE]),
                None => self.source.folded(plan, &[FILE]),
            };
            messages.map(Some)
        };
        match (read(true)?, read(false)?) {
            (Some(whole), Some(some)) => LogicalPlanBuilder::from(whole).union(some)?.build(),
            (Some(plan), None) | (None, Some(plan)) => Ok(plan),
            (None, None) => Err(exec_datafusion_err!("there is no file to read")),
        }
    }
}

fn wanted_days(reading: &Reading) -> exec::DaySet {
    reading.wanted.days()
}

/// Messages that can fall on one of the days, wherever their site is: no zone is further than 26 hours from UTC.
pub(super) fn within(messages: LogicalPlan, days: RangeInclusive<i32>) -> Result<LogicalPlan> {
    let (qualifier, field) = messages
        .schema()
        .iter()
        .find(|(_, field)| field.name() == "sent_at")
        .ok_or_else(|| exec_datafusion_err!("messages have no sent_at"))?;
    let DataType::Timestamp(unit, zone) = field.data_type().clone() else {
        return Err(exec_datafusion_err!("sent_at is {}", field.data_type()));
    };
    let sent_at = Expr::Column(Column::new(qualifier.cloned(), "sent_at"));
    let bound = |day: i64| {
        let count = day.checked_mul(86_400)?.checked_mul(per_second(unit))?;
        let zone = zone.clone();
        Some(lit(match unit {
            TimeUnit::Second => ScalarValue::TimestampSecond(Some(count), zone),
            TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(Some(count), zone),
            TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(Some(count), zone),
            TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(Some(count), zone),
        }))
    };
    let mut plan = LogicalPlanBuilder::from(messages);
    if let (true, Some(first)) = (
        *days.start() > i32::MIN,
        bound(i64::from(*days.start()) - 2),
    ) {
        plan = plan.filter(sent_at.clone().gt_eq(first))?;
    }
    if let (true, Some(end)) = (*days.end() < i32::MAX, bound(i64::from(*days.end()) + 3)) {
        plan = plan.filter(sent_at.lt(end))?;
    }
    plan.build()
}

async fn take(shelves: &mut [Shelves], day: i32) -> Result<Bucket> {
    let mut parts = Bucket::default();
    for shelves in shelves {
        parts.append(shelves.take(day).await?);
    }
    Ok(parts)
}

pub(super) fn joined<T>(
    task: std::result::Result<Result<T>, impl std::error::Error + Send + Sync + 'static>,
) -> Result<T> {
    task.map_err(|cause| DataFusionError::External(Box::new(cause)))?
}
