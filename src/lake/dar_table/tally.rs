//! How many DARs of each day are alike for a bill (see [`super::alike`]), beside the manifest, a file for the days of each
//! year: a bill is then made without a look at the files of the days, and of the years that it is about.
//!
//! Every row names the file of the day that was counted, which is never written twice. So what a file says is true of a
//! version of the table as far as that has the same files, and a day of which it says nothing is counted once more.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::repeat_n;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray,
};
use datafusion::arrow::compute::{cast, concat_batches, partition};
use datafusion::arrow::datatypes::{DataType, Date32Type, Field, Int64Type, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{col, lit};
use datafusion::prelude::SessionContext;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::alike::{self, DARS_ALIKE};
use super::lock::NOTES;
use super::log::DayFile;
use super::place::Place;
use crate::domain::day::date_of;
use crate::exec::DaySet;

/// The column that names the file that was counted.
const FILE: &str = "file";

/// What names of such files begin and end with.
const PREFIX: &str = "tally-";
/// See [`PREFIX`].
const SUFFIX: &str = ".parquet";

/// Whether a name is one that [`Tally::write`] gives to a file.
pub(super) fn is_tally(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// The path of the file of each year, below the table.
pub(super) type TallyFiles = BTreeMap<i32, String>;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    /// The columns of [`super::alike`].
    schema: SchemaRef,
    files: TallyFiles,
    /// The years that were looked at.
    years: BTreeMap<i32, Year>,
}

/// The days of one year.
#[derive(Debug, Clone, Default)]
struct Year {
    days: BTreeMap<i32, Counted>,
    /// Whether the year's file says exactly this.
    is_written: bool,
}

/// A day that was counted.
#[derive(Debug, Clone, PartialEq)]
struct Counted {
    /// The path of the day's file, below the table.
    file: String,
    rows: RecordBatch,
}

/// The year whose file counts a day.
fn year_of(day: i32) -> i32 {
    date_of(day).map_or(0, |date| i32::from(date.year()))
}

impl Tally {
    /// For DARs of these columns, counted in these files as far as they were.
    pub(super) fn new(dars: &Schema, files: TallyFiles) -> Result<Self> {
        Ok(Self {
            schema: alike::schema(dars)?,
            files,
            years: BTreeMap::new(),
        })
    }

    /// Looks at the years of some days, if it has not. `files` are those of all days: what was counted in others is
    /// forgotten, and so is a file of counts that is not there or is something else.
    ///
    /// # Errors
    ///
    /// The store cannot be asked.
    pub(super) async fn look_at(
        &mut self,
        place: &Place,
        days: impl Iterator<Item = i32>,
        files: &BTreeMap<i32, DayFile>,
    ) -> Result<()> {
        let years: BTreeSet<i32> = days.map(year_of).collect();
        for year in years {
            if !self.years.contains_key(&year) {
                let found = self.load(place, year, files).await?;
                self.years.insert(year, found);
            }
        }
        Ok(())
    }

    async fn load(&self, place: &Place, year: i32, files: &BTreeMap<i32, DayFile>) -> Result<Year> {
        let Some(path) = self.files.get(&year) else {
            return Ok(Year::default());
        };
        let bytes = place.read(path).await?;
        let days = bytes.and_then(|bytes| read(bytes, &self.schema).ok());
        let Some(mut days) = days else {
            return Ok(Year::default());
        };
        let count = days.len();
        days.retain(|day, counted| {
            let file = files.get(day);
            year_of(*day) == year && file.is_some_and(|file| counted.is_of(file))
        });
        Ok(Year {
            is_written: days.len() == count,
            days,
        })
    }

    /// Those of the days that were not counted, in years that were looked at or not.
    pub(super) fn missing(&self, days: &BTreeMap<i32, DayFile>) -> BTreeMap<i32, DayFile> {
        let is_counted = |day: i32| {
            let year = self.years.get(&year_of(day));
            year.is_some_and(|year| year.days.contains_key(&day))
        };
        let missing = days.iter().filter(|(day, _)| !is_counted(**day));
        missing.map(|(day, file)| (*day, file.clone())).collect()
    }

    /// Sets what was counted of a day, in a year that was looked at.
    pub(super) fn insert(&mut self, day: i32, file: &DayFile, rows: RecordBatch) {
        let file = file.path.clone();
        let year = self.years.entry(year_of(day)).or_default();
        year.days.insert(day, Counted { file, rows });
        year.is_written = false;
    }

    /// Counts the days in their files.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub(super) async fn count(
        &mut self,
        ctx: &SessionContext,
        dars: Arc<dyn TableProvider>,
        days: &BTreeMap<i32, DayFile>,
    ) -> Result<()> {
        let key = alike::ASKED.into_iter().chain(["day"]).map(col);
        let order = ["day"].into_iter().chain(alike::ASKED);
        let order = order.map(|name| col(name).sort(true, true));
        let counted = ctx
            .read_table(dars)?
            .aggregate(key.collect(), vec![count(lit(1_i64)).alias(DARS_ALIKE)])?
            .sort(order.collect())?
            .collect()
            .await?;
        let columns = |batch: RecordBatch| {
            let fields = self.schema.fields().iter();
            let columns = fields.zip(batch.columns());
            let columns = columns.map(|(field, column)| cast(column, field.data_type()));
            let columns = columns.collect::<std::result::Result<Vec<ArrayRef>, _>>()?;
            RecordBatch::try_new(Arc::clone(&self.schema), columns)
        };
        let counted = counted.into_iter().map(columns);
        let counted = counted.collect::<std::result::Result<Vec<_>, _>>()?;
        let counted = concat_batches(&self.schema, &counted)?;
        for (day, range) in by_day(&counted)? {
            if let Some(file) = days.get(&day) {
                self.insert(day, file, counted.slice(range.start, range.len()));
            }
        }
        Ok(())
    }

    /// The counts of each of these days, of the years that were looked at.
    pub(super) fn counts(&self, days: &DaySet) -> impl Iterator<Item = (i32, &RecordBatch)> {
        let counted = self.years.values().flat_map(|year| &year.days);
        let counted = counted.filter(|(day, _)| days.contains(**day));
        counted.map(|(day, counted)| (*day, &counted.rows))
    }

    /// Writes the years that are others now as files of a run. Gives the files of all years.
    pub(super) async fn write(&self, place: &Place, run: &str) -> Result<TallyFiles> {
        let mut files = self.files.clone();
        for (number, year) in self.years.iter().filter(|(_, year)| !year.is_written) {
            if year.days.is_empty() {
                files.remove(number);
                continue;
            }
            let path = format!("{NOTES}/{PREFIX}{number}-{run}{SUFFIX}");
            place.write(&path, year.bytes(&self.schema)?).await?;
            files.insert(*number, path);
        }
        Ok(files)
    }
}

impl Year {
    fn bytes(&self, schema: &SchemaRef) -> Result<Vec<u8>> {
        let files = self
            .days
            .values()
            .flat_map(|counted| repeat_n(counted.file.as_str(), counted.rows.num_rows()));
        let files = StringViewArray::from_iter_values(files);
        let rows = self.days.values().map(|counted| &counted.rows);
        let mut columns = concat_batches(schema, rows)?.columns().to_vec();
        columns.push(Arc::new(files));
        let schema = with_file(schema);
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .build();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, schema, Some(properties))?;
        writer.write(&rows)?;
        writer.close()?;
        Ok(bytes)
    }
}

impl Counted {
    /// Whether it was counted in this file, and wholly.
    fn is_of(&self, file: &DayFile) -> bool {
        let counts = self.rows.column_by_name(DARS_ALIKE);
        let counts = counts.and_then(|counts| counts.as_primitive_opt::<Int64Type>());
        let total = counts.and_then(|counts: &Int64Array| {
            let mut counts = counts.values().iter();
            counts.try_fold(0_i64, |total, count| total.checked_add(*count))
        });
        self.file == file.path
            && total.and_then(|total| usize::try_from(total).ok()) == Some(file.rows)
    }
}

fn with_file(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().cloned();
    let file = Arc::new(Field::new(FILE, DataType::Utf8View, true));
    Arc::new(Schema::new(fields.chain([file]).collect::<Vec<_>>()))
}

fn read(bytes: Bytes, schema: &SchemaRef) -> Result<BTreeMap<i32, Counted>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
    let with_file = with_file(schema);
    if builder.schema().fields() != with_file.fields() {
        return Err(exec_datafusion_err!("it has other columns"));
    }
    let batches = builder.with_batch_size(1 << 16).build()?;
    let batches = batches.collect::<std::result::Result<Vec<_>, _>>()?;
    let rows = concat_batches(&with_file, &batches)?;
    let places: Vec<usize> = (0..schema.fields().len()).collect();
    let counted = rows.project(&places)?.with_schema(Arc::clone(schema))?;
    let files = rows.column(places.len()).as_string_view();
    let mut days = BTreeMap::new();
    for (day, range) in by_day(&counted)? {
        let file = files.value(range.start).to_owned();
        let is_one = range.clone().all(|row| files.value(row) == file);
        let rows = counted.slice(range.start, range.len());
        if !is_one || days.insert(day, Counted { file, rows }).is_some() {
            return Err(exec_datafusion_err!("it has a day twice"));
        }
    }
    Ok(days)
}

/// The stretches of rows of one day.
fn by_day(rows: &RecordBatch) -> Result<Vec<(i32, Range<usize>)>> {
    let days = rows
        .column_by_name("day")
        .ok_or_else(|| exec_datafusion_err!("the counts have no day"))?;
    if rows.num_rows() == 0 {
        return Ok(Vec::new());
    }
    let values = days.as_primitive::<Date32Type>();
    if values.null_count() > 0 {
        return Err(exec_datafusion_err!("the counts have a day that is NULL"));
    }
    let stretches = partition(std::slice::from_ref(days))?.ranges();
    let stretches = stretches.into_iter();
    Ok(stretches
        .map(|range| (values.value(range.start), range))
        .collect())
}
