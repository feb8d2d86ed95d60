//! The process that runs tasks: it reads files, shuffles, and keeps answers until they are fetched.

use std::net::{IpAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::extension::SessionConfigExt;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use datafusion::common::Result;
use datafusion::prelude::SessionContext;

use super::settings::LARGEST_MESSAGE;
use super::{Address, told};
use crate::error;

/// Where an executor works, and for whom.
#[derive(Debug, Clone)]
pub(crate) struct ExecutorPlace {
    pub(crate) scheduler: Address,
    /// The address of this machine that it listens on.
    pub(crate) bind: IpAddr,
    /// What the scheduler, the clients and other executors call this machine.
    pub(crate) known_as: String,
    /// The ports for rows and for tasks; 0 is any that is free.
    pub(crate) ports: (u16, u16),
    /// Where the rows between stages lie; it is emptied of what is left in it by jobs.
    pub(crate) folder: PathBuf,
    /// How many partitions it works on at once.
    pub(crate) cores: usize,
    /// Bytes that the operators of all its tasks may hold before they spill to disk.
    pub(crate) memory: usize,
}

/// How often an executor says that it is there, in seconds.
pub(super) const HEARTBEAT_SECONDS: u64 = 2;

/// How long an executor waits for its scheduler to be there.
const PATIENCE: Duration = Duration::from_secs(60);

impl ExecutorPlace {
    /// Runs an executor with the functions, stores and rules of `ctx` until it is told to end. `ready` hears the port for
    /// rows.
    ///
    /// # Errors
    ///
    /// No scheduler; a port that is taken.
    pub(crate) async fn run(mut self, ctx: &SessionContext, ready: impl FnOnce(u16)) -> Result<()> {
        let (rows, tasks) = self.ports;
        self.ports = (self.free(rows)?, self.free(tasks)?);
        self.meet_scheduler().await?;
        ready(self.ports.0);
        let scheduler = self.scheduler.clone();
        let config = Arc::new(self.config(ctx));
        start_executor_process(config).await.map_err(|cause| {
            error::config(format!(
                "the executor of {scheduler} ends: {}",
                told::innermost(&cause)
            ))
        })
    }

    /// The port, if it is free; any that is, for 0.
    fn free(&self, port: u16) -> Result<u16> {
        let bound = TcpListener::bind((self.bind, port)).and_then(|listener| listener.local_addr());
        bound.map(|address| address.port()).map_err(|cause| {
            error::config(format!(
                "the executor cannot listen on {}:{port}: {cause}. Choose another --port, --task-port or --bind; 0 is any \
                 that is free",
                self.bind
            ))
        })
    }

    /// Waits until the scheduler listens.
    async fn meet_scheduler(&self) -> Result<()> {
        const PAUSE: Duration = Duration::from_millis(100);
        let begun = Instant::now();
        let host = self.scheduler.host().trim_matches(['[', ']']);
        loop {
            match tokio::net::TcpStream::connect((host, self.scheduler.port())).await {
                Ok(_) => return Ok(()),
                Err(cause) if begun.elapsed() > PATIENCE => {
                    return Err(error::config(format!(
                        "there is no scheduler at {}: {cause}. Start one with `dayrate cluster scheduler`, or correct the \
                         address",
                        self.scheduler
                    )));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    fn config(self, ctx: &SessionContext) -> ExecutorProcessConfig {
        let (config, runtime) = (ctx.copied_config(), ctx.runtime_env());
        let physical = config.ballista_physical_extension_codec();
        ExecutorProcessConfig {
            bind_host: self.bind.to_string(),
            external_host: Some(self.known_as),
            port: self.ports.0,
            grpc_port: self.ports.1,
            scheduler_host: self.scheduler.host().to_owned(),
            scheduler_port: self.scheduler.port(),
            vcores: self.cores,
            task_scheduling_policy: TaskSchedulingPolicy::PushStaged,
            work_dir: Some(self.folder.to_string_lossy().into_owned()),
            executor_heartbeat_interval_seconds: HEARTBEAT_SECONDS,
            grpc_max_decoding_message_size: LARGEST_MESSAGE,
            grpc_max_encoding_message_size: LARGEST_MESSAGE,
            memory_pool_size: Some(self.memory as u64),
            override_function_registry: Some(Arc::new(BallistaFunctionRegistry::from(
                &ctx.state(),
            ))),
            override_physical_codec: Some(physical),
            override_config_producer: Some(Arc::new(move || config.clone())),
            override_runtime_producer: Some(Arc::new(move |_| Ok(Arc::clone(&runtime)))),
            ..ExecutorProcessConfig::default()
        }
    }
}
