//! The vendor's history as it comes: a record of `conversationHistoryRecords` in, messages and outcomes out.
//!
//! ```text
//! JSON ── shape (its keys) ── scalar (its values) ┬ people (who is who) ── message
//!                                                 └ purchase, survey    ── outcome
//! ```
//!
//! What cannot be used is handed back with its [`Flaw`], never dropped. Texts of messages are not read at all.

mod message;
mod outcome;
mod people;
mod record;
mod scalar;
mod shape;
mod unusable;

pub(crate) use message::Message;
pub(crate) use outcome::Outcome;
pub(crate) use record::{Conversation, read};
pub(crate) use unusable::{Flaw, Unit, Unusable, snippet};
