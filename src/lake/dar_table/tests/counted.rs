//! Random histories of messages of few ids, many of them copies, in the same file or in others, at the same instant or at
//! another, of the same channel or another: after every run charges per message are those of the messages, and a run over
//! all days leaves counts that are used.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::counts::charges;
use super::lake::{Lake, Message, PLAIN, SiteRow, Unit, sites};
use super::random::{Bounds, FIRST, bounds, config, messages, runtime, site_rows, unit};
use crate::domain::day::day_of;
use crate::lake::dar_table::Refresh;

/// What happens between two runs.
#[derive(Debug, Clone)]
enum Event {
    Write(usize, Vec<Message>, Unit),
    Remove(usize),
    Sites(Vec<SiteRow>),
}

fn event() -> impl Strategy<Value = Event> {
    let coarse = prop::sample::select(vec![Unit::Milliseconds]);
    let any_unit = prop_oneof![4 => coarse, 1 => unit()];
    prop_oneof![
        6 => (0..5_usize, messages(), any_unit).prop_map(|(file, messages, unit)| Event::Write(file, messages, unit)),
        2 => (1..5_usize).prop_map(Event::Remove),
        1 => site_rows().prop_map(Event::Sites),
    ]
}

async fn live(integers: bool, with_ids: bool, history: Vec<(Vec<Event>, Bounds)>) {
    let mut lake = Lake::new();
    lake.charges = Some(charges());
    lake.options = vec![("rejects", "skip")];
    (lake.integers, lake.with_ids) = (integers, with_ids);
    let as_written = |sql: String| match integers {
        true => sql.replace("'id ", "'"),
        false => sql,
    };
    lake.sites = as_written(lake.sites);
    let mut there = [true, false, false, false, false];
    lake.write("0", &[], Unit::Milliseconds);
    for (events, bounds) in history {
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
                Event::Sites(rows) => lake.sites = as_written(sites(&rows)),
            }
        }
        let first = day_of(FIRST.parse().unwrap());
        let asked = Refresh {
            since: bounds.map(|(since, _)| first + since),
            until: bounds.map(|(_, until)| first + until),
            ..PLAIN
        };
        let is_whole = match lake.refresh(&asked).await {
            Ok(_) => bounds.is_none(),
            Err(cause) => {
                assert!(cause.to_string().contains("--full"), "{cause}");
                let anew = Refresh {
                    full: true,
                    ..PLAIN
                };
                lake.refresh(&anew).await.unwrap();
                true
            }
        };
        match is_whole {
            true => lake.check_counts().await,
            false => lake.check_charges().await,
        }
        assert!(lake.refresh(&asked).await.unwrap().is_current);
    }
}

#[test]
fn every_history_leaves_the_charges_equal() {
    let step = (prop::collection::vec(event(), 1..4), bounds());
    let history = (
        any::<bool>(),
        prop::bool::weighted(0.9),
        prop::collection::vec(step, 1..7),
    );
    let runtime = runtime();
    let outcome = TestRunner::new(config(10)).run(&history, |(integers, with_ids, history)| {
        let lived = live(integers, with_ids, history);
        let lived = runtime.block_on(async { tokio::spawn(lived).await });
        lived.map_err(|failure| TestCaseError::fail(failure.to_string()))
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
