//! `engagement_credits(gen_ai, intent_analyzer [, dar_credits, gen_ai_multiplier, intent_analyzer_credits,
//! surcharge_mode])` and the internal `dayrate_credit_parts`, which also scales and shows the parts.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Builder, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, FieldRef, Fields};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    Volatility,
};
use hashbrown::HashMap;
use rust_decimal::Decimal;

use super::BILLING_FUNCTIONS;
use super::internal::listed_rows::decimal;
use super::internal::rows_out::{fields, scaled};
use crate::domain::credits::{CREDIT_SCALE, Rates, SurchargeMode, credits};
use crate::error;

/// The names of the arguments, in order.
const ARGUMENTS: [&str; 6] = [
    "gen_ai",
    "intent_analyzer",
    "dar_credits",
    "gen_ai_multiplier",
    "intent_analyzer_credits",
    "surcharge_mode",
];

/// Decimals that each rate may have.
const RATE_SCALES: [u32; 3] = [4, 6, 4];

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        BILLING_FUNCTIONS,
        "The engagement credits of one Daily Active Relationship: one, 1.5 times that while generative AI is on for the \
         organization, and 0.2 more when Intent Analyzer listened. `DECIMAL(18,4)`, rounded once, half up. A NULL flag \
         gives NULL; a NULL rate or mode gives its default.",
        "engagement_credits(gen_ai, intent_analyzer [, dar_credits, gen_ai_multiplier, intent_analyzer_credits, \
         surcharge_mode])",
    )
    .with_sql_example("```sql\nSELECT engagement_credits(true, true);             -- 1.7000\nSELECT engagement_credits(true, true, 1, 1.5, 0.2, 'multiply'); -- 1.8000\n```")
    .with_argument("gen_ai", "BOOLEAN: generative AI was on")
    .with_argument("intent_analyzer", "BOOLEAN: Intent Analyzer listened")
    .with_argument("dar_credits", "DECIMAL: credits of a plain DAR, default 1, at most 4 decimals")
    .with_argument("gen_ai_multiplier", "DECIMAL: default 1.5, at most 6 decimals")
    .with_argument("intent_analyzer_credits", "DECIMAL: default 0.2, at most 4 decimals")
    .with_argument("surcharge_mode", "'add' (default: 1.5 + 0.2) or 'multiply' (1.5 x 1.2)")
    .build()
});

/// The credits of one DAR.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct EngagementCredits {
    signature: Signature,
}

impl EngagementCredits {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for EngagementCredits {
    fn name(&self) -> &str {
        "engagement_credits"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Decimal128(18, 4))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if types.len() < 2 || types.len() > ARGUMENTS.len() {
            return Err(error::query(format!(
                "engagement_credits takes 2 to 6 arguments ({}), got {}",
                ARGUMENTS.join(", "),
                types.len()
            )));
        }
        types
            .iter()
            .zip(ARGUMENTS)
            .enumerate()
            .map(|(place, (given, name))| coerced(place, name, given))
            .collect()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let inputs = Inputs::new(args.args, rows)?;
        let mut totals = Decimal128Builder::with_capacity(rows).with_precision_and_scale(18, 4)?;
        let mut known = Known::default();
        for row in 0..rows {
            let parts = inputs.credits(row, Decimal::ONE, &mut known)?;
            totals.append_option(parts.map(|[_, _, _, total]| total));
        }
        let totals: ArrayRef = Arc::new(totals.finish());
        if scalar {
            return Ok(ColumnarValue::Scalar(
                datafusion::common::ScalarValue::try_from_array(&totals, 0)?,
            ));
        }
        Ok(ColumnarValue::Array(totals))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}

/// The type that argument `name` is read as.
fn coerced(place: usize, name: &str, given: &DataType) -> Result<DataType> {
    let wrong = |expected: &str| {
        error::query(format!(
            "engagement_credits: {name} is {given}, but {expected} is expected"
        ))
    };
    match (place, given) {
        (0 | 1, DataType::Boolean | DataType::Null) => Ok(DataType::Boolean),
        (0 | 1, _) => Err(wrong("a BOOLEAN")),
        (5, DataType::Null) => Ok(DataType::Utf8View),
        (5, text) if text.is_string() => Ok(DataType::Utf8View),
        (5, DataType::Dictionary(_, value)) if value.is_string() => Ok(DataType::Utf8View),
        (5, _) => Err(wrong("'add' or 'multiply'")),
        (_, DataType::Null) => Ok(DataType::Decimal128(18, 4)),
        (_, DataType::Decimal128(_, _) | DataType::Decimal256(_, _)) => Ok(given.clone()),
        (_, DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale)) => {
            Ok(DataType::Decimal128(18, *scale))
        }
        (_, DataType::UInt64) => Ok(DataType::UInt64),
        (_, integer) if integer.is_integer() => Ok(DataType::Int64),
        (_, float) if float.is_floating() => Err(error::query(format!(
            "engagement_credits: {name} is {given}, which is not exact; write CAST({name} AS DECIMAL(18,6))"
        ))),
        _ => Err(wrong("a DECIMAL")),
    }
}

/// The six arguments of a batch; rates that were not given are `None`.
struct Inputs {
    gen_ai: BooleanArray,
    intent_analyzer: BooleanArray,
    rates: [Option<ArrayRef>; 3],
    surcharge_mode: Option<ArrayRef>,
    /// Whether [`Given`] tells all of a row: rates of another type than `DECIMAL` in 128 bits do not fit it.
    is_plain: bool,
}

/// The arguments of a row as they lie in their columns (a text as its view: its first bytes, or where it lies).
#[derive(PartialEq, Eq, Hash)]
struct Given {
    flags: [Option<bool>; 2],
    rates: [Option<i128>; 3],
    surcharge_mode: Option<u128>,
}

/// Base, GenAI's, Intent Analyzer's and all credits of a row, as counts of the fourth decimal; `None` for NULL.
type Parts = Option<[i128; 4]>;

/// What rows of this batch came to: many rows, few contracts.
#[derive(Default)]
struct Known(HashMap<Given, Parts>);

impl Inputs {
    fn new(args: Vec<ColumnarValue>, rows: usize) -> Result<Self> {
        let mut arrays = args
            .into_iter()
            .map(|arg| arg.into_array(rows))
            .collect::<Result<Vec<_>>>()?
            .into_iter();
        let mut flag = || -> Result<BooleanArray> {
            let array = arrays
                .next()
                .ok_or_else(|| exec_datafusion_err!("engagement_credits: a flag is missing"))?;
            Ok(cast(&array, &DataType::Boolean)?.as_boolean().clone())
        };
        let (gen_ai, intent_analyzer) = (flag()?, flag()?);
        let rates = [arrays.next(), arrays.next(), arrays.next()];
        let surcharge_mode = arrays
            .next()
            .map(|array| cast(&array, &DataType::Utf8View))
            .transpose()?;
        let is_plain = rates
            .iter()
            .flatten()
            .all(|column| matches!(column.data_type(), DataType::Decimal128(_, _)));
        Ok(Self {
            is_plain,
            gen_ai,
            intent_analyzer,
            rates,
            surcharge_mode,
        })
    }

    fn rate(&self, place: usize, row: usize, default: Decimal) -> Result<Decimal> {
        let Some(column) = self.rates.get(place).and_then(Option::as_ref) else {
            return Ok(default);
        };
        if column.is_null(row) {
            return Ok(default);
        }
        let name = ARGUMENTS.get(place + 2).copied().unwrap_or_default();
        let scale = RATE_SCALES.get(place).copied().unwrap_or_default();
        let value = decimal(column, row).map(|value| value.normalize());
        let shown = || value.map_or_else(|| "too large".into(), |value| value.to_string());
        match value {
            Some(value) if value.is_sign_negative() && !value.is_zero() => Err(error::data(
                format!("{name} is {}; it may not be negative", shown()),
            )),
            Some(value) if value.scale() <= scale => Ok(value),
            _ => Err(error::data(format!(
                "{name} is {}; it takes at most {scale} decimals and 18 digits",
                shown()
            ))),
        }
    }

    fn rates(&self, row: usize) -> Result<Rates> {
        let surcharge_mode = match &self.surcharge_mode {
            Some(modes) if modes.is_valid(row) => {
                SurchargeMode::parse(modes.as_string_view().value(row))
                    .map_err(|fault| error::data(fault.to_string()))?
            }
            _ => SurchargeMode::default(),
        };
        Ok(Rates {
            dar_credits: self.rate(0, row, Rates::STANDARD.dar_credits)?,
            gen_ai_multiplier: self.rate(1, row, Rates::STANDARD.gen_ai_multiplier)?,
            intent_analyzer_credits: self.rate(2, row, Rates::STANDARD.intent_analyzer_credits)?,
            surcharge_mode,
        })
    }

    /// What is written in a row, before anything is made of it.
    fn given(&self, row: usize) -> Given {
        Given {
            flags: [&self.gen_ai, &self.intent_analyzer]
                .map(|flags| flags.is_valid(row).then(|| flags.value(row))),
            rates: self.rates.each_ref().map(|column| {
                let column = column.as_ref().filter(|column| column.is_valid(row))?;
                column
                    .as_primitive_opt::<Decimal128Type>()
                    .map(|column| column.value(row))
            }),
            surcharge_mode: self.surcharge_mode.as_ref().and_then(|modes| {
                let modes = modes.as_string_view();
                modes
                    .views()
                    .get(row)
                    .copied()
                    .filter(|_| modes.is_valid(row))
            }),
        }
    }

    /// The credits of a row.
    fn credits(&self, row: usize, growth: Decimal, known: &mut Known) -> Result<Parts> {
        let given = self.given(row);
        if let Some(parts) = known.0.get(&given) {
            return Ok(*parts);
        }
        let rates = self.rates(row)?;
        let parts = match given.flags {
            [Some(gen_ai), Some(intent_analyzer)] => {
                let credits = credits(gen_ai, intent_analyzer, &rates, growth)
                    .map_err(|fault| error::data(fault.to_string()))?;
                let scaled = |value| scaled(value, CREDIT_SCALE);
                Some([
                    scaled(credits.base)?,
                    scaled(credits.gen_ai)?,
                    scaled(credits.intent_analyzer)?,
                    scaled(credits.total)?,
                ])
            }
            _ => None,
        };
        if self.is_plain {
            known.0.insert(given, parts);
        }
        Ok(parts)
    }
}

/// `dayrate_credit_parts(the six arguments, growth)`: `{base_credits, gen_ai_credits, intent_analyzer_credits,
/// credits}`, the first three adding up to the last.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CreditParts {
    signature: Signature,
}

impl CreditParts {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(7, Volatility::Immutable),
        }
    }

    fn fields() -> Fields {
        fields(
            [
                "base_credits",
                "gen_ai_credits",
                "intent_analyzer_credits",
                "credits",
            ]
            .map(|name| (name, DataType::Decimal128(18, 4))),
        )
    }
}

impl ScalarUDFImpl for CreditParts {
    fn name(&self) -> &str {
        "dayrate_credit_parts"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(Self::fields()))
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(arrow::datatypes::Field::new(
            self.name(),
            DataType::Struct(Self::fields()),
            true,
        )))
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let growth = args
            .args
            .pop()
            .map(|growth| growth.to_array(1))
            .transpose()?;
        let growth = growth
            .and_then(|growth| decimal(&growth, 0))
            .ok_or_else(|| exec_datafusion_err!("growth is not a number of at most 28 digits"))?;
        let inputs = Inputs::new(args.args, rows)?;
        let new = || Decimal128Builder::with_capacity(rows).with_precision_and_scale(18, 4);
        let mut parts = [new()?, new()?, new()?, new()?];
        let mut known = Known::default();
        for row in 0..rows {
            let values = inputs.credits(row, growth, &mut known)?;
            for (place, part) in parts.iter_mut().enumerate() {
                part.append_option(values.and_then(|values| values.get(place).copied()));
            }
        }
        let columns = parts
            .into_iter()
            .map(|mut part| Arc::new(part.finish()) as ArrayRef)
            .collect();
        Ok(ColumnarValue::Array(Arc::new(StructArray::try_new(
            Self::fields(),
            columns,
            None,
        )?)))
    }
}
