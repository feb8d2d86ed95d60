//! The file formats that a relation can have, by the ending of their names.

use std::sync::Arc;

use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::error::Result;
use datafusion::execution::context::SessionState;

use super::rows::RowFormat;
use super::rows::bytes::Compression;
use crate::error;

/// Endings of data files that dayrate knows of and cannot read: they are named in errors, never skipped.
const NOT_READ: [&str; 3] = ["avro", "orc", "xlsx"];

/// Endings of compressed files that it cannot read either.
const NOT_UNPACKED: [&str; 3] = ["bz2", "xz", "zip"];

/// A format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// Apache Parquet.
    Parquet,
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// One JSON object a line.
    Ndjson,
    /// Arrow IPC, the file or the stream.
    Arrow,
}

/// How the files of a format are read.
#[derive(Debug, Clone)]
pub(super) enum Reader {
    /// By the engine's own reader, which looks up what a query needs.
    Columns(Arc<dyn FileFormat>),
    /// From the first byte to the last.
    Rows(RowFormat),
}

impl FileKind {
    /// What the configuration calls them.
    pub(crate) const NAMES: [&'static str; 5] = ["parquet", "csv", "tsv", "ndjson", "arrow"];

    /// The format of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.to_lowercase().as_str() {
            "parquet" => Some(Self::Parquet),
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "ndjson" => Some(Self::Ndjson),
            "arrow" => Some(Self::Arrow),
            _ => None,
        }
    }

    /// What the configuration calls this one.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Ndjson => "ndjson",
            Self::Arrow => "arrow",
        }
    }

    /// The format of a file by its name: `None` if it is no data file.
    ///
    /// # Errors
    ///
    /// If it is a data file that cannot be read.
    pub(crate) fn of_file(name: &str) -> Result<Option<Self>> {
        let (ending, packed) = endings(name);
        let cannot = |what: &str| {
            Err(error::config(format!(
                "'{name}' is {what}, which dayrate does not read: it reads Parquet, CSV, JSON lines and Arrow, plain or \
                 as .gz and .zst. Convert it, or write a pattern that leaves it out, such as 'folder/*.parquet'"
            )))
        };
        let kind = match ending.as_deref() {
            Some("parquet" | "parq" | "pq") => Self::Parquet,
            Some("csv") => Self::Csv,
            Some("tsv") => Self::Tsv,
            Some("ndjson" | "jsonl" | "json") => Self::Ndjson,
            Some("arrow" | "arrows" | "ipc" | "feather") => Self::Arrow,
            Some(ending) if NOT_READ.contains(&ending) => {
                return cannot(&format!("an {ending} file"));
            }
            _ => return Ok(None),
        };
        match packed.as_deref() {
            Some(packed) if NOT_UNPACKED.contains(&packed) => cannot(&format!("a .{packed} file")),
            Some(_) if kind == Self::Parquet => cannot("a compressed Parquet file"),
            _ => Ok(Some(kind)),
        }
    }

    /// Whether a name ends like a data file, readable or not.
    pub(crate) fn is_data_file(name: &str) -> bool {
        !matches!(Self::of_file(name), Ok(None))
    }

    /// How it is read, with the session's options.
    pub(super) fn reader(self, state: &SessionState) -> Reader {
        match self {
            Self::Parquet => {
                let mut options = state.default_table_options().parquet;
                // Spark's INT96 is an instant; left alone it would read as a wall-clock time without a zone.
                options.global.coerce_int96 = Some("us".to_owned());
                options.global.coerce_int96_tz = Some("UTC".to_owned());
                Reader::Columns(Arc::new(ParquetFormat::default().with_options(options)))
            }
            Self::Csv => Reader::Rows(RowFormat::Csv { separator: b',' }),
            Self::Tsv => Reader::Rows(RowFormat::Csv { separator: b'\t' }),
            Self::Ndjson => Reader::Rows(RowFormat::Ndjson),
            Self::Arrow => Reader::Rows(RowFormat::Ipc),
        }
    }
}

/// How a file is compressed, by its name.
pub(super) fn compression(name: &str) -> Compression {
    match endings(name).1.as_deref() {
        Some("gz") => Compression::Gzip,
        Some("zst" | "zstd") => Compression::Zstd,
        _ => Compression::None,
    }
}

/// The ending that tells the format, and the one that tells the compression, in lower case: `csv` and `gz` of `a.csv.gz`.
fn endings(name: &str) -> (Option<String>, Option<String>) {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let Some((stem, last)) = file.rsplit_once('.') else {
        return (None, None);
    };
    let last = last.to_lowercase();
    let is_packed =
        matches!(last.as_str(), "gz" | "zst" | "zstd") || NOT_UNPACKED.contains(&last.as_str());
    if !is_packed {
        return (Some(last), None);
    }
    let inner = stem.rsplit_once('.').map(|(_, inner)| inner.to_lowercase());
    (inner, Some(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_format() {
        for (name, kind) in [
            ("a/b.PARQUET", Some(FileKind::Parquet)),
            ("a.csv.gz", Some(FileKind::Csv)),
            ("a.jsonl.zst", Some(FileKind::Ndjson)),
            ("a.arrows", Some(FileKind::Arrow)),
            ("a.gz", None),
            ("parquet", None),
            ("notes.txt", None),
        ] {
            assert_eq!(FileKind::of_file(name).ok().flatten(), kind, "{name}");
        }
        for name in ["a.csv.bz2", "a.avro", "a.parquet.gz"] {
            assert!(FileKind::of_file(name).is_err(), "{name}");
        }
        for name in FileKind::NAMES {
            assert_eq!(FileKind::named(name).map(FileKind::name), Some(name));
        }
    }
}
