//! The rules in plain Rust: no Arrow, no DataFusion, no session.
//!
//! Every function here takes and returns plain values and says in its documentation which sentence of the plan it
//! stands for. The other folders only carry rows to these functions and back.

pub(crate) mod agreement;
pub(crate) mod charge;
pub(crate) mod choice;
pub(crate) mod contract;
pub(crate) mod credits;
pub(crate) mod day;
pub(crate) mod focus;
pub(crate) mod invoice;
pub(crate) mod liveperson;
pub(crate) mod message;
pub(crate) mod money;
pub(crate) mod offer;
pub(crate) mod outcome;
pub(crate) mod share;
pub(crate) mod site;
pub(crate) mod tariff;
pub(crate) mod zone;

use std::fmt;

/// Why a rule refuses its input: what is wrong, where, what was found, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault(String);

impl Fault {
    /// A fault with this text, a whole sentence.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}
