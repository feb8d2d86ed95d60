//! Random histories: files come, change and go, sites move, switches turn, contracts and prices change, runs are about some
//! days only or bill as of some day; after every run the table equals a full computation of the days that it says it has,
//! and the amounts are those of an invoice of its rows.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use super::lake::{Lake, Message, SiteRow, SwitchRow, Unit, at, counts, sites, switches};
use crate::domain::day::{day_of, show_day};
use crate::lake::dar_table::Refresh;

/// What happens between two runs.
#[derive(Debug, Clone)]
enum Event {
    Write(usize, Vec<Message>, Unit),
    Remove(usize),
    Sites(Vec<SiteRow>),
    Switches(Vec<SwitchRow>),
    /// `contracts` and `price_tiers`.
    Prices(String, Option<String>),
}

/// The days that a run is about, counted from [`FIRST`]; all of them without.
pub(super) type Bounds = Option<(i32, i32)>;

#[derive(Debug, Clone)]
struct History {
    options: Vec<(&'static str, &'static str)>,
    integers: bool,
    steps: Vec<(Vec<Event>, Bounds, Option<&'static str>)>,
}

/// Around the change of the clock in Europe.
pub(super) const FIRST: &str = "2025-03-28";

/// Of few ids: many are copies, at the same instant or another, of the same channel or another.
pub(super) fn messages() -> impl Strategy<Value = Vec<Message>> {
    let message = (
        1..=3_i64,
        0..5_i64,
        (prop::option::of(0..3_i64), prop::option::of(0..4_i64)),
        (0..5_i64, 0..96_i64, 0..3_i64, prop::bool::weighted(0.15)),
        prop::sample::select(vec!["consumer", "agent", "bot", "system"]),
        prop::sample::select(vec![None, None, Some("ALL"), Some("AGENTS_AND_MANAGERS")]),
        prop::sample::select(vec![None, Some("WEB"), Some("SMS")]),
        prop::sample::select(vec![None, None, Some(true), Some(false)]),
    );
    let message = message.prop_map(
        |(
            site,
            conversation,
            (consumer, id),
            (day, quarter, micros, is_old),
            sender,
            audience,
            channel,
            listened,
        )| Message {
            site,
            conversation,
            id,
            consumer,
            at: at(if is_old {
                "2024-03-28T00:00:00Z"
            } else {
                "2025-03-28T00:00:00Z"
            }) + (day * 96 + quarter) * 900_000_000
                + micros,
            sender,
            audience,
            channel,
            listened,
        },
    );
    prop::collection::vec(message, 0..14)
}

pub(super) fn unit() -> impl Strategy<Value = Unit> {
    prop::sample::select(vec![
        Unit::Microseconds,
        Unit::Microseconds,
        Unit::Milliseconds,
        Unit::Nanoseconds(1),
        Unit::Nanoseconds(2),
    ])
}

pub(super) fn site_rows() -> impl Strategy<Value = Vec<SiteRow>> {
    const ZONES: [&str; 5] = [
        "Europe/Rome",
        "Pacific/Apia",
        "America/St_Johns",
        "Asia/Tokyo",
        "Pacific/Honolulu",
    ];
    let cut = prop::sample::select(vec![
        "2025-03-28T23:00:00Z",
        "2025-03-30T01:30:00Z",
        "2025-03-31T12:00:00Z",
    ]);
    let zone = || prop::sample::select(ZONES.to_vec());
    let org = || prop::sample::select(vec!["one", "two"]);
    let of_site = move |site: i64| {
        (
            0..6_u8,
            zone(),
            zone(),
            org(),
            cut.clone(),
            prop::bool::weighted(0.2),
        )
            .prop_map(move |(shape, zone, other, org, cut, test)| match shape {
                0..=2 => vec![(site, org, zone, None, None, test)],
                3 => vec![
                    (site, org, zone, None, Some(cut), test),
                    (site, "one", other, Some(cut), None, false),
                ],
                4 => vec![(site, org, zone, Some(cut), None, test)],
                _ => Vec::new(),
            })
    };
    (of_site(1), of_site(2), of_site(3)).prop_map(|(mut one, two, three)| {
        if one.is_empty() {
            one.push((1, "one", "UTC", None, None, false));
        }
        [one, two, three].concat()
    })
}

fn switch_rows() -> impl Strategy<Value = Vec<SwitchRow>> {
    let row = (
        prop::sample::select(vec!["one", "two"]),
        prop::sample::select(vec!["gen_ai", "intent_analyzer"]),
        prop::sample::select(vec![
            "2025-03-28T12:00:00Z",
            "2025-03-29T22:00:00Z",
            "2025-03-30T05:00:00Z",
        ]),
        prop::sample::select(vec![
            None,
            Some("2025-03-31T00:00:00Z"),
            Some("2025-03-30T12:00:00Z"),
        ]),
    );
    prop::collection::vec(
        row.prop_map(|(org, feature, from, to)| (org, feature, None, from, to)),
        0..3,
    )
}

/// Contract rows of an organization within a scenario, each with an id of its own for its tiers.
fn contract_rows(org: &'static str, scenario: &'static str) -> impl Strategy<Value = Vec<String>> {
    const SPANS: [&[(&str, &str)]; 4] = [
        &[],
        &[("2024-01-01", "2025-01-01"), ("2025-01-01", "2026-01-01")],
        &[("2024-01-31", "2026-06-01")],
        &[
            ("2024-03-29", "2024-03-31"),
            ("2025-03-29", "2025-03-30"),
            ("2025-03-30", "2027-01-01"),
        ],
    ];
    (
        prop::sample::select(SPANS.to_vec()),
        prop::sample::select(vec!["term", "month"]),
        prop::sample::select(vec!["0", "1.5", "3", "20"]),
        prop::sample::select(vec!["1", "0.333333", "0"]),
        prop::sample::select(vec!["2", "0.777777"]),
        prop::sample::select(vec!["NULL", "NULL", "2"]),
        prop::sample::select(vec!["NULL", "1.25"]),
        prop::sample::select(vec!["arrears", "advance"]),
        prop::sample::select(vec!["USD", "JPY"]),
    )
        .prop_map(
            move |(spans, period, committed, price, overage, block, credits, collection, currency)| {
                let row = |(start, end): &(&str, &str)| {
                    let with_block = if block == "NULL" { "" } else { " in blocks" };
                    format!(
                        "('of {org}{with_block}', '{org}', DATE '{start}', DATE '{end}', '{currency}', {committed}, {price}, \
                         {overage}, '{period}', CAST({block} AS DECIMAL(18,4)), CAST({credits} AS DECIMAL(18,4)), \
                         '{collection}', NULLIF('{scenario}', ''))"
                    )
                };
                spans.iter().map(row).collect()
            },
        )
}

fn prices() -> impl Strategy<Value = Event> {
    let contracts = (
        contract_rows("one", ""),
        contract_rows("two", ""),
        contract_rows("one", "what if"),
    );
    let contracts = contracts.prop_map(|(one, two, what_if)| {
        let never = "('of nobody', 'nobody', DATE '2000-01-01', DATE '2000-01-02', 'USD', 0, 0, 0, 'term', NULL, NULL, \
                     'arrears', NULL)";
        let rows = [one, two, what_if, vec![never.to_owned()]].concat().join(", ");
        format!(
            "SELECT * FROM (VALUES {rows}) AS t(contract_id, org_id, term_start, term_end, currency, committed_credits, \
             credit_price, overage_price, period, overage_block, dar_credits, collection, scenario)"
        )
    });
    let tiers = (
        prop::sample::select(vec!["one", "two"]),
        prop::sample::select(vec!["0", "1.5"]),
        prop::sample::select(vec!["graduated", "volume"]),
    );
    let tiers = tiers.prop_map(|(org, from, mode)| {
        format!("SELECT 'of {org}' AS contract_id, {from} AS from_credits, 0.5 AS price, '{mode}' AS mode")
    });
    (contracts, prop::option::of(tiers))
        .prop_map(|(contracts, tiers)| Event::Prices(contracts, tiers))
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        5 => (0..4_usize, messages(), unit()).prop_map(|(file, messages, unit)| Event::Write(file, messages, unit)),
        1 => (1..4_usize).prop_map(Event::Remove),
        1 => site_rows().prop_map(Event::Sites),
        1 => switch_rows().prop_map(Event::Switches),
        1 => prices(),
    ]
}

pub(super) fn bounds() -> impl Strategy<Value = Bounds> {
    prop_oneof![
        3 => Just(None),
        1 => (-1..6_i32, 1..4_i32).prop_map(|(from, days)| Some((from, from + days))),
    ]
}

fn history() -> impl Strategy<Value = History> {
    let options = (
        prop::sample::select(vec!["consumer", "conversation"]),
        prop::sample::select(vec!["any", "first_message", "day_start"]),
    );
    let as_of = prop::sample::select(vec![
        None,
        None,
        Some("2024-03-31"),
        Some("2025-01-01"),
        Some("2025-03-30"),
        Some("2026-01-01"),
    ]);
    let events = (prices(), prop::collection::vec(event(), 0..3));
    let events = (any::<bool>(), events).prop_map(|(is_priced, (prices, events))| {
        is_priced
            .then_some(prices)
            .into_iter()
            .chain(events)
            .collect()
    });
    let first = (events, bounds(), as_of.clone());
    let steps = (prop::collection::vec(event(), 0..3), bounds(), as_of);
    let steps = (first, prop::collection::vec(steps, 0..7));
    let steps = steps.prop_map(|(first, steps)| [vec![first], steps].concat());
    (options, any::<bool>(), steps).prop_map(|((relationship, rule), integers, steps)| History {
        options: vec![
            ("relationship", relationship),
            ("gen_ai_rule", rule),
            ("rejects", "skip"),
        ],
        integers,
        steps,
    })
}

async fn live(history: History) {
    let mut lake = Lake::new();
    lake.options = history.options;
    lake.integers = history.integers;
    let mut there = [false; 4];
    there[0] = true;
    lake.write("0", &[], Unit::Microseconds);
    // Ids of sites are text in the queries: an integer is the same id only if its text is.
    let as_written = |sql: String, integers: bool| match integers {
        true => sql.replace("'id ", "'"),
        false => sql,
    };
    lake.sites = as_written(lake.sites, lake.integers);
    for (events, bounds, as_of) in history.steps {
        for event in events {
            match event {
                Event::Write(file, messages, unit) => {
                    there[file] = true;
                    lake.write(&file.to_string(), &messages, unit);
                }
                Event::Remove(file) if there[file] => {
                    there[file] = false;
                    lake.remove(&file.to_string());
                }
                Event::Remove(_) => {}
                Event::Sites(rows) => lake.sites = as_written(sites(&rows), lake.integers),
                Event::Switches(rows) => lake.switches = switches(&rows),
                Event::Prices(contracts, tiers) => {
                    (lake.contracts, lake.tiers) = (Some(contracts), tiers);
                }
            }
        }
        let first = day_of(FIRST.parse().unwrap());
        let asked = Refresh {
            since: bounds.map(|(since, _)| first + since),
            until: bounds.map(|(_, until)| first + until),
            as_of: as_of.map(|day| day_of(day.parse().unwrap())),
            ..Refresh::default()
        };
        let summary = match lake.refresh(&asked).await {
            Ok(summary) => summary,
            Err(cause) => {
                assert!(cause.to_string().contains("--full"), "{cause}");
                let anew = Refresh {
                    full: true,
                    as_of: asked.as_of,
                    ..Refresh::default()
                };
                lake.refresh(&anew).await.unwrap()
            }
        };
        // A run that leaves all DARs as they were has nothing to say about money.
        if counts(&summary).1 != [0; 3] {
            lake.check_money(&summary, asked.as_of).await;
        }
        let sql = match (asked.since, asked.until) {
            (Some(since), Some(until)) => format!(
                "SELECT * FROM dars WHERE day >= DATE '{}' AND day < DATE '{}'",
                show_day(i64::from(since)),
                show_day(i64::from(until))
            ),
            _ => "SELECT * FROM dars".to_owned(),
        };
        assert!(lake.is_from_table(&sql).await, "{sql}");
        Lake::assert_equal(&lake.rows("on", &sql).await, &lake.rows("off", &sql).await);
        lake.check_tally().await;
        let again = lake.refresh(&asked).await.unwrap();
        assert!(again.is_current, "{again:?}");
    }
}

/// So many histories, or `DAYRATE_LONG=1` of them in thousands.
pub(super) fn config(cases: u32) -> Config {
    let long = std::env::var("DAYRATE_LONG").is_ok_and(|value| value == "1");
    Config {
        cases: if long { 2_000 } else { cases },
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    }
}

/// Where histories are lived.
pub(super) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(16 << 20)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn every_history_leaves_the_table_equal() {
    let runtime = runtime();
    let outcome = TestRunner::new(config(24)).run(&history(), |history| {
        let lived = runtime.block_on(async { tokio::spawn(live(history)).await });
        lived.map_err(|failure| TestCaseError::fail(failure.to_string()))
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
