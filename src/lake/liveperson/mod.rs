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
mod scan;
mod table;
#[cfg(feature = "cluster")]
mod wire;

#[cfg(feature = "cli")]
pub(crate) use history::History;
#[cfg(feature = "cli")]
pub(crate) use inputs::Input;
pub(crate) use inputs::find;
pub(crate) use newest::newest;
pub(crate) use part::Part;
#[cfg(feature = "cli")]
pub(crate) use rows::Rows;
#[cfg(feature = "cluster")]
pub(crate) use scan::HistoryExec;
pub(crate) use table::HistoryTable;
#[cfg(feature = "cluster")]
pub(crate) use wire::HistoryNode;
