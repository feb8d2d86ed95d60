//! The floor of `benches/compare`: decodes columns of Parquet files and does nothing with them.
//!
//! `floor THREADS COLUMN,COLUMN,… FOLDER` prints the rows that it decoded.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [threads, columns, folder] = arguments.as_slice() else {
        return Err("floor THREADS COLUMN,COLUMN,… FOLDER".into());
    };
    let mut files = Vec::new();
    find(Path::new(folder), &mut files)?;
    // A row group is the unit of work, as in every engine.
    let mut work = Vec::new();
    for file in files {
        let groups = ParquetRecordBatchReaderBuilder::try_new(File::open(&file)?)?;
        let groups = groups.metadata().num_row_groups();
        work.extend((0..groups).map(|group| (file.clone(), group)));
    }
    let (next, rows) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let columns: Vec<&str> = columns.split(',').collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.parse()?)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while let Some((file, group)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                        rows.fetch_add(decoded(file, *group, &columns)?, Ordering::Relaxed);
                    }
                    Ok(())
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| "a thread panicked")?)
    })?;
    let mut out = std::io::stdout();
    std::io::Write::write_fmt(&mut out, format_args!("{}\n", rows.into_inner()))?;
    Ok(())
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "parquet") {
            files.push(path);
        }
    }
    Ok(())
}

fn decoded(file: &Path, group: usize, columns: &[&str]) -> Result<usize> {
    let plain = ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?;
    // Texts as views, which is what the engine reads.
    let fields = plain.schema().fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Utf8 => DataType::Utf8View,
            other => other.clone(),
        };
        Field::new(field.name(), data_type, field.is_nullable())
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    let builder =
        ParquetRecordBatchReaderBuilder::try_new_with_options(File::open(file)?, options)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let batches = builder
        .with_projection(mask)
        .with_row_groups(vec![group])
        .with_batch_size(8192)
        .build()?;
    let mut rows = 0;
    for batch in batches {
        rows += batch?.num_rows();
    }
    Ok(rows)
}
