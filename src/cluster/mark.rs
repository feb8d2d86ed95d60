//! What a scheduler knows of a running job besides its state, as the name of the job: the one word that reaches a client.

use std::time::Duration;

use ballista_core::serde::protobuf::job_status::Status as State;
use ballista_scheduler::state::task_manager::JobInfoCache;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// No executor is there; the scheduler gives up after so long without one.
    Waits(Duration),
    /// None came in so long.
    Abandoned(Duration),
    /// A stage would have to run again, so the job goes no further: it has to be sent anew.
    Disturbed,
}

const WAITS: &str = "waits for an executor, seconds: ";
const ABANDONED: &str = "no executor came, seconds: ";
const DISTURBED: &str = "a stage would have to run again";

impl Mark {
    fn name(self) -> String {
        match self {
            Self::Waits(patience) => format!("{WAITS}{}", patience.as_secs()),
            Self::Abandoned(patience) => format!("{ABANDONED}{}", patience.as_secs()),
            Self::Disturbed => DISTURBED.to_owned(),
        }
    }

    /// The mark in the name of a job.
    pub(super) fn of(name: &str) -> Option<Self> {
        let after = |prefix| name.strip_prefix(prefix)?.parse().ok();
        match name {
            DISTURBED => Some(Self::Disturbed),
            _ => after(WAITS)
                .map(|seconds| Self::Waits(Duration::from_secs(seconds)))
                .or_else(|| {
                    after(ABANDONED).map(|seconds| Self::Abandoned(Duration::from_secs(seconds)))
                }),
        }
    }

    /// Gives a running job this mark, or none.
    pub(super) async fn put(mark: Option<Self>, job: &JobInfoCache) {
        let mut graph = job.execution_graph.write().await;
        let name = mark.map_or_else(|| graph.job_name().to_owned(), Self::name);
        let mut status = graph.status().clone();
        if matches!(status.status, Some(State::Running(_))) && status.job_name != name {
            status.job_name = name;
            graph.update_status(status);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let patience = Duration::from_secs(60);
        for mark in [
            Mark::Waits(patience),
            Mark::Abandoned(patience),
            Mark::Disturbed,
        ] {
            assert_eq!(Mark::of(&mark.name()), Some(mark));
        }
        assert_eq!(Mark::of(""), None);
        assert_eq!(Mark::of("a report"), None);
    }
}
