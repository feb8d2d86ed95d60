//! Answers of a cluster are those of one machine.

use std::path::Path;

use super::processes::Cluster;
use crate::stores::server::{KEY, S3, SECRET};
use crate::{Answer, Desk, reports, values};

/// The small generated year.
fn year() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("testdata/dayrate.toml").display().to_string()
}

/// Keeps what `ledger_changes` compares with.
const SAVED: &str = "COPY (SELECT * FROM ledger(as_of => DATE '2025-07-01', surcharge_mode => 'multiply')) TO 'before.parquet'";

/// A desk that has it.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.run(&["--config", &year(), "-c", SAVED]).is_well();
    desk
}

#[track_caller]
fn is_same(what: &str, alone: &Answer, together: &Answer) {
    assert_eq!(together.code, alone.code, "{what}: {}", together.err);
    assert_eq!(together.out, alone.out, "{what}");
}

/// Both answers to the same arguments.
fn both(desk: &Desk, cluster: &Cluster, arguments: &[&str]) -> (Answer, Answer) {
    (desk.run(arguments), cluster.run(desk, arguments))
}

/// Every file in `queries/`, over files in a folder: the same rows in the same order.
#[test]
fn every_report_is_that_of_one_machine() {
    let (desk, cluster, year) = (desk(), Cluster::start(), year());
    for (name, text) in reports() {
        let mut arguments = vec!["--config", &year, "--relation", "before=before.parquet"];
        arguments.extend(["--format", "csv", "report", &name]);
        arguments.extend(values(&name, &text));
        let (alone, together) = both(&desk, &cluster, &arguments);
        is_same(&name, &alone, &together);
        assert_eq!(together.code, 0, "{name}: {}", together.err);
    }
}

/// Every table function that the reports do not call by themselves: the same rows, in whatever order.
#[test]
fn every_table_function_is_that_of_one_machine() {
    const AS_OF: &str = "as_of => DATE '2026-01-01'";
    let (desk, cluster, year) = (desk(), Cluster::start(), year());
    let history = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/liveperson");
    let history = history.display();
    let calls = [
        "message_days()".to_owned(),
        "dars()".to_owned(),
        "dars(relationship => 'conversation', gen_ai_rule => 'day_start', carry => 'queue')"
            .to_owned(),
        "rated_dars(scenario => '*')".to_owned(),
        format!("ledger({AS_OF})"),
        format!("ledger_changes(before, ledger({AS_OF}))"),
        format!("invoice_lines({AS_OF})"),
        format!("engagements({AS_OF})"),
        format!("engagement_days({AS_OF})"),
        format!("engagement_outcomes({AS_OF})"),
        format!("focus_rows({AS_OF})"),
        "dispositions()".to_owned(),
        "rejects()".to_owned(),
        "distinct_messages(messages)".to_owned(),
        format!("liveperson_messages('{history}', rejects => 'skip')"),
        format!("liveperson_outcomes('{history}', rejects => 'skip')"),
        format!("liveperson_rejects('{history}')"),
    ];
    for call in &calls {
        let sql = format!("SELECT * FROM {call}");
        let arguments = [
            "--config",
            &year,
            "--relation",
            "before=before.parquet",
            "--format",
            "csv",
            "-c",
            &sql,
        ];
        let (mut alone, mut together) = both(&desk, &cluster, &arguments);
        for answer in [&mut alone, &mut together] {
            let mut rows: Vec<&str> = answer.out.lines().collect();
            rows.sort_unstable();
            answer.out = rows.join("\n");
        }
        is_same(call, &alone, &together);
        assert_eq!(together.code, 0, "{call}: {}", together.err);
    }
}

/// What the engine does within one process, the plans of a cluster must do in another way: joins that keep rows of the left
/// side, branches of a union, files of rows, tables in memory, statements about the session.
#[test]
fn shapes_of_plans_that_share_memory_on_one_machine() {
    let (desk, cluster, year) = (desk(), Cluster::start(), year());
    let export = "COPY (SELECT * FROM messages WHERE sent_at < '2025-03-01') TO 'rows/";
    for (file, pack) in [("a.csv", false), ("b.arrow", false), ("c.csv", true)] {
        desk.run(&["--config", &year, "-c", &format!("{export}{file}'")])
            .is_well();
        if pack {
            let whole = std::fs::read(desk.path("rows").join(file)).unwrap();
            let half = whole.len() / 2;
            let end = whole[half..]
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap()
                + half
                + 1;
            std::fs::write(desk.path("rows").join(file), &whole[..end]).unwrap();
        }
    }
    for sql in [
        "SELECT count(*) FROM messages",
        "SELECT 1 AS one UNION ALL SELECT 2 UNION ALL SELECT NULL ORDER BY one",
        "SELECT count(*), count(m.site_id) FROM sites s LEFT JOIN (SELECT DISTINCT site_id, sent_at FROM messages) m \
         ON s.valid_from < m.sent_at AND s.site_id <> m.site_id",
        "SELECT count(*) FROM sites s WHERE EXISTS (SELECT 1 FROM messages m WHERE m.sent_at > s.valid_from AND m.site_id > s.site_id)",
        "SELECT site_id FROM sites WHERE site_id NOT IN (SELECT site_id FROM messages) ORDER BY site_id",
        "SELECT count(*), sum(credits) FROM rated_dars(dars('rows/*.csv', sites))",
        "SELECT count(*), max(sent_at) FROM 'rows/b.arrow'",
        "SELECT site_id, row_number() OVER (PARTITION BY org_id ORDER BY site_id) AS n FROM sites ORDER BY site_id",
        "SELECT count(*), sum(value) FROM messages m JOIN generate_series(1, 3) ON true",
        "SELECT (SELECT max(sent_at) FROM messages) AS last, count(*) FROM sites",
        "SELECT * FROM messages ORDER BY message_id LIMIT 5",
        "DESCRIBE messages",
        "SHOW TABLES",
    ] {
        let (alone, together) = both(
            &desk,
            &cluster,
            &["--config", &year, "--format", "csv", "-c", sql],
        );
        is_same(sql, &alone, &together);
        assert_eq!(together.code, 0, "{sql}: {}", together.err);
    }
    let written = "CREATE TABLE t AS SELECT * FROM sites; COPY (SELECT * FROM t) TO 'out.parquet'; SELECT count(*) FROM 'out.parquet'";
    let (alone, together) = both(
        &desk,
        &cluster,
        &["--config", &year, "-q", "--format", "csv", "-c", written],
    );
    is_same("a table and a file", &alone, &together);
}

/// Every file in `queries/`, over a real S3 server, of which every process has its keys from its own environment.
#[test]
fn reports_over_s3_are_those_of_one_machine() {
    let server = S3::start();
    server.put("generated", "year");
    let relations: Vec<String> = [
        "messages",
        "sites",
        "feature_periods",
        "contracts",
        "price_tiers",
        "channel_charges",
        "outcomes",
        "seats",
    ]
    .map(|name| match name {
        "messages" => format!("{name} = \"s3://exports/year/{name}\"\n"),
        _ => format!("{name} = \"s3://exports/year/{name}.parquet\"\n"),
    })
    .into();
    let desk = server.desk(&format!("[relations]\n{}", relations.concat()));
    let keys = [
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    let nowhere = tempfile::TempDir::new().unwrap();
    let cluster = Cluster::scheduler(&desk.path(""), &keys, nowhere)
        .with_executor(&keys)
        .with_executor(&keys);
    crate::stores::server::run(&desk, &["-c", SAVED]).is_well();
    for (name, text) in reports() {
        let mut arguments = vec!["--relation", "before=before.parquet"];
        arguments.extend(["--format", "csv", "report", &name]);
        arguments.extend(values(&name, &text));
        let alone = crate::stores::server::run(&desk, &arguments);
        let mut command = cluster.command(&desk, &arguments);
        let together = Answer::of(command.envs(keys).output().unwrap());
        is_same(&name, &alone, &together);
        assert_eq!(together.code, 0, "{name}: {}", together.err);
    }
}

/// An executor that sees another store than the client: a reason that names the file, never a bill without its rows.
#[test]
fn files_that_an_executor_does_not_see_are_an_error() {
    let (server, empty) = (S3::start(), S3::start());
    server.put("generated", "year");
    let desk = server.desk("[relations]\nsites = \"s3://exports/year/sites.parquet\"\n");
    let elsewhere = empty.desk("");
    let keys = [
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    let nowhere = tempfile::TempDir::new().unwrap();
    let cluster = Cluster::scheduler(&desk.path(""), &keys, nowhere)
        .with_executor_in(&elsewhere.path(""), &keys);
    let mut command = cluster.command(&desk, &["-c", "SELECT site_id FROM sites"]);
    let answer = Answer::of(command.envs(keys).output().unwrap());
    answer.fails(&[
        "year/sites.parquet' is not there for this executor",
        "do not see the same files",
    ]);
    // An older copy under the same name is another file, too.
    std::fs::create_dir_all(empty.object("year")).unwrap();
    std::fs::write(empty.object("year/sites.parquet"), b"PAR1").unwrap();
    let mut command = cluster.command(&desk, &["-c", "SELECT site_id FROM sites"]);
    let answer = Answer::of(command.envs(keys).output().unwrap());
    answer.fails(&["has 4 bytes for this executor, and"]);
}
