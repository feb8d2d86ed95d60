//! What a refresh did, for people and for machines.

use std::collections::BTreeMap;

use datafusion::error::DataFusionError;

use super::day_rows::DarCounts;
use super::money::MoneyChange;
use super::work::FileCounts;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// Where the table is.
    pub(crate) table: String,
    /// The table's version now; `None` if there is none.
    pub(crate) version: Option<u64>,
    /// Whether nothing was written, because nothing was to be.
    pub(crate) dry_run: bool,
    /// Whether there was nothing to do.
    pub(crate) is_current: bool,
    pub(super) files: FileCounts,
    /// Messages of the files read, by disposition.
    pub(crate) messages: BTreeMap<String, u64>,
    /// Messages that were rejected, in all files that the table stands on.
    pub(crate) rejected: u64,
    /// The days that were touched.
    pub(crate) days: Vec<i32>,
    pub(super) dars: DarCounts,
    /// What became of each invoice that is another now.
    pub(crate) money: Vec<MoneyChange>,
    /// Why the invoices could not be compared.
    pub(crate) money_fault: Option<DataFusionError>,
    pub(crate) milliseconds: u128,
}

impl Summary {
    /// New, changed, gone and unchanged files.
    pub(crate) fn file_counts(&self) -> [(&'static str, u64); 4] {
        let FileCounts {
            new,
            changed,
            gone,
            same,
        } = self.files;
        [
            ("new", new),
            ("changed", changed),
            ("gone", gone),
            ("same", same),
        ]
    }

    /// New, changed and gone DARs.
    pub(crate) fn dar_counts(&self) -> [(&'static str, u64); 3] {
        let DarCounts { new, changed, gone } = self.dars;
        [("new", new), ("changed", changed), ("gone", gone)]
    }
}
