//! Timestamps of any unit, read as instants.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{
    DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use datafusion::common::{Result, exec_datafusion_err};

/// A timestamp column as counts of its unit.
#[derive(Debug, Clone)]
pub(crate) struct Instants {
    counts: ScalarBuffer<i64>,
    per_second: i64,
}

/// How many of `unit` make a second.
pub(crate) fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// Reads a timestamp column of any unit and zone label; the label says nothing about the instant.
///
/// # Errors
///
/// Any other type: the planner has let a wrong column through.
pub(crate) fn instants(array: &ArrayRef) -> Result<Instants> {
    let DataType::Timestamp(unit, _) = array.data_type() else {
        return Err(exec_datafusion_err!(
            "a timestamp is expected, got {}",
            array.data_type()
        ));
    };
    let counts = match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
    };
    Ok(Instants {
        counts: counts.clone(),
        per_second: per_second(*unit),
    })
}

impl Instants {
    /// The count of the column's own unit at `row`; meaningless where NULL.
    pub(crate) fn count(&self, row: usize) -> i64 {
        self.counts.get(row).copied().unwrap_or_default()
    }

    /// Whole seconds since 1970, rounded up.
    pub(crate) fn ceil(&self, row: usize) -> i64 {
        let count = self.count(row);
        let floor = count.div_euclid(self.per_second);
        if count.rem_euclid(self.per_second) == 0 {
            floor
        } else {
            floor + 1
        }
    }

    /// Nanoseconds since 1970.
    pub(crate) fn nanoseconds(&self, row: usize) -> i128 {
        i128::from(self.count(row)) * i128::from(1_000_000_000 / self.per_second)
    }
}
