//! `local_day_end(day, zone)`: the first instant after the last of a local day.

use std::sync::LazyLock;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::{BILLING_FUNCTIONS, arguments, day_edges};
use crate::domain::zone::{Zone, ZoneDatabase};

/// The function, with the zone rules that it follows.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct LocalDayEnd {
    zones: ZoneDatabase,
    signature: Signature,
}

impl LocalDayEnd {
    pub(crate) fn new(zones: ZoneDatabase) -> Self {
        Self {
            zones,
            signature: arguments::day_and_zone(),
        }
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        BILLING_FUNCTIONS,
        "The first instant after the last of a local day in a time zone: the end of the day, itself not in it. NULL for a day that the zone skipped, or if either argument is NULL; an error for an unknown zone.",
        "local_day_end(day, zone)",
    )
    .with_sql_example(
        "```sql\n\
         > SELECT local_day_end(DATE '2018-11-04', 'America/Sao_Paulo') AS instant;\n\
         +----------------------+\n\
         | instant              |\n\
         +----------------------+\n\
         | 2018-11-05T02:00:00Z |\n\
         +----------------------+\n\
         ```",
    )
    .with_argument("day", "A date: a constant or a column.")
    .with_argument(
        "zone",
        "The IANA name of a time zone or a link to one, in any letter case: a constant or a column. Offsets are refused.",
    )
    .with_related_udf("local_day")
    .with_related_udf("local_day_start")
    .build()
});

impl ScalarUDFImpl for LocalDayEnd {
    fn name(&self) -> &str {
        "local_day_end"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(day_edges::instant_type())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        day_edges::return_field(self.name(), &args, &self.zones)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        day_edges::invoke(self.name(), args, &self.zones, Zone::day_end)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}
