//! Arrow IPC, the stream and the file. A file is a stream between a first and a last mark, and is read as one.
//!
//! A stream that was cut between two batches would look like a shorter one; so the mark that ends it must be there.

use std::io;

use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, RecordBatchOptions, new_null_array};
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::reader::StreamDecoder;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use futures::StreamExt;
use futures::stream::BoxStream;

use super::unreadable;
use crate::error;

/// What a file, and no stream, begins with; from the last two bytes on it is padding.
const MAGIC: &[u8; 8] = b"ARROW1\0\0";

/// Reads one file or stream.
pub(super) struct Ipc {
    decoder: StreamDecoder,
    /// The first bytes, until there are enough to tell a file from a stream.
    first: Vec<u8>,
    /// Whether it is a file, once that is known.
    is_file: Option<bool>,
    /// Whether the mark behind the last batch was seen.
    has_ended: bool,
}

impl Ipc {
    pub(super) fn new() -> Self {
        Self {
            decoder: StreamDecoder::new(),
            first: Vec::new(),
            is_file: None,
            has_ended: false,
        }
    }

    /// The batches that the next bytes of `file` complete, as the file has them.
    ///
    /// # Errors
    ///
    /// Bytes that are no Arrow.
    pub(super) fn feed(&mut self, bytes: &[u8], file: &str) -> Result<Vec<RecordBatch>> {
        let mut buffer = match self.is_file {
            Some(_) => Buffer::from(bytes),
            None => {
                self.first.extend_from_slice(bytes);
                let Some(start) = first_message(&self.first) else {
                    return Ok(Vec::new());
                };
                self.is_file = Some(start > 0);
                let first = std::mem::take(&mut self.first);
                Buffer::from(&first[start..])
            }
        };
        let mut batches = Vec::new();
        while !buffer.is_empty() && !self.has_ended {
            match self.decoder.decode(&mut buffer) {
                Ok(batch) => batches.extend(batch),
                // The footer of a file repeats what was read.
                Err(cause) if is_end(&cause) && self.is_file == Some(true) => self.has_ended = true,
                Err(cause) if is_end(&cause) => {
                    return Err(error::data(format!(
                        "'{file}': more follows behind the end of the Arrow stream. Two streams are two files"
                    )));
                }
                Err(cause) => return Err(not_arrow(file, &cause)),
            }
        }
        Ok(batches)
    }

    /// Checks that `file` is whole.
    ///
    /// # Errors
    ///
    /// If the mark that ends the batches is missing.
    pub(super) fn finish(&mut self, file: &str) -> Result<()> {
        // Only behind the end does the decoder refuse a further byte.
        let probe = self.decoder.decode(&mut Buffer::from(&[0_u8][..]));
        if self.has_ended || probe.is_err_and(|cause| is_end(&cause)) {
            return Ok(());
        }
        Err(error::data(format!(
            "'{file}' ends without the mark that ends an Arrow stream: it is cut off, or was not closed by its writer"
        )))
    }
}

/// Where the first message begins: behind the mark of a file and its padding, which some writers make longer; nowhere
/// yet if there are too few bytes.
fn first_message(bytes: &[u8]) -> Option<usize> {
    if bytes.len() < MAGIC.len() {
        return None;
    }
    if !bytes.starts_with(MAGIC) {
        return Some(0);
    }
    let mut words = bytes.chunks_exact(MAGIC.len());
    let padding = words.position(|word| word != MAGIC && word.iter().any(|byte| *byte != 0))?;
    Some(padding * MAGIC.len())
}

fn is_end(cause: &ArrowError) -> bool {
    matches!(cause, ArrowError::IpcError(text) if text == "Unexpected EOS")
}

fn not_arrow(file: &str, cause: &ArrowError) -> DataFusionError {
    error::data(format!(
        "'{file}' cannot be read as an Arrow stream or file: {cause}. It may be half-written or of another format"
    ))
}

/// The columns that a file or stream says it has.
///
/// # Errors
///
/// Bytes that are no Arrow.
pub(super) async fn schema(
    bytes: &mut BoxStream<'static, io::Result<Bytes>>,
    file: &str,
) -> Result<SchemaRef> {
    let mut ipc = Ipc::new();
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(|cause| unreadable(file, &cause))?;
        ipc.feed(&piece, file)?;
        if let Some(schema) = ipc.decoder.schema() {
            return Ok(schema);
        }
    }
    ipc.finish(file)?;
    ipc.decoder.schema().ok_or_else(|| {
        error::data(format!(
            "'{file}' has no columns: it is no Arrow stream or file"
        ))
    })
}

/// A batch with the columns of `wanted`: by name, converted where the files of a relation differ, NULL where missing.
///
/// # Errors
///
/// A value that the wider type of the relation does not hold.
pub(super) fn adapted(batch: &RecordBatch, wanted: &SchemaRef, file: &str) -> Result<RecordBatch> {
    let exact = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let columns = wanted
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
            Some(column) => cast_with_options(column, field.data_type(), &exact).map_err(|cause| {
                error::data(format!("'{file}', the column '{}': {cause}", field.name()))
            }),
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        wanted.clone(),
        columns,
        &options,
    )?)
}
