//! The same SQL on a cluster: a scheduler and two executors on loopback give the answer of one machine, row for row, or an
//! error, and never anything else.

mod answers;
#[cfg(feature = "delta")]
mod delta;
#[cfg(feature = "delta")]
mod delta_table;
mod faults;
mod processes;
#[cfg(feature = "delta")]
mod refresh;
mod rules;
mod tool;
