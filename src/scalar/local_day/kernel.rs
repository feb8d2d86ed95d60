//! The local days of a batch of instants.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowTimestampType, DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;

use crate::domain::day::show_instant;
use crate::domain::zone::{Clock, Zone, ZoneDatabase};
use crate::error;
use crate::scalar::zone_column::ZoneColumn;

/// What becomes of an instant whose local day is outside the years -9999 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutOfRange {
    /// An error that names the instant.
    Fail,
    /// NULL.
    Null,
}

/// The local day (`Date32`) of each instant of `ts`, a column of timestamps in any unit and with any zone label, in the
/// zone of its row; NULL where either is.
///
/// # Errors
///
/// A text in a row with an instant that is no zone of `zones`; an instant that is out of range, if that is to fail.
pub(crate) fn local_days(
    ts: &ArrayRef,
    zone: &ColumnarValue,
    zones: &ZoneDatabase,
    out_of_range: OutOfRange,
) -> Result<ArrayRef> {
    let column = ZoneColumn::read(zone, ts.nulls(), zones)?;
    match ts.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            days::<TimestampSecondType, 1>(ts, &column, Zone::by_second, out_of_range)
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            days::<TimestampMillisecondType, 1_000>(ts, &column, Zone::by_millisecond, out_of_range)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            days::<TimestampMicrosecondType, 1_000_000>(
                ts,
                &column,
                Zone::by_microsecond,
                out_of_range,
            )
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            days::<TimestampNanosecondType, 1_000_000_000>(
                ts,
                &column,
                Zone::by_nanosecond,
                out_of_range,
            )
        }
        DataType::Null => Ok(new_null_array(&DataType::Date32, ts.len())),
        other => Err(error::query(format!(
            "a local day is that of a timestamp with a time zone, not of type {other}"
        ))),
    }
}

fn days<T: ArrowTimestampType, const PER_SECOND: i64>(
    ts: &ArrayRef,
    column: &ZoneColumn,
    clock: for<'a> fn(&'a Zone) -> Clock<'a, PER_SECOND>,
    out_of_range: OutOfRange,
) -> Result<ArrayRef> {
    let instants = ts.as_primitive::<T>().values();
    let nulls = NullBuffer::union(ts.nulls(), column.nulls());
    let mut beyond = false;
    let mut day = |clock: Clock<PER_SECOND>, instant: i64| {
        clock.day(instant).unwrap_or_else(|| {
            beyond = true;
            0
        })
    };
    let days: Vec<i32> = match column {
        ZoneColumn::None => return Ok(new_null_array(&DataType::Date32, ts.len())),
        ZoneColumn::Same(zone) => {
            let clock = clock(zone);
            instants
                .iter()
                .map(|instant| day(clock, *instant))
                .collect()
        }
        ZoneColumn::Each { zones, rows, .. } => {
            let clocks: Vec<_> = zones.iter().map(|zone| clock(zone)).collect();
            let rows = rows.iter().map(|number| clocks[*number as usize]);
            instants
                .iter()
                .zip(rows)
                .map(|(instant, clock)| day(clock, *instant))
                .collect()
        }
    };
    // Rows without an instant or a zone may hold any number; only the others count.
    let nulls = if beyond {
        rows_within(instants, column, clock, nulls, out_of_range)?
    } else {
        nulls
    };
    Ok(Arc::new(Date32Array::new(days.into(), nulls)))
}

/// `nulls`, and the rows out of range.
#[cold]
fn rows_within<const PER_SECOND: i64>(
    instants: &ScalarBuffer<i64>,
    column: &ZoneColumn,
    clock: for<'a> fn(&'a Zone) -> Clock<'a, PER_SECOND>,
    nulls: Option<NullBuffer>,
    out_of_range: OutOfRange,
) -> Result<Option<NullBuffer>> {
    let mut valid = Vec::with_capacity(instants.len());
    for (row, instant) in instants.iter().enumerate() {
        let wanted = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        let zone = column.get(row).filter(|_| wanted);
        let within = zone.is_some_and(|zone| clock(zone).day(*instant).is_some());
        if let Some(zone) = zone.filter(|_| !within && out_of_range == OutOfRange::Fail) {
            return Err(error::data(format!(
                "local_day: the instant {} has no day in {}: the calendar has the years -9999 to 9999; \
                 is the number in another unit than its type says?",
                show_instant(instant.div_euclid(PER_SECOND)),
                zone.name()
            )));
        }
        valid.push(within);
    }
    Ok(Some(NullBuffer::new(BooleanBuffer::from(valid))))
}
