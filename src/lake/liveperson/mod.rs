//! The vendor's history as relations: JSON files in, rows of messages, outcomes and what cannot be used out.
//!
//! ```text
//! inputs (which files) ── records (one record after the other) ── domain::liveperson ── rows (columns) ┬ history (a table)
//!                                                                                                       └ dayrate import
//! newest (of every copy the newest) stands above either
//! ```
//!
//! One record is in memory at a time, however large the file and whatever holds the record: a page, a list, a line.

mod history;
mod inputs;
mod newest;
mod records;
mod rows;

pub(crate) use history::{History, HistoryTable};
pub(crate) use inputs::{Input, find};
pub(crate) use newest::{COPY_COLUMNS, newest};
pub(crate) use rows::{Part, Rows};
