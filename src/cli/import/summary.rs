//! What came of an import: for people in words, for schedulers as JSON. The numbers add up.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use datafusion::error::Result;
use serde::Serialize;

use super::settle::Settled;
use super::stage::Tally;
use crate::error;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Summary {
    out: PathBuf,
    files: usize,
    bytes: u64,
    records: Records,
    messages: Rows,
    outcomes: Rows,
}

/// `read` = `conversations` + `delivered_again` + all of `rejected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Records {
    read: u64,
    conversations: u64,
    delivered_again: u64,
    rejected: BTreeMap<&'static str, u64>,
    /// Of those read.
    partial: u64,
}

/// `read` = `written` + `duplicate` + all of `rejected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Rows {
    read: u64,
    written: u64,
    duplicate: u64,
    rejected: BTreeMap<&'static str, u64>,
    /// Of those written: their copies differ in when they were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    conflicts: Option<u64>,
    /// Of those read: no list says what kind of agent sent them.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_unlisted_agents: Option<u64>,
}

impl Summary {
    /// The summary of an import to `out` of so many files and bytes.
    pub(super) fn new(
        out: PathBuf,
        (files, bytes): (usize, u64),
        tally: Tally,
        settled: &Settled,
    ) -> Self {
        let records = Records {
            read: tally.records,
            conversations: settled.conversations,
            delivered_again: tally
                .records
                .saturating_sub(settled.conversations)
                .saturating_sub(total(&tally.unusable_records)),
            rejected: tally.unusable_records,
            partial: tally.partial,
        };
        let rows = |read: u64, written, rejected: BTreeMap<_, _>| Rows {
            read,
            written,
            duplicate: read
                .saturating_sub(written)
                .saturating_sub(total(&rejected)),
            rejected,
            conflicts: None,
            by_unlisted_agents: None,
        };
        Self {
            out,
            files,
            bytes,
            records,
            messages: Rows {
                conflicts: Some(settled.conflicts),
                by_unlisted_agents: Some(tally.by_unlisted_agents),
                ..rows(tally.messages, settled.messages, tally.unusable_messages)
            },
            outcomes: rows(tally.outcomes, settled.outcomes, tally.unusable_outcomes),
        }
    }

    /// How many records, messages and outcomes could not be used.
    pub(super) fn rejects(&self) -> u64 {
        total(&self.records.rejected)
            + total(&self.messages.rejected)
            + total(&self.outcomes.rejected)
    }

    /// One line of JSON.
    ///
    /// # Errors
    ///
    /// None that data can cause.
    pub(super) fn json(&self) -> Result<String> {
        serde_json::to_string(self)
            .map(|line| line + "\n")
            .map_err(|cause| error::data(cause.to_string()))
    }
}

fn total(rejected: &BTreeMap<&'static str, u64>) -> u64 {
    rejected.values().sum()
}

/// `2 rejected (1 null_site, 1 not_json)`
fn rejected(f: &mut fmt::Formatter<'_>, rejected: &BTreeMap<&'static str, u64>) -> fmt::Result {
    let reasons: Vec<String> = rejected
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    write!(f, "{} rejected", total(rejected))?;
    if reasons.is_empty() {
        Ok(())
    } else {
        write!(f, " ({})", reasons.join(", "))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            records,
            messages,
            outcomes,
            ..
        } = self;
        write!(
            f,
            "{}: {} records in {} files = {} conversations + {} delivered again + ",
            self.out.display(),
            records.read,
            self.files,
            records.conversations,
            records.delivered_again
        )?;
        rejected(f, &records.rejected)?;
        for (name, rows) in [("messages", messages), ("outcomes", outcomes)] {
            write!(
                f,
                "\n{} {name} read = {} written + {} duplicate + ",
                rows.read, rows.written, rows.duplicate
            )?;
            rejected(f, &rows.rejected)?;
        }
        if records.partial > 0 {
            write!(
                f,
                "\n{} records are partial: the vendor cut them off, so fetch these conversations one by one",
                records.partial
            )?;
        }
        if let Some(conflicts) = messages.conflicts.filter(|count| *count > 0) {
            write!(
                f,
                "\n{conflicts} messages were delivered with different times: the newest delivery is kept"
            )?;
        }
        if let Some(unlisted) = messages.by_unlisted_agents.filter(|count| *count > 0) {
            write!(
                f,
                "\n{unlisted} messages are by agents that agentParticipants does not list: taken for people, though bots \
                 and the platform may be among them. Name agentParticipants in contentToRetrieve"
            )?;
        }
        if self.rejects() > 0 {
            write!(f, "\nSee {}", self.out.join("rejects.parquet").display())?;
        }
        Ok(())
    }
}
