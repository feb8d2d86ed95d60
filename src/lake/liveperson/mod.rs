//! The vendor's history as relations: JSON files in, rows of messages, outcomes and what cannot be used out.
//!
//! ```text
//! inputs (which files) ── records (one record after the other) ── domain::liveperson ── rows (columns) ┬ table
//!                                                                                                       └ dayrate import
//! newest (of every copy the newest) stands above either
//! ```
//!
//! One record is in memory at a time, however large the file and whatever holds the record: a page, a list, a line.

mod history;
mod inputs;
mod newest;
mod part;
mod records;
mod rows;
mod table;

pub(crate) use history::History;
pub(crate) use inputs::{Input, find};
pub(crate) use newest::newest;
pub(crate) use part::Part;
pub(crate) use rows::Rows;
pub(crate) use table::HistoryTable;
