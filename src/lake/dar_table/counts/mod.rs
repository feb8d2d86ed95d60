//! How many messages there are of each organization, local day and channel, each of them once: what charges per message
//! ask, kept beside the DARs, so that an invoice need not read the messages.
//!
//! Every row of a file is counted, and what copies add to that is taken off again. The counts are a sum of two: the rows of
//! each file by kind, and corrections, which belong to no file. Of the rows themselves only those of messages are kept that
//! came more than once ([`copies`]); of all others not even the ids, but a mark of each conversation of each file, 64 bits
//! that say whether some file may have a copy of what another one has. So a new file has to be compared only with those
//! that share a conversation with it, on the days on which they have it ([`update`]).
//!
//! All of that lies in [`segments`], which are never written twice. The counts are true of the files, the calendar and the
//! reading that are named here, and of no others.

pub(super) mod asked;
mod copies;
pub(super) mod kept;
pub(super) mod scan;
mod segments;
pub(super) mod update;

use std::collections::{BTreeMap, HashSet};

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::Result;
use datafusion::logical_expr::LogicalPlan;
use serde::{Deserialize, Serialize};

use self::segments::Segment;
pub(super) use self::segments::is_segment;
use super::message_files::{KnownFile, MessageFiles};
use super::present::{fingerprint, kind, unit};
use super::settled_calendar::SettledCalendar;
use crate::table::IdKinds;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    basis: Basis,
    /// Of the sites, without what is switched on for them.
    calendar: SettledCalendar,
    /// The files that were counted, by the numbers that segments call them by.
    files: BTreeMap<u32, CountedFile>,
    /// The number of the next file: none is given twice.
    next: u32,
    /// The columns of [`segments::counts_schema`]; their sum is what was counted.
    counts: Vec<Segment>,
    /// Those of [`segments::conversations_schema`], of files that are gone too.
    conversations: Vec<Segment>,
    /// Those of [`segments::copies_schema`].
    copies: Vec<Segment>,
    /// What the version before had: somebody may still be reading it.
    former: Vec<String>,
}

/// What counts depend on beside files and sites, by name.
type Basis = BTreeMap<String, String>;

/// A file that was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CountedFile {
    file: KnownFile,
    /// From the earliest message to the latest, in microseconds.
    instants: Option<(i64, i64)>,
    /// Whether messages of it were rejected.
    has_rejected: bool,
}

impl Counts {
    /// Whether they are of these files.
    fn are_of(&self, files: &[KnownFile]) -> bool {
        let counted: HashSet<&KnownFile> =
            self.files.values().map(|counted| &counted.file).collect();
        counted.len() == files.len() && files.iter().all(|file| counted.contains(file))
    }

    /// Those of the files that were not counted.
    fn uncounted<'f>(&self, files: &'f [KnownFile]) -> Vec<&'f KnownFile> {
        let counted = self.files.values().map(|counted| &counted.file);
        let counted: HashSet<&KnownFile> = counted.collect();
        files
            .iter()
            .filter(|file| !counted.contains(file))
            .collect()
    }

    /// Whether they are those of a query that fails at rejected messages, too.
    fn have_no_rejected(&self) -> bool {
        !self.files.values().any(|counted| counted.has_rejected)
    }

    /// The numbers of the files of which something was counted that is not there any more, or is another now.
    fn outdated(&self, files: &[KnownFile], calendar: &SettledCalendar) -> HashSet<u32> {
        let there: HashSet<&KnownFile> = files.iter().collect();
        let changes = calendar.changes(&self.calendar);
        let is_outdated = |counted: &CountedFile| {
            !there.contains(&counted.file)
                || counted.instants.is_some_and(|instants| {
                    // Where nothing was in force, messages were rejected.
                    let mut changes = changes.iter();
                    changes.any(|change| {
                        change.meets(instants) && (!change.was_nothing || counted.has_rejected)
                    })
                })
        };
        let outdated = self
            .files
            .iter()
            .filter(|(_, counted)| is_outdated(counted));
        outdated.map(|(number, _)| *number).collect()
    }

    fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.counts
            .iter()
            .chain(&self.conversations)
            .chain(&self.copies)
    }

    /// The paths of the files that they are in.
    pub(super) fn paths(&self) -> impl Iterator<Item = &String> {
        self.segments().map(|segment| &segment.path)
    }

    /// The paths of those that only the version before has.
    pub(super) fn former(&self) -> impl Iterator<Item = &String> {
        self.former.iter()
    }
}

/// What counts of messages depend on beside files and sites.
fn basis(
    messages: &LogicalPlan,
    files: &MessageFiles,
    kinds: &IdKinds,
    zones: &str,
) -> Result<Basis> {
    let id = |id: Option<DataType>| id.map_or("none", |id| kind(&id));
    let unit = match unit(messages)? {
        TimeUnit::Second => "seconds",
        TimeUnit::Millisecond => "milliseconds",
        TimeUnit::Microsecond => "microseconds",
        TimeUnit::Nanosecond => "nanoseconds",
    };
    let conversation = kind(&kinds.conversation.data_type());
    let message = id(kinds.message.map(|message| message.data_type()));
    let entries = [
        ("conversation_id", conversation.to_owned()),
        ("message_id", message.to_owned()),
        ("sent_at", unit.to_owned()),
        ("tzdb_version", zones.to_owned()),
        ("messages", fingerprint(&files.definition_with_ids()?)),
    ];
    Ok(entries.map(|(name, value)| (name.to_owned(), value)).into())
}
