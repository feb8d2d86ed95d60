//! A table that is refreshed equals `dars` computed from all messages, row for row, whatever happened to the files, the
//! sites and the switches in between.
//!
//! The reference is the engine's own answer with the table switched off, which the model of `tests/model` proves.
//! `DAYRATE_LONG=1` makes the random histories a long run.

mod calendars;
mod counted;
mod counts;
mod delta;
mod files;
mod lake;
mod money;
mod random;
mod runs;
mod tally;
