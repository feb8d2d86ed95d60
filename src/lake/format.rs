//! The file formats that a relation can have, by the ending of their names.

use std::sync::Arc;

use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::error::Result;
use datafusion::execution::context::SessionState;

use crate::error;

/// Endings of data files that dayrate knows of but cannot read yet: they are named in errors, never skipped.
const NOT_YET: [&str; 11] = [
    "csv", "tsv", "json", "ndjson", "jsonl", "arrow", "ipc", "feather", "avro", "orc", "xlsx",
];

/// Endings of compressed files: the format is what stands before them.
const COMPRESSED: [&str; 5] = ["gz", "bz2", "xz", "zst", "zstd"];

/// A format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// Apache Parquet.
    Parquet,
}

impl FileKind {
    /// What the configuration calls them.
    pub(crate) const NAMES: [&'static str; 1] = ["parquet"];

    /// The format of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.to_lowercase().as_str() {
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// The format of a file by its name: `None` if it is no data file.
    ///
    /// # Errors
    ///
    /// If it is a data file that cannot be read yet.
    pub(crate) fn of_file(name: &str) -> Result<Option<Self>> {
        match ending(name).as_deref() {
            Some("parquet" | "parq" | "pq") => Ok(Some(Self::Parquet)),
            Some(ending) if NOT_YET.contains(&ending) => Err(error::config(format!(
                "'{name}' is a {ending} file, and dayrate reads Parquet files. Convert it, or write a pattern that \
                 leaves it out, such as 'folder/*.parquet'"
            ))),
            _ => Ok(None),
        }
    }

    /// Whether a name ends like a data file, readable or not.
    pub(crate) fn is_data_file(name: &str) -> bool {
        !matches!(Self::of_file(name), Ok(None))
    }

    /// DataFusion's reader of this format, with the session's options.
    pub(crate) fn reader(self, state: &SessionState) -> Arc<dyn FileFormat> {
        match self {
            Self::Parquet => {
                let mut options = state.default_table_options().parquet;
                // Spark's INT96 is an instant; left alone it would read as a wall-clock time without a zone.
                options.global.coerce_int96 = Some("us".to_owned());
                options.global.coerce_int96_tz = Some("UTC".to_owned());
                Arc::new(ParquetFormat::default().with_options(options))
            }
        }
    }
}

/// The ending that tells the format, in lower case: `csv` of `a.csv` and of `a.csv.gz`.
fn ending(name: &str) -> Option<String> {
    let file = name.rsplit(['/', '\\']).next()?;
    let (stem, last) = file.rsplit_once('.')?;
    let last = last.to_lowercase();
    if COMPRESSED.contains(&last.as_str()) {
        return stem.rsplit_once('.').map(|(_, inner)| inner.to_lowercase());
    }
    Some(last)
}
