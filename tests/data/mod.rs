//! The data in `testdata/`: every writer's file gives one answer, and the odd cases give the answers worked out by hand.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Answer, Desk};

fn query(sql: &str) -> Answer {
    let mut command = Desk::new().command(&["--format", "csv", "-c", sql]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    Answer::of(
        command
            .current_dir(root)
            .arg("--config")
            .arg(nothing())
            .output()
            .unwrap(),
    )
}

/// A configuration without relations, so that nothing is filled in from `testdata/dayrate.toml`.
fn nothing() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/none.toml")
}

/// The lines behind the header, as a set: the order of rows is not the point here.
fn rows(csv: &str) -> BTreeSet<String> {
    csv.lines().skip(1).map(str::to_owned).collect()
}

fn expected(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    std::fs::read_to_string(root.join(file)).unwrap()
}

/// Encodings, units and zone labels of a file say nothing about its messages.
#[test]
fn every_writer_gives_the_same_dars() {
    let expected = rows(&expected("writers/expected.csv"));
    for messages in [
        "duckdb.parquet",
        "nanoseconds.parquet",
        "plain.parquet",
        "pyarrow_dictionary_ms.parquet",
        "pyarrow_large_us_rome.parquet",
        "pyarrow_view_ns_offset.parquet",
        "spark_int96.parquet",
        "mixed/",
        "mixed_int96/",
        "duckdb.csv.gz",
        "pyarrow.csv.zst",
        "polars.ndjson.gz",
        "pyarrow.arrow",
        "polars.arrows",
    ] {
        let answer = query(&format!(
            "SELECT site_id, day, consumer_id, CASE WHEN consumer_id IS NULL THEN relationship_id END, messages \
             FROM dars('writers/{messages}', 'writers/sites.parquet')"
        ));
        answer.is_well();
        assert_eq!(rows(&answer.out), expected, "{messages}");
    }
}

/// Every DAR of the odd cases, with every figure, under each rule for a switch that turns during the day.
#[test]
fn the_odd_cases_have_the_answers_worked_out_by_hand() {
    let file = expected("odd/expected.csv");
    let header: Vec<&str> = file.lines().next().unwrap().split(',').collect();
    let place = |name: &str| header.iter().position(|column| *column == name).unwrap();
    for (rule, column) in [
        ("any", "gen_ai"),
        ("first_message", "gen_ai_first_message"),
        ("day_start", "gen_ai_day_start"),
    ] {
        let credits = if rule == "any" { ", credits" } else { "" };
        let answer = query(&format!(
            "SELECT site_id, relationship_id, consumer_id, day, time_zone, channel, first_message_at, last_message_at, \
             messages, consumer_messages, agent_messages, bot_messages, gen_ai, intent_analyzer{credits} \
             FROM rated_dars(dars('odd/messages.parquet', 'odd/sites.parquet', gen_ai_rule => '{rule}', \
             feature_periods => 'odd/feature_periods.parquet'))"
        ));
        answer.is_well();
        let by_hand: BTreeSet<String> = file
            .lines()
            .skip(1)
            .map(|line| {
                let cells: Vec<&str> = line.split(',').collect();
                let mut kept = cells[..12].to_vec();
                kept.extend([cells[place(column)], cells[place("intent_analyzer")]]);
                if rule == "any" {
                    kept.push(cells[place("credits")]);
                }
                kept.join(",")
            })
            .collect();
        assert_eq!(rows(&answer.out), by_hand, "{rule}");
    }
}

/// How many DARs each case makes, by consumer and by conversation.
#[test]
fn the_odd_cases_count_under_both_readings() {
    let file = expected("odd/cases.csv");
    for (relationship, place) in [("consumer", 1), ("conversation", 2)] {
        let answer = query(&format!(
            "SELECT site_id, count(*) FROM dars('odd/messages.parquet', 'odd/sites.parquet', \
             relationship => '{relationship}') GROUP BY site_id"
        ));
        answer.is_well();
        let by_hand: BTreeSet<String> = file
            .lines()
            .skip(1)
            .map(|line| line.split(',').collect::<Vec<_>>())
            .filter(|cells| cells[place] != "0")
            .map(|cells| format!("{},{}", cells[0], cells[place]))
            .collect();
        assert_eq!(rows(&answer.out), by_hand, "{relationship}");
    }
}

#[test]
fn every_row_has_the_fate_worked_out_by_hand() {
    let answer = query(
        "SELECT message_id, disposition, reason FROM message_days('odd/rejected.parquet', 'odd/sites.parquet')",
    );
    answer.is_well();
    assert_eq!(
        rows(&answer.out),
        rows(&expected("odd/expected_rejected.csv"))
    );
}

/// Each file with one mistake ends in an error that names the row or the remedy.
#[test]
fn broken_relations_end_in_errors_that_teach() {
    for (sites, words) in [
        ("sites_empty_range", "valid_from"),
        ("sites_misspelt_zone", "did you mean"),
        ("sites_null_zone", "time_zone is NULL"),
        ("sites_offset_zone", "time zone"),
        ("sites_overlap", "at one time"),
    ] {
        let sql =
            format!("SELECT count(*) FROM dars('odd/messages.parquet', 'odd/{sites}.parquet')");
        query(&sql).fails(&["sites", words]);
    }
    query("SELECT count(*) FROM dars('odd/messages_without_zone.parquet', 'odd/sites.parquet')")
        .fails(&["sent_at", "AT TIME ZONE 'UTC'"]);
}

/// A day asked for above `dars` is looked for only in the row groups that can hold it anywhere on earth: of the twelve
/// months of the generated year, the first of March needs two. The exact predicate stays above.
#[test]
fn a_day_above_dars_skips_row_groups() {
    let answer = query(
        "EXPLAIN ANALYZE SELECT count(*) FROM dars('generated/messages', 'generated/sites.parquet') \
         WHERE day = DATE '2025-03-01'",
    );
    answer.is_well();
    let skipped = "row_groups_pruned_statistics=12 total → 2 matched";
    assert!(answer.out.contains(skipped), "{}", answer.out);
    let exact = "FilterExec: day@0 = 2025-03-01";
    assert!(answer.out.contains(exact), "{}", answer.out);
}
