//! One refresh: what is there now is compared with what the table stands on, the difference is worked in, committed.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use datafusion::arrow::datatypes::{Schema, TimeUnit};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::source_as_provider;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::LogicalPlan;
use datafusion::object_store::{ObjectStoreExt, PutPayload};
use datafusion::prelude::SessionContext;

use super::kept_dars::KeptDars;
use super::kept_scan::KeptFiles;
use super::litter::{Litter, discard, remove_half_written};
use super::lock::{Lock, NOTES};
use super::log::{Commit, DayFile, Log, Snapshot};
use super::manifest::{Manifest, dispositions};
use super::money::Money;
use super::place::Place;
use super::present::Present;
use super::run::{Done, Run};
use super::summary::Summary;
use super::work::{Now, Work};
use crate::domain::day::Day;
use crate::error;
use crate::exec::{DISPOSITIONS, DaySet};
use crate::table::DarSource;

/// How often a run that another writer has overtaken starts again.
const ATTEMPTS: usize = 10;

/// What is asked of a refresh.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refresh {
    /// Forget what was read, and make the table anew.
    pub(crate) full: bool,
    /// Say what would be done, and write nothing.
    pub(crate) dry_run: bool,
    /// The invoices that are compared are those of this day.
    pub(crate) as_of: Option<Day>,
    /// The first local day that is refreshed.
    pub(crate) since: Option<Day>,
    /// The first local day after those that are refreshed.
    pub(crate) until: Option<Day>,
    /// Works as on a store, which has no locks, where the table is in a folder of this machine too.
    pub(crate) without_lock: bool,
}

/// Refreshes the table that the session's configuration names.
///
/// # Errors
///
/// No table is named; what is wrong with messages, sites or switches; a change that reaches everything; a table that
/// cannot be read or written. The table is then as it was.
pub(crate) async fn refresh(ctx: &SessionContext, asked: &Refresh) -> Result<Summary> {
    let started = Instant::now();
    // A session of its own, in which the table is looked for whatever the options say.
    let ctx = SessionContext::new_with_state(ctx.state());
    ctx.state_ref()
        .write()
        .config_mut()
        .options_mut()
        .set("dayrate.dar_table", "on")?;
    let mut lock = None;
    for _ in 0..ATTEMPTS {
        let attempt = Attempt::new(&ctx, asked).await?;
        let may_lock = !asked.dry_run && !asked.without_lock;
        if let (None, true, Some(folder)) = (&lock, may_lock, &attempt.place.local) {
            let taken = Lock::take(folder, &attempt.place.name)?;
            if taken.is_alone {
                remove_half_written(folder).map_err(DataFusionError::IoError)?;
            }
            lock = Some(taken);
        }
        let is_alone = lock.as_ref().is_some_and(|lock| lock.is_alone);
        if let Some(mut summary) = attempt.run(&ctx, asked, is_alone).await? {
            summary.milliseconds = started.elapsed().as_millis();
            return Ok(summary);
        }
    }
    Err(error::data(format!(
        "other writers were faster {ATTEMPTS} times; nothing was written by this run. Run one refresh at a time"
    )))
}

/// A refresh from one version of the table.
struct Attempt {
    source: DarSource,
    place: Place,
    log: Log,
    present: Present,
}

impl Attempt {
    async fn new(ctx: &SessionContext, asked: &Refresh) -> Result<Self> {
        if let (Some(since), Some(until)) = (asked.since, asked.until)
            && since >= until
        {
            return Err(error::config(
                "--since is not before --until: the days from --since up to --until are refreshed",
            ));
        }
        let dars = crate::sql::sql(ctx, "SELECT * FROM dars()").await?;
        let (location, source) = source(dars.logical_plan())?;
        let state = ctx.state();
        let place = Place::of(state.runtime_env(), &location)?;
        Ok(Self {
            log: Log::of(&place)?,
            present: Present::of(&state, &source).await?,
            place,
            source,
        })
    }

    /// `None`: another writer was faster, and nothing was written.
    async fn run(
        &self,
        ctx: &SessionContext,
        asked: &Refresh,
        is_alone: bool,
    ) -> Result<Option<Summary>> {
        let base = self.log.newest().await?;
        let before = self.before(base.as_ref(), asked).await?;
        let none = BTreeMap::new();
        let kept = match &base {
            Some(base) if !asked.full => &base.days,
            _ => &none,
        };
        let state = ctx.state();
        let keep = Arc::new(self.present.keep(&self.source)?);
        let now = Now {
            files: &self.present.files.files,
            calendar: &self.present.calendar,
            site: &|site_id| keep.calendar.site(site_id),
            bounds: DaySet::range(
                asked.since.unwrap_or(i32::MIN)..=asked.until.map_or(i32::MAX, |until| until - 1),
            ),
            kept: kept
                .keys()
                .next()
                .copied()
                .zip(kept.keys().last().copied())
                .map(|(first, last)| first..=last),
        };
        let work = Work::plan(&before, &now)?;
        let previous = before.previous.as_deref();
        let mut litter = match asked.dry_run {
            true => Litter::default(),
            false => Litter::find(&self.place, &self.log, base.as_ref(), previous).await?,
        };
        let mut summary = Summary {
            table: self.place.name.clone(),
            version: base.as_ref().map(|base| base.version),
            dry_run: asked.dry_run,
            files: work.counts,
            rejected: before.rejected(),
            ..Summary::default()
        };
        if work.is_done && base.is_some() && !asked.full && (litter.is_empty() || is_alone) {
            litter.remove(&self.place, &HashSet::new()).await;
            summary.is_current = true;
            return Ok(Some(summary));
        }
        let run = super::run_id();
        let done = Run {
            session: &state,
            source: &self.source,
            present: &self.present,
            keep: Arc::clone(&keep),
            place: &self.place,
            kept,
            writes: (!asked.dry_run).then(|| run.clone()),
        };
        let done = done.execute(&work).await?;
        let mut after = self.after(&work, &done, keep.unit);
        after.previous = base.as_ref().map(|base| base.manifest.clone());
        summary.messages = counted(&done);
        summary.rejected = after.rejected();
        summary.days = done.days.keys().copied().collect();
        summary.dars = done.dars;
        if asked.dry_run {
            return Ok(Some(summary));
        }
        let commit = self.commit(base.as_ref(), &done, kept, &run, &after);
        if !done.dars.is_none() || after.money.is_none() {
            let dars = self.pending(kept, &done);
            match Money::of(ctx, dars, asked.as_of).await {
                Ok(money) => {
                    let money = money.unwrap_or_default();
                    summary.money = before.money.changes(&money);
                    after.money = money;
                }
                Err(cause) => summary.money_fault = Some(cause),
            }
        }
        let written: HashSet<String> = commit
            .added
            .iter()
            .map(|(_, file)| file.path.clone())
            .chain([commit.manifest.clone()])
            .collect();
        let manifest = self.place.below(&commit.manifest);
        let note = self
            .place
            .store()
            .put(&manifest, PutPayload::from(after.bytes()?))
            .await;
        note.map_err(|cause| DataFusionError::ObjectStore(Box::new(cause)))?;
        match self
            .log
            .commit(base.as_ref(), &commit, &keep.ids.schema())
            .await?
        {
            Some(version) => {
                if let Some(previous) = previous {
                    litter.add(&self.place, previous);
                }
                litter.remove(&self.place, &written).await;
                summary.version = Some(version);
                Ok(Some(summary))
            }
            None => {
                discard(&self.place, written.iter().map(String::as_str)).await;
                Ok(None)
            }
        }
    }

    /// What the table stands on, if that can be built upon.
    async fn before(&self, base: Option<&Snapshot>, asked: &Refresh) -> Result<Manifest> {
        let reading = &self.present.reading;
        let Some(base) = base.filter(|_| !asked.full) else {
            return Ok(Manifest::new(reading.clone()));
        };
        let before = Manifest::load(&self.place, &base.manifest).await?;
        let names: std::collections::BTreeSet<&String> =
            before.reading.keys().chain(reading.keys()).collect();
        let other: Vec<String> = names
            .into_iter()
            .filter(|name| before.reading.get(*name) != reading.get(*name))
            .map(|name| {
                let value = |reading: &BTreeMap<String, String>| {
                    reading.get(name).cloned().unwrap_or_default()
                };
                format!(
                    "{name} was '{}' and is '{}'",
                    value(&before.reading),
                    value(reading)
                )
            })
            .collect();
        if !other.is_empty() {
            return Err(error::config(format!(
                "the table '{}' was made with another reading: {}. That reaches every row: make the table anew with \
                 dayrate refresh --full, or set it back",
                self.place.name,
                other.join(", ")
            )));
        }
        let rejected = before.rejected();
        if rejected > 0 && !self.source.folding.skip_rejected {
            return Err(error::data(format!(
                "{rejected} messages of files that were read with rejects = 'skip' cannot be billed. See them with \
                 SELECT * FROM rejects(), and mend them, or set rejects = 'skip' again"
            )));
        }
        Ok(before)
    }

    /// What the table will stand on.
    fn after(&self, work: &Work, done: &Done, unit: TimeUnit) -> Manifest {
        let mut after = work.after.clone();
        after.skips |= self.source.folding.skip_rejected;
        for (place, notes) in &done.notes {
            let (Some(file), Some(reading)) = (
                self.present.files.files.get(*place),
                work.readings.get(place),
            ) else {
                continue;
            };
            let read = after.files.iter_mut().filter(|read| read.file == *file);
            for read in read {
                if reading.is_recounted && !reading.is_whole {
                    read.dispositions = None;
                }
                read.note(notes, reading.is_whole, |instant| micros(instant, unit));
            }
        }
        after
    }

    /// The rows that the table will have.
    fn pending(&self, kept: &BTreeMap<i32, DayFile>, done: &Done) -> Arc<KeptFiles> {
        let mut days = kept.clone();
        for (day, file) in &done.days {
            match file {
                Some(file) => days.insert(*day, file.clone()),
                None => days.remove(day),
            };
        }
        let schema = self.source.dars.schema().as_arrow().fields().clone();
        Arc::new(KeptFiles {
            place: self.place.clone(),
            days,
            version: None,
            schema: Arc::new(Schema::new(schema)),
        })
    }

    fn commit(
        &self,
        base: Option<&Snapshot>,
        done: &Done,
        kept: &BTreeMap<i32, DayFile>,
        run: &str,
        after: &Manifest,
    ) -> Commit {
        let mut commit = Commit {
            manifest: format!("{NOTES}/manifest-{run}.json"),
            reading: after.reading.clone(),
            ..Commit::default()
        };
        for (day, file) in &done.days {
            if let Some(file) = file
                && kept.get(day) != Some(file)
            {
                commit.added.push((*day, file.clone()));
            }
        }
        for (day, file) in base.iter().flat_map(|base| &base.days) {
            let is_replaced = match done.days.get(day) {
                Some(now) => now.as_ref() != Some(file),
                None => !kept.contains_key(day),
            };
            if is_replaced {
                commit.removed.push((*day, file.clone()));
            }
        }
        commit
    }
}

/// The messages of the files read whole, by disposition.
fn counted(done: &Done) -> BTreeMap<String, u64> {
    let mut all = [0_u64; DISPOSITIONS];
    for notes in done.notes.values() {
        for (count, more) in all.iter_mut().zip(notes.dispositions) {
            *count += more;
        }
    }
    dispositions(&all)
}

fn micros(instant: i64, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => instant.saturating_mul(1_000_000),
        TimeUnit::Millisecond => instant.saturating_mul(1_000),
        TimeUnit::Microsecond => instant,
        TimeUnit::Nanosecond => instant.div_euclid(1_000),
    }
}

/// What `dars()` of the session is made of, and where its table is.
fn source(plan: &LogicalPlan) -> Result<(String, DarSource)> {
    let mut found = None;
    plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Ok(table) = source_as_provider(&scan.source)
            && let Some(kept) = table.downcast_ref::<KeptDars>()
        {
            found = Some((kept.location.clone(), kept.source.clone()));
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    found.ok_or_else(|| {
        error::config(
            "there is no table to refresh: name a folder for it in dayrate.toml, [dar_table] path = \"dars\", and leave \
             the option 'carry' without a value",
        )
    })
}
