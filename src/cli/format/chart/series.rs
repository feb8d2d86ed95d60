//! What a chart is drawn from: points with an exact number and, over time, a place.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimeUnit};
use datafusion::error::Result;

use super::{converted, is_time};

/// A column of numbers.
pub(super) struct Series {
    pub(super) name: String,
    /// Its place among the columns.
    pub(super) column: usize,
    /// Decimals of the whole numbers that stand for its values.
    scale: i8,
    pub(super) points: Vec<Point>,
}

/// A number and what it belongs to.
pub(super) struct Point {
    pub(super) label: String,
    /// Microseconds, if the label is a moment.
    pub(super) place: Option<i64>,
    /// The number times ten to the scale of its series.
    pub(super) value: Option<i128>,
    /// The number as a table shows it.
    pub(super) text: String,
}

/// Decimals that a float is drawn with.
const FLOAT_SCALE: i8 = 6;

impl Series {
    pub(super) fn new(column: usize, name: &str, data_type: &DataType) -> Self {
        let scale = match data_type {
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale) => *scale,
            float if float.is_floating() => FLOAT_SCALE,
            _ => 0,
        };
        Self {
            name: name.to_owned(),
            column,
            scale,
            points: Vec::new(),
        }
    }

    /// The values of `array` as whole numbers; `None` for NULL and for what is no number.
    pub(super) fn values(&self, array: &ArrayRef) -> Result<Vec<Option<i128>>> {
        let decimals = converted(array, &DataType::Decimal128(38, self.scale))?;
        Ok(decimals.as_primitive::<Decimal128Type>().iter().collect())
    }

    /// A whole number of this series as people read it.
    pub(super) fn text(&self, value: i128) -> String {
        let digits = value.unsigned_abs().to_string();
        let scale = usize::from(u8::try_from(self.scale.max(0)).unwrap_or(0));
        let sign = if value < 0 { "-" } else { "" };
        if scale == 0 {
            return format!("{sign}{digits}");
        }
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, part) = digits.split_at(digits.len() - scale);
        format!("{sign}{whole}.{part}")
    }

    /// The smallest and the largest value, 0 among them.
    pub(super) fn range(&self) -> (i128, i128) {
        let values = || self.points.iter().filter_map(|point| point.value);
        (
            values().min().unwrap_or_default().min(0),
            values().max().unwrap_or_default().max(0),
        )
    }
}

/// `part` of `whole`, in steps of which the whole has `steps`, rounded to the nearest. Neither is negative.
pub(super) fn share(part: i128, whole: i128, steps: usize) -> usize {
    // Beyond this, the product with the steps might not fit, and the digits behind it cannot be seen.
    const LARGEST: i128 = 1_000_000_000_000_000_000_000_000_000_000;
    let shrink = whole / LARGEST + 1;
    let (part, whole) = (part / shrink, (whole / shrink).max(1));
    let steps = i128::try_from(steps).unwrap_or(i128::from(u16::MAX));
    usize::try_from((part * steps + whole / 2) / whole).unwrap_or_default()
}

/// The moments of a label as microseconds; `None` if it is no moment.
pub(super) fn places(array: &ArrayRef) -> Result<Option<Vec<Option<i64>>>> {
    if !is_time(array.data_type()) {
        return Ok(None);
    }
    let zone = match array.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let instants = converted(array, &DataType::Timestamp(TimeUnit::Microsecond, zone))?;
    let numbers = converted(&instants, &DataType::Int64)?;
    Ok(Some(numbers.as_primitive::<Int64Type>().iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_decimals() {
        let series = Series::new(0, "x", &DataType::Decimal128(18, 4));
        assert_eq!(series.text(12_345), "1.2345");
        assert_eq!(series.text(-5), "-0.0005");
        assert_eq!(Series::new(0, "x", &DataType::Int64).text(-5), "-5");
    }

    #[test]
    fn shares_are_rounded_to_the_nearest_step() {
        assert_eq!(share(1, 3, 100), 33);
        assert_eq!(share(2, 3, 100), 67);
        assert_eq!(share(0, 0, 8), 0);
        assert_eq!(share(i128::MAX, i128::MAX, 400), 400);
    }
}
