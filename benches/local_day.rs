//! What the local day of a row costs, in nanoseconds: a batch of 8,192 rows, divided by the rows of the counter.
//!
//! `cargo bench --bench local_day`. The goal is 3 ns a row with a constant zone and 6 ns with a column of 20 zones,
//! whether the instants come in order or not; `built_in` is what DataFusion itself offers for a constant zone.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;
use divan::Bencher;
use divan::counter::ItemsCount;

const ROWS: usize = 8_192;

/// 2025-01-01T00:00:00Z, in microseconds.
const START: i64 = 1_735_689_600_000_000;
const YEAR: i64 = 365 * 86_400_000_000;

const ZONES: [&str; 20] = [
    "Africa/Cairo",
    "Africa/Lagos",
    "America/Argentina/Buenos_Aires",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Paris",
    "Europe/Rome",
    "UTC",
];

fn main() {
    divan::main();
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Sorted,
    Random,
}

/// How the column of zones is held.
#[derive(Debug, Clone, Copy)]
enum Encoding {
    Dictionary,
    Text,
    TextView,
}

/// A stream of well-mixed numbers (SplitMix64), the same on every machine.
fn mixed(seed: u64) -> impl Iterator<Item = u64> {
    (1..).map(move |step: u64| {
        let mut z = seed.wrapping_add(step.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

fn instants(order: Order) -> ArrayRef {
    let within = |number: u64| START + (number % YEAR.cast_unsigned()).cast_signed();
    let mut values: Vec<i64> = mixed(1).take(ROWS).map(within).collect();
    if matches!(order, Order::Sorted) {
        values.sort_unstable();
    }
    Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
}

/// A random zone for each row, each text a copy of its own.
fn zones(encoding: Encoding) -> ArrayRef {
    let zone = |number: u64| ZONES[usize::try_from(number % 20).unwrap_or(0)];
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(mixed(2).take(ROWS).map(zone)));
    let data_type = match encoding {
        Encoding::Dictionary => {
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
        }
        Encoding::Text => DataType::Utf8,
        Encoding::TextView => DataType::Utf8View,
    };
    cast(&names, &data_type).unwrap_or(names)
}

fn local_day() -> Arc<ScalarUDF> {
    let context = SessionContext::new();
    dayrate::register_all(&context).unwrap_or_else(|error| unreachable!("{error}"));
    let state = context.state();
    Arc::clone(&state.scalar_functions()["local_day"])
}

fn run(bencher: Bencher, ts: ArrayRef, zone: ColumnarValue) {
    let function = local_day();
    let field = |name: &str, data_type| Arc::new(Field::new(name, data_type, true));
    let args = ScalarFunctionArgs {
        arg_fields: vec![
            field("ts", ts.data_type().clone()),
            field("zone", zone.data_type()),
        ],
        args: vec![ColumnarValue::Array(ts), zone],
        number_rows: ROWS,
        return_field: field("local_day", DataType::Date32),
        config_options: Arc::default(),
    };
    bencher
        .counter(ItemsCount::new(ROWS))
        .with_inputs(|| args.clone())
        .bench_values(|args| function.invoke_with_args(args));
}

#[divan::bench(args = [Order::Sorted, Order::Random])]
fn constant_zone(bencher: Bencher, order: Order) {
    let zone = ScalarValue::from("America/New_York");
    run(bencher, instants(order), ColumnarValue::Scalar(zone));
}

#[divan::bench(args = [Order::Sorted, Order::Random], consts = [0, 1, 2])]
fn column_of_20_zones<const ENCODING: usize>(bencher: Bencher, order: Order) {
    let encoding = [Encoding::Dictionary, Encoding::Text, Encoding::TextView][ENCODING];
    run(
        bencher,
        instants(order),
        ColumnarValue::Array(zones(encoding)),
    );
}

/// `CAST(ts AT TIME ZONE 'America/New_York' AS DATE)`, as DataFusion plans it.
#[divan::bench(args = [Order::Sorted, Order::Random])]
fn built_in(bencher: Bencher, order: Order) {
    let ts = instants(order);
    let zoned = DataType::Timestamp(TimeUnit::Nanosecond, Some("America/New_York".into()));
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench(|| cast(&cast(&ts, &zoned)?, &DataType::Date32));
}
