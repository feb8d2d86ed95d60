//! `dayrate_collect(value)`: the values of a group as a list, NULLs among them.
//!
//! Internal: table functions plan it. Two of them in one aggregate list their values in the same order, since they see
//! the same rows. It differs from the engine's `array_agg` in what it says of its memory: that one counts a whole
//! batch for every slice of it, and so runs out of a limit that it is far from.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, ListArray, StructArray, new_empty_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, exec_datafusion_err, not_impl_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Collect {
    signature: Signature,
}

impl Collect {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(1, Volatility::Immutable),
        }
    }
}

fn list_of(item: &DataType) -> DataType {
    DataType::List(item_field(item))
}

fn item_field(item: &DataType) -> FieldRef {
    Arc::new(Field::new_list_field(item.clone(), true))
}

impl AggregateUDFImpl for Collect {
    fn name(&self) -> &str {
        "dayrate_collect"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        arg_types
            .first()
            .map(list_of)
            .ok_or_else(|| exec_datafusion_err!("dayrate_collect takes a value"))
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        not_impl_err!("dayrate_collect works under GROUP BY only")
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let list = args.return_field.data_type().clone();
        Ok(vec![Arc::new(Field::new(args.name, list, true))])
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let value = args.expr_fields.first().map(|field| field.data_type());
        let item = value.ok_or_else(|| exec_datafusion_err!("dayrate_collect takes a value"))?;
        Ok(Box::new(Lists {
            item: item.clone(),
            batches: Vec::new(),
            groups: Vec::new(),
            total: 0,
            bytes: 0,
        }))
    }
}

/// The values as they came, and the group of each.
struct Lists {
    item: DataType,
    batches: Vec<ArrayRef>,
    groups: Vec<Vec<usize>>,
    /// How many groups there are, those without a value included.
    total: usize,
    bytes: usize,
}

impl Lists {
    fn push(&mut self, values: ArrayRef, groups: Vec<usize>, total: usize) {
        self.total = total;
        self.bytes += slice_size(&values) + groups.capacity() * size_of::<usize>();
        self.batches.push(values);
        self.groups.push(groups);
    }

    /// The lists of the first `count` groups; the others move to the front.
    fn take(&mut self, count: usize) -> Result<ArrayRef> {
        let mut lengths = vec![0_usize; count];
        for group in self.groups.iter().flatten() {
            if let Some(length) = lengths.get_mut(*group) {
                *length += 1;
            }
        }
        let mut next: Vec<usize> = Vec::with_capacity(count);
        let mut end = 0;
        for length in &lengths {
            next.push(end);
            end += length;
        }
        let mut order = vec![(0, 0); end];
        for (batch, groups) in self.groups.iter().enumerate() {
            for (row, group) in groups.iter().enumerate() {
                if let Some(place) = next.get_mut(*group) {
                    if let Some(slot) = order.get_mut(*place) {
                        *slot = (batch, row);
                    }
                    *place += 1;
                }
            }
        }
        let arrays: Vec<&dyn Array> = self.batches.iter().map(AsRef::as_ref).collect();
        let values = if arrays.is_empty() {
            new_empty_array(&self.item)
        } else {
            compact(interleave(&arrays, &order)?)?
        };
        self.keep_from(count)?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(ListArray::try_new(
            item_field(&self.item),
            offsets,
            values,
            None,
        )?))
    }

    /// Forgets the first `count` groups.
    fn keep_from(&mut self, count: usize) -> Result<()> {
        let (batches, groups) = (
            std::mem::take(&mut self.batches),
            std::mem::take(&mut self.groups),
        );
        let left = self.total.saturating_sub(count);
        (self.total, self.bytes) = (0, 0);
        if left > 0 {
            for (values, groups) in batches.into_iter().zip(groups) {
                let wanted: BooleanArray =
                    groups.iter().map(|group| Some(*group >= count)).collect();
                let kept = groups.iter().filter_map(|group| group.checked_sub(count));
                self.push(
                    arrow::compute::filter(&values, &wanted)?,
                    kept.collect(),
                    left,
                );
            }
        }
        self.total = left;
        Ok(())
    }

    fn emitted(&self, emit_to: EmitTo) -> usize {
        match emit_to {
            EmitTo::All => self.total,
            EmitTo::First(count) => count,
        }
    }
}

impl GroupsAccumulator for Lists {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let [values] = values else {
            return Err(exec_datafusion_err!("dayrate_collect takes a value"));
        };
        match opt_filter {
            None => self.push(Arc::clone(values), group_indices.to_vec(), total_num_groups),
            Some(_) => return not_impl_err!("dayrate_collect takes no FILTER"),
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.take(self.emitted(emit_to))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.take(self.emitted(emit_to))?])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        let lists = values.first().and_then(|lists| lists.as_list_opt::<i32>());
        let lists = lists.ok_or_else(|| exec_datafusion_err!("dayrate_collect merges lists"))?;
        let mut groups = Vec::with_capacity(lists.values().len());
        for (row, group) in group_indices.iter().enumerate() {
            let length = usize::try_from(lists.value_length(row)).unwrap_or_default();
            groups.extend(std::iter::repeat_n(*group, length));
        }
        let start = lists.offsets().first().copied().unwrap_or_default();
        let start = usize::try_from(start).unwrap_or_default();
        let values = lists.values().slice(start, groups.len());
        self.push(values, groups, total_num_groups);
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        _opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let [values] = values else {
            return Err(exec_datafusion_err!("dayrate_collect takes a value"));
        };
        let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(1, values.len()));
        let item = item_field(&self.item);
        Ok(vec![Arc::new(ListArray::try_new(
            item,
            offsets,
            Arc::clone(values),
            None,
        )?)])
    }

    fn size(&self) -> usize {
        self.bytes
    }
}

/// Texts in a buffer of their own, those in the fields of a row too: interleaved, each of them would still hold, and
/// count, the buffers of every batch.
fn compact(values: ArrayRef) -> Result<ArrayRef> {
    if let Some(texts) = values.as_string_view_opt() {
        return Ok(Arc::new(texts.gc()));
    }
    let Some(rows) = values.as_struct_opt() else {
        return Ok(values);
    };
    let (fields, columns, nulls) = rows.clone().into_parts();
    let columns = columns.into_iter().map(compact).collect::<Result<_>>()?;
    let rows = StructArray::try_new_with_length(fields, columns, nulls, values.len())?;
    Ok(Arc::new(rows))
}

/// The bytes that the rows of a slice take, without what else lies in the buffers that it shares.
fn slice_size(values: &ArrayRef) -> usize {
    if let Some(texts) = values.as_string_view_opt() {
        let long = texts.lengths().filter(|length| *length > 12).sum::<u32>();
        return texts.len() * 16 + long as usize;
    }
    if let Some(rows) = values.as_struct_opt() {
        return rows.columns().iter().map(slice_size).sum();
    }
    values.to_data().get_slice_memory_size().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use arrow::array::{Int32Array, StringViewArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    fn lists() -> Lists {
        Lists {
            item: DataType::Int32,
            batches: Vec::new(),
            groups: Vec::new(),
            total: 0,
            bytes: 0,
        }
    }

    fn ints(values: &[Option<i32>]) -> ArrayRef {
        Arc::new(Int32Array::from(values.to_vec()))
    }

    fn shown(lists: &ArrayRef) -> Vec<Vec<Option<i32>>> {
        let lists = lists.as_list::<i32>();
        (0..lists.len())
            .map(|row| {
                lists
                    .value(row)
                    .as_primitive::<Int32Type>()
                    .iter()
                    .collect()
            })
            .collect()
    }

    /// Values keep the order of their arrival within a group, NULLs and empty groups included.
    #[test]
    fn values_keep_their_order() {
        let mut all = lists();
        let values = [ints(&[Some(1), None, Some(3)])];
        all.update_batch(&values, &[0, 2, 0], None, 3).unwrap();
        all.update_batch(&[ints(&[Some(4)])], &[2], None, 4)
            .unwrap();
        let first = all.evaluate(EmitTo::First(2)).unwrap();
        assert_eq!(shown(&first), [vec![Some(1), Some(3)], vec![]]);
        let rest = all.evaluate(EmitTo::All).unwrap();
        assert_eq!(shown(&rest), [vec![None, Some(4)], vec![]]);
        assert_eq!(all.size(), 0);
    }

    /// A state that was sliced on its way merges as what it is.
    #[test]
    fn sliced_states_merge() {
        let mut one = lists();
        let values = [ints(&[Some(1), Some(2), Some(3)])];
        one.update_batch(&values, &[0, 1, 1], None, 2).unwrap();
        let state = one.state(EmitTo::All).unwrap();
        let mut all = lists();
        all.merge_batch(&[state[0].slice(1, 1)], &[0], 1).unwrap();
        let single = one.convert_to_state(&values, None).unwrap();
        all.merge_batch(&single, &[0, 1, 0], 2).unwrap();
        let lists = all.evaluate(EmitTo::All).unwrap();
        assert_eq!(
            shown(&lists),
            [vec![Some(2), Some(3), Some(1), Some(3)], vec![Some(2)]]
        );
    }

    /// What comes out takes about as much memory as its texts, however many batches they came in: an operator reserves
    /// what its output says that it takes.
    #[test]
    fn lists_of_rows_hold_no_other_buffers() {
        let texts: StringViewArray = (0..10_000)
            .map(|row| Some(format!("a conversation with number {row:08}")))
            .collect();
        let field = Arc::new(Field::new("id", DataType::Utf8View, true));
        let rows = StructArray::from(vec![(Arc::clone(&field), Arc::new(texts) as ArrayRef)]);
        let mut all = Lists {
            item: rows.data_type().clone(),
            ..lists()
        };
        for batch in 0..100 {
            let groups: Vec<usize> = (0..100).map(|row| batch * 100 + row).collect();
            let values: ArrayRef = Arc::new(rows.slice(batch * 100, 100));
            all.update_batch(&[values], &groups, None, 10_000).unwrap();
        }
        let held = all.size();
        let size = all.evaluate(EmitTo::All).unwrap().get_array_memory_size();
        assert!(size < 2 * held, "{size} of {held} bytes");
    }
}
