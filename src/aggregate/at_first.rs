//! `dayrate_at_first(value, instant)`: the value at the earliest instant; of several there the smallest, NULL last.
//!
//! Internal: table functions plan it. A DAR's channel, zone and carried columns are "those of its first message", and
//! the order (instant, then value, NULL last) makes them the same whatever the order of the rows. The function is
//! associative: the value at the first of several firsts is the value at the first of all.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, UInt32Array, new_null_array};
use arrow::compute::SortOptions;
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{Result, exec_datafusion_err, not_impl_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use super::interner::Interner;
use crate::scalar::internal::instant::instants;

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct AtFirst {
    signature: Signature,
}

impl AtFirst {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }
}

fn firsts(args: &AccumulatorArgs) -> Result<Firsts> {
    let [value, instant] = args.expr_fields else {
        return Err(exec_datafusion_err!(
            "dayrate_at_first takes a value and an instant"
        ));
    };
    Firsts::new(value.data_type(), instant.data_type())
}

impl AggregateUDFImpl for AtFirst {
    fn name(&self) -> &str {
        "dayrate_at_first"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        arg_types
            .first()
            .cloned()
            .ok_or_else(|| exec_datafusion_err!("dayrate_at_first takes a value and an instant"))
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        not_impl_err!("dayrate_at_first works under GROUP BY only")
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let types = args
            .input_fields
            .iter()
            .map(|field| field.data_type().clone());
        Ok(["value", "instant"]
            .iter()
            .zip(types)
            .map(|(part, data_type)| {
                Arc::new(Field::new(
                    format!("{}[{part}]", args.name),
                    data_type,
                    true,
                ))
            })
            .collect())
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(firsts(&args)?))
    }
}

/// A group that has seen no row.
const NONE: u32 = u32::MAX;

/// The first value of each group, as the number of its encoding.
struct Firsts {
    instant_type: DataType,
    /// Encodes values so that comparing bytes compares values, NULL last.
    converter: RowConverter,
    values: Interner,
    codes: Vec<u32>,
    instants: Vec<i64>,
}

impl Firsts {
    fn new(value: &DataType, instant: &DataType) -> Result<Self> {
        let order = SortOptions {
            descending: false,
            nulls_first: false,
        };
        Ok(Self {
            instant_type: instant.clone(),
            converter: RowConverter::new(vec![SortField::new_with_options(value.clone(), order)])?,
            values: Interner::default(),
            codes: Vec::new(),
            instants: Vec::new(),
        })
    }

    /// The rows that may be first in their group: at or before the earliest instant seen so far. In files that are
    /// ordered by time that is one row a group, so only that many values are encoded.
    fn candidates(
        &mut self,
        instant: &ArrayRef,
        groups: &[usize],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<u32>> {
        let counts = instants(instant)?;
        let nulls = instant.nulls();
        let mut candidates = Vec::new();
        for (row, group) in groups.iter().enumerate() {
            let wanted = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if !wanted || nulls.is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            let (Some(first), Some(code)) =
                (self.instants.get_mut(*group), self.codes.get_mut(*group))
            else {
                return Err(exec_datafusion_err!(
                    "dayrate_at_first: group {group} is out of range"
                ));
            };
            let count = counts.count(row);
            if count <= *first {
                if count < *first {
                    (*first, *code) = (count, NONE);
                }
                candidates.push(
                    u32::try_from(row)
                        .map_err(|_| exec_datafusion_err!("a batch has more than 2^32 rows"))?,
                );
            }
        }
        Ok(candidates)
    }

    fn update(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let [value, instant] = values else {
            return Err(exec_datafusion_err!(
                "dayrate_at_first takes a value and an instant"
            ));
        };
        self.codes.resize(total, NONE);
        self.instants.resize(total, i64::MAX);
        let candidates = UInt32Array::from(self.candidates(instant, groups, filter)?);
        if candidates.is_empty() {
            return Ok(());
        }
        let counts = instants(instant)?;
        let encoded = self
            .converter
            .convert_columns(&[take(value, &candidates, None)?])?;
        for (row, bytes) in candidates.values().iter().zip(encoded.iter()) {
            let row = *row as usize;
            let Some(group) = groups.get(row) else {
                continue;
            };
            let (Some(first), Some(code)) = (self.instants.get(*group), self.codes.get_mut(*group))
            else {
                continue;
            };
            // A later candidate of this batch may have been earlier in time.
            if counts.count(row) == *first
                && (*code == NONE || bytes.as_ref() < self.values.get(*code))
            {
                *code = self.values.intern(bytes.as_ref())?;
            }
        }
        Ok(())
    }

    fn emit(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let codes = emit_to.take_needed(&mut self.codes);
        let first = emit_to.take_needed(&mut self.instants);
        let seen: Vec<Option<i64>> = first
            .iter()
            .zip(&codes)
            .map(|(first, code)| (*code != NONE).then_some(*first))
            .collect();
        let instants = cast(&Int64Array::from(seen), &self.instant_type)?;
        // NULL stands for a group without rows.
        let null = self
            .converter
            .convert_columns(&[new_null_array(&self.value_type()?, 1)])?;
        let parser = self.converter.parser();
        let rows = codes.iter().map(|code| match *code {
            NONE => null.row(0),
            code => parser.parse(self.values.get(code)),
        });
        let mut values = self.converter.convert_rows(rows)?;
        self.forget()?;
        values.push(instants);
        Ok(values)
    }

    /// Lets go of the values that no group has any more, once they are the most: groups that come in order leave a few at a
    /// time, and there is always one left.
    fn forget(&mut self) -> Result<()> {
        if self.values.len() <= 2 * self.codes.len() {
            return Ok(());
        }
        let values = std::mem::take(&mut self.values);
        for code in self.codes.iter_mut().filter(|code| **code != NONE) {
            *code = self.values.intern(values.get(*code))?;
        }
        Ok(())
    }

    fn value_type(&self) -> Result<DataType> {
        let empty = self.converter.empty_rows(0, 0);
        let columns = self.converter.convert_rows(&empty)?;
        columns
            .first()
            .map(|column| column.data_type().clone())
            .ok_or_else(|| exec_datafusion_err!("dayrate_at_first encodes one column"))
    }
}

impl GroupsAccumulator for Firsts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.update(values, group_indices, opt_filter, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let mut columns = self.emit(emit_to)?;
        columns.truncate(1);
        columns
            .pop()
            .ok_or_else(|| exec_datafusion_err!("dayrate_at_first has no value"))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.emit(emit_to)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.update(values, group_indices, None, total_num_groups)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let [value, instant] = values else {
            return Err(exec_datafusion_err!(
                "dayrate_at_first takes a value and an instant"
            ));
        };
        let instant = match opt_filter {
            None => Arc::clone(instant),
            Some(filter) => {
                let wanted: BooleanArray = filter
                    .iter()
                    .map(|wanted| Some(wanted != Some(true)))
                    .collect();
                arrow::compute::nullif(instant, &wanted)?
            }
        };
        Ok(vec![Arc::clone(value), instant])
    }

    fn size(&self) -> usize {
        self.values.size() + self.codes.capacity() * 4 + self.instants.capacity() * 8
    }
}
