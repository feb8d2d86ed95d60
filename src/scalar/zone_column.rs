//! The zone of each row, from a constant or a column in any string encoding.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArrayType};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;

use super::zone_spellings::ZoneSpellings;
use crate::domain::Fault;
use crate::domain::zone::{Zone, ZoneDatabase};
use crate::error;

/// The zones of a batch's rows.
pub(super) enum ZoneColumn {
    /// No row has a zone, or none that matters.
    None,
    /// Every row has this one.
    Same(Arc<Zone>),
    /// A row's zone is `zones[rows[row]]`; where `nulls` or the caller's own say NULL, it is any of them.
    Each {
        zones: Vec<Arc<Zone>>,
        rows: Vec<u32>,
        nulls: Option<NullBuffer>,
    },
}

impl ZoneColumn {
    /// Reads the zones of the rows that `wanted` holds valid (all, if it is `None`).
    ///
    /// A text that is no zone is an error in a wanted row, and only there.
    pub(super) fn read(
        zone: &ColumnarValue,
        wanted: Option<&NullBuffer>,
        database: &ZoneDatabase,
    ) -> Result<Self> {
        let array = match zone {
            ColumnarValue::Scalar(constant) => {
                return match constant.try_as_str().flatten() {
                    None => Ok(Self::None),
                    Some(name) => Ok(Self::Same(database.zone(name).map_err(refuse)?)),
                };
            }
            ColumnarValue::Array(array) => array,
        };
        let nulls = array.logical_nulls();
        let wanted = NullBuffer::union(wanted, nulls.as_ref());
        let mut names = ZoneSpellings::new(database);
        let rows = numbers(array, wanted.as_ref(), &mut names)?;
        let zones = names.into_zones();
        Ok(if zones.is_empty() {
            Self::None
        } else {
            Self::Each { zones, rows, nulls }
        })
    }

    /// The rows without a zone.
    pub(super) fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Self::Each { nulls, .. } => nulls.as_ref(),
            Self::None | Self::Same(_) => None,
        }
    }

    /// The zone of a row, if it has one.
    pub(super) fn get(&self, row: usize) -> Option<&Zone> {
        match self {
            Self::None => None,
            Self::Same(zone) => Some(zone),
            Self::Each { zones, rows, nulls } => {
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    return None;
                }
                let number = usize::try_from(*rows.get(row)?).ok()?;
                zones.get(number).map(Arc::as_ref)
            }
        }
    }
}

/// The number of each row's zone, 0 in rows that are not wanted.
fn numbers(
    array: &ArrayRef,
    wanted: Option<&NullBuffer>,
    names: &mut ZoneSpellings,
) -> Result<Vec<u32>> {
    match array.data_type() {
        DataType::Utf8 => text_numbers(array.as_string::<i32>(), wanted, names),
        DataType::LargeUtf8 => text_numbers(array.as_string::<i64>(), wanted, names),
        DataType::Utf8View => text_numbers(array.as_string_view(), wanted, names),
        DataType::Dictionary(_, _) => dictionary_numbers(array, wanted, names),
        DataType::Null => Ok(vec![0; array.len()]),
        other => Err(error::query(format!(
            "a time zone is text, not of type {other}"
        ))),
    }
}

fn text_numbers<'a>(
    texts: impl StringArrayType<'a>,
    wanted: Option<&NullBuffer>,
    names: &mut ZoneSpellings,
) -> Result<Vec<u32>> {
    let mut rows = vec![0; texts.len()];
    let Some(wanted) = wanted.filter(|wanted| wanted.null_count() > 0) else {
        for (row, number) in rows.iter_mut().enumerate() {
            *number = names.number(texts.value(row)).map_err(refuse)?;
        }
        return Ok(rows);
    };
    for row in wanted.valid_indices() {
        rows[row] = names.number(texts.value(row)).map_err(refuse)?;
    }
    Ok(rows)
}

/// Looks every value of the dictionary up at most once, when the first wanted row uses it.
fn dictionary_numbers(
    array: &ArrayRef,
    wanted: Option<&NullBuffer>,
    names: &mut ZoneSpellings,
) -> Result<Vec<u32>> {
    const UNKNOWN: u32 = u32::MAX;
    let dictionary = array.as_any_dictionary();
    let values = dictionary.values();
    if values.is_empty() {
        return Ok(vec![0; array.len()]);
    }
    let mut known = vec![UNKNOWN; values.len()];
    let mut rows = vec![0; array.len()];
    for (row, (number, key)) in rows
        .iter_mut()
        .zip(dictionary.normalized_keys())
        .enumerate()
    {
        if known[key] != UNKNOWN {
            *number = known[key];
        } else if wanted.is_none_or(|wanted| wanted.is_valid(row)) {
            let found = numbers(&values.slice(key, 1), None, names)?;
            known[key] = found.first().copied().unwrap_or_default();
            *number = known[key];
        }
    }
    Ok(rows)
}

fn refuse(fault: Fault) -> datafusion::error::DataFusionError {
    error::data(fault.to_string())
}
