//! The process that cuts plans into stages and gives their tasks to executors.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::extension::SessionConfigExt;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service_with_listener};
use datafusion::common::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::SessionContext;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};

use super::executors::Executors;
use super::settings::LARGEST_MESSAGE;
use super::{told, vacancy};
use crate::error;

/// Where a scheduler listens.
#[derive(Debug, Clone)]
pub(crate) struct SchedulerPlace {
    /// The address of this machine; port 0 is any that is free.
    pub(crate) listen: SocketAddr,
    /// What executors call this machine.
    pub(crate) known_as: String,
    /// How long a statement waits while no executor is there.
    pub(crate) patience: Duration,
}

/// How long an executor may be silent before its tasks go to another, in seconds. It speaks every
/// [`super::executor::HEARTBEAT_SECONDS`].
const SILENCE_SECONDS: u64 = 15;

/// How often the scheduler looks for silent executors, in seconds.
const LOOK_SECONDS: u64 = 2;

impl SchedulerPlace {
    /// Runs a scheduler with the functions, stores and rules of `ctx` until the process ends. `ready` hears where it
    /// listens.
    ///
    /// # Errors
    ///
    /// An address that cannot be listened on.
    pub(crate) async fn run(
        self,
        ctx: &SessionContext,
        ready: impl FnOnce(SocketAddr),
    ) -> Result<()> {
        let listen = self.listen;
        let failed = |cause: &dyn std::error::Error| {
            error::config(format!(
                "the scheduler cannot listen on {listen}: {}. Choose another --port or --bind",
                told::innermost(cause)
            ))
        };
        let listener = tokio::net::TcpListener::bind(listen)
            .await
            .map_err(|cause| failed(&cause))?;
        let here = listener.local_addr().map_err(|cause| failed(&cause))?;
        let patience = self.patience;
        let config = Arc::new(self.config(ctx, here));
        config.validate().map_err(|cause| failed(&cause))?;
        let cluster = BallistaCluster::new_from_config(&config)
            .await
            .map_err(|cause| failed(&cause))?;
        let cluster = BallistaCluster::new(Arc::new(Executors::default()), cluster.job_state());
        let scheduler = create_scheduler::<LogicalPlanNode, PhysicalPlanNode>(cluster, config)
            .await
            .map_err(|cause| failed(&cause))?;
        ready(here);
        let watched = vacancy::watch(scheduler.clone(), patience);
        tokio::select! {
            ended = start_grpc_service_with_listener(listener, scheduler) => ended.map_err(|cause| failed(&cause)),
            () = watched => Ok(()),
        }
    }

    fn config(self, ctx: &SessionContext, here: SocketAddr) -> SchedulerConfig {
        let (config, state) = (ctx.copied_config(), ctx.state());
        let physical = config.ballista_physical_extension_codec();
        SchedulerConfig {
            external_host: self.known_as,
            bind_host: here.ip().to_string(),
            bind_port: here.port(),
            scheduling_policy: TaskSchedulingPolicy::PushStaged,
            executor_timeout_seconds: SILENCE_SECONDS,
            expire_dead_executor_interval_seconds: LOOK_SECONDS,
            // Clients give up before that, with words of their own.
            no_executors_grace_period_seconds: self
                .patience
                .as_secs()
                .saturating_add(SILENCE_SECONDS),
            min_ready_executors: 1,
            grpc_server_max_decoding_message_size: LARGEST_MESSAGE,
            grpc_server_max_encoding_message_size: LARGEST_MESSAGE,
            grpc_client_max_message_size: LARGEST_MESSAGE,
            override_physical_codec: Some(physical),
            override_config_producer: Some(Arc::new(move || config.clone())),
            override_session_builder: Some(Arc::new(move |config| {
                Ok(SessionStateBuilder::new_from_existing(state.clone())
                    .with_config(config)
                    .build())
            })),
            ..SchedulerConfig::default()
        }
    }
}
