//! Finished files into a store: all of them appear, or none.
//!
//! Everything is sent first and made visible at the end; what was sent in vain is taken back. A file of a few megabytes
//! is one request, which a store takes whole or not at all.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use datafusion::error::{DataFusionError, Result};
use datafusion::object_store::path::Path;
use datafusion::object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use futures::stream::FuturesUnordered;
use futures::{StreamExt, TryStreamExt};

use crate::error;
use crate::lake::stores::{Place, Service};

/// Bytes of one part, and the largest file that is sent in one request.
const PART: usize = 8 << 20;
/// Parts that are on their way at one time.
const AT_ONCE: usize = 4;

/// A file to send and where it goes.
pub(super) struct Parcel {
    pub(super) file: PathBuf,
    pub(super) path: Path,
}

/// What is left to do for a file.
enum Step {
    Put(PutPayload, Path),
    Complete(Box<dyn MultipartUpload>, Path),
}

/// Refuses a place that nothing can be written to.
///
/// # Errors
///
/// A web server.
pub(super) fn check(place: &Place, written: &str) -> Result<()> {
    match place.service {
        Service::Web => Err(error::config(format!(
            "'{written}' is an address of a web server, which dayrate only reads. Write to a file, or to s3://, gs:// or az://"
        ))),
        _ => Ok(()),
    }
}

/// Sends the files.
///
/// # Errors
///
/// What the store says; nothing new is visible in it then.
pub(super) async fn send(place: &Place, parcels: Vec<Parcel>) -> Result<()> {
    let mut steps = Vec::new();
    for parcel in parcels {
        match prepare(place, parcel).await {
            Ok(step) => steps.push(step),
            Err(cause) => {
                abort(steps).await;
                return Err(cause);
            }
        }
    }
    let is_one = steps.len() == 1;
    let mut done: Vec<Path> = Vec::new();
    let mut steps = steps.into_iter();
    while let Some(step) = steps.next() {
        let (outcome, path) = match step {
            Step::Put(payload, path) => (place.store.put(&path, payload).await, path),
            Step::Complete(mut upload, path) => {
                let outcome = upload.complete().await;
                if outcome.is_err() {
                    let _ = upload.abort().await;
                }
                (outcome, path)
            }
        };
        if let Err(cause) = outcome {
            abort(steps.collect()).await;
            // One file is replaced whole or stays; of several, none may stay.
            for path in done.iter().filter(|_| !is_one) {
                let _ = place.store.delete(path).await;
            }
            return Err(store_error(cause));
        }
        done.push(path);
    }
    Ok(())
}

/// Sends the parts of a large file, and reads a small one.
async fn prepare(place: &Place, parcel: Parcel) -> Result<Step> {
    let mut file = File::open(&parcel.file).map_err(DataFusionError::IoError)?;
    let buffer = next_part(&mut file)?;
    if buffer.len() < PART {
        return Ok(Step::Put(buffer.into(), parcel.path));
    }
    let upload = place.store.put_multipart(&parcel.path).await;
    let mut upload = upload.map_err(store_error)?;
    match parts(upload.as_mut(), buffer, &mut file).await {
        Ok(()) => Ok(Step::Complete(upload, parcel.path)),
        Err(cause) => {
            let _ = upload.abort().await;
            Err(cause)
        }
    }
}

/// Sends `part` and what else the file has.
async fn parts(upload: &mut dyn MultipartUpload, mut part: Vec<u8>, file: &mut File) -> Result<()> {
    let mut sending = FuturesUnordered::new();
    while !part.is_empty() {
        if sending.len() >= AT_ONCE {
            sending.next().await.transpose().map_err(store_error)?;
        }
        sending.push(upload.put_part(part.into()));
        part = next_part(file)?;
    }
    sending.try_collect::<()>().await.map_err(store_error)
}

/// At most [`PART`] bytes.
fn next_part(file: &mut File) -> Result<Vec<u8>> {
    let mut part = Vec::new();
    file.take(u64::try_from(PART).unwrap_or(u64::MAX))
        .read_to_end(&mut part)
        .map_err(DataFusionError::IoError)?;
    Ok(part)
}

async fn abort(steps: Vec<Step>) {
    for step in steps {
        if let Step::Complete(mut upload, _) = step {
            let _ = upload.abort().await;
        }
    }
}

fn store_error(cause: datafusion::object_store::Error) -> DataFusionError {
    DataFusionError::ObjectStore(Box::new(cause))
}
