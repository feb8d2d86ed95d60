//! The bytes of a file, in order and whole: read in ranges, each of them one request of bounded time, and decompressed.

use std::io;
use std::sync::Arc;

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use bytes::Bytes;
use datafusion::object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio_util::io::{ReaderStream, StreamReader};

/// How a file is compressed, by the last ending of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Bytes of one request.
const RANGE: u64 = 8 << 20;
/// Bytes that a decompressor hands out at once.
const PIECE: usize = 256 << 10;

/// The bytes of the object. An object that changes while it is read is an error, as is one that ends early.
pub(super) fn read(
    store: Arc<dyn ObjectStore>,
    meta: ObjectMeta,
    compression: Compression,
) -> BoxStream<'static, io::Result<Bytes>> {
    let count = meta.size.div_ceil(RANGE);
    let ranges = futures::stream::iter(0..count).map(move |at| {
        let (store, meta) = (Arc::clone(&store), meta.clone());
        async move {
            let range = at * RANGE..meta.size.min((at + 1) * RANGE);
            let options = GetOptions {
                // A server that cannot answer ranges can still send a small file whole.
                range: (count > 1).then(|| GetRange::Bounded(range.clone())),
                if_match: meta.e_tag.clone(),
                ..GetOptions::default()
            };
            let got = store.get_opts(&meta.location, options).await?;
            let bytes = got.bytes().await?;
            let expected = range.end - range.start;
            if u64::try_from(bytes.len()).ok() != Some(expected) {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    format!("{} bytes came where {expected} were expected; it may have been changed meanwhile", bytes.len()),
                ));
            }
            Ok(bytes)
        }
    });
    // The next range is on its way while this one is read.
    let bytes = ranges.buffered(2);
    match compression {
        Compression::None => bytes.boxed(),
        Compression::Gzip => {
            let mut decoder = GzipDecoder::new(StreamReader::new(bytes.boxed()));
            // Files that were put one behind the other are one file.
            decoder.multiple_members(true);
            ReaderStream::with_capacity(decoder, PIECE).boxed()
        }
        Compression::Zstd => {
            let mut decoder = ZstdDecoder::new(StreamReader::new(bytes.boxed()));
            decoder.multiple_members(true);
            ReaderStream::with_capacity(decoder, PIECE).boxed()
        }
    }
}
