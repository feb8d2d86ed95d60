//! Delta tables on a cluster: what their log says at the version that the client saw, as on one machine.
//!
//! The tables are the generated year under a log that a test writes. What they should give is what one machine gives over
//! the same files without a log.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::delta_table::{MESSAGES, SITES, Table, testdata};
use super::processes::Cluster;
use crate::stores::server::{KEY, S3, SECRET, run};
use crate::{Answer, Desk};

/// Messages: 1 has half of the year, 2 the whole, 3 the year but for March.
fn messages(folder: PathBuf) -> Table {
    let mut table = Table::new(folder, MESSAGES, &["month"]);
    table.add_months(1..=6);
    table.add_months(7..=12);
    table.remove_month(3);
    table
}

fn sites(folder: PathBuf) {
    let name = || "sites.parquet".to_owned();
    Table::new(folder, SITES, &[]).add(
        &[(testdata("generated/sites.parquet"), name(), name())],
        |_| None,
    );
}

/// The relations that stay files, in a configuration.
fn others() -> String {
    let names = [
        "feature_periods",
        "contracts",
        "price_tiers",
        "channel_charges",
    ];
    let lines = names.map(|name| {
        let file = testdata(&format!("generated/{name}.parquet"));
        format!("{name} = \"{}\"\n", file.display())
    });
    lines.concat()
}

/// The messages of some months, as files without a log.
fn plain(months: &[u8]) -> String {
    let month = |month: &u8| format!("'2025-{month:02}'");
    let months: Vec<String> = months.iter().map(month).collect();
    let folder = testdata("generated/messages");
    format!(
        "messages = {{ sql = \"SELECT * FROM '{}' WHERE month IN ({})\" }}\nsites = \"{}\"\n",
        folder.display(),
        months.join(", "),
        testdata("generated/sites.parquet").display()
    )
}

/// The rows of an answer, in one order.
fn sorted(answer: &Answer) -> Vec<&str> {
    let mut rows: Vec<&str> = answer.is_well().out.lines().collect();
    rows.sort_unstable();
    rows
}

const NO_MARCH: [u8; 11] = [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/// Statements about the messages of a session; each gives rows.
const STATEMENTS: [&str; 13] = [
    "SELECT * FROM message_days()",
    "SELECT * FROM dars()",
    "SELECT * FROM dars(relationship => 'conversation', gen_ai_rule => 'day_start', carry => 'queue')",
    "SELECT * FROM ledger(as_of => DATE '2026-01-01')",
    "SELECT * FROM invoice_lines(as_of => DATE '2026-01-01')",
    "SELECT * FROM engagement_days(as_of => DATE '2026-01-01')",
    "SELECT * FROM dispositions()",
    "SELECT * FROM distinct_messages(messages)",
    "SELECT org_id, count(*), sum(credits) FROM rated_dars GROUP BY org_id",
    "SELECT month, count(*) FROM messages GROUP BY month",
    "SELECT month FROM messages WHERE month < '2025-03'",
    "SELECT count(*) FROM messages WHERE sent_at >= '2025-05-10' AND sent_at < '2025-05-12' AND channel IS NOT NULL",
    "SELECT site_id, day, messages FROM dars WHERE day BETWEEN DATE '2025-05-10' AND DATE '2025-05-12'",
];

/// Messages and sites as Delta tables of a folder: every statement has the rows of one machine over the files alone.
#[test]
fn billing_from_delta_tables_is_that_of_one_machine() {
    let (desk, cluster) = (Desk::new(), Cluster::start());
    messages(desk.path("lake/messages"));
    sites(desk.path("lake/sites"));
    let tables = "messages = \"lake/messages\"\nsites = \"lake/sites\"\n";
    desk.write("delta.toml", &format!("[relations]\n{tables}{}", others()));
    desk.write(
        "plain.toml",
        &format!("[relations]\n{}{}", plain(&NO_MARCH), others()),
    );
    for sql in STATEMENTS {
        let answer = |config| ["--config", config, "--format", "csv", "-c", sql];
        let (alone, together) = (
            desk.run(&answer("plain.toml")),
            cluster.run(&desk, &answer("delta.toml")),
        );
        let (alone, together) = (sorted(&alone), sorted(&together));
        assert!(alone.len() > 1, "{sql} has no rows");
        assert_eq!(together, alone, "{sql}");
    }
}

/// Earlier versions, by number and by time.
#[test]
fn travel_in_delta_tables_is_that_of_one_machine() {
    let (desk, cluster) = (Desk::new(), Cluster::start());
    messages(desk.path("lake"));
    // Version 1 is of 1,800,003,600 seconds after 1970, each later one an hour after that.
    let half: Vec<u8> = (1..=6).collect();
    let whole: Vec<u8> = (1..=12).collect();
    for (moment, months) in [
        ("version = 1", &half),
        ("timestamp = \"2027-01-15T09:30:00Z\"", &half),
        ("version = 2", &whole),
        ("timestamp = \"2027-01-15T10:00:00Z\"", &whole),
    ] {
        let table = format!(
            "messages = {{ path = \"lake\", {moment} }}\nsites = \"{}\"\n",
            testdata("generated/sites.parquet").display()
        );
        desk.write("delta.toml", &format!("[relations]\n{table}{}", others()));
        desk.write(
            "plain.toml",
            &format!("[relations]\n{}{}", plain(months), others()),
        );
        for sql in [
            "SELECT org_id, day, count(*), sum(credits) FROM rated_dars GROUP BY org_id, day",
            "SELECT month, count(*), max(sent_at) FROM messages GROUP BY month",
        ] {
            let answer = |config| ["--config", config, "--format", "csv", "-c", sql];
            let (alone, together) = (
                desk.run(&answer("plain.toml")),
                cluster.run(&desk, &answer("delta.toml")),
            );
            assert_eq!(sorted(&together), sorted(&alone), "{moment}: {sql}");
        }
    }
    // At version 0 there are no rows.
    let empty = "[relations]\nmessages = { path = \"lake\", version = 0 }\n";
    desk.write("delta.toml", empty);
    let sql = "SELECT count(sent_at) AS n FROM messages";
    let answer = cluster.run(
        &desk,
        &["--config", "delta.toml", "--format", "csv", "-c", sql],
    );
    assert_eq!(answer.is_well().out, "n\n0\n");
}

/// A commit in the midst of a job, whose later tasks begin after it, changes nothing of its answer.
#[test]
fn a_job_reads_the_version_that_the_client_saw() {
    let (desk, cluster) = (Desk::new(), Cluster::start());
    let mut table = Table::new(desk.path("lake"), MESSAGES, &["month"]);
    table.add_months(1..=8);
    let slowly = "SET ballista.testing.chaos_execution.enabled = 'true'; \
                  SET ballista.testing.chaos_execution.seed = '4'; \
                  SET ballista.testing.chaos_execution.fault_type = 'delay:700'; \
                  SELECT count(sent_at) AS n, count(DISTINCT month) AS months FROM 'lake'";
    let mut command = cluster.command(&desk, &["--format", "csv", "-c", slowly]);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut job = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1200));
    assert!(job.try_wait().unwrap().is_none(), "the job is too fast");
    table.add_months(9..=12);
    table.remove_month(3);
    let committed = Instant::now();
    let answer = Answer::of(job.wait_with_output().unwrap());
    assert!(
        committed.elapsed() > Duration::from_secs(1),
        "the job was nearly done"
    );
    let folder = testdata("generated/messages");
    let sql = format!(
        "SELECT count(sent_at) AS n, count(DISTINCT month) AS months FROM '{}' WHERE month < '2025-09'",
        folder.display()
    );
    let before = desk.run(&["--format", "csv", "-c", &sql]);
    assert_eq!(answer.is_well().out, before.is_well().out);
}

/// Rows that were deleted by a vector, columns under other names, and paths that writers spell in their own ways.
#[test]
fn tables_of_other_writers_are_those_of_one_machine() {
    let (desk, cluster) = (Desk::new(), Cluster::start());
    for name in [
        "deleted_inline",
        "deleted_file",
        "renamed",
        "renamed_deleted",
        "numbered",
    ] {
        let table = testdata(&format!("delta_writers/{name}"))
            .display()
            .to_string();
        let sites = "(SELECT '007' AS site_id, 'a' AS org_id, 'Europe/Rome' AS time_zone)";
        for sql in [
            format!("SELECT * FROM '{table}' ORDER BY conversation_id"),
            format!(
                "SELECT conversation_id FROM '{table}' WHERE sent_at > TIMESTAMPTZ '2026-10-29T12:02:30Z' ORDER BY 1"
            ),
            format!("SELECT count(*), sum(messages) FROM dars('{table}', {sites})"),
        ] {
            let arguments = ["--format", "csv", "-c", &sql];
            let (alone, together) = (desk.run(&arguments), cluster.run(&desk, &arguments));
            assert_eq!(together.is_well().out, alone.is_well().out, "{name}: {sql}");
        }
    }
    let from = || testdata("generated/messages/month=2025-01/part-0.parquet");
    let spelt = [
        ("plain.parquet", "plain.parquet"),
        ("with space/~tilde.parquet", "with%20space/~tilde.parquet"),
        ("k%3Av/[1].parquet", "k%253Av/%5B1%5D.parquet"),
        ("k=2025 01/a:b+c.parquet", "k=2025%2001/a:b+c.parquet"),
    ];
    let files: Vec<_> = spelt
        .iter()
        .map(|(path, spelt)| (from(), (*path).to_owned(), (*spelt).to_owned()))
        .collect();
    Table::new(desk.path("odd"), &MESSAGES[..10], &[]).add(&files, |_| None);
    let count = |run: &dyn Fn(&[&str]) -> Answer, from: &str| -> u64 {
        let sql = format!("SELECT count(sent_at) AS n FROM '{from}'");
        let answer = run(&["--format", "csv", "-c", &sql]);
        answer
            .is_well()
            .out
            .lines()
            .nth(1)
            .unwrap()
            .parse()
            .unwrap()
    };
    let one = count(&|arguments| desk.run(arguments), from().to_str().unwrap());
    assert_eq!(
        count(&|arguments| cluster.run(&desk, arguments), "odd"),
        4 * one
    );
}

/// In a real S3 server, of which every process has its keys from its own environment.
#[test]
fn billing_from_delta_tables_in_s3_is_that_of_one_machine() {
    let server = S3::start();
    messages(server.object("lake/messages"));
    sites(server.object("lake/sites"));
    let tables = "messages = \"s3://exports/lake/messages\"\nsites = \"s3://exports/lake/sites\"\n";
    let desk = server.desk(&format!("[relations]\n{tables}{}", others()));
    desk.write(
        "plain.toml",
        &format!("[relations]\n{}{}", plain(&NO_MARCH), others()),
    );
    let keys = [
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    let together = |cluster: &Cluster, arguments: &[&str]| {
        Answer::of(
            cluster
                .command(&desk, arguments)
                .envs(keys)
                .output()
                .unwrap(),
        )
    };
    let start = || Cluster::scheduler(&desk.path(""), &keys, tempfile::TempDir::new().unwrap());
    let cluster = start().with_executor(&keys).with_executor(&keys);
    for sql in &STATEMENTS[1..6] {
        let plain = desk.run(&["--config", "plain.toml", "--format", "csv", "-c", sql]);
        let answer = together(&cluster, &["--format", "csv", "-c", sql]);
        assert_eq!(sorted(&answer), sorted(&plain), "{sql}");
    }
    let travelled =
        "CREATE VIEW v AS SELECT month FROM history; SELECT count(DISTINCT month) AS months FROM v";
    let config = "history = { path = \"s3://exports/lake/messages\", version = 1 }\n";
    desk.write(
        "dayrate.toml",
        &format!("{}{config}", desk.read("dayrate.toml")),
    );
    assert_eq!(
        together(&cluster, &["--format", "csv", "-c", travelled])
            .is_well()
            .out,
        "months\n6\n"
    );
    assert_eq!(
        run(&desk, &["--format", "csv", "-c", travelled])
            .is_well()
            .out,
        "months\n6\n"
    );
    // An executor that sees another store: a reason that names the file, never a bill without its rows.
    let empty = S3::start();
    let elsewhere = empty.desk("");
    let cluster = start().with_executor_in(&elsewhere.path(""), &keys);
    together(&cluster, &["-c", STATEMENTS[1]]).fails(&[
        "is not there for this executor",
        "do not see the same files",
    ]);
}

/// A file of another table, as a shallow clone has them, is refused by name; so is nothing else in silence.
#[test]
fn files_outside_of_the_table_are_refused() {
    let (desk, cluster) = (Desk::new(), Cluster::start());
    let from = testdata("generated/messages/month=2025-01/part-0.parquet");
    let outside = format!("file://{}", from.display());
    let mut table = Table::new(desk.path("clone"), &MESSAGES[..10], &[]);
    table.version = 1;
    let size = std::fs::metadata(&from).unwrap().len();
    table.commit(&[serde_json::json!({"add": {
        "path": outside, "size": size, "partitionValues": {}, "modificationTime": 0, "dataChange": true
    }})]);
    let sql = ["-c", "SELECT count(sent_at) FROM 'clone'"];
    desk.run(&sql).is_well();
    cluster.run(&desk, &sql).fails(&[
        "the cluster cannot read the Delta table",
        "is not in its folder",
        "without --cluster",
    ]);
}
