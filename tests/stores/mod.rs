//! Relations in stores and on web servers, and Delta tables: what is read, what is written, what goes wrong, and that no
//! secret is ever seen.
//!
//! The store is a real S3 server on loopback; where one must misbehave, a few lines of our own do.

mod others;
pub(crate) mod server;

use std::io::Write;
use std::time::{Duration, Instant};

use self::server::{KEY, S3, SECRET, respond, run, run_as, serve, store};
use crate::{Answer, Desk};

/// The lines behind the header.
fn rows(answer: &Answer) -> Vec<&str> {
    answer.is_well().out.lines().skip(1).collect()
}

fn testdata(path: &str) -> String {
    format!("{}/testdata/{path}", env!("CARGO_MANIFEST_DIR"))
}

// Reading

/// The generated year in a bucket gives the same credits as on this machine.
#[test]
fn a_bucket_is_read_as_a_folder_is() {
    let s3 = S3::start();
    s3.put("generated/messages", "year/messages")
        .put("generated/sites.parquet", "year/sites.parquet");
    let sql =
        "SELECT count(*) AS dars, sum(credits) AS credits, min(day) AS first FROM rated_dars()";
    let local = Desk::new();
    local.write(
        "dayrate.toml",
        &format!(
            "[relations]\nmessages = \"{}\"\nsites = \"{}\"\n",
            testdata("generated/messages"),
            testdata("generated/sites.parquet")
        ),
    );
    let expected = local
        .run(&["--format", "csv", "-c", sql])
        .is_well()
        .out
        .clone();
    let desk = s3.desk(
        "[relations]\nmessages = \"s3://exports/year/messages\"\nsites = \"s3://exports/year/sites.parquet\"\n",
    );
    assert_eq!(
        run(&desk, &["--format", "csv", "-c", sql]).is_well().out,
        expected
    );
}

#[test]
fn patterns_and_folders_with_values_work_in_a_bucket() {
    let s3 = S3::start();
    for month in ["2025-01", "2025-02", "2025-03"] {
        s3.put(
            &format!("generated/messages/month={month}/part-0.parquet"),
            &format!("m/month={month}/part-0.parquet"),
        );
    }
    let desk = s3.desk("");
    let months = |location: &str| {
        let sql = format!("SELECT DISTINCT month FROM '{location}' ORDER BY month");
        let answer = run(&desk, &["--format", "csv", "-c", &sql]);
        rows(&answer).join(" ")
    };
    assert_eq!(months("s3://exports/m"), "2025-01 2025-02 2025-03");
    assert_eq!(months("s3://exports/m/"), "2025-01 2025-02 2025-03");
    assert_eq!(
        months("s3://exports/m/month=2025-0[23]/*.parquet"),
        "2025-02 2025-03"
    );
    assert_eq!(months("s3://exports/*/month=2025-01"), "2025-01");
    let sql = "EXPLAIN SELECT count(sent_at) FROM 's3://exports/m' WHERE month = '2025-02'";
    let plan = run(&desk, &["-c", sql]);
    plan.is_well();
    assert!(
        plan.out.contains("month=2025-02") && !plan.out.contains("month=2025-01"),
        "{}",
        plan.out
    );
    run(&desk, &["-c", "SELECT 1 FROM 's3://exports/none'"])
        .fails(&["there is no file 's3://exports/none'"]);
}

/// A file on a web server, opened by a signature that nobody sees.
#[test]
fn a_web_address_is_one_file() {
    let port = serve(|request, stream| match request {
        _ if !request.contains("sig=hunter2hunter2") => {
            respond(request, stream, "403 Forbidden", b"no")
        }
        _ if request.contains("/exports/sites.csv?") => {
            respond(
                request,
                stream,
                "200 OK",
                b"site_id,org_id,time_zone\n007,acme,Europe/Rome\n",
            );
        }
        _ => respond(request, stream, "404 Not Found", b""),
    });
    let desk = Desk::new();
    let address = format!("http://127.0.0.1:{port}/exports/sites.csv?sig=hunter2hunter2&x=1");
    let answer = desk.run(&[
        "--format",
        "csv",
        "-c",
        &format!("SELECT * FROM '{address}'"),
    ]);
    assert_eq!(rows(&answer), ["007,acme,Europe/Rome"]);
    for sql in [
        format!("EXPLAIN SELECT * FROM '{address}'"),
        format!("SELECT nope FROM '{address}'"),
        format!("SELECT * FROM '{}'", address.replace("sites", "none")),
        format!(
            "SELECT * FROM '{}'",
            address.replace("/exports", "/exports/*")
        ),
        format!("SELEC * FROM '{address}'"),
    ] {
        let answer = desk.run(&["-c", &sql]);
        assert!(
            !answer.out.contains("hunter2") && !answer.err.contains("hunter2"),
            "{}{}",
            answer.out,
            answer.err
        );
    }
    let refused = desk.run(&[
        "-c",
        &format!("SELECT * FROM 'http://127.0.0.1:{port}/exports/sites.csv'"),
    ]);
    refused.fails(&["refuses"]);
}

// Delta tables

/// The rows of each version, as the writer itself counted them.
fn versions() -> Vec<Vec<String>> {
    let expected = std::fs::read_to_string(testdata("delta/expected.csv")).unwrap();
    let of = |version: usize| {
        let lines = expected
            .lines()
            .filter_map(|line| line.strip_prefix(&format!("{version},")));
        lines.map(str::to_owned).collect()
    };
    (0..3).map(of).collect()
}

const COUNTS: &str = "SELECT site_id, day, count(*) AS messages FROM history GROUP BY site_id, day ORDER BY site_id, day";

#[test]
fn a_delta_table_is_what_its_log_says() {
    let versions = versions();
    let table = testdata("delta/messages");
    for (source, version) in [
        (format!("\"{table}\""), 2),
        (format!("{{ path = \"{table}\", format = \"delta\" }}"), 2),
        (format!("{{ path = \"{table}/\", version = 0 }}"), 0),
        (
            format!("{{ path = \"file://{table}\", format = \"delta\", version = 1 }}"),
            1,
        ),
        (
            format!("{{ path = \"{table}\", timestamp = \"2026-11-02T07:59:59Z\" }}"),
            0,
        ),
        (
            format!("{{ path = \"{table}\", timestamp = 2026-11-02T08:00:00Z }}"),
            1,
        ),
        (
            format!("{{ path = \"{table}\", timestamp = \"2027-01-01T00:00:00+01:00\" }}"),
            2,
        ),
    ] {
        let desk = Desk::new();
        desk.write(
            "dayrate.toml",
            &format!("[relations]\nhistory = {source}\n"),
        );
        let answer = desk.run(&["--format", "csv", "-c", COUNTS]);
        assert_eq!(rows(&answer), versions[version], "{source}");
    }
}

#[test]
fn the_rows_of_a_delta_table_can_be_billed() {
    let desk = Desk::new();
    let table = testdata("delta/messages");
    let sites = "(SELECT * FROM (VALUES ('007', 'a', 'Europe/Rome'), ('008', 'a', 'Asia/Tokyo')) AS s(site_id, org_id, time_zone))";
    let sql = format!(
        "SELECT site_id, day, CAST(sum(messages) AS BIGINT) AS messages FROM dars('{table}', {sites}) GROUP BY 1, 2 ORDER BY 1, 2"
    );
    let answer = desk.run(&["--format", "csv", "-c", &sql]);
    assert_eq!(rows(&answer), versions()[2]);
    // A filter reads only the files that can hold such rows.
    let sql = format!(
        "EXPLAIN ANALYZE SELECT count(sent_by) FROM '{table}' WHERE day = DATE '2026-10-30' AND price IS NULL"
    );
    let plan = desk.run(&["-c", &sql]);
    plan.is_well();
    assert!(
        plan.out.contains("day=2026-10-30") && !plan.out.contains("day=2026-10-31"),
        "{}",
        plan.out
    );
}

#[test]
fn the_files_of_a_delta_table_are_never_read_by_themselves() {
    let desk = Desk::new();
    let table = testdata("delta/messages");
    for location in [
        format!("{table}/*.parquet"),
        format!("{table}/day=2026-10-29"),
        format!("{table}/day=2026-10-29/*"),
        format!("{table}/**/*.parquet"),
        testdata("delta"),
    ] {
        desk.run(&["-c", &format!("SELECT * FROM '{location}'")])
            .fails(&["reaches into the Delta table", "delta/messages"]);
    }
    for (source, expected) in [
        ("version = 3", "at version 3"),
        (
            "timestamp = \"2026-11-01T07:59:59Z\"",
            "its first commit is of 2026-11-01T08:00:00Z",
        ),
        ("format = \"parquet\"", "is a Delta table"),
        (
            "version = -1",
            "line 2: 'version' is the number of a commit",
        ),
        (
            "timestamp = \"2026-11-01\"",
            "line 2: 'timestamp' is an instant",
        ),
    ] {
        desk.write(
            "dayrate.toml",
            &format!("[relations]\nh = {{ path = \"{table}\", {source} }}\n"),
        );
        desk.run(&["-c", "SELECT * FROM h"]).fails(&[expected]);
    }
    let plain = testdata("writers");
    desk.write(
        "dayrate.toml",
        &format!("[relations]\nh = {{ path = \"{plain}\", format = \"delta\" }}\n"),
    );
    desk.run(&["-c", "SELECT * FROM h"])
        .fails(&["is no Delta table"]);
}

#[test]
fn a_delta_table_in_a_bucket() {
    let s3 = S3::start();
    s3.put("delta/messages", "lake/messages");
    for (source, version) in [
        ("", 2),
        (", version = 1", 1),
        (", timestamp = \"2026-11-01T12:00:00Z\"", 0),
    ] {
        let desk = s3.desk(&format!(
            "[relations]\nhistory = {{ path = \"s3://exports/lake/messages\"{source} }}\n"
        ));
        let answer = run(&desk, &["--format", "csv", "-c", COUNTS]);
        assert_eq!(rows(&answer), versions()[version], "{source}");
    }
    let desk = s3.desk("");
    run(
        &desk,
        &[
            "-c",
            "SELECT * FROM 's3://exports/lake/messages/day=2026-10-29'",
        ],
    )
    .fails(&["reaches into the Delta table"]);
}

// Writing

#[test]
fn results_are_written_to_a_bucket_whole() {
    let s3 = S3::start();
    let desk = s3.desk("");
    // More than one part of an upload.
    let many =
        "SELECT value AS n, md5(CAST(value AS VARCHAR)) AS t FROM generate_series(1, 600000)";
    run(&desk, &["-o", "s3://exports/out/n.parquet", "-c", many]).is_well();
    run(
        &desk,
        &["-o", "s3://exports/out/n.csv", "-c", "SELECT 7 AS n"],
    )
    .is_well();
    let sql = "SELECT count(*) AS c, sum(n) AS s FROM 's3://exports/out/n.parquet'";
    assert_eq!(
        rows(&run(&desk, &["--format", "csv", "-c", sql])),
        ["600000,180000300000"]
    );
    assert_eq!(
        std::fs::read_to_string(s3.object("out/n.csv")).unwrap(),
        "n\n7\n"
    );
    let copy = "COPY (SELECT 'x' AS k, 1 AS n UNION ALL SELECT 'y', 2) TO 's3://exports/parts/' STORED AS PARQUET PARTITIONED BY (k); \
                COPY (SELECT 3 AS n) TO 's3://exports/one.csv' OPTIONS (format.has_header true)";
    run(&desk, &["-c", copy]).is_well();
    let sql = "SELECT k, n FROM 's3://exports/parts' ORDER BY k";
    assert_eq!(
        rows(&run(&desk, &["--format", "csv", "-c", sql])),
        ["x,1", "y,2"]
    );
    assert_eq!(
        std::fs::read_to_string(s3.object("one.csv")).unwrap(),
        "n\n3\n"
    );
    let before = s3.objects();
    let fails = "SELECT 1 / (value - 99999) AS n FROM generate_series(1, 100000)";
    run(&desk, &["-o", "s3://exports/out/bad.parquet", "-c", fails]).fails(&[]);
    run(
        &desk,
        &[
            "-c",
            &format!("COPY ({fails}) TO 's3://exports/bad/' STORED AS PARQUET"),
        ],
    )
    .fails(&[]);
    assert_eq!(s3.objects(), before);
    desk.run(&["-o", "https://127.0.0.1:1/x.csv", "-c", "SELECT 1"])
        .fails(&["only reads"]);
}

#[test]
fn the_engines_own_tables_reach_the_store_too() {
    let s3 = S3::start();
    s3.put("generated/sites.parquet", "sites.parquet");
    let desk = s3.desk("");
    let sql = "CREATE EXTERNAL TABLE s STORED AS PARQUET LOCATION 's3://exports/sites.parquet'; SELECT count(*) AS n FROM s";
    let mine = "SELECT count(*) AS n FROM 's3://exports/sites.parquet'";
    let answer = run(&desk, &["--format", "csv", "-c", sql]);
    assert_eq!(
        rows(&answer),
        rows(&run(&desk, &["--format", "csv", "-c", mine]))
    );
}

// What goes wrong

#[test]
fn a_store_that_refuses_says_why() {
    let s3 = S3::start();
    s3.put("generated/sites.parquet", "sites.parquet");
    let desk = s3.desk("");
    let sql = "SELECT * FROM 's3://exports/sites.parquet'";
    run_as(&desk, KEY, "another-secret-value", &["-c", sql]).fails(&[
        "'s3://exports' refuses 's3://exports/sites.parquet'",
        "Check the key",
    ]);
    run(
        &desk,
        &["-c", "SELECT * FROM 's3://nowhere/sites/*.parquet'"],
    )
    .fails(&["s3://nowhere", "no such bucket"]);
    let desk = Desk::new();
    desk.write(
        "dayrate.toml",
        &format!(
            "{}secret_access_key = {{ env = \"NOT_SET_ANYWHERE\" }}\n",
            store(1)
        ),
    );
    run(&desk, &["-c", sql]).fails(&["'NOT_SET_ANYWHERE'", "secret_access_key", "is not set"]);
}

/// An empty list of a bucket.
const NO_OBJECTS: &[u8] =
    b"<?xml version=\"1.0\"?><ListBucketResult><Name>b</Name><KeyCount>0</KeyCount>\
    <MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>";

#[test]
fn a_store_that_stalls_or_hangs_up_is_found_out() {
    let stalls = serve(|_, stream| {
        std::thread::sleep(Duration::from_secs(60));
        let _ = stream.flush();
    });
    let hangs_up = serve(|request, stream| match request {
        _ if request.contains("list-type") => respond(request, stream, "200 OK", NO_OBJECTS),
        _ if request.starts_with("HEAD") => respond(request, stream, "200 OK", &[b'x'; 1000]),
        _ if request.starts_with("GET") => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: \"1\"\r\nLast-Modified: Sun, 01 Nov 2026 00:00:00 GMT\r\n\r\na,b\n1,2\n");
        }
        _ => {}
    });
    for (port, sql, words) in [
        (stalls, "SELECT * FROM 's3://b/x.csv'", "no answer in time"),
        (hangs_up, "SELECT * FROM 's3://b/x.csv'", "x.csv"),
        (hangs_up, "SELECT * FROM 's3://b/x.parquet'", "x.parquet"),
        (1, "SELECT * FROM 's3://b/x.csv'", "cannot be reached"),
    ] {
        let desk = Desk::new();
        desk.write("dayrate.toml", &store(port));
        let began = Instant::now();
        run(&desk, &["-o", "out.csv", "-c", sql]).fails(&["s3://b/", words]);
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{:?}",
            began.elapsed()
        );
        assert_eq!(desk.files(), ["dayrate.toml"], "{sql}");
    }
    // An upload that breaks off is an error too.
    let desk = Desk::new();
    desk.write("dayrate.toml", &store(hangs_up));
    run(&desk, &["-o", "s3://b/out.csv", "-c", "SELECT 1 AS n"]).fails(&["s3://b/out.csv"]);
}

// Secrets

#[test]
fn no_secret_is_ever_seen() {
    let s3 = S3::start();
    s3.put("delta/messages", "lake/messages")
        .put("generated/sites.parquet", "sites.parquet");
    let broken = "lake/messages/_delta_log/00000000000000000001.json";
    let desk = s3.desk(
        "[stores.\"s3://closed\"]\nendpoint = \"http://127.0.0.1:1\"\naccess_key_id = { env = \"OTHER_KEY\" }\n\
         secret_access_key = { env = \"OTHER_SECRET\" }\nsession_token = { env = \"OTHER_TOKEN\" }\n\
         [relations]\nlake = { path = \"s3://exports/lake/messages\", version = 9 }\n"
    );
    let secrets = [
        KEY,
        SECRET,
        "other-key-value",
        "other-secret-value",
        "other-token-value",
        "hunter2hunter2",
    ];
    let statements = [
        "EXPLAIN SELECT * FROM 's3://exports/sites.parquet'",
        "EXPLAIN ANALYZE SELECT * FROM 's3://exports/sites.parquet'",
        "EXPLAIN COPY (SELECT 1 AS n) TO 's3://exports/x.parquet'",
        "SELECT * FROM 's3://nowhere/x.parquet'",
        "SELECT * FROM 's3://closed/x.parquet'",
        "SELECT * FROM lake",
        "SELECT * FROM 's3://exports/lake/messages'",
        "SELECT * FROM 'https://me:hunter2hunter2@127.0.0.1:1/x.parquet'",
        "SELECT * FROM 'http://127.0.0.1:1/x.parquet?X-Amz-Signature=hunter2hunter2'",
        "EXPLAIN SELECT * FROM 'http://127.0.0.1:1/x.parquet?sig=hunter2hunter2'",
        "COPY (SELECT 1 AS n) TO 's3://me:hunter2hunter2@closed/x.parquet'",
        "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION 's3://exports/none.parquet' OPTIONS ('aws.secret_access_key' 'hunter2hunter2')",
    ];
    std::fs::write(s3.object(broken), "{\"add\":").unwrap();
    for sql in statements {
        let mut command = desk.command(&["-c", sql]);
        command
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("OTHER_KEY", "other-key-value")
            .env("OTHER_SECRET", "other-secret-value")
            .env("OTHER_TOKEN", "other-token-value");
        let answer = Answer::of(command.output().unwrap());
        for secret in secrets {
            assert!(
                !answer.out.contains(secret) && !answer.err.contains(secret),
                "{sql}: {}{}",
                answer.out,
                answer.err
            );
        }
    }
}
