//! `dayrate cluster`: the processes that run what other dayrates send with `--cluster`.

mod words;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;

use self::words::Level;
use super::args::SessionArguments;
use super::config::{self, Discovery};
use super::{interrupt, message};
use crate::cluster::{Address, ExecutorPlace, Part, SCHEDULER_PORT, SchedulerPlace};
use crate::{error, session};

const NOTES: &str = "\
A scheduler cuts each statement into stages, and executors run them. All of them must be the same
dayrate with the same [zones], and see the same files under the same paths: a shared folder, or a
store such as s3://. They listen on this machine only, unless --bind says otherwise, and they know
no passwords and no encryption: whoever reaches their ports can run statements and read rows.

Examples:
  dayrate cluster scheduler
  dayrate cluster executor
  dayrate --cluster df://127.0.0.1:50050 report monthly_credits
  dayrate cluster executor --scheduler df://10.0.0.1:50050 --bind 10.0.0.2 --threads 8";

/// `dayrate cluster`.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(super) struct Cluster {
    #[command(subcommand)]
    process: Process,
    /// Where to listen: this machine's address in the network of the cluster
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), global = true)]
    bind: IpAddr,
    /// What other processes call this machine [default: the address of --bind]
    #[arg(long, value_name = "HOST", global = true)]
    known_as: Option<String>,
    /// What is said while it runs
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t, global = true)]
    log: Level,
}

/// The two kinds.
#[derive(Debug, Subcommand)]
enum Process {
    /// Cut statements into stages, and give their tasks to executors
    Scheduler(Scheduler),
    /// Run tasks, on as many cores as --threads says
    Executor(Executor),
}

/// `dayrate cluster scheduler`.
#[derive(Debug, Args)]
struct Scheduler {
    /// The port to listen on; 0 is any that is free
    #[arg(long, value_name = "PORT", default_value_t = SCHEDULER_PORT)]
    port: u16,
    /// How long a statement waits for an executor while there is none, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait_for_executors: u64,
}

/// `dayrate cluster executor`.
#[derive(Debug, Args)]
struct Executor {
    /// The scheduler to work for
    #[arg(long, value_name = "ADDRESS", default_value = "df://127.0.0.1:50050")]
    scheduler: Address,
    /// The port that rows are fetched from; 0 is any that is free
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// The port that tasks come in on; 0 is any that is free
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    task_port: u16,
    /// Where the rows between two stages lie [default: a folder of the system's for temporary files]
    #[arg(long, value_name = "FOLDER")]
    work_folder: Option<PathBuf>,
}

/// Runs a process of a cluster until it is told to end.
///
/// # Errors
///
/// An address that cannot be listened on; no scheduler; a configuration that cannot be read.
pub(super) async fn run(arguments: &SessionArguments, given: Cluster) -> Result<()> {
    words::begin(given.log);
    let known_as = known_as(given.bind, given.known_as)?;
    match given.process {
        Process::Scheduler(scheduler) => {
            let ctx = session(arguments, Part::Scheduler)?;
            let place = SchedulerPlace {
                listen: SocketAddr::new(given.bind, scheduler.port),
                known_as,
                patience: Duration::from_secs(scheduler.wait_for_executors),
            };
            let ready =
                |here: SocketAddr| message::note(&format!("the scheduler listens on df://{here}"));
            tokio::select! {
                ended = place.run(&ctx, ready) => ended,
                () = interrupt::pressed() => Ok(()),
            }
        }
        Process::Executor(executor) => {
            let ctx = session(arguments, Part::Executor)?;
            // The folder goes when the process ends.
            let temporary = tempfile::Builder::new()
                .prefix("dayrate-executor-")
                .tempdir();
            let temporary = temporary.map_err(DataFusionError::IoError)?;
            let scheduler = executor.scheduler.clone();
            let ready = |port: u16| {
                message::note(&format!(
                    "the executor works for {scheduler} on port {port}"
                ))
            };
            let cores = arguments
                .threads
                .or_else(|| std::thread::available_parallelism().ok());
            let place = ExecutorPlace {
                scheduler: executor.scheduler,
                bind: given.bind,
                known_as,
                ports: (executor.port, executor.task_port),
                folder: executor
                    .work_folder
                    .unwrap_or_else(|| temporary.path().to_owned()),
                cores: cores.map_or(1, NonZeroUsize::get),
                memory: arguments
                    .memory_limit
                    .unwrap_or_else(session::default_memory),
            };
            place.run(&ctx, ready).await
        }
    }
}

/// The session that the process takes its functions, stores and rules from. It runs nothing itself.
fn session(arguments: &SessionArguments, part: Part) -> Result<SessionContext> {
    if arguments.cluster.is_some() {
        return Err(error::config(
            "--cluster sends work to a cluster, and this is a process of one: leave it out, or write --scheduler",
        ));
    }
    let mut settings = config::settings(arguments, Discovery::On)?;
    settings.part = Some(part);
    session::open(settings)
}

/// What others call this machine.
fn known_as(bind: IpAddr, given: Option<String>) -> Result<String> {
    match given {
        Some(name) => Ok(name),
        None if bind.is_unspecified() => Err(error::config(format!(
            "{bind} is every address of this machine, so others cannot be told one: write --known-as with the name or \
             address that they reach it by"
        ))),
        None if bind.is_ipv6() => Ok(format!("[{bind}]")),
        None => Ok(bind.to_string()),
    }
}
