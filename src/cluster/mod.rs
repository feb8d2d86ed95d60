//! The same SQL on a Ballista cluster.
//!
//! ```text
//! client                               scheduler                  executors
//! SQL → plan → prepare → codec ──────→ cuts it into stages ─────→ tasks, each over some of the partitions
//!       (the same plan as on one       (knows our operators       (check the rules and the files, then
//!        machine: it names the files)   and functions by codec)    run, shuffle, keep the result)
//!                 ↑                                                     │
//!                 └──────────────── rows ←──────────────────────────────┘
//! ```
//!
//! What is sent is the physical plan. The client has listed the files, checked the options and chosen the operators
//! exactly as it does for one machine, so nobody else lists a folder, and a process that does not see a file fails.
//!
//! * [`address`], [`guard`]: whom to ask; what must be the same everywhere.
//! * [`planner`], [`prepare`], [`remote`], [`job`], [`answer`], [`told`]: the client, from a logical plan to rows or words.
//! * [`codec`], [`wire`], `noted`: our operators as bytes.
//! * [`same_rules`], [`seen_files`], [`refused`]: the operators that check; [`same_columns`] keeps what bytes would lose.
//! * [`scheduler`], [`executor`]: the two kinds of process; [`executors`], [`vacancy`], [`mark`]: what the scheduler knows of
//!   its executors, and tells clients of their jobs.

mod address;
mod answer;
mod codec;
mod executor;
mod executors;
mod faults;
mod guard;
mod job;
mod mark;
#[cfg(feature = "delta")]
mod noted;
mod planner;
mod prepare;
mod refused;
mod remote;
mod same_columns;
mod same_rules;
mod scheduler;
mod seen_files;
mod settings;
mod told;
mod vacancy;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use address::{Address, SCHEDULER_PORT};
pub(crate) use executor::ExecutorPlace;
pub(crate) use remote::sent;
pub(crate) use scheduler::SchedulerPlace;
pub(crate) use settings::{Part, configured, join};
