//! `dayrate_checked(value)`: true, always, of a value that only exists once its relation has been checked.
//!
//! As a filter above a join it makes the rows depend on the checked side even where no column of it is asked for:
//! under `EXISTS`, for one, the optimizer would leave out the outer join, and with it the check.

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Checked {
    signature: Signature,
}

impl Checked {
    pub(crate) fn new() -> Self {
        Self {
            // Volatile, so that nobody concludes what it returns.
            signature: Signature::any(1, Volatility::Volatile),
        }
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        "dayrate_checked"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let all = BooleanBuffer::new_set(args.number_rows);
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::new(all, None))))
    }
}
