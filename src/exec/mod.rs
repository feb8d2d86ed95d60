//! What plans need below the logical level: a join mode, and the fast path of `dars`.
//!
//! ```text
//! calendar ──┐
//! messages ──┴─ fold (window) ── parts, by site and day ── settle (merge) ── DARs
//! ```

mod alike;
mod asked;
mod calendar;
#[cfg_attr(
    not(all(feature = "cli", feature = "delta")),
    expect(dead_code, reason = "only a refresh asks for it")
)]
mod census;
mod collect_calendar;
#[cfg(all(feature = "cli", feature = "delta"))]
mod combine;
mod dar_rows;
#[cfg_attr(
    not(all(feature = "cli", feature = "delta")),
    expect(dead_code, reason = "only a refresh asks for them")
)]
mod day_scope;
#[cfg_attr(
    not(all(feature = "cli", feature = "delta")),
    expect(dead_code, reason = "only a refresh asks for them")
)]
mod file_notes;
mod fold;
mod fold_partition;
#[cfg(all(feature = "cli", feature = "delta"))]
mod gen_ai_days;
mod held;
mod id_hash;
mod ids;
#[cfg(all(feature = "cli", feature = "delta"))]
mod keep;
#[cfg(all(feature = "cli", feature = "delta"))]
mod kept_parts;
#[cfg(all(feature = "cli", feature = "delta"))]
mod kept_schema;
mod meanings;
mod merge;
mod messages;
#[cfg(all(feature = "cluster", feature = "delta"))]
mod noted_fold;
mod parts;
#[cfg(all(feature = "cli", feature = "delta"))]
mod parts_column;
mod settle;
#[cfg(all(feature = "cli", feature = "delta"))]
mod shelves;
mod small_pieces;
#[cfg(feature = "cluster")]
mod travel;
mod window;

pub(crate) use alike::{ALIKE, COMMON};
pub(crate) use asked::Asked;
pub(crate) use census::MESSAGE_ID;
pub(crate) use collect_calendar::CollectCalendar;
pub(crate) use dar_rows::GenAiRule;
pub(crate) use day_scope::DaySet;
#[cfg(feature = "cluster")]
pub(crate) use fold::FoldMessagesExec;
pub(crate) use fold::Folding;
#[cfg(all(feature = "cluster", feature = "delta"))]
pub(crate) use noted_fold::{NotedFoldExec, heard};
#[cfg(feature = "cluster")]
pub(crate) use settle::SettleDarsExec;
pub(crate) use settle::dars;
pub(crate) use small_pieces::SmallPieces;
#[cfg(all(feature = "cli", feature = "delta"))]
pub(crate) use {
    calendar::{Calendar, SiteNumber},
    census::{Census, Delivered, Found, Kind},
    day_scope::DayScope,
    file_notes::{DISPOSITIONS, FILE, FileNotes, FoldedFiles},
    fold::fold,
    gen_ai_days::GenAiDays,
    held::Bucket,
    keep::Keep,
    kept_schema::{KeptIds, PARTS},
    messages::COLUMNS as MESSAGE_COLUMNS,
    shelves::Shelves,
};
