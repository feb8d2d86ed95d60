//! `dayrate_sum_alike(x, n)`: the exact sum of `x` over rows of which each stands for `n` alike.
//!
//! Internal: [`crate::table::CountAlike`] plans it in place of a sum over every single row.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
};

use super::exact_sum::sum_type;
use super::exact_total::{GroupSums, RunningSum, state_type};

/// See the module. `x` is of a type that is exact, `n` a BIGINT.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct SumAlike {
    signature: Signature,
}

impl SumAlike {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }
}

fn value_type(fields: &[FieldRef]) -> Result<&DataType> {
    let value = fields.first().map(|field| field.data_type());
    value.ok_or_else(|| exec_datafusion_err!("dayrate_sum_alike takes a value and a number"))
}

impl AggregateUDFImpl for SumAlike {
    fn name(&self) -> &str {
        "dayrate_sum_alike"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        types
            .first()
            .and_then(sum_type)
            .ok_or_else(|| exec_datafusion_err!("dayrate_sum_alike takes an exact value"))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let state = state_type(value_type(args.input_fields)?);
        Ok(vec![Arc::new(Field::new(args.name, state, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(RunningSum::new(
            args.return_field.data_type().clone(),
        )))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(GroupSums::new(
            value_type(args.expr_fields)?.clone(),
            args.return_field.data_type().clone(),
        )))
    }
}
