//! `dayrate_shares(conversations, credits, amount)`: a DAR's credits and money, shared over its conversations.
//!
//! Internal: `engagement_days` plans it.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, StructArray, UInt64Array, make_comparator,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{SortOptions, take};
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Fields, Int64Type};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::rows_out::{fixed, numbers};
use crate::domain::credits::CREDIT_SCALE;
use crate::domain::money::MONEY_SCALE;
use crate::domain::share::shares;

/// `conversations` is a list of `{conversation_id, messages, channel, first_message_at}` that may name a conversation
/// more than once; the result is a list of the same and `credits, amount`, each conversation once, by its id.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shares {
    signature: Signature,
}

impl Shares {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(3, Volatility::Immutable),
        }
    }
}

/// The fields of a row of the result.
fn fields_of(conversations: &DataType) -> Result<Fields> {
    let DataType::List(item) = conversations else {
        return Err(exec_datafusion_err!(
            "a list is expected, got {conversations}"
        ));
    };
    let DataType::Struct(fields) = item.data_type() else {
        return Err(exec_datafusion_err!("a list of conversations is expected"));
    };
    let added = [
        Field::new("credits", DataType::Decimal128(18, 4), true),
        Field::new("amount", DataType::Decimal128(30, 10), true),
    ];
    let own = fields
        .iter()
        .map(|field| Arc::new(Field::new(field.name(), field.data_type().clone(), true)));
    Ok(own.chain(added.map(Arc::new)).collect())
}

impl ScalarUDFImpl for Shares {
    fn name(&self) -> &str {
        "dayrate_shares"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let conversations = arg_types
            .first()
            .ok_or_else(|| exec_datafusion_err!("{} takes a list", self.name()))?;
        let item = Field::new_list_field(DataType::Struct(fields_of(conversations)?), true);
        Ok(DataType::List(Arc::new(item)))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args
            .arg_fields
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        let list = self.return_type(&types)?;
        Ok(Arc::new(Field::new(self.name(), list, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [lists, credits, amounts] = take_function_args(self.name(), args.args)?;
        let lists = lists.into_array(rows)?;
        let fields = fields_of(lists.data_type())?;
        let lists = lists.as_list::<i32>();
        let (credits, amounts) = (credits.into_array(rows)?, amounts.into_array(rows)?);
        let total = |column: &ArrayRef, row: usize| -> Result<Option<i128>> {
            let column = column
                .as_primitive_opt::<Decimal128Type>()
                .ok_or_else(|| exec_datafusion_err!("a decimal is expected"))?;
            Ok(column.is_valid(row).then(|| column.value(row)))
        };

        let parts = Conversations::new(lists)?;
        let (mut taken, mut lengths) = (Vec::new(), Vec::with_capacity(rows));
        let (mut messages, mut credit_parts, mut amount_parts) = (vec![], vec![], vec![]);
        for row in 0..rows {
            let merged = parts.merged(row)?;
            let weights: Vec<i64> = merged.iter().map(|part| part.messages).collect();
            let (credits, amount) = (total(&credits, row)?, total(&amounts, row)?);
            let share = |total: Option<i128>| match total {
                Some(total) => shares(total, &weights).into_iter().map(Some).collect(),
                None => vec![None; weights.len()],
            };
            credit_parts.extend(share(credits));
            amount_parts.extend(share(amount));
            messages.extend(weights.iter().copied().map(Some));
            taken.extend(merged.iter().map(|part| part.first as u64));
            lengths.push(merged.len());
        }
        let taken = UInt64Array::from(taken);
        let own = parts.rows.columns().iter().zip(parts.rows.fields());
        let mut columns = own
            .map(|(column, field)| match field.name().as_str() {
                "messages" => Ok(numbers(messages.iter().copied())),
                _ => Ok(take(column, &taken, None)?),
            })
            .collect::<Result<Vec<ArrayRef>>>()?;
        columns.push(fixed(credit_parts.into_iter(), 18, CREDIT_SCALE)?);
        columns.push(fixed(amount_parts.into_iter(), 30, MONEY_SCALE)?);
        let values = StructArray::try_new(fields.clone(), columns, None)?;
        let item = Arc::new(Field::new_list_field(DataType::Struct(fields), true));
        Ok(ColumnarValue::Array(Arc::new(ListArray::try_new(
            item,
            OffsetBuffer::from_lengths(lengths),
            Arc::new(values),
            None,
        )?)))
    }
}

/// The conversations of every DAR.
struct Conversations<'a> {
    lists: &'a ListArray,
    rows: &'a StructArray,
    messages: &'a arrow::array::Int64Array,
    by_id: arrow::array::DynComparator,
    by_instant: arrow::array::DynComparator,
    by_channel: arrow::array::DynComparator,
}

/// One conversation of a DAR.
struct Part {
    /// The row of its first message.
    first: usize,
    messages: i64,
}

impl<'a> Conversations<'a> {
    fn new(lists: &'a ListArray) -> Result<Self> {
        let wrong = || exec_datafusion_err!("the conversations of a DAR are not as planned");
        let rows = lists.values().as_struct_opt().ok_or_else(wrong)?;
        let column = |name: &str| rows.column_by_name(name).ok_or_else(wrong);
        let nulls_last = SortOptions {
            nulls_first: false,
            ..SortOptions::default()
        };
        let compare = |name: &str| -> Result<arrow::array::DynComparator> {
            let column = column(name)?;
            Ok(make_comparator(column, column, nulls_last)?)
        };
        Ok(Self {
            lists,
            rows,
            messages: column("messages")?
                .as_primitive_opt::<Int64Type>()
                .ok_or_else(wrong)?,
            by_id: compare("conversation_id")?,
            by_instant: compare("first_message_at")?,
            by_channel: compare("channel")?,
        })
    }

    /// The conversations of one DAR, each once, by id.
    fn merged(&self, row: usize) -> Result<Vec<Part>> {
        let ends = [row, row + 1].map(|end| usize::try_from(self.lists.offsets()[end]));
        let [Ok(start), Ok(end)] = ends else {
            return Err(exec_datafusion_err!("a list offset is negative"));
        };
        let mut places: Vec<usize> = (start..end).collect();
        places.sort_by(|a, b| {
            (self.by_id)(*a, *b)
                .then_with(|| (self.by_instant)(*a, *b))
                .then_with(|| (self.by_channel)(*a, *b))
        });
        let mut parts: Vec<Part> = Vec::with_capacity(places.len());
        for place in places {
            let messages = self.messages.value(place);
            match parts.last_mut() {
                Some(last) if (self.by_id)(last.first, place) == Ordering::Equal => {
                    last.messages += messages;
                }
                _ => parts.push(Part {
                    first: place,
                    messages,
                }),
            }
        }
        Ok(parts)
    }
}
