//! What the processes of a cluster say when something fails, in words for people.
//!
//! A reason travels as text: a task's error in the words of its executor, within the scheduler's, within the client's. The
//! innermost one is what the rows or the files have to say.

use std::error::Error;
use std::time::Duration;

use datafusion::error::DataFusionError;

use super::Address;
use crate::error;

/// The last cause of an error: the one that says what happened.
pub(super) fn innermost(cause: &dyn Error) -> String {
    let mut last = cause;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

/// What is said while a statement waits for an executor.
pub(super) fn waits(address: &Address, patience: Duration) -> String {
    format!(
        "no executor works for the scheduler at {address}: the statement waits {} seconds for one. Start it with `dayrate \
         cluster executor --scheduler {address}`",
        patience.as_secs()
    )
}

/// The error for a statement that no executor came for.
pub(super) fn no_executor(address: &Address, patience: Duration) -> DataFusionError {
    error::config(format!(
        "no executor works for the scheduler at {address}, and none came in {} seconds. Start one with `dayrate cluster \
         executor --scheduler {address}`, then run the statement again; the scheduler's --wait-for-executors is how long \
         statements wait",
        patience.as_secs()
    ))
}

/// The error for a job that failed at `address`, from what the scheduler says of it.
pub(super) fn failure(address: &Address, text: &str) -> DataFusionError {
    match reason(text) {
        // Already one of ours: it says what, where and what to do.
        Some(reason) => error::data(reason),
        None => error::data(format!(
            "the cluster at {address} could not finish the statement: {text}"
        )),
    }
}

/// How errors of the engine are written where their kind is shown.
const KINDS: [&str; 6] = [
    "Execution(\"",
    "Plan(\"",
    "Configuration(\"",
    "External(\"",
    "Internal(\"",
    "PlanParsingFailure(\"",
];

/// The innermost quoted reason in a text, unescaped.
fn reason(text: &str) -> Option<String> {
    let starts = KINDS
        .iter()
        .filter_map(|kind| Some((text.rfind(kind)?, kind.len())));
    let (at, length) = starts.max()?;
    let quoted = text.get(at + length..)?;
    let mut reason = String::new();
    let mut letters = quoted.chars();
    loop {
        match letters.next()? {
            '"' => break,
            '\\' => match letters.next()? {
                'n' => reason.push('\n'),
                't' => reason.push('\t'),
                letter => reason.push(letter),
            },
            letter => reason.push(letter),
        }
    }
    (!reason.trim().is_empty()).then_some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_reason_is_told() {
        let text = r#"Job failed due to stage 1 failed: DataFusionError(Shared(Execution("the file 'a \"b\".csv', line 2: 'x'")))"#;
        assert_eq!(
            reason(text).as_deref(),
            Some(r#"the file 'a "b".csv', line 2: 'x'"#)
        );
        assert_eq!(reason("Job cancelled"), None);
    }
}
