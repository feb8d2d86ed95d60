//! `exact_sum(x)`: a sum of integers or decimals that is right or fails.
//!
//! The engine's `sum` wraps around without a word when a total does not fit its type. This one adds 256-bit numbers,
//! in which no order of the rows overflows on the way, and checks the total once, when it is asked for it. The tool's
//! session also registers it under the name `sum`, where other types (floats, durations) go to the engine's own.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, Signature,
    Volatility,
};

use super::exact_total::{DistinctSum, GroupSums, RunningSum, state_type};
use crate::error;
use crate::scalar::BILLING_FUNCTIONS;

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        BILLING_FUNCTIONS,
        "The sum of integers or decimals, exact: a total that does not fit the result type is an error, where the \
         engine's own `sum` wraps around. Integers give BIGINT (or UBIGINT), DECIMAL(p,s) gives DECIMAL(min(38,p+10),s); \
         NULLs are ignored, and the sum of nothing is NULL.",
        "exact_sum(x)",
    )
    .with_sql_example("```sql\nSELECT exact_sum(x) FROM (VALUES (0.1), (0.2)) AS t(x); -- 0.3\n```")
    .with_argument("x", "an integer or DECIMAL; a float is an error")
    .build()
});

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ExactSum {
    name: &'static str,
    /// Sums the types that are not exact; `None` refuses them.
    inexact: Option<Arc<AggregateUDF>>,
    signature: Signature,
}

impl ExactSum {
    pub(crate) fn new() -> Self {
        Self {
            name: "exact_sum",
            inexact: None,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

/// The replacement for the engine's `sum`.
pub(crate) fn sum() -> AggregateUDF {
    AggregateUDF::from(ExactSum {
        name: "sum",
        inexact: Some(sum_udaf()),
        ..ExactSum::new()
    })
}

/// The type in which `given` is added; `None` if it is not exact.
fn exact_type(given: &DataType) -> Option<DataType> {
    match given {
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            Some(DataType::UInt64)
        }
        integer if integer.is_integer() => Some(DataType::Int64),
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            Some(DataType::Decimal128(*precision, *scale))
        }
        DataType::Decimal128(_, _) | DataType::Decimal256(_, _) => Some(given.clone()),
        DataType::Dictionary(_, value) => exact_type(value),
        _ => None,
    }
}

/// The type of a sum of values of that type; `None` if it is not one to add in.
pub(super) fn sum_type(given: &DataType) -> Option<DataType> {
    match given {
        DataType::Decimal128(precision, scale) => Some(DataType::Decimal128(
            precision.saturating_add(10).min(38),
            *scale,
        )),
        DataType::Decimal256(precision, scale) => Some(DataType::Decimal256(
            precision.saturating_add(10).min(76),
            *scale,
        )),
        exact => is_exact(exact).then(|| exact.clone()),
    }
}

/// Whether values of that type are added as they are.
pub(crate) fn is_exact(given: &DataType) -> bool {
    exact_type(given).as_ref() == Some(given)
}

impl AggregateUDFImpl for ExactSum {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [given] = types else {
            return Err(error::query(format!(
                "{} takes one argument, got {}",
                self.name,
                types.len()
            )));
        };
        match (exact_type(given), &self.inexact) {
            (Some(exact), _) => Ok(vec![exact]),
            (None, _) if given == &DataType::Null => Ok(vec![DataType::Int64]),
            (None, Some(engine)) => engine.coerce_types(types),
            (None, None) => Err(error::query(format!(
                "{}: {given} is not exact; write {0}(CAST(x AS DECIMAL(18,6)))",
                self.name
            ))),
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let exact = match types {
            [given] => sum_type(given),
            _ => None,
        };
        match (exact, &self.inexact) {
            (Some(exact), _) => Ok(exact),
            (None, Some(engine)) => engine.return_type(types),
            (None, None) => Err(error::query(format!(
                "{} takes an integer or a DECIMAL",
                self.name
            ))),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        match (args.input_fields, &self.inexact) {
            ([input], Some(engine)) if !is_exact(input.data_type()) => engine.state_fields(args),
            ([input], _) if args.is_distinct => {
                let item = Field::new_list_field(state_type(input.data_type()), true);
                Ok(vec![Arc::new(Field::new_list(
                    format!("{}[distinct]", args.name),
                    item,
                    true,
                ))])
            }
            ([input], _) => Ok(vec![Arc::new(Field::new(
                format!("{}[sum]", args.name),
                state_type(input.data_type()),
                true,
            ))]),
            _ => Err(exec_datafusion_err!("{} takes one argument", self.name)),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match (input_type(&args)?, &self.inexact) {
            (input, Some(engine)) if !is_exact(&input) => engine.accumulator(args),
            (input, _) if args.is_distinct => Ok(Box::new(DistinctSum::new(
                &input,
                args.return_field.data_type().clone(),
            ))),
            (_, _) => Ok(Box::new(RunningSum::new(
                args.return_field.data_type().clone(),
            ))),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match (&self.inexact, is_exact(&input_type(&args)?)) {
            (Some(engine), false) => engine.create_sliding_accumulator(args),
            _ => self.accumulator(args),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        match (&self.inexact, input_type(&args)) {
            (Some(engine), Ok(input)) if !is_exact(&input) => {
                engine.groups_accumulator_supported(args)
            }
            _ => !args.is_distinct,
        }
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match (input_type(&args)?, &self.inexact) {
            (input, Some(engine)) if !is_exact(&input) => engine.create_groups_accumulator(args),
            (input, _) => Ok(Box::new(GroupSums::new(
                input,
                args.return_field.data_type().clone(),
            ))),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        match &self.inexact {
            Some(engine) => engine.documentation(),
            None => Some(&DOCUMENTATION),
        }
    }
}

fn input_type(args: &AccumulatorArgs) -> Result<DataType> {
    let input = args
        .expr_fields
        .first()
        .map(|field| field.data_type().clone());
    input.ok_or_else(|| exec_datafusion_err!("a sum takes one argument"))
}
