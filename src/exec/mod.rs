//! What plans need below the logical level: a join mode, and the fast path of `dars`.
//!
//! ```text
//! calendar ──┐
//! messages ──┴─ fold (window) ── parts, by site and day ── settle (merge) ── DARs
//! ```

mod calendar;
mod collect_calendar;
mod day_scope;
mod file_notes;
mod fold;
#[cfg(feature = "delta")]
mod gen_ai_days;
mod id_hash;
mod ids;
#[cfg(feature = "delta")]
mod keep;
#[cfg(feature = "delta")]
mod kept_parts;
mod merge;
mod parts;
mod settle;
#[cfg(feature = "delta")]
mod shelves;
mod window;

pub(crate) use collect_calendar::CollectCalendar;
pub(crate) use fold::Folding;
pub(crate) use settle::{GenAiRule, dars};
#[cfg(feature = "delta")]
pub(crate) use {
    calendar::{Calendar, SiteNumber},
    day_scope::{DayScope, DaySet},
    file_notes::{DISPOSITIONS, FILE, FileNotes, FoldedFiles},
    fold::fold,
    gen_ai_days::GenAiDays,
    keep::{Keep, KeptIds, PARTS},
    shelves::Shelves,
};
