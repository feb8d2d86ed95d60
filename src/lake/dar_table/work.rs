//! What a refresh has to do: which files it reads, for which days, and what it drops first.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;

use datafusion::common::Result;

use super::ground::Ground;
use super::manifest::{Manifest, ReadFile, Section};
use super::message_files::KnownFile;
use super::settled_calendar::{Change, SettledCalendar};
use crate::error;
use crate::exec::{DayScope, DaySet, SiteNumber};

/// The messages and the calendar as they are now.
pub(super) struct Now<'a> {
    pub(super) files: &'a [KnownFile],
    pub(super) calendar: &'a SettledCalendar,
    /// The number of a site of that calendar.
    pub(super) site: &'a (dyn Fn(&str) -> Option<SiteNumber> + Sync),
    /// The days that this run is about.
    pub(super) bounds: DaySet,
    /// The days that the table has rows of.
    pub(super) kept: Option<RangeInclusive<i32>>,
}

/// One file to read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The parts that are wanted of it.
    pub(super) wanted: DayScope,
    /// Whether every row is to be seen, so that none is lost in the count of dispositions.
    pub(super) is_whole: bool,
    /// Whether the calendar may put its messages into other dispositions than before.
    pub(super) is_recounted: bool,
}

/// How many files there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FileCounts {
    pub(super) new: u64,
    /// Another file under a path that was there before.
    pub(super) changed: u64,
    pub(super) gone: u64,
    pub(super) same: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Work {
    /// What to read, by the place of the file among those of now.
    pub(super) readings: BTreeMap<usize, Reading>,
    /// What the table has of these goes, and is made anew.
    pub(super) dropped: DayScope,
    /// Days from which the rows of sites that are gone are taken.
    pub(super) opened: DaySet,
    /// What the table will stand on; its files as far as they were known.
    pub(super) after: Manifest,
    /// How the files differ from those that were read.
    pub(super) counts: FileCounts,
    /// Whether the table stands on exactly that already.
    pub(super) is_done: bool,
}

impl Work {
    /// What is to be done so that the days of `now.bounds` stand on `now`.
    ///
    /// # Errors
    ///
    /// A change of the calendar that reaches most of the table.
    pub(super) fn plan(before: &Manifest, now: &Now<'_>) -> Result<Self> {
        let mut work = Self {
            readings: BTreeMap::new(),
            dropped: DayScope::default(),
            opened: DaySet::default(),
            after: Manifest {
                reading: before.reading.clone(),
                files: Vec::new(),
                calendars: Vec::new(),
                sections: Vec::new(),
                skips: before.skips,
                previous: before.previous.clone(),
                money: before.money.clone(),
                priced: before.priced.clone(),
                tallies: before.tallies.clone(),
                counts: before.counts.clone(),
            },
            counts: counts(before, now),
            is_done: false,
        };
        let places: HashMap<&KnownFile, usize> = now
            .files
            .iter()
            .enumerate()
            .map(|(place, file)| (file, place))
            .collect();
        let known: HashMap<&KnownFile, &ReadFile> =
            before.files.iter().map(|read| (&read.file, read)).collect();
        let now_read: Vec<ReadFile> = now
            .files
            .iter()
            .map(|file| match known.get(file) {
                Some(read) => (*read).clone(),
                None => ReadFile::new(file.clone()),
            })
            .collect();
        let mut ground = Ground::default();
        for section in &before.sections {
            let old: Vec<&ReadFile> = section
                .files
                .iter()
                .filter_map(|file| before.files.get(*file))
                .collect();
            let calendar = before.calendar(section).cloned().unwrap_or_default();
            let days = section.days.and(&now.bounds);
            if !days.is_empty() {
                work.section(&days, &old, &calendar, &places, now)?;
                ground.add(days, now_read.iter(), now.calendar);
            }
            ground.add(
                section.days.without(&now.bounds),
                old.into_iter(),
                &calendar,
            );
        }
        let laid = ground.laid();
        work.after.files = laid.files;
        work.after.calendars = laid.calendars;
        work.after.sections = laid.sections;
        work.is_done = work.readings.is_empty()
            && work.dropped.is_empty()
            && work.opened.is_empty()
            && work.after.files == before.files
            && work.after.calendars == before.calendars
            && work.after.sections == before.sections;
        Ok(work)
    }

    fn section(
        &mut self,
        days: &DaySet,
        old: &[&ReadFile],
        calendar: &SettledCalendar,
        places: &HashMap<&KnownFile, usize>,
        now: &Now<'_>,
    ) -> Result<()> {
        let is_bounded = now.bounds != DaySet::all();
        let same: Vec<(usize, &ReadFile)> = old
            .iter()
            .filter_map(|read| Some((*places.get(&read.file)?, *read)))
            .collect();
        let known: HashSet<usize> = same.iter().map(|(place, _)| *place).collect();
        for place in (0..now.files.len()).filter(|place| !known.contains(place)) {
            let reading = self.readings.entry(place).or_default();
            reading.wanted.everywhere.unite(days);
            reading.is_whole |= !is_bounded;
        }
        let mut gone = DaySet::default();
        for read in old.iter().filter(|read| !places.contains_key(&read.file)) {
            gone.unite(&read.days.and(days));
        }
        let mut scope = DayScope::of(gone.clone());
        let changes = changes(&same, calendar, now)?;
        for change in &changes {
            let of_change = DaySet::range(change.days()).and(days);
            match (now.site)(&change.site_id) {
                Some(site) => scope.by_site.entry(site).or_default().unite(&of_change),
                None => self.opened.unite(&of_change),
            }
        }
        for (place, read) in same {
            let meets = |change: &Change| {
                let met = read.instants.is_some_and(|instants| change.meets(instants));
                // A site that was not there at all has no parts: only what was rejected can be its messages.
                match change.was_nothing && change.from.is_none() && change.to.is_none() {
                    true => met && read.may_have_rejected(),
                    false => met || !DaySet::range(change.days()).and(&read.days).is_empty(),
                }
            };
            let is_met = changes.iter().any(meets);
            if is_met || !read.days.and(&gone).is_empty() {
                let reading = self.readings.entry(place).or_default();
                reading.wanted.unite(&scope);
                reading.is_recounted |= is_met;
                reading.is_whole |= is_met && !is_bounded;
            }
        }
        self.dropped.unite(&scope);
        Ok(())
    }
}

/// The changes of a section's calendar that matter to its files.
fn changes(
    same: &[(usize, &ReadFile)],
    calendar: &SettledCalendar,
    now: &Now<'_>,
) -> Result<Vec<Change>> {
    if same.is_empty() || calendar == now.calendar {
        return Ok(Vec::new());
    }
    let mut changes = now.calendar.changes(calendar);
    // Where nothing was in force nothing was counted, and unless something was rejected nothing was there.
    let may_have_rejected = same.iter().any(|(_, read)| read.may_have_rejected());
    changes.retain(|change| !change.was_nothing || may_have_rejected);
    if let Some(kept) = &now.kept {
        let reaches_all = |change: &&Change| {
            let days = change.days();
            !change.was_nothing && days.start() <= kept.start() && kept.end() <= days.end()
        };
        let reached: HashSet<&str> = changes
            .iter()
            .filter(reaches_all)
            .map(|change| change.site_id.as_str())
            .collect();
        if reached.len() * 2 > calendar.sites() {
            return Err(error::config(format!(
                "sites or feature_periods changed for {} of {} sites on every day of the table: nothing of it would \
                 stay. Make it anew: dayrate refresh --full. (A change with valid_from, valid_to or enabled_from \
                 touches only the days that it is about.)",
                reached.len(),
                calendar.sites(),
            )));
        }
    }
    Ok(changes)
}

fn counts(before: &Manifest, now: &Now<'_>) -> FileCounts {
    // A section that knows a file as it is now and one that does not make it a new one there.
    let about = before
        .sections
        .iter()
        .filter(|section| !section.days.and(&now.bounds).is_empty());
    let about: Vec<&Section> = about.collect();
    let known = |section: &Section| -> HashSet<&KnownFile> {
        let files = section
            .files
            .iter()
            .filter_map(|file| before.files.get(*file));
        files.map(|read| &read.file).collect()
    };
    let in_all: Vec<HashSet<&KnownFile>> = about.iter().map(|section| known(section)).collect();
    let paths: HashSet<&str> = in_all
        .iter()
        .flatten()
        .map(|file| file.path.as_str())
        .collect();
    let now_paths: HashSet<&str> = now.files.iter().map(|file| file.path.as_str()).collect();
    let mut counts = FileCounts {
        gone: paths.difference(&now_paths).count() as u64,
        ..FileCounts::default()
    };
    for file in now.files {
        let is_changed = in_all
            .iter()
            .flatten()
            .any(|known| known.path == file.path && *known != file);
        match in_all.iter().all(|known| known.contains(file)) {
            true => counts.same += 1,
            false if is_changed => counts.changed += 1,
            false => counts.new += 1,
        }
    }
    counts
}
