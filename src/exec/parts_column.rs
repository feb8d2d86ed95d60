//! The parts of DARs as a column of lists.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, ListArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::Result;

use super::ids::ids;
use super::keep::KeptDar;
use super::kept_parts::split;
use super::kept_schema::{KeptIds, kept_id};
use super::parts::{GEN_AI, LISTENED, Part};

/// The column of the parts of some DARs; their instants are in `unit`.
pub(super) fn parts_column(
    kept: &KeptIds,
    unit: TimeUnit,
    rows: &[KeptDar<'_>],
) -> Result<ArrayRef> {
    let lengths = rows.iter().map(|row| row.parts.len());
    let offsets = OffsetBuffer::from_lengths(lengths);
    let listed: Vec<&Part<'_>> = rows.iter().flat_map(|row| &row.parts).collect();
    let count = |place: usize| -> ArrayRef {
        let counts = listed
            .iter()
            .map(|part| part.messages.get(place).copied().map(i64::from));
        Arc::new(counts.collect::<Int64Array>())
    };
    let flag = |flag: u8| -> ArrayRef {
        Arc::new(
            listed
                .iter()
                .map(|part| Some(part.flags & flag != 0))
                .collect::<BooleanArray>(),
        )
    };
    let instants = |instant: fn(&Part<'_>) -> i64| -> Result<[ArrayRef; 2]> {
        let split = listed.iter().map(|part| split(instant(part), unit));
        let (micros, nanos): (Vec<i64>, Vec<i32>) =
            split.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let micros = TimestampMicrosecondArray::from(micros).with_timezone("UTC");
        Ok([Arc::new(micros), Arc::new(Int32Array::from(nanos))])
    };
    let id = |bytes: for<'p> fn(&'p Part<'_>) -> Option<&'p [u8]>,
              data_type: &DataType|
     -> Result<ArrayRef> {
        Ok(cast(
            &ids(listed.iter().map(|part| bytes(part)), data_type)?,
            &kept_id(data_type),
        )?)
    };
    let [first, first_rest] = instants(|part| part.first)?;
    let [last, last_rest] = instants(|part| part.last)?;
    let columns = vec![
        id(|part| Some(part.conversation_id), &kept.conversation)?,
        id(|part| part.consumer_id, &kept.consumer)?,
        id(|part| part.channel, &DataType::Utf8View)?,
        first,
        first_rest,
        last,
        last_rest,
        count(0),
        count(1),
        count(2),
        flag(GEN_AI),
        flag(LISTENED),
    ];
    let values = StructArray::try_new(kept.part_fields(), columns, None)?;
    let list = ListArray::try_new(Arc::new(kept.part_field()), offsets, Arc::new(values), None)?;
    Ok(Arc::new(list))
}
