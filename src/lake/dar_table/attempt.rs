//! One attempt at a refresh: from one version of the table to the next, or to nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use datafusion::arrow::datatypes::TimeUnit;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;

use super::bill::Bill;
use super::counts::asked::counts_messages;
use super::counts::scan::{Read, Reader};
use super::counts::update::Update;
use super::kept_dars::KeptDars;
use super::litter::{Litter, discard};
use super::lock::NOTES;
use super::log::{Commit, DayFile, Log, Snapshot};
use super::manifest::{Manifest, dispositions};
use super::place::Place;
use super::present::Present;
use super::refresh::Refresh;
use super::run::{Done, Run};
use super::summary::Summary;
use super::work::{Now, Work};
use crate::error;
use crate::exec::{Census, DISPOSITIONS, DaySet, Keep};
use crate::table::DarSource;

/// A refresh from one version of the table.
pub(super) struct Attempt {
    source: DarSource,
    pub(super) place: Place,
    log: Log,
    present: Present,
}

impl Attempt {
    /// What the session's `dars` is made of now, and where its table is.
    ///
    /// # Errors
    ///
    /// No table is named; what is wrong with sites or switches; messages that cannot be read file by file.
    pub(super) async fn new(ctx: &SessionContext, asked: &Refresh) -> Result<Self> {
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
    ///
    /// # Errors
    ///
    /// What is wrong with the messages; a change that reaches everything; a table that cannot be read or written. The
    /// table is then as it was.
    pub(super) async fn run(
        &self,
        ctx: &SessionContext,
        asked: &Refresh,
        is_alone: bool,
    ) -> Result<Option<Summary>> {
        let base = self.log.newest().await?;
        let before = self.before(base.as_ref(), asked).await?;
        let kept = base
            .as_ref()
            .map_or_else(BTreeMap::new, |base| base.days.clone());
        let keep = Arc::new(self.present.keep(&self.source)?);
        let work = self.work(&before, &keep, &kept, asked)?;
        let state = ctx.state();
        let reader = Reader {
            session: &state,
            source: &self.source,
            present: &self.present,
            keep: &keep,
        };
        let counts = match counts_messages(ctx, asked).await {
            true => Update::plan(before.counts.as_ref(), reader)?,
            false => None,
        };
        let litter = match asked.dry_run {
            true => Litter::default(),
            false => self.litter(base.as_ref(), &before, is_alone).await?,
        };
        let mut summary = Summary {
            table: self.place.name.clone(),
            version: base.as_ref().map(|base| base.version),
            dry_run: asked.dry_run,
            files: work.counts,
            rejected: before.rejected(),
            ..Summary::default()
        };
        let is_done = work.is_done && counts.is_none() && base.is_some() && !asked.full;
        if is_done && (litter.is_empty() || is_alone) {
            litter.remove(&self.place, &HashSet::new()).await;
            summary.is_current = true;
            return Ok(Some(summary));
        }
        let run = super::run_id();
        // Files that are read anyway are not read once more.
        let is_read = |counts: &&Update<'_>| {
            work.readings.values().all(|reading| reading.is_whole)
                && counts.is_of(work.readings.keys().copied())
        };
        let census = counts.as_ref().filter(is_read);
        let census = census.map(|_| Arc::new(Census::of_all(reader.memory())));
        let done = Run {
            session: &state,
            source: &self.source,
            present: &self.present,
            keep: Arc::clone(&keep),
            place: &self.place,
            kept: &kept,
            is_anew: asked.full,
            writes: (!asked.dry_run).then(|| run.clone()),
            census: census.clone(),
        };
        let done = done.execute(&work).await?;
        let mut after = self.after(&work, &done, keep.unit);
        after.previous = base.as_ref().map(|base| base.manifest.clone());
        summary.messages = counted(&done);
        summary.rejected = after.rejected();
        summary.days = done.days.keys().copied().collect();
        summary.dars = done.dars;
        let days = done.files(&kept);
        let dars = self.source.dars.schema().as_arrow();
        let mut bill = Bill::new(&self.place, dars, &before, &days)?;
        bill.enter(&done).await?;
        if !done.dars.is_none() || after.money.is_none() {
            match bill.money(ctx, asked.as_of, &before.priced).await {
                Ok((money, priced)) => {
                    summary.money = before.money.changes(&money);
                    (after.money, after.priced) = (money, priced);
                }
                Err(cause) => summary.money_fault = Some(cause),
            }
        }
        if asked.dry_run {
            return Ok(Some(summary));
        }
        after.tallies = bill.write(&run).await?;
        if let Some(counts) = counts {
            let read = census.and_then(|census| {
                let notes = done.notes.values().cloned().collect();
                // Without, they are read in portions.
                let found = census.found().ok()?;
                Some(Read { found, notes })
            });
            // Where memory was not enough, they stay what they were, of fewer files.
            let now = counts.execute(&self.place, &run, read).await?;
            after.counts = now.or(after.counts);
        }
        let commit = commit(base.as_ref(), &done, &run, &after);
        let version = self
            .publish(base.as_ref(), &commit, &after, &keep, litter)
            .await?;
        if version.is_none() {
            let kept: HashSet<&String> = before.notes().collect();
            let ours = after.notes().filter(|path| !kept.contains(path));
            discard(&self.place, ours.map(String::as_str)).await;
        }
        summary.version = version;
        Ok(version.is_some().then_some(summary))
    }

    fn work(
        &self,
        before: &Manifest,
        keep: &Keep,
        kept: &BTreeMap<i32, DayFile>,
        asked: &Refresh,
    ) -> Result<Work> {
        let ends = kept.keys().next().zip(kept.keys().last());
        Work::plan(
            before,
            &Now {
                files: &self.present.files.files,
                calendar: &self.present.calendar,
                site: &|site_id| keep.calendar.site(site_id),
                bounds: DaySet::range(
                    asked.since.unwrap_or(i32::MIN)
                        ..=asked.until.map_or(i32::MAX, |until| until - 1),
                ),
                kept: ends.map(|(first, last)| *first..=*last),
            },
        )
    }

    /// What earlier runs have left, and the manifest that nobody needs once there is a next one.
    async fn litter(
        &self,
        base: Option<&Snapshot>,
        before: &Manifest,
        is_alone: bool,
    ) -> Result<Litter> {
        Litter::find(&self.place, &self.log, base, before, is_alone).await
    }

    /// Writes the notes and commits; the version that it makes, or `None` if another writer was there first.
    async fn publish(
        &self,
        base: Option<&Snapshot>,
        commit: &Commit,
        after: &Manifest,
        keep: &Keep,
        litter: Litter,
    ) -> Result<Option<u64>> {
        self.place.write(&commit.manifest, after.bytes()?).await?;
        let version = self.log.commit(base, commit, &keep.ids.schema()).await?;
        let files = commit.added.iter().map(|(_, file)| file.path.clone());
        let mut files: HashSet<String> = files.chain([commit.manifest.clone()]).collect();
        match version {
            Some(_) => {
                files.extend(after.notes().cloned());
                litter.remove(&self.place, &files).await;
            }
            None => discard(&self.place, files.iter().map(String::as_str)).await,
        }
        Ok(version)
    }

    /// What the table stands on, if that can be built upon.
    async fn before(&self, base: Option<&Snapshot>, asked: &Refresh) -> Result<Manifest> {
        let reading = &self.present.reading;
        let Some(base) = base else {
            return Ok(Manifest::new(reading.clone()));
        };
        if asked.full {
            return Ok(self.forgotten(base).await);
        }
        base.check(&self.place.name)?;
        let before = Manifest::load(&self.place, &base.manifest).await?;
        let other = differences(&before.reading, reading);
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

    /// Nothing read yet; what the contracts came to is remembered, if it can be read.
    async fn forgotten(&self, base: &Snapshot) -> Manifest {
        let mut manifest = Manifest::new(self.present.reading.clone());
        if let Ok(before) = Manifest::load(&self.place, &base.manifest).await {
            manifest.money = before.money;
            manifest.previous = before.previous;
        }
        manifest
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
}

/// What makes the rows of `base` those that are `done`.
fn commit(base: Option<&Snapshot>, done: &Done, run: &str, after: &Manifest) -> Commit {
    let mut commit = Commit {
        manifest: format!("{NOTES}/manifest-{run}.json"),
        reading: after.reading.clone(),
        strangers: base.map_or_else(Vec::new, |base| base.strangers.clone()),
        ..Commit::default()
    };
    let before = |day: &i32| base.and_then(|base| base.days.get(day));
    for (day, now) in &done.days {
        let before = before(day);
        if before == now.as_ref() {
            continue;
        }
        commit
            .added
            .extend(now.iter().map(|file| (*day, file.clone())));
        commit
            .removed
            .extend(before.map(|file| (*day, file.clone())));
    }
    commit
}

/// What is another in a reading than before, as `name was 'this' and is 'that'`.
fn differences(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let value = |reading: &BTreeMap<String, String>, name| {
        reading.get(name).map_or("", String::as_str).to_owned()
    };
    names
        .into_iter()
        .map(|name| (name, value(before, name), value(now, name)))
        .filter(|(_, before, now)| before != now)
        .map(|(name, before, now)| format!("{name} was '{before}' and is '{now}'"))
        .collect()
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

/// An instant in microseconds.
pub(super) fn micros(instant: i64, unit: TimeUnit) -> i64 {
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
