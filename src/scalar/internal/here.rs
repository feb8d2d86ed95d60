//! `dayrate_here(predicate)`: the predicate itself, to be asked where it stands and nowhere else.
//!
//! [`crate::table::StayingFilters`] says why.

use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Here {
    signature: Signature,
}

impl Here {
    pub(crate) fn new() -> Self {
        Self {
            // Volatile: the engine moves no such filter.
            signature: Signature::exact(vec![DataType::Boolean], Volatility::Volatile),
        }
    }
}

impl ScalarUDFImpl for Here {
    fn name(&self) -> &str {
        "dayrate_here"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let predicate = args.args.into_iter().next();
        predicate.ok_or_else(|| exec_datafusion_err!("dayrate_here takes a predicate"))
    }
}
