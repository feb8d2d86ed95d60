//! Rows beside the manifest, in files that are never written twice: what a run adds is a file more, which takes in those
//! before it that are not larger by far. So there are few of them, and none is written often.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Date32Array, Int64Array, RecordBatch, StringArray,
    UInt32Array, UInt64Array,
};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Field, Int64Type, Schema, SchemaRef, UInt32Type, UInt64Type,
};
use datafusion::common::Result;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};

use crate::exec::{Delivered, Kind};
use crate::lake::dar_table::lock::NOTES;
use crate::lake::dar_table::place::Place;

/// What names of such files begin with.
const PREFIXES: [&str; 3] = ["counts-", "conversations-", "copies-"];
/// And what they end with.
const SUFFIX: &str = ".parquet";

/// Whether a name is one of such a file.
pub(in crate::lake::dar_table) fn is_segment(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && name.ends_with(SUFFIX)
}

/// A file of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Segment {
    /// Below the table.
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) rows: usize,
}

fn schema(fields: impl IntoIterator<Item = (&'static str, DataType, bool)>) -> SchemaRef {
    let fields = fields.into_iter();
    let fields =
        fields.map(|(name, data_type, can_be_null)| Field::new(name, data_type, can_be_null));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// How many rows of a kind a file has; without a file, a correction.
pub(super) fn counts_schema() -> SchemaRef {
    schema([
        ("file", DataType::UInt32, true),
        ("org_id", DataType::Utf8, false),
        ("day", DataType::Date32, false),
        ("channel", DataType::Utf8, true),
        ("messages", DataType::Int64, false),
    ])
}

/// The conversations of files, by their marks, and the days from the first to the last of each there.
pub(super) fn conversations_schema() -> SchemaRef {
    schema([
        ("file", DataType::UInt32, false),
        ("mark", DataType::UInt64, false),
        ("first_day", DataType::Date32, false),
        ("last_day", DataType::Date32, false),
    ])
}

/// The rows of messages that came more than once.
pub(super) fn copies_schema() -> SchemaRef {
    schema([
        ("file", DataType::UInt32, false),
        ("site_id", DataType::Utf8, false),
        ("conversation_id", DataType::Binary, false),
        ("message_id", DataType::Binary, false),
        ("sent_at", DataType::Int64, false),
        ("org_id", DataType::Utf8, false),
        ("day", DataType::Date32, false),
        ("channel", DataType::Utf8, true),
    ])
}

/// A row of [`counts_schema`].
pub(super) type Count = (Option<u32>, Kind, i64);

/// A row of [`conversations_schema`].
pub(super) type Conversation = (u32, u64, (i32, i32));

pub(super) fn of_counts(mut counts: Vec<Count>) -> Result<RecordBatch> {
    counts.sort_unstable();
    let kinds = || counts.iter().map(|(_, kind, _)| kind);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(
            counts
                .iter()
                .map(|(file, ..)| *file)
                .collect::<UInt32Array>(),
        ),
        texts(kinds().map(|kind| Some(&*kind.org_id))),
        Arc::new(Date32Array::from_iter_values(kinds().map(|kind| kind.day))),
        texts(kinds().map(|kind| kind.channel.as_deref())),
        Arc::new(Int64Array::from_iter_values(
            counts.iter().map(|(.., count)| *count),
        )),
    ];
    Ok(RecordBatch::try_new(counts_schema(), columns)?)
}

pub(super) fn counts(rows: &RecordBatch) -> impl Iterator<Item = Count> {
    let files = rows.column(0).as_primitive::<UInt32Type>();
    let messages = rows.column(4).as_primitive::<Int64Type>();
    let kinds = kinds(rows, 1);
    kinds.enumerate().map(move |(row, kind)| {
        let file = files.is_valid(row).then(|| files.value(row));
        (file, kind, messages.value(row))
    })
}

pub(super) fn of_conversations(mut noted: Vec<Conversation>) -> Result<RecordBatch> {
    // Marks that lie close together are smaller to write.
    noted.sort_unstable_by_key(|(file, mark, _)| (*mark, *file));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(
            noted.iter().map(|noted| noted.0),
        )),
        Arc::new(UInt64Array::from_iter_values(
            noted.iter().map(|noted| noted.1),
        )),
        Arc::new(Date32Array::from_iter_values(
            noted.iter().map(|noted| noted.2.0),
        )),
        Arc::new(Date32Array::from_iter_values(
            noted.iter().map(|noted| noted.2.1),
        )),
    ];
    Ok(RecordBatch::try_new(conversations_schema(), columns)?)
}

pub(super) fn conversations(rows: &RecordBatch) -> impl Iterator<Item = Conversation> {
    let files = rows.column(0).as_primitive::<UInt32Type>().values().iter();
    let marks = rows.column(1).as_primitive::<UInt64Type>().values().iter();
    let [first, last] = [2, 3].map(|place| {
        rows.column(place)
            .as_primitive::<Date32Type>()
            .values()
            .iter()
    });
    let days = first.zip(last).map(|(first, last)| (*first, *last));
    files
        .zip(marks)
        .zip(days)
        .map(|((file, mark), days)| (*file, *mark, days))
}

pub(super) fn of_copies(copies: &[Delivered]) -> Result<RecordBatch> {
    let bytes = |bytes: fn(&Delivered) -> &[u8]| -> ArrayRef {
        Arc::new(BinaryArray::from_iter_values(copies.iter().map(bytes)))
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(
            copies.iter().map(|row| row.file),
        )),
        texts(copies.iter().map(|row| Some(&*row.site_id))),
        bytes(|row| &row.conversation_id),
        bytes(|row| &row.message_id),
        Arc::new(Int64Array::from_iter_values(
            copies.iter().map(|row| row.sent_at),
        )),
        texts(copies.iter().map(|row| Some(&*row.kind.org_id))),
        Arc::new(Date32Array::from_iter_values(
            copies.iter().map(|row| row.kind.day),
        )),
        texts(copies.iter().map(|row| row.kind.channel.as_deref())),
    ];
    Ok(RecordBatch::try_new(copies_schema(), columns)?)
}

pub(super) fn copies(rows: &RecordBatch) -> impl Iterator<Item = Delivered> {
    let files = rows.column(0).as_primitive::<UInt32Type>();
    let sites = rows.column(1).as_string::<i32>();
    let [conversations, messages] = [2, 3].map(|place| rows.column(place).as_binary::<i32>());
    let sent_at = rows.column(4).as_primitive::<Int64Type>();
    kinds(rows, 5)
        .enumerate()
        .map(move |(row, kind)| Delivered {
            file: files.value(row),
            mark: 0,
            site_id: sites.value(row).into(),
            conversation_id: conversations.value(row).into(),
            message_id: messages.value(row).into(),
            sent_at: sent_at.value(row),
            kind,
        })
}

/// The kinds that stand in three columns from `place` on.
fn kinds(rows: &RecordBatch, place: usize) -> impl Iterator<Item = Kind> {
    let org_ids = rows.column(place).as_string::<i32>();
    let days = rows.column(place + 1).as_primitive::<Date32Type>();
    let channels = rows.column(place + 2).as_string::<i32>();
    (0..rows.num_rows()).map(move |row| Kind {
        org_id: org_ids.value(row).into(),
        day: days.value(row),
        channel: channels.is_valid(row).then(|| channels.value(row).into()),
    })
}

fn texts<'t>(texts: impl Iterator<Item = Option<&'t str>>) -> ArrayRef {
    Arc::new(texts.collect::<StringArray>())
}

/// Shows the rows of segments to `see`. `None`: one is lost, or is something else.
///
/// # Errors
///
/// The store cannot be asked; what `see` says.
pub(super) async fn read_all(
    place: &Place,
    segments: &[Segment],
    schema: SchemaRef,
    mut see: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<Option<()>> {
    for segment in segments {
        if read(place, segment, &schema, &mut see).await?.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(()))
}

/// Shows the rows of one segment.
///
/// # Errors
///
/// The store cannot be asked; what `see` says.
async fn read(
    place: &Place,
    segment: &Segment,
    schema: &SchemaRef,
    mut see: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<Option<()>> {
    let Some(bytes) = place.read(&segment.path).await? else {
        return Ok(None);
    };
    let Ok(builder) = ParquetRecordBatchReaderBuilder::try_new(bytes) else {
        return Ok(None);
    };
    if builder.schema().fields() != schema.fields() {
        return Ok(None);
    }
    let mut rows = 0;
    for batch in builder.with_batch_size(1 << 16).build()? {
        let Ok(batch) = batch else {
            return Ok(None);
        };
        rows += batch.num_rows();
        see(&batch)?;
    }
    Ok((rows == segment.rows).then_some(()))
}

/// Adds rows as a file of that kind and that run, with those of the last segments as far as these have not twice as many.
/// `is_needed` tells which of theirs stay. `None`: one of them is lost.
///
/// # Errors
///
/// The store cannot be read or written.
pub(super) async fn append(
    place: &Place,
    segments: &mut Vec<Segment>,
    (name, run): (&str, &str),
    rows: RecordBatch,
    only_needed: impl Fn(&RecordBatch) -> Result<RecordBatch>,
) -> Result<Option<()>> {
    let schema = rows.schema();
    let mut count = rows.num_rows();
    if count == 0 {
        return Ok(Some(()));
    }
    let mut batches = vec![rows];
    while let Some(last) = segments.pop_if(|last| last.rows < 2 * count) {
        let mut see = |batch: &RecordBatch| {
            let needed = only_needed(batch)?;
            count += needed.num_rows();
            batches.push(needed);
            Ok(())
        };
        if read(place, &last, &schema, &mut see).await?.is_none() {
            return Ok(None);
        }
    }
    let path = format!("{NOTES}/{name}-{run}{SUFFIX}");
    let bytes = bytes(&concat_batches(&schema, &batches)?)?;
    let size = bytes.len() as u64;
    place.write(&path, bytes).await?;
    segments.push(Segment {
        path,
        size,
        rows: count,
    });
    Ok(Some(()))
}

fn bytes(rows: &RecordBatch) -> Result<Vec<u8>> {
    let mark = ColumnPath::from("mark");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_column_dictionary_enabled(mark.clone(), false)
        .set_column_encoding(mark, Encoding::DELTA_BINARY_PACKED)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties))?;
    writer.write(rows)?;
    writer.close()?;
    Ok(bytes)
}
