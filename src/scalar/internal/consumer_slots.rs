//! `dayrate_consumer_slots(consumers)` and `dayrate_element(list, slot)`: settling the consumers of a conversation.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, ListArray, StructArray, UInt64Array, make_comparator,
};
use arrow::compute::{SortOptions, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// `dayrate_consumer_slots(consumers)`: for the list of a conversation's consumers on one day, NULLs among them, the
/// list of `{consumer_id, slot}` in the same order, in which the smallest consumer has taken the place of the NULLs.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConsumerSlots {
    signature: Signature,
}

impl ConsumerSlots {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(1, Volatility::Immutable),
        }
    }
}

fn slot_fields(consumer: &DataType) -> Fields {
    Fields::from(vec![
        Field::new("consumer_id", consumer.clone(), true),
        Field::new("slot", DataType::Int64, true),
    ])
}

fn element_type(list: &DataType) -> Result<DataType> {
    match list {
        DataType::List(item) => Ok(item.data_type().clone()),
        other => Err(exec_datafusion_err!("a list is expected, got {other}")),
    }
}

fn argument_type(args: &ReturnFieldArgs) -> Result<DataType> {
    let list = args.arg_fields.first().map(|field| field.data_type());
    list.map_or_else(
        || Err(exec_datafusion_err!("a list is expected")),
        element_type,
    )
}

impl ScalarUDFImpl for ConsumerSlots {
    fn name(&self) -> &str {
        "dayrate_consumer_slots"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Err(exec_datafusion_err!(
            "dayrate_consumer_slots is typed by its argument"
        ))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let item =
            Field::new_list_field(DataType::Struct(slot_fields(&argument_type(&args)?)), true);
        Ok(Arc::new(Field::new_list(self.name(), item, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [lists] = take_function_args(self.name(), args.args)?;
        let lists = lists.into_array(args.number_rows)?;
        let lists = lists.as_list::<i32>();
        let (values, offsets) = (lists.values(), lists.offsets());
        let compare = make_comparator(values, values, SortOptions::default())?;
        let mut taken: Vec<u64> = Vec::with_capacity(values.len());
        let mut slots: Vec<i64> = Vec::with_capacity(values.len());
        for pair in offsets.windows(2) {
            let [start, end] = pair else { continue };
            let (start, end) = (index(*start)?, index(*end)?);
            let smallest = (start..end)
                .filter(|place| values.is_valid(*place))
                .reduce(|a, b| {
                    if compare(b, a) == Ordering::Less {
                        b
                    } else {
                        a
                    }
                });
            for place in start..end {
                let from = if values.is_valid(place) {
                    place
                } else {
                    smallest.unwrap_or(place)
                };
                taken.push(from as u64);
                slots.push(i64::try_from(place - start).unwrap_or(i64::MAX));
            }
        }
        let consumers = take(values, &UInt64Array::from(taken), None)?;
        let fields = slot_fields(consumers.data_type());
        let slots: ArrayRef = Arc::new(Int64Array::from(slots));
        let rows = StructArray::try_new(fields.clone(), vec![consumers, slots], None)?;
        let item = Arc::new(Field::new_list_field(DataType::Struct(fields), true));
        let lengths = offsets.windows(2).map(|pair| match pair {
            [start, end] => index(end - start),
            _ => Ok(0),
        });
        let offsets =
            arrow::buffer::OffsetBuffer::from_lengths(lengths.collect::<Result<Vec<_>>>()?);
        Ok(ColumnarValue::Array(Arc::new(ListArray::try_new(
            item,
            offsets,
            Arc::new(rows),
            lists.nulls().cloned(),
        )?)))
    }
}

fn index(offset: i32) -> Result<usize> {
    usize::try_from(offset).map_err(|_| exec_datafusion_err!("a list offset is negative"))
}

/// `dayrate_element(list, slot)`: the element at `slot`, counted from 0.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Element {
    signature: Signature,
}

impl Element {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Element {
    fn name(&self) -> &str {
        "dayrate_element"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        arg_types.first().map_or_else(
            || Err(exec_datafusion_err!("a list is expected")),
            element_type,
        )
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [lists, slots] = take_function_args(self.name(), args.args)?;
        let (lists, slots) = (lists.into_array(rows)?, slots.into_array(rows)?);
        let lists = lists.as_list::<i32>();
        let slots = slots.as_primitive::<Int64Type>();
        let places = (0..rows).map(|row| {
            let [start, end] =
                [row, row + 1].map(|edge| lists.offsets().get(edge).copied().unwrap_or_default());
            let place = i64::from(start)
                .checked_add(slots.value(row))
                .filter(|place| *place < i64::from(end));
            place
                .and_then(|place| u64::try_from(place).ok())
                .ok_or_else(|| {
                    exec_datafusion_err!(
                        "dayrate_element: slot {} is beyond the list",
                        slots.value(row)
                    )
                })
        });
        let places = UInt64Array::from(places.collect::<Result<Vec<u64>>>()?);
        Ok(ColumnarValue::Array(take(lists.values(), &places, None)?))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use arrow::array::StringViewArray;
    use arrow::buffer::OffsetBuffer;
    use datafusion::config::ConfigOptions;

    use super::*;

    fn invoke(
        function: &dyn ScalarUDFImpl,
        args: Vec<ArrayRef>,
        return_type: DataType,
    ) -> ArrayRef {
        let rows = args[0].len();
        let result = function.invoke_with_args(ScalarFunctionArgs {
            arg_fields: args
                .iter()
                .map(|a| Arc::new(Field::new("", a.data_type().clone(), true)))
                .collect(),
            args: args.into_iter().map(ColumnarValue::Array).collect(),
            number_rows: rows,
            return_field: Arc::new(Field::new("", return_type, true)),
            config_options: Arc::new(ConfigOptions::default()),
        });
        result.unwrap().into_array(rows).unwrap()
    }

    /// NULLs take the smallest consumer of their own list; a list of nothing but NULLs stays so.
    #[test]
    fn the_smallest_consumer_takes_the_place_of_null() {
        let values = StringViewArray::from(vec![None, Some("b"), Some("a"), None, Some("z")]);
        let item = Arc::new(Field::new_list_field(DataType::Utf8View, true));
        let lists: ArrayRef = Arc::new(
            ListArray::try_new(
                item,
                OffsetBuffer::from_lengths([3, 1, 1]),
                Arc::new(values),
                None,
            )
            .unwrap(),
        );
        let slots = invoke(
            &ConsumerSlots::new(),
            vec![Arc::clone(&lists)],
            DataType::Null,
        );
        let slots = slots.as_list::<i32>();
        let rows = slots.values().as_struct();
        let consumers: Vec<Option<&str>> = rows.column(0).as_string_view().iter().collect();
        assert_eq!(
            consumers,
            [Some("a"), Some("b"), Some("a"), None, Some("z")]
        );
        assert_eq!(
            rows.column(1).as_primitive::<Int64Type>().values(),
            &[0, 1, 2, 0, 0]
        );
        assert_eq!(slots.value_length(0), 3);

        let wanted: ArrayRef = Arc::new(Int64Array::from(vec![2, 0, 0]));
        let elements = invoke(&Element::new(), vec![lists, wanted], DataType::Utf8View);
        let elements: Vec<Option<&str>> = elements.as_string_view().iter().collect();
        assert_eq!(elements, [Some("a"), None, Some("z")]);
    }
}
