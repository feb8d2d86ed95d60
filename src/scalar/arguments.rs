//! What functions with an instant, a day or a zone accept, and what they say to everything else.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::types::{NativeType, logical_date, logical_string};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    Coercion, ReturnFieldArgs, Signature, TypeSignatureClass, Volatility,
};

use crate::domain::zone::ZoneDatabase;
use crate::error;

/// The signature `(ts timestamptz, zone text)`.
pub(super) fn instant_and_zone() -> Signature {
    let instant = NativeType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let class = TypeSignatureClass::Native(Arc::new(instant.clone()));
    with_zone("ts", class, instant)
}

/// The signature `(day date, zone text)`.
pub(super) fn day_and_zone() -> Signature {
    with_zone(
        "day",
        TypeSignatureClass::Native(logical_date()),
        NativeType::Date,
    )
}

/// Takes arguments of every type as they are, so that they keep their unit and encoding and wrong ones get our own
/// words; the classes are what `information_schema.parameters` shows.
fn with_zone(name: &str, class: TypeSignatureClass, shown: NativeType) -> Signature {
    let any = |class, shown| Coercion::new_implicit(TypeSignatureClass::Any, vec![class], shown);
    let zone = any(
        TypeSignatureClass::Native(logical_string()),
        NativeType::String,
    );
    let mut signature = Signature::coercible(vec![any(class, shown), zone], Volatility::Immutable);
    signature.parameter_names = Some(vec![name.to_owned(), "zone".to_owned()]);
    signature
}

/// Refuses a `ts` that is no instant.
pub(super) fn check_instant(function: &str, args: &ReturnFieldArgs) -> Result<()> {
    let found = match args.arg_fields.first().map(|field| field.data_type()) {
        Some(DataType::Null | DataType::Timestamp(_, Some(_))) | None => return Ok(()),
        Some(found) => found,
    };
    let (what, remedy) = match found {
        DataType::Timestamp(_, None) => (
            "a timestamp without a time zone, which is no instant".to_owned(),
            format!(
                "say where its clock stood: {function}(ts AT TIME ZONE 'UTC', zone) if it is in UTC"
            ),
        ),
        DataType::Date32 | DataType::Date64 => (
            "a date, which has no time of day".to_owned(),
            "give the timestamp with a time zone that it was made from".to_owned(),
        ),
        text if is_text(text) => (
            "text".to_owned(),
            format!(
                "make it a timestamp and say where its clock stood: \
                 {function}(CAST(ts AS TIMESTAMP) AT TIME ZONE 'UTC', zone) if it is in UTC"
            ),
        ),
        other => (
            format!("of type {other}"),
            "give a timestamp with a time zone".to_owned(),
        ),
    };
    Err(error::query(format!("{function}: ts is {what}; {remedy}")))
}

/// Refuses a `day` that is no date. Text is taken if it reads as one.
pub(super) fn check_day(function: &str, args: &ReturnFieldArgs) -> Result<()> {
    let found = match args.arg_fields.first().map(|field| field.data_type()) {
        Some(DataType::Null | DataType::Date32 | DataType::Date64) | None => return Ok(()),
        Some(text) if is_text(text) => return Ok(()),
        Some(found) => found,
    };
    let remedy = match found {
        DataType::Timestamp(_, Some(_)) => "give the day that it shows: local_day(ts, zone)",
        _ => "give a date, such as DATE '2025-03-09'",
    };
    Err(error::query(format!(
        "{function}: day is of type {found}, not a date; {remedy}"
    )))
}

/// Refuses a `zone` that is no text and a constant one that is no zone.
pub(super) fn check_zone(
    function: &str,
    args: &ReturnFieldArgs,
    zones: &ZoneDatabase,
) -> Result<()> {
    if let Some(field) = args.arg_fields.get(1)
        && !is_text(field.data_type())
        && !field.data_type().is_null()
    {
        return Err(error::query(format!(
            "{function}: zone is of type {}, not text; give the IANA name of a time zone, such as 'Europe/Rome'",
            field.data_type()
        )));
    }
    let constant = args.scalar_arguments.get(1).copied().flatten();
    if let Some(Some(name)) = constant.and_then(ScalarValue::try_as_str) {
        zones
            .zone(name)
            .map_err(|fault| error::query(format!("{function}: {fault}")))?;
    }
    Ok(())
}

/// Whether a column of this type holds text, in one of the encodings that the functions read.
fn is_text(found: &DataType) -> bool {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => {
            matches!(
                **values,
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
            )
        }
        _ => false,
    }
}
