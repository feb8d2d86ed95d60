//! What must hold in every world.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{TestCaseError, TestRunner};

use super::cases;
use super::expect::{Dar, dars, fates};
use super::load::{Form, form, session};
use super::read::{Row, rows};
use super::world::{Readings, World, readings, world};
use crate::session::block_on;

/// A world, the readings to bill it by, and a form to lay it out in.
pub(super) fn billed(whole: bool) -> impl Strategy<Value = (World, Readings, Form)> {
    (world(whole), readings(), form(whole)).prop_map(|(mut world, readings, form)| {
        if !readings.by_site {
            // Under the scope of the organization a GenAI switch with a site is an error, which has its own test.
            for switch in world
                .switches
                .iter_mut()
                .filter(|switch| switch.feature == "gen_ai")
            {
                switch.site = None;
            }
        }
        (world, readings, form)
    })
}

pub(super) fn call(readings: &Readings, rejects: &str) -> String {
    called(
        readings,
        &format!("rejects => '{rejects}', carry => 'queue'"),
    )
}

/// A call of `dars` by these readings, and with these further options.
pub(super) fn called(readings: &Readings, options: &str) -> String {
    let relationship = if readings.by_conversation {
        "conversation"
    } else {
        "consumer"
    };
    let scope = if readings.by_site {
        "site"
    } else {
        "organization"
    };
    format!(
        "dars(messages, sites, feature_periods => switches, relationship => '{relationship}', gen_ai_rule => '{}', \
         gen_ai_scope => '{scope}', {options})",
        readings.rule
    )
}

fn ask(world: &World, form: &Form, sql: &str) -> Result<Vec<Row>, String> {
    block_on(async {
        rows(&session(world, form), sql)
            .await
            .map_err(|error| error.to_string())
    })
}

pub(super) fn holds<S: Strategy>(
    few: u32,
    worlds: S,
    property: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S::Value: std::fmt::Debug,
{
    if let Err(failure) = TestRunner::new(cases(few)).run(&worlds, property) {
        panic!("{failure}");
    }
}

/// The DARs that the engine found are those of the model, every column of each: equal sets, whatever the order of the
/// rows, their copies, the batches, the partitions, the encodings of text and time.
fn same(found: Vec<Row>, expected: Vec<Dar>) -> Result<(), TestCaseError> {
    let key = |cells: &Row| cells[..5].to_vec();
    let mut expected: BTreeMap<Row, Dar> = expected
        .into_iter()
        .map(|dar| (key(&dar.cells), dar))
        .collect();
    for mut row in found {
        let queue = row.pop().unwrap();
        let Some(dar) = expected.remove(&key(&row)) else {
            return Err(TestCaseError::fail(format!(
                "not in the model, or twice: {row:?}"
            )));
        };
        prop_assert_eq!(&row, &dar.cells);
        prop_assert!(
            dar.queues.contains(&queue),
            "carried {:?}, the first message has {:?}",
            queue,
            dar.queues
        );
    }
    prop_assert!(
        expected.is_empty(),
        "missing: {:?}",
        expected.values().map(|dar| &dar.cells).collect::<Vec<_>>()
    );
    Ok(())
}

/// In any form of any world, instants down to the nanosecond.
#[test]
fn dars_are_those_of_the_model() {
    holds(96, billed(false), |(world, readings, form)| {
        let found = ask(
            &world,
            &form,
            &format!("SELECT * FROM {}", call(&readings, "skip")),
        );
        same(found.map_err(TestCaseError::fail)?, dars(&world, &readings))
    });
}

/// Seconds, milliseconds, microseconds and nanoseconds hold the same instants, so they make the same DARs.
#[test]
fn units_of_time_change_no_dar() {
    holds(48, billed(true), |(world, readings, form)| {
        let found = ask(
            &world,
            &form,
            &format!("SELECT * FROM {}", call(&readings, "skip")),
        );
        same(found.map_err(TestCaseError::fail)?, dars(&world, &readings))
    });
}

/// Two forms of one world give the same rows to the letter, ties included: a carried column may tie, but which value
/// wins must not depend on the form.
#[test]
fn the_form_changes_nothing_at_all() {
    holds(
        32,
        (billed(true), form(true)),
        |((world, readings, one), other)| {
            let sql = format!("SELECT * FROM {}", call(&readings, "skip"));
            prop_assert_eq!(ask(&world, &one, &sql), ask(&world, &other, &sql));
            Ok(())
        },
    );
}

/// A message delivered again changes the counts of rows and nothing else.
#[test]
fn copies_change_only_counts() {
    holds(
        32,
        (billed(false), any::<prop::sample::Index>(), 1..4_usize),
        |((world, readings, form), which, times)| {
            let mut more = world.clone();
            if !world.messages.is_empty() {
                let again = which.get(&world.messages).clone();
                more.messages.extend(std::iter::repeat_n(again, times));
            }
            let sql = format!(
                "SELECT * EXCLUDE (messages, consumer_messages, agent_messages, bot_messages) FROM {}",
                call(&readings, "skip")
            );
            prop_assert_eq!(ask(&world, &form, &sql), ask(&more, &form, &sql));
            Ok(())
        },
    );
}

/// By default a bill fails exactly where the model rejects a row, and names a reason that occurs; otherwise skipping
/// changes nothing.
#[test]
fn a_bill_fails_exactly_at_a_rejected_row() {
    holds(48, billed(false), |(mut world, readings, form)| {
        // Most worlds have a reject; keep the first half of the counted ones clean.
        if form.session.partitions % 2 == 0 {
            let fates = fates(&world, &readings);
            let mut kept = fates.iter().map(|fate| fate.disposition != "rejected");
            world.messages.retain(|_| kept.next().unwrap());
        }
        let reasons: Vec<_> = fates(&world, &readings)
            .into_iter()
            .filter(|fate| fate.disposition == "rejected")
            .filter_map(|fate| fate.reason)
            .collect();
        for shape in [
            "SELECT * FROM",
            "SELECT count(*) FROM",
            "SELECT org_id, sum(messages) FROM",
        ] {
            let tail = if shape.contains("sum") {
                "GROUP BY org_id"
            } else {
                ""
            };
            let strict = ask(
                &world,
                &form,
                &format!("{shape} {} {tail}", call(&readings, "fail")),
            );
            let lenient = ask(
                &world,
                &form,
                &format!("{shape} {} {tail}", call(&readings, "skip")),
            );
            match strict {
                Ok(rows) => {
                    prop_assert!(reasons.is_empty(), "{} found no {:?}", shape, reasons);
                    prop_assert_eq!(Ok(rows), lenient);
                }
                Err(error) => {
                    prop_assert!(
                        reasons.iter().any(|reason| error.contains(reason)),
                        "{:?} is not: {}",
                        reasons,
                        error
                    );
                }
            }
        }
        Ok(())
    });
}

/// A filter above the DARs picks among them and changes none.
#[test]
fn filters_pick_and_change_nothing() {
    let filters = vec![
        ("day", "day = DATE '{}'"),
        ("day", "day <= DATE '{}'"),
        ("day", "day > DATE '{}'"),
        ("day", "day <> DATE '{}'"),
        ("org_id", "org_id = 'acme'"),
        ("site_id", "CAST(site_id AS VARCHAR) = '7'"),
    ];
    holds(
        48,
        (
            billed(false),
            prop::sample::select(filters),
            any::<prop::sample::Index>(),
        ),
        |((world, readings, form), (column, filter), which)| {
            let all = dars(&world, &readings);
            let pivot = if all.is_empty() {
                "2011-12-30".to_owned()
            } else {
                which.get(&all).cells[4].clone().unwrap()
            };
            let keep = |dar: &Dar| {
                let day = dar.cells[4].clone().unwrap();
                match (column, filter.split(' ').nth(1)) {
                    ("org_id", _) => dar.cells[0].as_deref() == Some("acme"),
                    ("site_id", _) => dar.cells[1].as_deref() == Some("7"),
                    (_, Some("=")) => day == pivot,
                    (_, Some("<=")) => day <= pivot,
                    (_, Some(">")) => day > pivot,
                    _ => day != pivot,
                }
            };
            let sql = format!(
                "SELECT * FROM {} WHERE {}",
                call(&readings, "skip"),
                filter.replace("{}", &pivot)
            );
            let found = ask(&world, &form, &sql).map_err(TestCaseError::fail)?;
            same(found, all.into_iter().filter(keep).collect())
        },
    );
}

/// Every input row has exactly one disposition: `message_days` has each row once and never fails, with the model's fate;
/// `dispositions` adds them up; `rejects` lists those that were rejected.
#[test]
fn every_row_is_accounted_for() {
    holds(48, billed(false), |(mut world, mut readings, form)| {
        (readings.by_site, readings.rule) = (false, "any");
        for switch in &mut world.switches {
            if switch.feature == "gen_ai" {
                switch.site = None;
            }
        }
        let relationship = if readings.by_conversation {
            "conversation"
        } else {
            "consumer"
        };
        let fates = fates(&world, &readings);
        let some = |text: &dyn ToString| Some(text.to_string());

        let mut expected: Vec<Row> = Vec::new();
        let mut tally: BTreeMap<Row, usize> = BTreeMap::new();
        for (n, fate) in fates.iter().enumerate() {
            let reason = fate.reason.map(str::to_owned);
            *tally
                .entry(vec![some(&fate.disposition), reason.clone()])
                .or_default() += 1;
            let cells = fate.counted.as_ref().map(|counted| {
                [
                    some(&counted.org),
                    some(&counted.relationship),
                    some(&counted.day),
                    some(&counted.zone),
                    some(&counted.gen_ai),
                    some(&counted.listened),
                ]
            });
            let mut row = vec![some(&n), some(&fate.disposition), reason];
            row.extend(cells.unwrap_or_default());
            expected.push(row);
        }
        expected.sort();

        // What a row that does not count shows in the other columns is not fixed.
        let shown = [
            "org_id",
            "relationship_id",
            "day",
            "time_zone",
            "gen_ai_on",
            "listened",
        ]
        .map(|name| format!("CASE WHEN disposition = 'counted' THEN {name} END AS {name}"))
        .join(", ");
        let days = ask(
            &world,
            &form,
            &format!(
                "SELECT n, disposition, reason, {shown} FROM message_days(messages, sites, \
                 relationship => '{relationship}', feature_periods => switches)"
            ),
        );
        prop_assert_eq!(days, Ok(expected));

        let tally = tally.into_iter().map(|(mut row, count)| {
            row.push(some(&count));
            row
        });
        prop_assert_eq!(
            ask(&world, &form, "SELECT * FROM dispositions(messages, sites)"),
            Ok(tally.collect::<Vec<_>>())
        );

        let mut rejected: Vec<Row> = fates
            .iter()
            .enumerate()
            .filter(|(_, fate)| fate.disposition == "rejected")
            .map(|(n, fate)| vec![some(&n), fate.reason.map(str::to_owned)])
            .collect();
        rejected.sort();
        prop_assert_eq!(
            ask(
                &world,
                &form,
                "SELECT n, reason FROM rejects(messages, sites)"
            ),
            Ok(rejected)
        );

        let count = ask(
            &world,
            &form,
            "SELECT count(*) FROM message_days(messages, sites)",
        );
        prop_assert_eq!(count, Ok(vec![vec![some(&world.messages.len())]]));
        Ok(())
    });
}

/// The ladder adds up: the messages of the DARs are the counted messages, and counting distinct keys by hand finds as
/// many DARs.
#[test]
fn the_ladder_adds_up() {
    holds(32, billed(false), |(world, readings, form)| {
        let counted = fates(&world, &readings)
            .iter()
            .filter(|fate| fate.counted.is_some())
            .count();
        let sum = ask(
            &world,
            &form,
            &format!(
                "SELECT coalesce(sum(messages), 0), coalesce(sum(consumer_messages + agent_messages + bot_messages), 0) FROM {}",
                call(&readings, "skip")
            ),
        );
        prop_assert_eq!(sum, Ok(vec![vec![Some(counted.to_string()); 2]]));
        Ok(())
    });
}

/// A proof over worlds that never collide proves nothing: among a few hundred of them every reason, every kind of
/// relationship, both switches, ties, split days and moved sites occur.
#[test]
fn worlds_meet_the_odd_cases() {
    let mut runner = TestRunner::deterministic();
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..300 {
        let (world, readings, _) = billed(false).new_tree(&mut runner).unwrap().current();
        let mut meet = |what: &str| *met.entry(what.to_owned()).or_default() += 1;
        for fate in fates(&world, &readings) {
            meet(fate.reason.unwrap_or("counted"));
        }
        let all = dars(&world, &readings);
        for dar in &all {
            let [relationship, consumer, day, zone] =
                [2, 3, 4, 5].map(|place| dar.cells[place].clone());
            let twin = |other: &Dar| {
                other.cells[1..3] == dar.cells[1..3]
                    && other.cells[4] == day
                    && other.cells[3] != consumer
            };
            if dar.cells[13].as_deref() == Some("true") {
                meet("gen_ai");
            }
            if dar.cells[14].as_deref() == Some("true") {
                meet("intent_analyzer");
            }
            if dar.queues.len() > 1 {
                meet("tie");
            }
            if all.iter().any(twin) && !readings.by_conversation {
                meet("consumer and conversation of one name");
            }
            if consumer.is_none() && relationship.is_some() {
                meet("no consumer");
            }
            if zone.as_deref() == Some("America/St_Johns") && day.as_deref() == Some("2006-10-29") {
                meet("split day");
            }
        }
    }
    for what in [
        "counted",
        "null_site",
        "null_conversation",
        "null_sent_at",
        "impossible_sent_at",
        "unknown_sender",
        "unknown_audience",
        "unknown_site",
        "no_zone_in_force",
        "system",
        "private_note",
        "test_site",
        "gen_ai",
        "intent_analyzer",
        "tie",
        "consumer and conversation of one name",
        "no consumer",
        "split day",
    ] {
        assert!(
            met.get(what).is_some_and(|times| *times >= 5),
            "'{what}' is too rare: {met:?}"
        );
    }
}
