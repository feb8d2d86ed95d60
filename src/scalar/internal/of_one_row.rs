//! `dayrate_of_one_row(rows, relation, key)`: true of a key that has one row, and a failure of one that has more.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::error;

/// See the module; `rows` counts them, `key` is a struct that names them.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct OfOneRow {
    signature: Signature,
}

impl OfOneRow {
    pub(crate) fn new() -> Self {
        Self {
            // Volatile, so that nobody concludes what it returns.
            signature: Signature::any(3, Volatility::Volatile),
        }
    }
}

impl ScalarUDFImpl for OfOneRow {
    fn name(&self) -> &str {
        "dayrate_of_one_row"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [count, relation, key] = take_function_args(self.name(), args.args)?;
        let count = count.into_array(args.number_rows)?;
        let count = count
            .as_primitive_opt::<Int64Type>()
            .ok_or_else(|| exec_datafusion_err!("{} takes a count", self.name()))?;
        if let Some(row) = count.values().iter().position(|rows| *rows > 1) {
            let relation = match &relation {
                ColumnarValue::Scalar(name) => name.to_string(),
                ColumnarValue::Array(_) => return Err(exec_datafusion_err!("no relation")),
            };
            let key = key.into_array(args.number_rows)?;
            let options = FormatOptions::default().with_null("NULL");
            return Err(error::data(format!(
                "{relation} has {} rows of {}; a ledger has one row for each, save or select it once",
                count.value(row),
                ArrayFormatter::try_new(key.as_ref(), &options)?.value(row),
            )));
        }
        let all = BooleanBuffer::new_set(args.number_rows);
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::new(all, None))))
    }
}
