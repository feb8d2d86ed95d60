//! The same SQL on a cluster: a scheduler and two executors on loopback give the answer of one machine, row for row, or an
//! error, and never anything else.

mod answers;
mod faults;
mod processes;
mod rules;
mod tool;
