//! A plan on its way through a cluster: sent, followed until its job is done, its rows fetched from the executors.
//!
//! Whoever drops a job that is running cancels it.

use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use ballista_core::serde::protobuf::execute_query_params::Query;
use ballista_core::serde::protobuf::execute_query_result::Result as Answer;
use ballista_core::serde::protobuf::job_status::Status as State;
use ballista_core::serde::protobuf::operator_metric::Metric;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{
    CancelJobParams, ExecuteQueryParams, GetJobMetricsParams, GetJobMetricsResult,
    GetJobStatusParams, KeyValuePair, PartitionLocation,
};
use ballista_core::utils::{GrpcClientConfig, create_grpc_client_endpoint};
use ballista_core::version;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionConfig;
use futures::Stream;
use tonic::transport::Channel;

use super::mark::Mark;
use super::seen_files::{FILES_SEEN, NAME};
use super::settings::{LARGEST_MESSAGE, ballista};
use super::{Address, answer, told};
use crate::cli::message;
use crate::error;

/// What is sent.
pub(super) struct Order {
    pub(super) address: Address,
    /// The plan as bytes.
    pub(super) plan: Vec<u8>,
    pub(super) session: String,
    pub(super) config: SessionConfig,
    /// Pieces of files that the client has found for it.
    pub(super) pieces: usize,
}

/// What a job that is done says of itself.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) stages: usize,
    /// Of all stages.
    pub(super) partitions: usize,
    /// Pieces of files that executors looked at.
    pieces: u64,
}

/// The first and the longest pause between two questions after a job.
const SHORTEST_PAUSE: Duration = Duration::from_millis(4);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// How long a scheduler may take until it knows a job that it has accepted.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a job is sent that executors leave without an end.
const ATTEMPTS: usize = 5;

/// Runs a plan and gives its rows; `said` hears of the job when it is done.
///
/// A job whose executor ends in the middle is sent again, as long as none of its rows has been given.
///
/// # Errors
///
/// No scheduler at the address, one that ends meanwhile, a job that fails; no executor; files that were found and not read.
pub(super) async fn run(
    order: Order,
    said: impl FnOnce(&Report),
) -> Result<impl Stream<Item = Result<RecordBatch>>> {
    let mut scheduler = Scheduler::at(&order).await?;
    let mut attempt = 1;
    let (report, rows) = loop {
        let mut job = scheduler.submit(&order).await?;
        let lost = match job.done().await? {
            Ended::Done(locations) => {
                let report = scheduler.report(&job.id).await?;
                let rows = answer::rows(locations, scheduler.config.clone()).await;
                match rows {
                    Ok(rows) => break (report, rows),
                    Err(lost) => lost,
                }
            }
            Ended::Disturbed => error::data(format!(
                "executors of the cluster at {} end, or do not reach each other, before a statement is done: it was sent \
                 {ATTEMPTS} times",
                scheduler.address
            )),
        };
        if attempt == ATTEMPTS {
            return Err(lost);
        }
        attempt += 1;
        message::note(&format!(
            "an executor of the cluster at {} ended in the middle of the statement: it begins again",
            scheduler.address
        ));
    };
    let pieces = order.pieces;
    if report.pieces < pieces as u64 {
        return Err(error::data(format!(
            "the cluster at {} read {} of the {pieces} pieces of files that this client found for the statement, so its \
             answer would not be whole. Let every process of the cluster see the same files; if they do, please report \
             the statement",
            scheduler.address, report.pieces
        )));
    }
    said(&report);
    Ok(rows)
}

/// The scheduler of a cluster.
#[derive(Clone)]
struct Scheduler {
    address: Address,
    client: SchedulerGrpcClient<Channel>,
    config: GrpcClientConfig,
}

impl Scheduler {
    async fn at(order: &Order) -> Result<Self> {
        let address = order.address.clone();
        let config = GrpcClientConfig::from(&ballista(&order.config));
        let connect = async {
            let endpoint = create_grpc_client_endpoint(address.url(), Some(&config))?;
            endpoint.connect().await
        };
        let channel = connect.await.map_err(|cause| {
            error::config(format!(
                "there is no scheduler at {address}: {}. Start one with `dayrate cluster scheduler`, or correct the \
                 address of --cluster",
                told::innermost(&cause)
            ))
        })?;
        let largest = LARGEST_MESSAGE as usize;
        let client = SchedulerGrpcClient::new(channel)
            .max_encoding_message_size(largest)
            .max_decoding_message_size(largest);
        Ok(Self {
            address,
            client,
            config,
        })
    }

    async fn submit(&mut self, order: &Order) -> Result<Job> {
        let entries = order.config.options().entries().into_iter();
        let settings = entries.map(|entry| KeyValuePair {
            key: entry.key,
            value: entry.value,
        });
        let mut request = tonic::Request::new(ExecuteQueryParams {
            query: Some(Query::PhysicalPlan(order.plan.clone())),
            settings: settings.collect(),
            session_id: order.session.clone(),
            operation_id: order.session.clone(),
        });
        version::insert_version_header(request.metadata_mut());
        let answered = self.client.execute_query(request).await;
        let answer = answered.map_err(|status| self.gone(&status))?;
        let theirs = version::version_from_metadata(answer.metadata()).map(str::to_owned);
        version::check_compatibility(Some(ballista_core::BALLISTA_VERSION), theirs.as_deref())
            .map_err(error::config)?;
        match answer.into_inner().result {
            Some(Answer::Success(accepted)) => Ok(Job {
                scheduler: self.clone(),
                id: accepted.job_id,
                is_running: true,
            }),
            Some(Answer::Failure(refused)) => Err(told::failure(
                &self.address,
                &format!("{:?}", refused.failure),
            )),
            None => Err(told::failure(&self.address, "an answer without content")),
        }
    }

    async fn report(&mut self, job: &str) -> Result<Report> {
        let asked = GetJobMetricsParams {
            job_id: job.to_owned(),
        };
        let answered = self.client.get_job_metrics(asked).await;
        let metrics = answered.map_err(|status| self.gone(&status))?.into_inner();
        Ok(Report::of(&metrics))
    }

    /// The error for a scheduler that does not answer as it should.
    fn gone(&self, status: &tonic::Status) -> DataFusionError {
        use tonic::Code;

        match status.code() {
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown => {
                error::config(format!(
                    "the scheduler at {} does not answer any more: {}. The statement was not finished; run it again when \
                     the scheduler is back",
                    self.address,
                    told::innermost(status)
                ))
            }
            _ => told::failure(&self.address, status.message()),
        }
    }
}

/// How a job ended.
enum Ended {
    /// Its rows are here.
    Done(Vec<PartitionLocation>),
    /// It cannot be gone on with.
    Disturbed,
}

/// A job that a scheduler has accepted.
struct Job {
    scheduler: Scheduler,
    id: String,
    is_running: bool,
}

impl Job {
    /// Waits for the end.
    async fn done(&mut self) -> Result<Ended> {
        let (begun, mut pause) = (Instant::now(), SHORTEST_PAUSE);
        let (mut is_known, mut has_said) = (false, false);
        loop {
            let asked = GetJobStatusParams {
                job_id: self.id.clone(),
            };
            let answered = self.scheduler.client.get_job_status(asked).await;
            let answer = answered.map_err(|status| self.scheduler.gone(&status))?;
            let status = answer.into_inner().status;
            let mark = status.as_ref().and_then(|job| Mark::of(&job.job_name));
            match status.and_then(|job| job.status) {
                Some(State::Successful(done)) => {
                    self.is_running = false;
                    return Ok(Ended::Done(done.partition_location));
                }
                Some(State::Failed(failed)) => {
                    self.is_running = false;
                    return Err(told::failure(&self.scheduler.address, &failed.error));
                }
                Some(State::Queued(_) | State::Running(_)) => is_known = true,
                None if is_known || begun.elapsed() > PATIENCE => {
                    self.is_running = false;
                    return Err(error::config(format!(
                        "the scheduler at {} does not know the job any more: it was started anew meanwhile. Run the \
                         statement again",
                        self.scheduler.address
                    )));
                }
                None => {}
            }
            match mark {
                Some(Mark::Disturbed) => return Ok(Ended::Disturbed),
                Some(Mark::Abandoned(patience)) => {
                    return Err(told::no_executor(&self.scheduler.address, patience));
                }
                Some(Mark::Waits(patience)) if !has_said => {
                    has_said = true;
                    message::note(&told::waits(&self.scheduler.address, patience));
                }
                _ => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.is_running {
            let (mut client, job_id) =
                (self.scheduler.client.clone(), std::mem::take(&mut self.id));
            // Nobody waits for the answer.
            runtime
                .spawn(async move { client.cancel_job(CancelJobParams { job_id }).await.is_ok() });
        }
    }
}

impl Report {
    fn of(metrics: &GetJobMetricsResult) -> Self {
        let operators = metrics.stages.iter().flat_map(|stage| &stage.operators);
        let seen = operators.filter(|operator| operator.operator_desc.starts_with(NAME));
        let counts = seen
            .flat_map(|operator| &operator.metrics)
            .filter_map(|one| match &one.metric {
                Some(Metric::Count(count)) if count.name == FILES_SEEN => Some(count.value),
                _ => None,
            });
        Self {
            stages: metrics.stages.len(),
            partitions: metrics
                .stages
                .iter()
                .map(|stage| stage.partitions as usize)
                .sum(),
            pieces: counts.sum(),
        }
    }
}
