//! Totals in 256 bits: what [`mod@super::exact_sum`] adds up in, and how a total becomes a column again.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Decimal256Array, Int64Array,
    UInt64Array,
};
use arrow::datatypes::{DataType, Decimal128Type, Decimal256Type, Int64Type, UInt64Type, i256};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use crate::error;

pub(super) fn scale(data_type: &DataType) -> i8 {
    match data_type {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale,
        _ => 0,
    }
}

/// Partial sums travel as the widest decimal, in which they always fit.
pub(super) fn state_type(input: &DataType) -> DataType {
    DataType::Decimal256(76, scale(input))
}

/// The values of an exact column as 256-bit counts of the last decimal.
fn counts(array: &ArrayRef) -> Result<Box<dyn Fn(usize) -> i256 + '_>> {
    Ok(match array.data_type() {
        DataType::Int64 => {
            let values = array.as_primitive::<Int64Type>();
            Box::new(|row| i256::from_i128(values.value(row).into()))
        }
        DataType::UInt64 => {
            let values = array.as_primitive::<UInt64Type>();
            Box::new(|row| i256::from_i128(values.value(row).into()))
        }
        DataType::Decimal128(_, _) => {
            let values = array.as_primitive::<Decimal128Type>();
            Box::new(|row| i256::from_i128(values.value(row)))
        }
        DataType::Decimal256(_, _) => {
            let values = array.as_primitive::<Decimal256Type>();
            Box::new(|row| values.value(row))
        }
        other => return Err(exec_datafusion_err!("a sum cannot add {other}")),
    })
}

/// What each row adds to a sum: its value, as often as a second column says that there is such a row.
fn addends(columns: &[ArrayRef]) -> Result<Option<impl Fn(usize) -> Result<Option<i256>> + '_>> {
    let Some(column) = columns.first() else {
        return Ok(None);
    };
    let value = counts(column)?;
    let times = columns
        .get(1)
        .map(|times| times.as_primitive::<Int64Type>());
    Ok(Some(move |row| {
        if column.is_null(row) {
            return Ok(None);
        }
        match times {
            Some(times) => value(row)
                .checked_mul(i256::from_i128(times.value(row).into()))
                .map(Some)
                .ok_or_else(too_large_to_add),
            None => Ok(Some(value(row))),
        }
    }))
}

fn add(sum: i256, value: i256) -> Result<i256> {
    sum.checked_add(value).ok_or_else(too_large_to_add)
}

fn too_large_to_add() -> datafusion::error::DataFusionError {
    error::data("sum: the total does not fit 256 bits")
}

/// The totals as a column of the result type.
///
/// # Errors
///
/// A total that does not fit it.
fn totals(sums: &[Option<i256>], result: &DataType) -> Result<ArrayRef> {
    let too_large = |sum: &i256| {
        error::data(format!(
            "sum: the total {sum} (in units of the last decimal) does not fit {result}; sum fewer rows, or fewer decimals"
        ))
    };
    Ok(match result {
        DataType::Int64 => {
            let value = |sum: &i256| sum.to_i128().and_then(|sum| i64::try_from(sum).ok());
            let values = each(sums, |sum| value(sum).ok_or_else(|| too_large(sum)))?;
            Arc::new(Int64Array::from(values))
        }
        DataType::UInt64 => {
            let value = |sum: &i256| sum.to_i128().and_then(|sum| u64::try_from(sum).ok());
            let values = each(sums, |sum| value(sum).ok_or_else(|| too_large(sum)))?;
            Arc::new(UInt64Array::from(values))
        }
        DataType::Decimal128(precision, scale) => {
            let limit = 10_u128
                .checked_pow(u32::from(*precision))
                .unwrap_or(u128::MAX);
            let value = |sum: &i256| sum.to_i128().filter(|sum| sum.unsigned_abs() < limit);
            let values = each(sums, |sum| value(sum).ok_or_else(|| too_large(sum)))?;
            Arc::new(Decimal128Array::from(values).with_precision_and_scale(*precision, *scale)?)
        }
        DataType::Decimal256(precision, scale) => {
            let limit = i256::from_i128(10)
                .checked_pow(u32::from(*precision))
                .unwrap_or(i256::MAX);
            let fits = |sum: &i256| *sum < limit && *sum > limit.wrapping_neg();
            let values = each(sums, |sum| {
                fits(sum).then_some(*sum).ok_or_else(|| too_large(sum))
            })?;
            Arc::new(Decimal256Array::from(values).with_precision_and_scale(*precision, *scale)?)
        }
        other => return Err(exec_datafusion_err!("a sum cannot be {other}")),
    })
}

fn each<T>(sums: &[Option<i256>], value: impl Fn(&i256) -> Result<T>) -> Result<Vec<Option<T>>> {
    sums.iter()
        .map(|sum| sum.as_ref().map(&value).transpose())
        .collect()
}

/// One sum per group; `None` before its first value.
pub(super) struct GroupSums {
    input: DataType,
    result: DataType,
    sums: Vec<Option<i256>>,
}

impl GroupSums {
    /// No groups yet, of values of type `input` that add up to `result`.
    pub(super) fn new(input: DataType, result: DataType) -> Self {
        Self {
            input,
            result,
            sums: Vec::new(),
        }
    }
}

impl GroupsAccumulator for GroupSums {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.sums.resize(total_num_groups, None);
        let Some(addend) = addends(values)? else {
            return Ok(());
        };
        for (row, group) in group_indices.iter().enumerate() {
            let wanted = opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if wanted
                && let Some(value) = addend(row)?
                && let Some(sum) = self.sums.get_mut(*group)
            {
                *sum = Some(add(sum.unwrap_or(i256::ZERO), value)?);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        totals(&emit_to.take_needed(&mut self.sums), &self.result)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![totals(
            &emit_to.take_needed(&mut self.sums),
            &state_type(&self.input),
        )?])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.update_batch(values, group_indices, None, total_num_groups)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let Some(addend) = addends(values)? else {
            return Ok(Vec::new());
        };
        let rows = 0..values.first().map_or(0, |column| column.len());
        let state = |row| match opt_filter {
            Some(filter) if filter.is_null(row) || !filter.value(row) => Ok(None),
            _ => addend(row),
        };
        let states = rows.map(state).collect::<Result<Vec<Option<i256>>>>()?;
        Ok(vec![totals(&states, &state_type(&self.input))?])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<Option<i256>>()
    }
}

/// One sum, which a window may also take values out of.
#[derive(Debug)]
pub(super) struct RunningSum {
    result: DataType,
    sum: i256,
    /// How many values the sum is made of; of none it is NULL.
    values: u64,
    scale: i8,
}

impl RunningSum {
    /// No value yet; they add up to `result`.
    pub(super) fn new(result: DataType) -> Self {
        Self {
            scale: scale(&result),
            result,
            sum: i256::ZERO,
            values: 0,
        }
    }

    fn each(
        &mut self,
        values: &[ArrayRef],
        apply: impl Fn(&mut Self, i256) -> Result<()>,
    ) -> Result<()> {
        let Some(addend) = addends(values)? else {
            return Ok(());
        };
        for row in 0..values.first().map_or(0, |column| column.len()) {
            if let Some(value) = addend(row)? {
                apply(self, value)?;
            }
        }
        Ok(())
    }

    fn total(&self) -> Option<i256> {
        (self.values > 0).then_some(self.sum)
    }
}

impl Accumulator for RunningSum {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, |this, value| {
            this.sum = add(this.sum, value)?;
            this.values += 1;
            Ok(())
        })
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&totals(&[self.total()], &self.result)?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let state = totals(&[self.total()], &DataType::Decimal256(76, self.scale))?;
        Ok(vec![ScalarValue::try_from_array(&state, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, |this, value| {
            this.sum = this.sum.checked_sub(value).ok_or_else(too_large_to_add)?;
            this.values = this.values.saturating_sub(1);
            Ok(())
        })
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }
}

/// The sum of the different values.
#[derive(Debug)]
pub(super) struct DistinctSum {
    values: HashSet<i256>,
    scale: i8,
    result: DataType,
}

impl DistinctSum {
    /// No value yet, of type `input`; they add up to `result`.
    pub(super) fn new(input: &DataType, result: DataType) -> Self {
        Self {
            values: HashSet::new(),
            scale: scale(input),
            result,
        }
    }
}

impl Accumulator for DistinctSum {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(column) = values.first() else {
            return Ok(());
        };
        let value = counts(column)?;
        self.values.extend(
            (0..column.len())
                .filter(|row| column.is_valid(*row))
                .map(value),
        );
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = self
            .values
            .iter()
            .try_fold(i256::ZERO, |sum, value| add(sum, *value))?;
        let sum = (!self.values.is_empty()).then_some(sum);
        ScalarValue::try_from_array(&totals(&[sum], &self.result)?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<i256>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let item = DataType::Decimal256(76, self.scale);
        let values: Vec<ScalarValue> = self
            .values
            .iter()
            .map(|value| ScalarValue::Decimal256(Some(*value), 76, self.scale))
            .collect();
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(
            &values, &item,
        ))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.first() else {
            return Ok(());
        };
        lists
            .as_list::<i32>()
            .iter()
            .flatten()
            .try_for_each(|values| self.update_batch(&[values]))
    }
}
