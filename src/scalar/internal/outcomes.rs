//! `dayrate_engaged(conversation_id, parts)`: the costs of a conversation beside what came of it.
//!
//! Internal: `engagement_outcomes` plans it.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, ListArray, StringViewArray, StructArray,
    UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Fields};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::rows_out::{fixed, numbers};
use crate::domain::credits::CREDIT_SCALE;
use crate::domain::outcome::{Cost, Engaged, Outcome, engaged};
use crate::error;

/// The columns of `parts` that the result has too: those of the cost, first those that say which conversation it is.
pub(crate) const COST_COLUMNS: [&str; 9] = [
    "org_id",
    "consumer_id",
    "channel",
    "first_day",
    "last_day",
    "dars",
    "messages",
    "credits",
    "amount",
];

/// The columns of `parts` that every row of the result has.
const KEYS: [&str; 2] = ["conversation_id", "site"];

/// How many of [`COST_COLUMNS`] describe the conversation, whatever the currency; the others add up.
const DESCRIBING: usize = 5;

/// `parts` is a list of `{conversation_id, site, is_outcome, site_id, currency, …cost, outcome_id, kind, revenue, saving,
/// resolved}`, in which `site_id` is as text, `site` as the output has it. The result is a list of
/// `{conversation_id, site, …cost, currency, kinds, outcomes, revenue, saving, resolved}`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct EngagedParts {
    signature: Signature,
}

impl EngagedParts {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }
}

fn fields_of(parts: &DataType) -> Result<Fields> {
    let wrong = || exec_datafusion_err!("a list of the parts of a conversation is expected");
    let DataType::List(item) = parts else {
        return Err(wrong());
    };
    let DataType::Struct(fields) = item.data_type() else {
        return Err(wrong());
    };
    let kept = KEYS.iter().chain(&COST_COLUMNS).map(|name| {
        let (_, field) = fields.find(name).ok_or_else(wrong)?;
        Ok(Field::new(*name, field.data_type().clone(), true))
    });
    let added = [
        ("currency", DataType::Utf8View),
        ("kinds", DataType::Utf8View),
        ("outcomes", DataType::Int64),
        ("revenue", DataType::Decimal128(28, 4)),
        ("saving", DataType::Decimal128(28, 4)),
        ("resolved", DataType::Boolean),
    ];
    kept.chain(added.map(|(name, data_type)| Ok(Field::new(name, data_type, true))))
        .collect()
}

impl ScalarUDFImpl for EngagedParts {
    fn name(&self) -> &str {
        "dayrate_engaged"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let parts = arg_types
            .get(1)
            .ok_or_else(|| exec_datafusion_err!("{} takes parts", self.name()))?;
        let item = Field::new_list_field(DataType::Struct(fields_of(parts)?), true);
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
        let count = args.number_rows;
        let [conversations, lists] = take_function_args(self.name(), args.args)?;
        let conversations = conversations.into_array(count)?;
        let conversations = conversations
            .as_string_view_opt()
            .ok_or_else(|| exec_datafusion_err!("a conversation's id is expected as text"))?;
        let lists = lists.into_array(count)?;
        let fields = fields_of(lists.data_type())?;
        let lists = lists.as_list::<i32>();
        let values = lists.values().as_struct();
        let parts = Parts::new(values)?;

        let mut rows = Vec::new();
        let (mut ids, mut about, mut costs) = (Vec::new(), Vec::new(), Vec::new());
        let mut lengths = Vec::with_capacity(count);
        for row in 0..count {
            let ends = [row, row + 1].map(|end| usize::try_from(lists.offsets()[end]));
            let [Ok(start), Ok(end)] = ends else {
                return Err(exec_datafusion_err!("a list offset is negative"));
            };
            let (mut of_cost, of_outcome): (Vec<usize>, Vec<usize>) =
                (start..end).partition(|place| !parts.is_outcome.value(*place));
            // The parts come in any order: the first currency is that of the first day.
            of_cost.sort_by_key(|place| parts.order(*place));
            let known: Vec<Cost> = of_cost.iter().map(|place| parts.cost(*place)).collect();
            let found: Vec<Outcome> = of_outcome
                .iter()
                .map(|place| parts.outcome(*place))
                .collect();
            let engaged = engaged(conversations.value(row), &known, &found)
                .map_err(|fault| error::data(fault.to_string()))?;
            lengths.push(engaged.len());
            for row in engaged {
                let place = |place: Option<usize>, places: &[usize]| {
                    let place = place.and_then(|place| places.get(place));
                    place.map(|place| *place as u64)
                };
                let (own, other) = (place(row.about, &of_cost), place(row.outcome, &of_outcome));
                costs.push(place(row.cost, &of_cost));
                about.push(own);
                ids.push(own.or(other));
                rows.push(row);
            }
        }
        let columns = columns(values, &rows, [ids, about, costs].map(UInt64Array::from))?;
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

fn columns(
    values: &StructArray,
    rows: &[Engaged],
    [ids, about, costs]: [UInt64Array; 3],
) -> Result<Vec<ArrayRef>> {
    let taken = |name: &str, places: &UInt64Array| -> Result<ArrayRef> {
        let column = values
            .column_by_name(name)
            .ok_or_else(|| exec_datafusion_err!("parts have no {name}"))?;
        Ok(take(column, places, None)?)
    };
    let mut columns = Vec::new();
    for name in KEYS {
        columns.push(taken(name, &ids)?);
    }
    for (place, name) in COST_COLUMNS.into_iter().enumerate() {
        let from = if place < DESCRIBING { &about } else { &costs };
        columns.push(taken(name, from)?);
    }
    let kinds = rows.iter().map(|row| {
        let kinds: Vec<&str> = row.kinds.iter().copied().collect();
        (!kinds.is_empty()).then(|| kinds.join(", "))
    });
    let currencies: StringViewArray = rows.iter().map(|row| row.currency).collect();
    columns.push(Arc::new(currencies));
    columns.push(Arc::new(kinds.collect::<StringViewArray>()));
    columns.push(numbers(rows.iter().map(|row| Some(row.outcomes))));
    columns.push(fixed(rows.iter().map(|row| row.revenue), 28, CREDIT_SCALE)?);
    columns.push(fixed(rows.iter().map(|row| row.saving), 28, CREDIT_SCALE)?);
    let resolved: BooleanArray = rows.iter().map(|row| row.resolved).collect();
    columns.push(Arc::new(resolved));
    Ok(columns)
}

/// The columns of the parts that the rule reads.
struct Parts<'a> {
    is_outcome: &'a BooleanArray,
    site_id: &'a StringViewArray,
    currency: &'a StringViewArray,
    first_day: &'a Date32Array,
    outcome_id: &'a StringViewArray,
    kind: &'a StringViewArray,
    revenue: &'a arrow::array::Decimal128Array,
    saving: &'a arrow::array::Decimal128Array,
    resolved: &'a BooleanArray,
}

impl<'a> Parts<'a> {
    fn new(values: &'a StructArray) -> Result<Self> {
        let wrong = || exec_datafusion_err!("the parts of a conversation are not as planned");
        let column = |name: &str| values.column_by_name(name).ok_or_else(wrong);
        let text = |name: &str| column(name)?.as_string_view_opt().ok_or_else(wrong);
        let flag = |name: &str| column(name)?.as_boolean_opt().ok_or_else(wrong);
        let money = |name: &str| {
            let column = column(name)?;
            column
                .as_primitive_opt::<Decimal128Type>()
                .ok_or_else(wrong)
        };
        Ok(Self {
            is_outcome: flag("is_outcome")?,
            site_id: text("site_id")?,
            currency: text("currency")?,
            first_day: column("first_day")?.as_primitive_opt().ok_or_else(wrong)?,
            outcome_id: text("outcome_id")?,
            kind: text("kind")?,
            revenue: money("revenue")?,
            saving: money("saving")?,
            resolved: flag("resolved")?,
        })
    }

    fn cost(&self, place: usize) -> Cost<'a> {
        Cost {
            site_id: text(self.site_id, place),
            currency: text(self.currency, place),
        }
    }

    /// What orders the costs of a conversation: the first day, then the currency, none last.
    fn order(&self, place: usize) -> (i32, bool, Option<&'a str>) {
        let currency = text(self.currency, place);
        (self.first_day.value(place), currency.is_none(), currency)
    }

    fn outcome(&self, place: usize) -> Outcome<'a> {
        let money = |column: &arrow::array::Decimal128Array| {
            column.is_valid(place).then(|| column.value(place))
        };
        Outcome {
            site_id: text(self.site_id, place),
            outcome_id: text(self.outcome_id, place),
            kind: text(self.kind, place),
            currency: text(self.currency, place),
            revenue: money(self.revenue),
            saving: money(self.saving),
            resolved: self
                .resolved
                .is_valid(place)
                .then(|| self.resolved.value(place)),
        }
    }
}

fn text(column: &StringViewArray, place: usize) -> Option<&str> {
    column.is_valid(place).then(|| column.value(place))
}
