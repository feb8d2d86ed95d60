//! What plans need below the logical level: a join mode, and the fast path of `dars`.
//!
//! ```text
//! calendar ──┐
//! messages ──┴─ fold (window) ── parts, by site and day ── settle (merge) ── DARs
//! ```

mod calendar;
mod collect_calendar;
mod dar_rows;
mod fold;
mod fold_partition;
mod held;
mod id_hash;
mod ids;
mod meanings;
mod merge;
mod messages;
mod parts;
mod settle;
mod window;

pub(crate) use collect_calendar::CollectCalendar;
pub(crate) use dar_rows::GenAiRule;
pub(crate) use fold::Folding;
pub(crate) use settle::dars;
