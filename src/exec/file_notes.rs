//! What the fold notes of each file it reads, and which days of it are wanted: a refresh asks for both.

use std::sync::{Arc, Mutex, PoisonError};

#[cfg(all(feature = "cluster", feature = "delta"))]
use datafusion::common::{Result, exec_datafusion_err};
#[cfg(feature = "cli")]
use serde::{Deserialize, Serialize};

use super::calendar::SiteNumber;
use super::day_scope::{DayScope, DaySet};
use crate::domain::message::Reason;

/// How many dispositions there are: counted, and each reason.
pub(crate) const DISPOSITIONS: usize = 1 + Reason::ALL.len();

/// What the messages of one file turned out to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(Serialize, Deserialize))]
pub(crate) struct FileNotes {
    /// How many messages were counted, then how many were not for each of [`Reason::ALL`].
    pub(crate) dispositions: [u64; DISPOSITIONS],
    /// The instants from the earliest to the latest, in units of `sent_at`, of all rows that have a possible one.
    pub(crate) instants: Option<(i64, i64)>,
    /// The days of the messages that were counted and wanted.
    pub(crate) days: DaySet,
}

impl FileNotes {
    fn unite(&mut self, other: &Self) {
        for (count, more) in self.dispositions.iter_mut().zip(other.dispositions) {
            *count += more;
        }
        if let Some((first, last)) = other.instants {
            self.saw(first);
            self.saw(last);
        }
        self.days.unite(&other.days);
    }

    fn saw(&mut self, instant: i64) {
        let (first, last) = self.instants.unwrap_or((instant, instant));
        self.instants = Some((first.min(instant), last.max(instant)));
    }
}

/// The files of a fold by their numbers, which stand in the column [`FILE`] of its messages.
#[derive(Debug)]
pub(crate) struct FoldedFiles {
    /// The days wanted of each.
    pub(crate) wanted: Vec<Arc<DayScope>>,
    notes: Mutex<Vec<FileNotes>>,
}

/// The column of messages that holds the number of their file.
pub(crate) const FILE: &str = "dayrate file";

impl FoldedFiles {
    /// Files of which these days are wanted.
    pub(crate) fn new(wanted: Vec<Arc<DayScope>>) -> Self {
        let notes = vec![FileNotes::default(); wanted.len()];
        Self {
            wanted,
            notes: Mutex::new(notes),
        }
    }

    /// Adds what another process has noted of a file, by its number.
    ///
    /// # Errors
    ///
    /// A number that no file has.
    #[cfg(all(feature = "cluster", feature = "delta"))]
    pub(super) fn hear(&self, file: usize, notes: &FileNotes) -> Result<()> {
        let mut all = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.get_mut(file);
        let own = own.ok_or_else(|| exec_datafusion_err!("there is no file {file} to note"))?;
        own.unite(notes);
        Ok(())
    }

    /// What was noted, by the number of the file.
    pub(crate) fn notes(&self) -> Vec<FileNotes> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.clone()
    }
}

/// The notes of one partition in the making.
#[derive(Debug)]
pub(super) struct NoteTaker {
    files: Arc<FoldedFiles>,
    notes: Vec<FileNotes>,
    file: usize,
    day: Option<i32>,
}

impl NoteTaker {
    pub(super) fn new(files: Arc<FoldedFiles>) -> Self {
        let notes = vec![FileNotes::default(); files.wanted.len()];
        Self {
            files,
            notes,
            file: 0,
            day: None,
        }
    }

    /// The next message is of that file, and was sent then.
    #[inline]
    pub(super) fn message(&mut self, file: u32, sent_at: Option<i64>) {
        if self.file != file as usize {
            self.file = file as usize;
            self.day = None;
        }
        if let (Some(notes), Some(instant)) = (self.notes.get_mut(self.file), sent_at)
            && instant > 0
        {
            notes.saw(instant);
        }
    }

    /// It is not counted.
    pub(super) fn left_out(&mut self, reason: Reason) {
        self.count(1 + reason as usize);
    }

    /// It is counted; whether its day is wanted.
    #[inline]
    pub(super) fn counted(&mut self, site: SiteNumber, day: i32) -> bool {
        self.count(0);
        let wanted = self.files.wanted.get(self.file);
        if !wanted.is_some_and(|wanted| wanted.contains(site, day)) {
            return false;
        }
        if self.day != Some(day) {
            self.day = Some(day);
            if let Some(notes) = self.notes.get_mut(self.file) {
                notes.days.insert(day);
            }
        }
        true
    }

    #[inline]
    fn count(&mut self, disposition: usize) {
        if let Some(notes) = self.notes.get_mut(self.file)
            && let Some(count) = notes.dispositions.get_mut(disposition)
        {
            *count += 1;
        }
    }
}

impl Drop for NoteTaker {
    /// What a partition noted joins the rest when it is done.
    fn drop(&mut self) {
        let mut all = self
            .files
            .notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (all, own) in all.iter_mut().zip(&self.notes) {
            all.unite(own);
        }
    }
}
