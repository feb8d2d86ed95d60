//! Jobs while no executor is there: each is marked, so that its client can say so and, in time, give up.

use std::time::{Duration, Instant};

use ballista_scheduler::scheduler_server::SchedulerServer;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};

use super::mark::Mark;

/// How often the scheduler looks.
const LOOK: Duration = Duration::from_millis(500);

/// Watches the jobs of a scheduler for as long as it is polled; without executors a job has so much `patience`.
pub(super) async fn watch(
    scheduler: SchedulerServer<LogicalPlanNode, PhysicalPlanNode>,
    patience: Duration,
) {
    // Since when there has been a job and no executor.
    let mut vacant: Option<Instant> = None;
    loop {
        tokio::time::sleep(LOOK).await;
        let jobs = scheduler.state.task_manager.get_running_job_cache();
        if jobs.is_empty() || scheduler.is_ready() {
            if vacant.take().is_some() {
                for job in jobs.values() {
                    Mark::put(None, job).await;
                }
            }
            continue;
        }
        let since = *vacant.get_or_insert_with(Instant::now);
        let mark = match since.elapsed() < patience {
            true => Mark::Waits(patience),
            false => Mark::Abandoned(patience),
        };
        for job in jobs.values() {
            Mark::put(Some(mark), job).await;
        }
    }
}
