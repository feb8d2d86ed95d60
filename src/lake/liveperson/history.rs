//! One file of a history, read record by record.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::error::{DataFusionError, Result};
use flate2::read::MultiGzDecoder;

use super::inputs::Input;
use super::records::{Broken, Records};
use super::rows::Found;
use crate::domain::liveperson::{Conversation, Flaw, Unit, Unusable, read, snippet};
use crate::error;

/// How much of a file is read at once.
const BUFFER: usize = 256 << 10;

/// One file of a history, open.
pub(crate) struct History {
    name: String,
    number: i64,
    records: Records<Box<dyn BufRead + Send>>,
}

impl History {
    /// Opens a file, the `number`th of all; gzip is undone, told by its first bytes.
    ///
    /// `progress` counts the bytes read on disk.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is compressed in another way.
    pub(crate) fn open(input: &Input, number: usize, progress: &Arc<AtomicU64>) -> Result<Self> {
        let name = input.name.clone();
        let failed =
            |cause: std::io::Error| error::config(format!("'{name}' cannot be read: {cause}"));
        let file = File::open(&input.path).map_err(failed)?;
        let progress = Arc::clone(progress);
        let mut file = BufReader::with_capacity(BUFFER, Counted { file, progress });
        // Looked at and not taken, so that a pipe can be read too.
        let packing = Packing::of(file.fill_buf().map_err(failed)?);
        let input: Box<dyn BufRead + Send> = match packing {
            Packing::None => Box::new(file),
            Packing::Gzip => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file))),
            Packing::Other => {
                return Err(error::config(format!(
                    "'{name}' is compressed, and not with gzip: decompress it first"
                )));
            }
        };
        Ok(Self {
            name,
            number: i64::try_from(number).unwrap_or(i64::MAX),
            records: Records::new(input),
        })
    }

    /// Hands the next record to `take`; `false` at the end.
    ///
    /// # Errors
    ///
    /// If the file breaks off or is something else than JSON: the file and the byte are named. Those of `take`.
    pub(crate) fn next(
        &mut self,
        take: impl FnOnce(
            Found<'_>,
            &std::result::Result<Conversation<'_>, Box<Unusable>>,
        ) -> Result<()>,
    ) -> Result<bool> {
        let record = match self.records.next() {
            Ok(Some(record)) => record,
            Ok(None) => return self.ended().map(|()| false),
            Err(broken) => return Err(self.broken(&broken)),
        };
        let found = Found {
            file: &self.name,
            file_number: self.number,
            record: record.number,
            offset: i64::try_from(record.offset).unwrap_or(i64::MAX),
        };
        match record.too_large {
            None => take(found, &read(record.json))?,
            Some(bytes) => take(found, &Err(too_large(record.json, bytes)))?,
        }
        Ok(true)
    }

    fn ended(&self) -> Result<()> {
        if self.records.is_blank() && !is_lines(&self.name) {
            return Err(error::data(format!(
                "'{}' is empty, and even a page without conversations is not. Fetch it again, or leave it out",
                self.name
            )));
        }
        Ok(())
    }

    fn broken(&self, broken: &Broken) -> DataFusionError {
        let (name, at) = (&self.name, self.records.offset());
        error::data(match broken {
            Broken::Io(cause) => format!(
                "'{name}' cannot be read on at byte {at}: {cause}. It may be half-written: fetch it again"
            ),
            Broken::Truncated { since } => format!(
                "'{name}' ends at byte {at}, within what begins at byte {since}: it is cut off. Fetch it again"
            ),
            Broken::Unexpected { expected, found } => format!(
                "'{name}', byte {at}: {expected} is expected, and there is '{}'",
                found.escape_ascii()
            ),
        })
    }
}

/// Whether a file has a record a line: without lines, it has no records.
fn is_lines(name: &str) -> bool {
    let name = name.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.ends_with(".ndjson") || name.ends_with(".jsonl")
}

fn too_large(beginning: &[u8], bytes: u64) -> Box<Unusable> {
    Box::new(Unusable {
        unit: Unit::Record,
        flaw: Flaw::TooLarge,
        found: format!("it has {bytes} bytes"),
        conversation_id: None,
        message_id: None,
        messages: 0,
        json: snippet(&String::from_utf8_lossy(beginning)),
    })
}

/// How a file is compressed.
enum Packing {
    None,
    Gzip,
    /// Zstandard, bzip2 or xz.
    Other,
}

impl Packing {
    /// By the first bytes: names are not always right.
    fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..]
            | [b'B', b'Z', b'h', ..]
            | [0xfd, b'7', b'z', b'X', ..] => Packing::Other,
            _ => Packing::None,
        }
    }
}

/// A file that counts what is read of it.
struct Counted {
    file: File,
    progress: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        let bytes = u64::try_from(count).unwrap_or(u64::MAX);
        self.progress.fetch_add(bytes, Ordering::Relaxed);
        Ok(count)
    }
}
