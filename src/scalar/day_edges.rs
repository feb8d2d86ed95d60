//! Where local days begin and end: what `local_day_start` and `local_day_end` share.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef, TimeUnit};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs};

use super::arguments;
use super::zone_column::ZoneColumn;
use crate::domain::Fault;
use crate::domain::zone::{Zone, ZoneDatabase};
use crate::error;

/// The rule: an instant in seconds, or `None` for a day that does not exist.
pub(super) type Edge = fn(&Zone, i32) -> Result<Option<i64>, Fault>;

const UTC: &str = "UTC";

/// The type of instants in outputs.
pub(super) fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

/// Checks the arguments; the result may always be NULL, for a day that a place skipped.
pub(super) fn return_field(
    function: &str,
    args: &ReturnFieldArgs,
    zones: &ZoneDatabase,
) -> Result<FieldRef> {
    arguments::check_day(function, args)?;
    arguments::check_zone(function, args, zones)?;
    Ok(Arc::new(Field::new(function, instant_type(), true)))
}

/// The edge of each day in the zone of its row.
pub(super) fn invoke(
    function: &str,
    args: ScalarFunctionArgs,
    zones: &ZoneDatabase,
    edge: Edge,
) -> Result<ColumnarValue> {
    let [day, zone] = take_function_args(function, args.args)?;
    let constant = matches!(
        (&day, &zone),
        (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_))
    );
    let rows = if constant { 1 } else { args.number_rows };
    let instants = edges(function, &day.into_array(rows)?, &zone, zones, edge)?;
    if constant {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
            &instants, 0,
        )?));
    }
    Ok(ColumnarValue::Array(instants))
}

fn edges(
    function: &str,
    days: &ArrayRef,
    zone: &ColumnarValue,
    zones: &ZoneDatabase,
    edge: Edge,
) -> Result<ArrayRef> {
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let days = cast_with_options(days, &DataType::Date32, &strict)?;
    let column = ZoneColumn::read(zone, days.nulls(), zones)?;
    let days = days.as_primitive::<Date32Type>();
    let instant = |(row, day): (usize, Option<i32>)| {
        let (Some(day), Some(zone)) = (day, column.get(row)) else {
            return Ok(None);
        };
        let second = edge(zone, day)
            .map_err(|fault| error::data(format!("{function}: {fault} (in {})", zone.name())))?;
        Ok(second.map(|second| second * 1_000_000))
    };
    let instants: TimestampMicrosecondArray = days
        .iter()
        .enumerate()
        .map(instant)
        .collect::<Result<_>>()?;
    Ok(Arc::new(instants.with_timezone(UTC)))
}
