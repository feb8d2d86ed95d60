//! SQL behaviour, in one binary: the `.slt` files of `tests/sql/`, and the brute-force
//! models of `tests/model/`, `tests/engagements/` and `tests/money/`.
//!
//! Each file runs in a session of its own, through the doors that an embedder uses: `register_all` and `sql`. All
//! statements of a file run, and every disagreement of every file is reported at once.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod checks;
mod engagements;
mod model;
mod money;
mod session;

use std::fmt;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use sqllogictest::{AsyncDB, ColumnType, DBOutput, Record, Runner, strict_column_validator};

/// Every statement of every `.slt` file answers as the file says, types included.
///
/// `DAYRATE_SLT=dars` runs only the files whose name contains that text.
#[test]
fn every_slt_file_holds() {
    let only = std::env::var("DAYRATE_SLT").unwrap_or_default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "slt"))
        .filter(|path| path.to_string_lossy().contains(&only))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no .slt file matches '{only}'");

    let disagreements: Vec<String> = std::thread::scope(|scope| {
        let halves = files.chunks(files.len().div_ceil(2));
        let running: Vec<_> = halves
            .map(|half| scope.spawn(|| disagreements(half)))
            .collect();
        running
            .into_iter()
            .flat_map(|half| half.join().unwrap())
            .collect()
    });
    assert!(
        disagreements.is_empty(),
        "{} statements disagree:\n\n{}",
        disagreements.len(),
        disagreements.join("\n")
    );
}

fn disagreements(files: &[PathBuf]) -> Vec<String> {
    let mut all = Vec::new();
    for file in files {
        all.extend(session::block_on(run(file)));
    }
    all
}

async fn run(file: &Path) -> Vec<String> {
    let mut runner =
        Runner::new(|| async { Ok(Session(session::fresh(&session::Layout::default()))) });
    runner.with_column_validator(strict_column_validator);
    let records: Vec<Record<Kind>> = match sqllogictest::parse_file(file) {
        Ok(records) => records,
        Err(fault) => return vec![format!("{fault}")],
    };
    let mut all = Vec::new();
    for record in records {
        if let Err(fault) = runner.run_async(record).await {
            all.push(format!("{}", fault.display(false)));
        }
    }
    all
}

struct Session(SessionContext);

#[async_trait]
impl AsyncDB for Session {
    type Error = Failure;
    type ColumnType = Kind;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<Kind>, Failure> {
        let frame = dayrate::sql(&self.0, sql).await?;
        let types: Vec<Kind> = frame
            .schema()
            .fields()
            .iter()
            .map(|field| Kind::of(field.data_type()))
            .collect();
        let batches = frame.collect().await?;
        if types.is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        let mut rows = Vec::new();
        for batch in &batches {
            rows.extend(texts(batch)?);
        }
        Ok(DBOutput::Rows { types, rows })
    }

    async fn shutdown(&mut self) {}
}

/// The rows of a batch as an `.slt` file writes them: `NULL` for NULL, `(empty)` for an empty text.
fn texts(batch: &RecordBatch) -> Result<Vec<Vec<String>>, Failure> {
    let options = FormatOptions::default().with_null("NULL");
    let columns = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<Result<Vec<_>, _>>()
        .map_err(DataFusionError::from)?;
    let cell = |column: &ArrayFormatter<'_>, row| {
        let text = column.value(row).to_string();
        if text.is_empty() {
            "(empty)".to_owned()
        } else {
            text
        }
    };
    Ok((0..batch.num_rows())
        .map(|row| columns.iter().map(|column| cell(column, row)).collect())
        .collect())
}

/// The letter of a column's type in a `query` line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Boolean,
    Date,
    Integer,
    Instant,
    Decimal,
    Text,
    Other,
}

impl Kind {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Boolean,
            DataType::Date32 => Self::Date,
            DataType::Timestamp(_, Some(_)) => Self::Instant,
            DataType::Decimal128(_, _) => Self::Decimal,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Dictionary(_, value) => Self::of(value),
            other if other.is_integer() => Self::Integer,
            _ => Self::Other,
        }
    }
}

impl ColumnType for Kind {
    fn from_char(letter: char) -> Option<Self> {
        Some(match letter {
            'B' => Self::Boolean,
            'D' => Self::Date,
            'I' => Self::Integer,
            'P' => Self::Instant,
            'N' => Self::Decimal,
            'T' => Self::Text,
            '?' => Self::Other,
            _ => return None,
        })
    }

    fn to_char(&self) -> char {
        match self {
            Self::Boolean => 'B',
            Self::Date => 'D',
            Self::Integer => 'I',
            Self::Instant => 'P',
            Self::Decimal => 'N',
            Self::Text => 'T',
            Self::Other => '?',
        }
    }
}

/// An engine's error on one line, so that a pattern of one line can find words anywhere in it.
#[derive(Debug)]
struct Failure(String);

impl From<DataFusionError> for Failure {
    fn from(error: DataFusionError) -> Self {
        Self(
            error
                .to_string()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}
