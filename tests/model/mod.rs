//! `dars` and its neighbours against a model that a person can read.
//!
//! The model (`expect`) is plain Rust over maps, written from the rules and from nothing of the crate; it knows no
//! batch, no encoding and no order. Random worlds (`world`) are small and dense: few sites, days around changes of the
//! clock, equal instants, copies, rows with every fault. Each is laid out as the engine may meet it (`load`): batches,
//! partitions, encodings, units, shuffled. So one comparison states two things: the answer is right, and nothing about
//! the layout changes it.
//!
//! `DAYRATE_LONG=1` makes every property a long run.

mod expect;
mod load;
mod memory;
mod paths;
mod pieces;
mod properties;
mod rates;
mod read;
mod world;

pub(crate) use read::{Row, rows};

/// How many random worlds a property looks at.
pub(crate) fn cases(few: u32) -> proptest::test_runner::Config {
    let long = std::env::var("DAYRATE_LONG").is_ok_and(|value| value == "1");
    proptest::test_runner::Config {
        cases: if long { few * 100 } else { few },
        max_shrink_iters: 400,
        failure_persistence: None,
        ..Default::default()
    }
}
