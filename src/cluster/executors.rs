//! The executors of a scheduler, and which of their cores are free.
//!
//! The engine counts free cores up and down. A task that is called back because its stage has lost an input is never
//! counted up again, so an executor with one core would get no task any more, and the job would wait without end. Here
//! what is free is what no running task holds, each time anew.
//!
//! The engine also repeats a stage that has lost an input without taking back what its tasks had already handed on, so the
//! next stage would read those rows twice. A job with such a stage gets no further task: it cannot end, and its mark tells
//! the client to send it again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use ballista_core::JobId;
use ballista_core::error::Result;
use ballista_core::serde::protobuf::task_status::Status as Task;
use ballista_core::serde::protobuf::{ExecutorHeartbeat, RunningTask};
use ballista_core::serde::scheduler::{ExecutorData, ExecutorMetadata};
use ballista_scheduler::cluster::memory::InMemoryClusterState;
use ballista_scheduler::cluster::{BoundTask, ClusterState, ClusterStateEventStream, ExecutorSlot};
use ballista_scheduler::config::TaskDistributionPolicy;
use ballista_scheduler::state::execution_graph::ExecutionGraph;
use ballista_scheduler::state::execution_stage::ExecutionStage;
use ballista_scheduler::state::task_manager::JobInfoCache;

use super::mark::Mark;

/// See the module.
#[derive(Default)]
pub(super) struct Executors {
    known: InMemoryClusterState,
    /// By executor.
    cores: Mutex<HashMap<String, u32>>,
}

impl Executors {
    fn cores(&self) -> HashMap<String, u32> {
        let cores = self.cores.lock().unwrap_or_else(PoisonError::into_inner);
        cores.clone()
    }
}

/// Whether a stage of a job had to begin again.
fn is_disturbed(graph: &dyn ExecutionGraph) -> bool {
    graph.stages().values().any(|stage| {
        let attempt = match stage {
            ExecutionStage::UnResolved(stage) => stage.stage_attempt_num,
            ExecutionStage::Resolved(stage) => stage.stage_attempt_num,
            ExecutionStage::Running(stage) => stage.stage_attempt_num,
            ExecutionStage::Successful(stage) => stage.stage_attempt_num,
            ExecutionStage::Failed(stage) => stage.stage_attempt_num,
        };
        attempt > 0
    })
}

/// Takes from `free` the cores that the tasks of a job hold.
fn take(graph: &dyn ExecutionGraph, free: &mut HashMap<String, u32>) {
    for stage in graph.stages().values() {
        let ExecutionStage::Running(stage) = stage else {
            continue;
        };
        for task in &stage.task_infos {
            if let Task::Running(RunningTask { executor_id }) = &task.task_status
                && let Some(cores) = free.get_mut(executor_id)
            {
                *cores = cores.saturating_sub(task.vcores_consumed);
            }
        }
    }
}

#[async_trait::async_trait]
impl ClusterState for Executors {
    async fn init(&self) -> Result<()> {
        self.known.init().await
    }

    async fn bind_schedulable_tasks(
        &self,
        distribution: TaskDistributionPolicy,
        active_jobs: Arc<HashMap<JobId, JobInfoCache>>,
        executors: Option<HashSet<String>>,
    ) -> Result<Vec<BoundTask>> {
        let (mut free, mut jobs) = (self.cores(), HashMap::new());
        for (id, job) in active_jobs.iter() {
            let is_disturbed = {
                let graph = job.execution_graph.read().await;
                take(graph.as_ref(), &mut free);
                is_disturbed(graph.as_ref())
            };
            match is_disturbed {
                true => Mark::put(Some(Mark::Disturbed), job).await,
                false => {
                    jobs.insert(id.clone(), job.clone());
                }
            }
        }
        let bench = InMemoryClusterState::default();
        for (executor_id, available_vcores) in free {
            if let Ok(executor) = self.known.get_executor_metadata(&executor_id).await {
                let total_vcores = available_vcores;
                let data = ExecutorData {
                    executor_id,
                    total_vcores,
                    available_vcores,
                };
                bench.register_executor(executor, data).await?;
            }
        }
        bench
            .bind_schedulable_tasks(distribution, Arc::new(jobs), executors)
            .await
    }

    async fn unbind_tasks(&self, _slots: Vec<ExecutorSlot>) -> Result<()> {
        Ok(())
    }

    async fn register_executor(
        &self,
        metadata: ExecutorMetadata,
        data: ExecutorData,
    ) -> Result<()> {
        let (id, cores) = (metadata.id.clone(), data.total_vcores);
        self.known.register_executor(metadata, data).await?;
        let mut known = self.cores.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(id, cores);
        Ok(())
    }

    async fn save_executor_metadata(&self, metadata: ExecutorMetadata) -> Result<()> {
        self.known.save_executor_metadata(metadata).await
    }

    async fn get_executor_metadata(&self, executor_id: &str) -> Result<ExecutorMetadata> {
        self.known.get_executor_metadata(executor_id).await
    }

    async fn registered_executor_metadata(&self) -> Vec<ExecutorMetadata> {
        self.known.registered_executor_metadata().await
    }

    async fn save_executor_heartbeat(&self, heartbeat: ExecutorHeartbeat) -> Result<()> {
        self.known.save_executor_heartbeat(heartbeat).await
    }

    async fn remove_executor(&self, executor_id: &str) -> Result<()> {
        self.known.remove_executor(executor_id).await?;
        let mut known = self.cores.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(executor_id);
        Ok(())
    }

    fn executor_heartbeats(&self) -> HashMap<String, ExecutorHeartbeat> {
        self.known.executor_heartbeats()
    }

    fn get_executor_heartbeat(&self, executor_id: &str) -> Option<ExecutorHeartbeat> {
        self.known.get_executor_heartbeat(executor_id)
    }

    async fn cluster_state_events(&self) -> Result<ClusterStateEventStream> {
        self.known.cluster_state_events().await
    }
}
