//! Files that hold row after row: CSV, JSON and the Arrow stream.
//!
//! The first megabytes of a file say what its columns are ([`kind`]); every value, there and after, is then held to it
//! ([`column`](mod@column)). What does not fit is an error that names the file and the line: no value becomes NULL or another value, and
//! no row is left out.

pub(super) mod bytes;
mod column;
mod csv;
mod decode;
mod ipc;
mod kind;
mod ndjson;
mod sample;
mod scan;
mod value;
#[cfg(feature = "cluster")]
mod wire;

pub(super) use self::sample::sample;
pub(crate) use self::scan::RowsExec;
pub(super) use self::scan::{RowsFile, RowsScan};
#[cfg(feature = "cluster")]
pub(crate) use self::wire::RowsNode;

/// A format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowFormat {
    /// Cells between separators.
    Csv {
        /// The byte between two cells.
        separator: u8,
    },
    /// One JSON object a line.
    Ndjson,
    /// Arrow IPC, the stream or the file.
    Ipc,
}

/// One value of a row, with the place of its column.
type Cell<'a> = (usize, kind::Value<'a>);

/// What takes the rows: the line on which each begins, the columns known so far, and the row's values.
type Each<'a> = &'a mut dyn FnMut(u64, &[String], &[Cell<'_>]) -> Result<(), Fault>;

/// What is wrong, and on which line.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    line: u64,
    text: String,
}

impl Fault {
    /// As an error of the rows of `file`.
    fn of(self, file: &str) -> datafusion::error::DataFusionError {
        crate::error::data(format!("'{file}', line {}: {}", self.line, self.text))
    }
}

/// The error for bytes of `file` that do not come.
fn unreadable(file: &str, cause: &std::io::Error) -> datafusion::error::DataFusionError {
    let text = crate::lake::stores::fault_in(cause)
        .unwrap_or_else(|| format!("'{file}' cannot be read: {cause}"));
    crate::error::data(text)
}

/// A reader of rows of text.
enum Text {
    Csv(csv::Csv),
    Ndjson(ndjson::Ndjson),
}

impl Text {
    /// The reader of a format of text.
    fn of(format: RowFormat) -> Option<Self> {
        match format {
            RowFormat::Csv { separator } => Some(Self::Csv(csv::Csv::new(separator))),
            RowFormat::Ndjson => Some(Self::Ndjson(ndjson::Ndjson::default())),
            RowFormat::Ipc => None,
        }
    }

    fn feed(&mut self, bytes: &[u8], each: Each<'_>) -> Result<(), Fault> {
        match self {
            Self::Csv(csv) => csv.feed(bytes, each),
            Self::Ndjson(json) => json.feed(bytes, each),
        }
    }

    fn finish(&mut self, each: Each<'_>) -> Result<(), Fault> {
        match self {
            Self::Csv(csv) => csv.finish(each),
            Self::Ndjson(json) => json.finish(each),
        }
    }

    /// The columns known so far.
    fn names(&self) -> &[String] {
        match self {
            Self::Csv(csv) => csv.header().unwrap_or_default(),
            Self::Ndjson(json) => json.names(),
        }
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests;
