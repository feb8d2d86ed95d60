//! `local_day(ts, zone)`: the calendar day that an instant shows on the clocks of a place.

mod kernel;

#[cfg(test)]
mod tests;

pub(crate) use kernel::{OutOfRange, local_days};

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::preimage::PreimageResult;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl,
    Signature,
};

use super::{BILLING_FUNCTIONS, arguments};
use crate::domain::zone::ZoneDatabase;

/// The function, with the zone rules that it follows.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct LocalDay {
    zones: ZoneDatabase,
    signature: Signature,
}

impl LocalDay {
    pub(crate) fn new(zones: ZoneDatabase) -> Self {
        Self {
            zones,
            signature: arguments::instant_and_zone(),
        }
    }
}

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    Documentation::builder(
        BILLING_FUNCTIONS,
        "The calendar day (DATE) that an instant shows on the clocks of a time zone, by the zone rules in force at that \
         instant. NULL if either argument is NULL; an error for an unknown zone.",
        "local_day(ts, zone)",
    )
    .with_sql_example(
        "```sql\n\
         > SELECT local_day(TIMESTAMPTZ '2025-06-01T22:30:00Z', 'Europe/Rome') AS day;\n\
         +------------+\n\
         | day        |\n\
         +------------+\n\
         | 2025-06-02 |\n\
         +------------+\n\
         ```",
    )
    .with_argument(
        "ts",
        "A timestamp with a time zone, in any unit. The zone that it is labelled with does not matter.",
    )
    .with_argument(
        "zone",
        "The IANA name of a time zone or a link to one, in any letter case: a constant or a column. Offsets are refused.",
    )
    .with_related_udf("local_day_start")
    .with_related_udf("local_day_end")
    .with_related_udf("tzdb_version")
    .build()
});

impl ScalarUDFImpl for LocalDay {
    fn name(&self) -> &str {
        "local_day"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        arguments::check_instant(self.name(), &args)?;
        arguments::check_zone(self.name(), &args, &self.zones)?;
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(
            self.name(),
            DataType::Date32,
            nullable,
        )))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [ts, zone] = datafusion::common::utils::take_function_args(self.name(), args.args)?;
        let constant = matches!(
            (&ts, &zone),
            (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_))
        );
        let rows = if constant { 1 } else { args.number_rows };
        let days = local_days(&ts.into_array(rows)?, &zone, &self.zones, OutOfRange::Fail)?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &days, 0,
            )?));
        }
        Ok(ColumnarValue::Array(days))
    }

    /// Lets `local_day(ts, 'Europe/Rome') = DATE '2025-03-09'` become a range of `ts`, by which files are pruned.
    ///
    /// Sound because [`Zone::day_range`](crate::domain::zone::Zone::day_range) answers only for days whose range means
    /// exactly the same as the label; the others keep the call.
    fn preimage(
        &self,
        args: &[Expr],
        lit: &Expr,
        info: &SimplifyContext,
    ) -> Result<PreimageResult> {
        let [ts, Expr::Literal(zone, _)] = args else {
            return Ok(PreimageResult::None);
        };
        let Expr::Literal(ScalarValue::Date32(Some(day)), _) = lit else {
            return Ok(PreimageResult::None);
        };
        let Some(Some(zone)) = zone.try_as_str() else {
            return Ok(PreimageResult::None);
        };
        // The range names `ts` twice, which must give the same instant twice.
        if ts.is_volatile() {
            return Ok(PreimageResult::None);
        }
        let range = self
            .zones
            .zone(zone)
            .ok()
            .and_then(|zone| zone.day_range(*day));
        let bounds = range.and_then(|(start, end)| {
            let in_unit = info.get_data_type(ts).ok()?;
            Some((bound(start, &in_unit)?, bound(end, &in_unit)?))
        });
        let Some((lower, upper)) = bounds else {
            return Ok(PreimageResult::None);
        };
        let interval = Box::new(Interval::try_new(lower, upper)?);
        Ok(PreimageResult::Range {
            expr: ts.clone(),
            interval,
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}

/// The second, in the unit and with the label of a timestamp type; `None` if the unit cannot count so far.
fn bound(second: i64, data_type: &DataType) -> Option<ScalarValue> {
    let DataType::Timestamp(unit, Some(label)) = data_type else {
        return None;
    };
    let count = |per_second: i64| second.checked_mul(per_second).map(Some);
    let label = Some(Arc::clone(label));
    Some(match unit {
        TimeUnit::Second => ScalarValue::TimestampSecond(count(1)?, label),
        TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(count(1_000)?, label),
        TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(count(1_000_000)?, label),
        TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(count(1_000_000_000)?, label),
    })
}
