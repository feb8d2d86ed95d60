//! What a table of DARs stands on: the reading, the files, the calendars. Kept beside the rows, under a name that the
//! table's own log holds, so that both change at once.

use std::collections::{BTreeMap, HashSet};

use datafusion::common::Result;
use datafusion::error::DataFusionError;
use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::message_files::KnownFile;
use super::money::Money;
use super::place::Place;
use super::priced::Priced;
use super::settled_calendar::SettledCalendar;
use super::tally::TallyFiles;
use crate::domain::message::Reason;
use crate::error;
use crate::exec::{DISPOSITIONS, DaySet, FileNotes};

/// See the module.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The options and types that the rows depend on, by name.
    pub(super) reading: BTreeMap<String, String>,
    /// Every file that some section has read.
    pub(super) files: Vec<ReadFile>,
    /// Every calendar that some section was made with.
    pub(super) calendars: Vec<SettledCalendar>,
    /// All days, each in one section.
    pub(super) sections: Vec<Section>,
    /// Whether rejected messages were ever left out.
    pub(super) skips: bool,
    /// The path of the one before: somebody may still be reading it.
    pub(super) previous: Option<String>,
    /// What the contracts came to when the table was last refreshed.
    #[serde(default)]
    pub(super) money: Money,
    /// What it is the sum of, as far as it can be used again.
    #[serde(default)]
    pub(super) priced: Priced,
    /// The files of the [`super::tally`].
    #[serde(default)]
    pub(super) tallies: TallyFiles,
    /// How many messages there are, if anybody pays by that.
    #[serde(default)]
    pub(super) counts: Option<Counts>,
}

/// Days for which the same files have been read, with the same calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Section {
    pub(super) days: DaySet,
    /// Places in [`Manifest::files`], in order.
    pub(super) files: Vec<usize>,
    /// A place in [`Manifest::calendars`].
    pub(super) calendar: usize,
}

/// A file that has been read, and what was found in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReadFile {
    pub(super) file: KnownFile,
    /// How many messages were `counted`, and how many were not for each reason; none until all of it has been read.
    pub(super) dispositions: Option<BTreeMap<String, u64>>,
    /// From the earliest message to the latest, in microseconds.
    pub(super) instants: Option<(i64, i64)>,
    /// The days on which it has, or once had, a part in DARs.
    pub(super) days: DaySet,
}

impl ReadFile {
    /// A file of which nothing is known yet.
    pub(super) fn new(file: KnownFile) -> Self {
        Self {
            file,
            dispositions: None,
            instants: None,
            days: DaySet::default(),
        }
    }

    /// Adds what a fold has noted; `is_whole` if it has seen every row. `micros` turns instants into microseconds.
    pub(super) fn note(&mut self, notes: &FileNotes, is_whole: bool, micros: impl Fn(i64) -> i64) {
        if is_whole {
            self.dispositions = Some(dispositions(&notes.dispositions));
        }
        if let Some((first, last)) = notes.instants {
            let (first, last) = (micros(first), micros(last));
            let (known_first, known_last) = self.instants.unwrap_or((first, last));
            self.instants = Some((first.min(known_first), last.max(known_last)));
        }
        self.days.unite(&notes.days);
    }

    /// Whether messages of it were rejected, or may have been.
    pub(super) fn may_have_rejected(&self) -> bool {
        self.dispositions.is_none() || self.rejected() > 0
    }

    /// How many messages of it were rejected, as far as it has been read.
    pub(super) fn rejected(&self) -> u64 {
        let count = |reason: &Reason| {
            let counts = self.dispositions.as_ref();
            counts.and_then(|counts| counts.get(reason.name())).copied()
        };
        let rejections = Reason::ALL.iter().filter(|reason| reason.is_rejection());
        rejections.filter_map(count).sum()
    }
}

/// Counts by name, without those that are 0.
pub(super) fn dispositions(counts: &[u64; DISPOSITIONS]) -> BTreeMap<String, u64> {
    let names = std::iter::once("counted").chain(Reason::ALL.iter().map(|reason| reason.name()));
    names
        .zip(counts)
        .filter(|(_, count)| **count > 0)
        .map(|(name, count)| (name.to_owned(), *count))
        .collect()
}

impl Manifest {
    /// Of nothing yet.
    pub(super) fn new(reading: BTreeMap<String, String>) -> Self {
        Self {
            reading,
            files: Vec::new(),
            calendars: vec![SettledCalendar::default()],
            sections: vec![Section {
                days: DaySet::all(),
                files: Vec::new(),
                calendar: 0,
            }],
            skips: false,
            previous: None,
            money: Money::default(),
            priced: Priced::default(),
            tallies: TallyFiles::new(),
            counts: None,
        }
    }

    /// Reads the one at that path below a table.
    ///
    /// # Errors
    ///
    /// It is not there, or is something else.
    pub(super) async fn load(place: &Place, path: &str) -> Result<Self> {
        match place.read(path).await? {
            Some(bytes) => Self::read(&bytes, path),
            None => Err(damaged(path, "it is not there")),
        }
    }

    /// Whether the rows are those of a query that fails at rejected messages, too.
    pub(super) fn has_no_rejected(&self) -> bool {
        !self.skips || !self.files.iter().any(ReadFile::may_have_rejected)
    }

    fn read(bytes: &[u8], name: &str) -> Result<Self> {
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|cause| damaged(name, &cause.to_string()))?;
        let is_whole = manifest.sections.iter().all(|section| {
            section.calendar < manifest.calendars.len()
                && section
                    .files
                    .iter()
                    .all(|file| *file < manifest.files.len())
        });
        match is_whole {
            true => Ok(manifest),
            false => Err(damaged(name, "it names a file that it does not have")),
        }
    }

    /// As a file.
    pub(super) fn bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|cause| error::data(cause.to_string()))
    }

    /// The paths of the files beside this one that belong to the table and are no rows of it.
    pub(super) fn notes(&self) -> impl Iterator<Item = &String> {
        let counts = self
            .counts
            .iter()
            .flat_map(|counts| counts.paths().chain(counts.former()));
        self.tallies.values().chain(counts)
    }

    /// How many messages of the files read were rejected.
    pub(super) fn rejected(&self) -> u64 {
        self.files.iter().map(ReadFile::rejected).sum()
    }

    /// The days whose rows are those of this calendar and exactly these files, or of whatever files there were.
    pub(super) fn current(
        &self,
        files: Option<&[KnownFile]>,
        calendar: &SettledCalendar,
    ) -> DaySet {
        let files: Option<HashSet<&KnownFile>> = files.map(|files| files.iter().collect());
        let mut current = DaySet::default();
        for section in &self.sections {
            let mut read = section
                .files
                .iter()
                .filter_map(|file| self.files.get(*file));
            let is_current = match &files {
                Some(files) => {
                    section.files.len() == files.len()
                        && read.all(|read| files.contains(&read.file))
                }
                None => !section.files.is_empty(),
            };
            if is_current && self.calendar(section) == Some(calendar) {
                current.unite(&section.days);
            }
        }
        current
    }

    /// The calendar of a section.
    pub(super) fn calendar(&self, section: &Section) -> Option<&SettledCalendar> {
        self.calendars.get(section.calendar)
    }
}

fn damaged(name: &str, what: &str) -> DataFusionError {
    error::data(format!(
        "the table's note '{name}' cannot be understood: {what}. Make the table anew: dayrate refresh --full"
    ))
}
