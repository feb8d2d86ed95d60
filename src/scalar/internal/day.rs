//! `dayrate_day(ts, zone)`: `local_day`, but NULL beyond the calendar, for functions that never fail on a row.

use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::utils::take_function_args;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::domain::zone::ZoneDatabase;
use crate::scalar::local_day::{OutOfRange, local_days};

/// The name in plans, by which the pruning rule knows it.
pub(crate) const NAME: &str = "dayrate_day";

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Day {
    zones: ZoneDatabase,
    signature: Signature,
}

impl Day {
    pub(crate) fn new(zones: ZoneDatabase) -> Self {
        Self {
            zones,
            signature: Signature::any(2, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Day {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [ts, zone] = take_function_args(NAME, args.args)?;
        let ts = ts.into_array(args.number_rows)?;
        Ok(ColumnarValue::Array(local_days(
            &ts,
            &zone,
            &self.zones,
            OutOfRange::Null,
        )?))
    }
}
