//! What plans need below the logical level: a join mode, and the fast path of `dars`.
//!
//! ```text
//! calendar ──┐
//! messages ──┴─ fold (window) ── parts, by site and day ── settle (merge) ── DARs
//! ```

mod calendar;
mod collect_calendar;
mod fold;
mod id_hash;
mod ids;
mod merge;
mod parts;
mod settle;
mod window;

pub(crate) use collect_calendar::CollectCalendar;
pub(crate) use fold::Folding;
pub(crate) use settle::{GenAiRule, dars};
