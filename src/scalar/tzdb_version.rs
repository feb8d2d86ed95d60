//! `tzdb_version()`: which release of the IANA time zone database dates the messages.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    Volatility,
};

use super::BILLING_FUNCTIONS;
use crate::domain::zone::ZoneDatabase;

/// The function, with the zone rules that it names.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct TzdbVersion {
    zones: ZoneDatabase,
    signature: Signature,
}

impl TzdbVersion {
    pub(crate) fn new(zones: ZoneDatabase) -> Self {
        Self {
            zones,
            signature: Signature::nullary(Volatility::Immutable),
        }
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        BILLING_FUNCTIONS,
        "The release of the IANA time zone database that local days are computed with, such as 2026f.",
        "tzdb_version()",
    )
    .with_sql_example(
        "```sql\n\
         > SELECT tzdb_version() AS version;\n\
         +---------+\n\
         | version |\n\
         +---------+\n\
         | 2026f   |\n\
         +---------+\n\
         ```",
    )
    .with_related_udf("local_day")
    .build()
});

impl ScalarUDFImpl for TzdbVersion {
    fn name(&self) -> &str {
        "tzdb_version"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), DataType::Utf8, false)))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(ScalarValue::from(
            self.zones.version(),
        )))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}
