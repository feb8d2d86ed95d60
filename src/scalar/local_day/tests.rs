//! Every unit, label and encoding gives the day of the plain rule; wrong use is told what to write.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit};
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;
use crate::domain::zone::ZoneDatabase;

/// Seconds around the turns of several zones, before 1970, after 2100, and NULL.
const SECONDS: [Option<i64>; 8] = [
    Some(1_741_496_400),
    Some(1_741_496_399),
    None,
    Some(-1),
    Some(-86_401),
    Some(4_200_000_000),
    Some(1_162_090_859),
    Some(1_325_239_200),
];

const ZONES: [Option<&str>; 8] = [
    Some("America/New_York"),
    Some("america/new_york"),
    Some("Europe/Rome"),
    Some("UTC"),
    None,
    Some("Asia/Kolkata"),
    Some("America/St_Johns"),
    Some("Pacific/Apia"),
];

fn context() -> SessionContext {
    let mut config = SessionConfig::new().with_information_schema(true);
    config.options_mut().execution.time_zone = Some("UTC".to_owned());
    let context = SessionContext::new_with_config(config);
    for function in crate::scalar::all(&ZoneDatabase::bundled()) {
        context.register_udf(function);
    }
    context
}

async fn rows(context: &SessionContext, sql: &str) -> Vec<RecordBatch> {
    context.sql(sql).await.unwrap().collect().await.unwrap()
}

async fn error(context: &SessionContext, sql: &str) -> String {
    match context.sql(sql).await {
        Err(error) => error.strip_backtrace(),
        Ok(frame) => frame.collect().await.unwrap_err().strip_backtrace(),
    }
}

fn units() -> impl Iterator<Item = DataType> {
    [
        TimeUnit::Second,
        TimeUnit::Millisecond,
        TimeUnit::Microsecond,
        TimeUnit::Nanosecond,
    ]
    .into_iter()
    .flat_map(|unit| {
        ["UTC", "+05:30", "Asia/Tokyo"].map(|label| DataType::Timestamp(unit, Some(label.into())))
    })
}

fn encodings() -> Vec<DataType> {
    let texts = [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View];
    let keys = [
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
    ];
    let dictionary = |key: &DataType, text: &DataType| {
        DataType::Dictionary(Box::new(key.clone()), Box::new(text.clone()))
    };
    let dictionaries = keys
        .iter()
        .flat_map(|key| texts.iter().map(move |text| dictionary(key, text)));
    texts.iter().cloned().chain(dictionaries).collect()
}

fn instants(data_type: &DataType) -> ArrayRef {
    let seconds: ArrayRef = Arc::new(Int64Array::from(SECONDS.to_vec()));
    let label = match data_type {
        DataType::Timestamp(_, label) => label.clone(),
        _ => None,
    };
    let seconds = cast(&seconds, &DataType::Timestamp(TimeUnit::Second, label)).unwrap();
    cast(&seconds, data_type).unwrap()
}

fn zone_names(data_type: &DataType) -> ArrayRef {
    let names: ArrayRef = Arc::new(StringArray::from(ZONES.to_vec()));
    cast(&names, data_type).unwrap()
}

fn days(array: &ArrayRef) -> Vec<Option<i32>> {
    array.as_primitive::<Date32Type>().iter().collect()
}

#[test]
fn every_unit_label_and_encoding_gives_the_day_of_the_rule() {
    let database = ZoneDatabase::bundled();
    let by_rule =
        |second: Option<i64>, zone: Option<&str>| database.zone(zone?).unwrap().day(second?);
    let expected: Vec<_> = SECONDS
        .iter()
        .zip(ZONES)
        .map(|(s, z)| by_rule(*s, z))
        .collect();
    for unit in units() {
        let ts = instants(&unit);
        for encoding in encodings() {
            let column = ColumnarValue::Array(zone_names(&encoding));
            let found = local_days(&ts, &column, &database, OutOfRange::Fail).unwrap();
            assert_eq!(days(&found), expected, "{unit} {encoding}");
        }
        for name in ZONES {
            let constant = ColumnarValue::Scalar(ScalarValue::from(name));
            let found = local_days(&ts, &constant, &database, OutOfRange::Fail).unwrap();
            let expected: Vec<_> = SECONDS.iter().map(|s| by_rule(*s, name)).collect();
            assert_eq!(days(&found), expected, "{unit} {name:?}");
        }
    }
}

#[test]
fn slices_keep_their_rows() {
    let database = ZoneDatabase::bundled();
    let ts = instants(&DataType::Timestamp(
        TimeUnit::Millisecond,
        Some("UTC".into()),
    ));
    for encoding in encodings() {
        let names = zone_names(&encoding);
        let whole = ColumnarValue::Array(Arc::clone(&names));
        let whole = local_days(&ts, &whole, &database, OutOfRange::Fail).unwrap();
        let part = ColumnarValue::Array(names.slice(3, 4));
        let part = local_days(&ts.slice(3, 4), &part, &database, OutOfRange::Fail).unwrap();
        assert_eq!(days(&part), days(&whole.slice(3, 4)), "{encoding}");
    }
}

#[test]
fn an_instant_beyond_the_calendar_fails_or_is_null() {
    let database = ZoneDatabase::bundled();
    let far: ArrayRef = Arc::new(Int64Array::from(vec![Some(0), Some(253_402_300_800), None]));
    let ts = cast(
        &far,
        &DataType::Timestamp(TimeUnit::Second, Some("UTC".into())),
    )
    .unwrap();
    let zone = ColumnarValue::Scalar(ScalarValue::from("UTC"));
    let failed = local_days(&ts, &zone, &database, OutOfRange::Fail)
        .unwrap_err()
        .to_string();
    assert!(failed.contains("10000-01-01T00:00:00Z"), "{failed}");
    let null = local_days(&ts, &zone, &database, OutOfRange::Null).unwrap();
    assert_eq!(days(&null), [Some(0), None, None]);
}

#[test]
fn a_wrong_zone_matters_only_where_it_is_used() {
    let database = ZoneDatabase::bundled();
    let ts: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(0)]));
    let ts = cast(
        &ts,
        &DataType::Timestamp(TimeUnit::Second, Some("UTC".into())),
    )
    .unwrap();
    let dictionary = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    for encoding in [DataType::Utf8, DataType::Utf8View, dictionary] {
        let zones = |names: [&str; 2]| {
            let names: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
            ColumnarValue::Array(cast(&names, &encoding).unwrap())
        };
        let unused = zones(["Europe/Roma", "UTC"]);
        let found = local_days(&ts, &unused, &database, OutOfRange::Fail).unwrap();
        assert_eq!(days(&found), [None, Some(0)]);
        let used = zones(["UTC", "Europe/Roma"]);
        let failed = local_days(&ts, &used, &database, OutOfRange::Fail)
            .unwrap_err()
            .to_string();
        assert!(
            failed.contains("'Europe/Roma': did you mean 'Europe/Rome'?"),
            "{failed}"
        );
    }
}

#[tokio::test]
async fn wrong_use_is_told_what_to_write() {
    let context = context();
    for (call, part) in [
        ("local_day(DATE '2025-01-01', 'UTC')", "ts is a date"),
        ("local_day('2025-01-01', 'UTC')", "ts is text"),
        (
            "local_day(TIMESTAMP '2025-01-01' , 'UTC')",
            "ts AT TIME ZONE 'UTC'",
        ),
        ("local_day(1, 'UTC')", "ts is of type Int64"),
        ("local_day(now(), 1)", "zone is of type Int64"),
        (
            "local_day(now(), 'Europe/Roma')",
            "did you mean 'Europe/Rome'?",
        ),
        ("local_day(now(), '+02:00')", "is an offset"),
        ("local_day(now())", "expect"),
        ("local_day_start(now(), 'UTC')", "local_day(ts, zone)"),
        ("local_day_end(1, 'UTC')", "not a date"),
        (
            "local_day_end(DATE '2025-01-01', 'Mars')",
            "unknown time zone 'Mars'",
        ),
    ] {
        let text = error(&context, &format!("EXPLAIN SELECT {call}")).await;
        assert!(text.contains(part), "{call}: {text}");
        assert!(!text.contains("Internal"), "{call}: {text}");
    }
}

#[tokio::test]
async fn constants_names_and_nulls_work_in_sql() {
    let context = context();
    for (call, expected) in [
        (
            "local_day(TIMESTAMPTZ '2025-06-01T22:30:00Z', 'Europe/Rome')",
            "2025-06-02",
        ),
        (
            "local_day(zone => 'UTC', ts => TIMESTAMPTZ '2025-06-01T22:30:00Z')",
            "2025-06-01",
        ),
        (
            "local_day(TIMESTAMP '2025-06-01T22:30:00' AT TIME ZONE 'UTC', 'asia/tokyo')",
            "2025-06-02",
        ),
        ("local_day(NULL, 'Europe/Rome')", ""),
        ("local_day(now(), NULL)", ""),
        ("local_day(NULL, NULL)", ""),
        (
            "local_day_start(DATE '2018-11-04', 'America/Sao_Paulo')",
            "2018-11-04T03:00:00Z",
        ),
        (
            "local_day_end('2018-11-04', 'America/Sao_Paulo')",
            "2018-11-05T02:00:00Z",
        ),
        ("local_day_start(DATE '2011-12-30', 'Pacific/Apia')", ""),
        ("local_day_start(NULL, 'Pacific/Apia')", ""),
        ("local_day_end(DATE '2011-12-30', NULL)", ""),
        ("tzdb_version()", "2026f"),
    ] {
        // Once folded while planned, once over a column.
        for sql in [
            format!("SELECT {call}"),
            format!("SELECT {call} FROM (VALUES (1)) WHERE now() > '1999-01-01'"),
        ] {
            let found = rows(&context, &sql).await;
            let text = cast(found[0].column(0), &DataType::Utf8).unwrap();
            let text = text.as_string::<i32>();
            let text = if text.is_null(0) { "" } else { text.value(0) };
            assert_eq!(text, expected, "{sql}");
        }
    }
    let soon = error(&context, "SELECT local_day_end('soon', 'UTC')").await;
    assert!(soon.contains("'soon'"), "{soon}");
    let beyond = error(
        &context,
        "SELECT local_day_start(DATE '9999-12-31' + 1, 'UTC')",
    )
    .await;
    assert!(beyond.contains("10000-01-01"), "{beyond}");
}

/// How many rows of `t` pass a filter, and whether the plan still calls the function.
async fn count(context: &SessionContext, filter: &str) -> (i64, bool) {
    let sql = format!("SELECT count(*) FROM t WHERE {filter}");
    let plan = context
        .sql(&sql)
        .await
        .unwrap()
        .into_optimized_plan()
        .unwrap();
    let found = rows(context, &sql).await;
    let calls = plan.display_indent().to_string().contains("local_day");
    (
        found[0].column(0).as_primitive::<Int64Type>().value(0),
        calls,
    )
}

#[tokio::test]
async fn a_filter_by_day_becomes_a_range_and_keeps_its_meaning() {
    let context = context();
    for (zone, day, exact) in [
        ("America/New_York", "2025-03-09", true),
        ("Pacific/Apia", "2011-12-30", true),
        ("America/St_Johns", "2006-10-29", false),
        ("America/St_Johns", "2006-10-28", false),
        ("Europe/Rome", "1969-12-31", true),
    ] {
        for unit in units() {
            let sql = format!(
                "CREATE OR REPLACE TABLE t AS SELECT arrow_cast(to_timestamp_seconds(extract(epoch FROM TIMESTAMPTZ \
                 '{day}T00:00:00Z')::bigint - 172800 + value * 1777), '{unit}') AS ts FROM range(0, 240)"
            );
            rows(&context, &sql).await;
            let sql = "INSERT INTO t VALUES (NULL)";
            rows(&context, sql).await;
            for operator in [
                "=",
                "!=",
                "<",
                "<=",
                ">",
                ">=",
                "IS DISTINCT FROM",
                "IS NOT DISTINCT FROM",
            ] {
                let call = format!("local_day(ts, '{zone}')");
                let (by_range, calls) =
                    count(&context, &format!("{call} {operator} DATE '{day}'")).await;
                // Text compares as the date does, and hides the call from the rewriting.
                let hidden = format!("CAST({call} AS VARCHAR) {operator} '{day}'");
                let (by_label, _) = count(&context, &hidden).await;
                assert_eq!(by_range, by_label, "{zone} {day} {operator} {unit}");
                assert_eq!(calls, !exact, "{zone} {day} {operator} {unit}");
            }
        }
    }
    let twice = "local_day(ts, 'UTC') BETWEEN '1969-12-30' AND '1969-12-31'";
    assert!(!count(&context, twice).await.1);
    let far = "local_day(arrow_cast(ts, 'Timestamp(ns, \"UTC\")'), 'UTC') < DATE '2300-01-01'";
    assert!(
        count(&context, far).await.1,
        "nanoseconds do not reach 2300"
    );
}

#[tokio::test]
async fn every_function_documents_itself() {
    let context = context();
    for function in crate::scalar::all(&ZoneDatabase::bundled()) {
        let documentation = function.documentation().unwrap();
        assert_eq!(documentation.doc_section, BILLING_FUNCTIONS);
        assert!(documentation.sql_example.is_some());
        let sql = format!(
            "SELECT count(*) FROM information_schema.routines WHERE routine_name = '{}' \
             AND description IS NOT NULL AND syntax_example LIKE '{}(%'",
            function.name(),
            function.name()
        );
        let found = rows(&context, &sql).await;
        assert_eq!(
            found[0].column(0).as_primitive::<Int64Type>().value(0),
            1,
            "{}",
            function.name()
        );
    }
}
