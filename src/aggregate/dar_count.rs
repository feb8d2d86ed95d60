//! `dar_count(site_id, relationship_id, ts, zone)`: distinct (site, relationship, local day), exact.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, Documentation, GroupsAccumulator, Signature, Volatility,
};

use super::dar_keys::{Days, OneCount, item};
use crate::domain::zone::ZoneDatabase;
use crate::error;
use crate::scalar::BILLING_FUNCTIONS;

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        BILLING_FUNCTIONS,
        "How many Daily Active Relationships the rows make: distinct (site, relationship, local day of `ts` in `zone`). \
         Exact, BIGINT; a row with a NULL is ignored, and nothing gives 0. It knows no test sites, notes or system \
         messages: `dars` does.",
        "dar_count(site_id, relationship_id, ts, zone)",
    )
    .with_sql_example("```sql\nSELECT dar_count(site_id, consumer_id, sent_at, 'Europe/Rome') FROM messages;\n```")
    .with_argument("site_id", "text or integer; compared as text")
    .with_argument("relationship_id", "text or integer: the consumer or the conversation")
    .with_argument("ts", "TIMESTAMP WITH TIME ZONE of any unit")
    .with_argument("zone", "text: an IANA zone name, constant or column")
    .build()
});

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct DarCount {
    zones: ZoneDatabase,
    signature: Signature,
}

impl DarCount {
    pub(crate) fn new(zones: ZoneDatabase) -> Self {
        Self {
            zones,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    fn days(&self) -> Days {
        Days::new(self.zones.clone())
    }
}

impl AggregateUDFImpl for DarCount {
    fn name(&self) -> &str {
        "dar_count"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [site_id, relationship_id, ts, zone] = types else {
            return Err(error::query(format!(
                "dar_count takes (site_id, relationship_id, ts, zone), got {} arguments",
                types.len()
            )));
        };
        Ok(vec![
            id("site_id", site_id)?,
            id("relationship_id", relationship_id)?,
            instant(ts)?,
            text("zone", zone)?,
        ])
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, _data_type: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(0)))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(
            format!("{}[keys]", args.name),
            DataType::List(item()),
            true,
        ))])
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneCount::new(self.days())))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        _args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(self.days()))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}

fn id(name: &str, given: &DataType) -> Result<DataType> {
    match given {
        DataType::Dictionary(_, value) => id(name, value),
        given if given.is_string() || given.is_integer() || given == &DataType::Null => {
            Ok(DataType::Utf8View)
        }
        _ => Err(error::query(format!(
            "dar_count: {name} is {given}, but text or an integer is expected"
        ))),
    }
}

fn instant(given: &DataType) -> Result<DataType> {
    match given {
        DataType::Timestamp(_, Some(_)) => Ok(given.clone()),
        DataType::Null => Ok(DataType::Timestamp(
            TimeUnit::Microsecond,
            Some("UTC".into()),
        )),
        DataType::Timestamp(_, None) => Err(error::query(
            "dar_count: ts has no time zone, so it names no instant; if it is UTC, write ts AT TIME ZONE 'UTC'",
        )),
        _ => Err(error::query(format!(
            "dar_count: ts is {given}, but TIMESTAMP WITH TIME ZONE is expected"
        ))),
    }
}

fn text(name: &str, given: &DataType) -> Result<DataType> {
    match given {
        DataType::Dictionary(_, value) => text(name, value),
        given if given.is_string() || given == &DataType::Null => Ok(DataType::Utf8View),
        _ => Err(error::query(format!(
            "dar_count: {name} is {given}, but an IANA zone name is expected"
        ))),
    }
}
