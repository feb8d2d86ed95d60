//! The rows of an answer, from the executors that keep them.

use std::collections::HashSet;

use arrow::record_batch::RecordBatch;
use ballista_core::client::BallistaClient;
use ballista_core::serde::protobuf::PartitionLocation;
use ballista_core::utils::GrpcClientConfig;
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::settings::LARGEST_MESSAGE;
use super::told;
use crate::error;

/// Bytes of an answer that are held back until all of it is there: an executor that ends before that costs a repetition of
/// the job, and no row has been given yet.
const HELD: usize = 64 << 20;

/// The rows of an answer, once they are all there, or so many that they are not held back any longer.
///
/// # Errors
///
/// An executor that does not give its rows.
pub(super) async fn rows(
    locations: Vec<PartitionLocation>,
    config: GrpcClientConfig,
) -> Result<impl Stream<Item = Result<RecordBatch>>> {
    let locations = stream::iter(latest(locations));
    let rows = locations.then(move |location| fetched(location, config.clone()));
    let mut rows = Box::pin(rows.try_flatten());
    let (mut held, mut bytes) = (Vec::new(), 0);
    while bytes < HELD
        && let Some(batch) = rows.try_next().await?
    {
        bytes += batch.get_array_memory_size();
        held.push(Ok(batch));
    }
    Ok(stream::iter(held).chain(rows))
}

/// Where each partition was written last. A task that was done over leaves the place where it was done first in the list.
fn latest(locations: Vec<PartitionLocation>) -> Vec<PartitionLocation> {
    let mut seen = HashSet::new();
    let is_latest = |location: &PartitionLocation| {
        let partition = location.partition_id.as_ref();
        partition.is_none_or(|id| seen.insert(id.partition_id))
    };
    let latest = locations.into_iter().rev().filter(is_latest);
    let mut latest: Vec<_> = latest.collect();
    latest.reverse();
    latest
}

/// The rows of one partition.
async fn fetched(
    location: PartitionLocation,
    config: GrpcClientConfig,
) -> Result<SendableRecordBatchStream> {
    let layout = location.layout();
    let (Some(executor), Some(partition)) = (location.executor_meta, location.partition_id) else {
        return Err(error::data(
            "the scheduler does not say where the rows are: please report the statement",
        ));
    };
    let lost = |cause: &dyn std::error::Error| {
        error::data(format!(
            "the rows of the answer cannot be fetched from the executor at {}:{}: {}. Let this client reach it, or run \
             the statement again if the executor has ended",
            executor.host,
            executor.port,
            told::innermost(cause)
        ))
    };
    let port = u16::try_from(executor.port).map_err(|cause| lost(&cause))?;
    let mut client = BallistaClient::try_new(
        &executor.host,
        port,
        LARGEST_MESSAGE as usize,
        false,
        None,
        config.io_retries_times,
        config.io_retry_wait_time_ms,
        config.initial_connection_window_size,
        config.initial_stream_window_size,
    )
    .await
    .map_err(|cause| lost(&cause))?;
    client
        .fetch_partition_proxied(
            &executor.id,
            &partition.into(),
            location.file_id,
            layout,
            &executor.host,
            port,
            true,
        )
        .await
        .map_err(|cause| lost(&cause))
}
