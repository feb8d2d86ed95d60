//! The table of DARs: `dars` of the session's messages, kept as a Delta table and refreshed from new files only.
//!
//! One row a DAR, partitioned by day, with the parts that it was settled of ([`crate::exec::Keep`]), so that late
//! messages are merged into a day without reading its other messages again. Beside the rows lies a [`manifest`]: the
//! files that were read, the calendar, the reading. A refresh compares it with what is there now ([`work`]), reads what
//! is new or changed ([`run`], on a cluster `far_fold`), and replaces the touched days in one commit ([`log`]). What the
//! contracts come to then is made of counts that are kept too ([`tally`]), so that no other day is read, and only for the
//! commitments that have one of these days ([`priced`]). So are [`counts`] of messages, for charges per message. A query
//! over the same messages, sites and reading has its rows from the table ([`kept_dars`]); any other has them from the
//! messages.

mod actions;
mod agreed;
mod alike;
mod attempt;
mod bill;
mod counts;
mod day_job;
mod day_rows;
#[cfg(feature = "cluster")]
mod far_fold;
mod ground;
mod kept_dars;
mod kept_scan;
mod litter;
mod lock;
mod log;
mod manifest;
mod message_files;
mod money;
mod place;
mod present;
mod priced;
mod rated;
mod refresh;
mod run;
mod settled_calendar;
mod summary;
mod tally;
mod work;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::error::Result;

use self::counts::kept::KeptCounts;
use self::kept_dars::KeptDars;
#[cfg(feature = "cluster")]
pub(crate) use self::kept_scan::DarTableExec;
pub(crate) use self::money::MoneyChange;
pub(crate) use self::refresh::{Refresh, refresh};
pub(crate) use self::summary::Summary;
use crate::table::{CountSource, DarSource, Keeper};

/// The table that a configuration names.
#[derive(Debug)]
pub(crate) struct DarTable {
    /// Where it is, or will be.
    pub(crate) location: String,
}

impl Keeper for DarTable {
    fn table(&self, source: DarSource) -> Result<Arc<dyn TableProvider>> {
        Ok(Arc::new(KeptDars::new(self.location.clone(), source)))
    }

    fn counts(&self, source: CountSource) -> Result<Arc<dyn TableProvider>> {
        Ok(Arc::new(KeptCounts::new(self.location.clone(), source)))
    }
}

/// A name that nothing else has.
fn run_id() -> String {
    let random = RandomState::new();
    let number = |salt: u64| {
        let mut hasher = random.build_hasher();
        hasher.write_u64(salt);
        hasher.write_u32(std::process::id());
        hasher.finish()
    };
    let text = format!("{:016x}{:016x}", number(1), number(2));
    let (a, rest) = text.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    [a, b, c, d, e].join("-")
}

#[cfg(test)]
mod tests;
