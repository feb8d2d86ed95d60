//! The table of DARs on a cluster: read by reports, and refreshed. A refresh whose files are folded by executors makes the
//! table that a refresh on one machine makes.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::delta_table::{MESSAGES, Table, testdata};
use super::processes::Cluster;
use crate::refresh::{assert_equal, come, desk};
use crate::stores::server::{KEY, S3, SECRET, run};
use crate::{Answer, Desk};

/// A report that has its DARs from the table has the rows of the messages, and reads the table.
#[test]
fn reports_from_the_table_of_dars_are_those_of_one_machine() {
    let (desk, files) = desk();
    come(&desk, &files);
    desk.run(&["refresh", "--as-of", "2026-01-01"]).is_well();
    let cluster = Cluster::start();
    assert_equal(|arguments| cluster.run(&desk, arguments));
    for sql in [
        "SELECT org_id, day, sum(credits) FROM rated_dars WHERE day > DATE '2025-06-10' GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT * FROM invoice_lines(as_of => DATE '2026-01-01') ORDER BY org_id, period_start, line_no",
        "SELECT site_id, day, row_number() OVER (PARTITION BY site_id ORDER BY day, relationship_id) AS n \
         FROM dars ORDER BY site_id, n",
    ] {
        let arguments = ["--format", "csv", "-c", sql];
        let (alone, together) = (desk.run(&arguments), cluster.run(&desk, &arguments));
        assert_eq!(together.is_well().out, alone.is_well().out, "{sql}");
    }
    // A file that is gone from the table is an error that names it.
    let mut kept = std::fs::read_dir(desk.path("dars/day=2025-07-01")).unwrap();
    std::fs::remove_file(kept.next().unwrap().unwrap().path()).unwrap();
    let day = "SELECT max(messages) FROM dars WHERE day = DATE '2025-07-01'";
    cluster
        .run(&desk, &["-c", day])
        .fails(&["day=2025-07-01", "is not there for this executor"]);
}

/// A desk with two tables over the same messages: one for one machine, one for a cluster.
fn two_tables() -> (Desk, Vec<PathBuf>) {
    let (desk, files) = desk();
    std::fs::copy(
        desk.path("generated/sites.parquet"),
        desk.path("sites.parquet"),
    )
    .unwrap();
    let configuration = desk.read("dayrate.toml");
    let configuration = configuration.replace("generated/sites.parquet", "sites.parquet");
    for name in ["alone", "far"] {
        let own = configuration.replace("\"dars\"", &format!("\"{name}\""));
        desk.write(&format!("{name}.toml"), &own);
    }
    (desk, files)
}

/// What a run said, but for what is of that run alone.
fn said(answer: &Answer) -> Value {
    let mut said: Value = serde_json::from_str(&answer.out).unwrap();
    let own = said.as_object_mut().unwrap();
    own.remove("table");
    own.remove("milliseconds");
    said
}

/// The newest manifest of a table, but for the names of files that each run makes up, and for the counts of messages that
/// only a run on one machine makes.
fn manifest(table: &Path) -> Value {
    let entries = std::fs::read_dir(table.join("_dayrate")).unwrap();
    let notes = entries.map(|entry| entry.unwrap().path());
    let manifests = notes.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let newest = manifests.max_by_key(|path| path.metadata().unwrap().modified().unwrap());
    let text = std::fs::read_to_string(newest.unwrap()).unwrap();
    let mut manifest: Value = serde_json::from_str(&text).unwrap();
    let own = manifest.as_object_mut().unwrap();
    for name in ["previous", "priced", "tallies", "counts"] {
        own.remove(name);
    }
    manifest
}

/// The rows of a table, their parts too.
fn kept(desk: &Desk, table: &str) -> String {
    let sql = format!(
        "SELECT * FROM './{table}' ORDER BY day, org_id, site_id, relationship_id, consumer_id"
    );
    let answer = desk.run(&["--format", "ndjson", "-c", &sql]);
    assert!(answer.is_well().out.contains("\"parts\":[{"));
    answer.out
}

/// Refreshes both tables: the runs say the same, and leave the same rows on the same ground.
#[track_caller]
fn refreshed(desk: &Desk, cluster: &Cluster, arguments: &[&str]) -> Value {
    let asked = |config| {
        let refresh = ["refresh", "--as-of", "2026-01-01", "--format", "json"];
        [&["--config", config], &refresh[..], arguments].concat()
    };
    let alone = desk.run(&asked("alone.toml"));
    let far = cluster.run(desk, &asked("far.toml"));
    let (alone, far) = (said(alone.is_well()), said(far.is_well()));
    assert_eq!(far, alone);
    if desk.path("alone").exists() {
        assert_eq!(kept(desk, "far"), kept(desk, "alone"));
        assert_eq!(manifest(&desk.path("far")), manifest(&desk.path("alone")));
    }
    alone
}

/// A file of messages with rows of the generated year.
fn written(desk: &Desk, file: &str, filter: &str) {
    let sql = format!(
        "COPY (SELECT * EXCLUDE month FROM 'generated/messages' WHERE {filter}) TO 'messages/{file}'"
    );
    desk.run(&["--config", "none.toml", "-c", &sql]).is_well();
}

/// Whatever comes, changes and goes.
#[test]
fn every_refresh_makes_the_table_of_one_machine() {
    let (desk, files) = two_tables();
    desk.write("none.toml", "");
    let cluster = Cluster::start();
    let refreshed = |arguments: &[&str]| refreshed(&desk, &cluster, arguments);
    let first_half = "extract(minute FROM sent_at) < 30";
    let march = |half| format!("month = '2025-03' AND {half}");
    come(&desk, &files[..2]);
    come(&desk, &files[3..9]);
    written(&desk, "march.parquet", &march(first_half));
    assert_eq!(refreshed(&["--dry-run"])["status"], "dry_run");
    assert!(!desk.path("far").exists());
    assert_eq!(refreshed(&[])["files"]["new"], 9);
    assert_eq!(refreshed(&[])["status"], "current");
    // A new month, and late messages of another.
    come(&desk, &files[9..10]);
    written(
        &desk,
        "late.parquet",
        &march("extract(minute FROM sent_at) >= 30"),
    );
    assert_eq!(refreshed(&["--dry-run"])["files"]["new"], 2);
    assert_eq!(refreshed(&[])["files"]["new"], 2);
    // One file is rewritten, another removed.
    written(
        &desk,
        "month=2025-05.parquet",
        &format!("month = '2025-05' AND {first_half}"),
    );
    std::fs::remove_file(desk.path("messages/month=2025-06.parquet")).unwrap();
    let said = refreshed(&[]);
    assert_eq!(
        (&said["files"]["changed"], &said["files"]["gone"]),
        (&1.into(), &1.into())
    );
    // Some days of what has come, and then the rest.
    come(&desk, &files[10..]);
    refreshed(&["--since", "2025-11-05", "--until", "2025-11-20"]);
    refreshed(&[]);
    // One site is for tests from now on: its rows go, and no others are read anew.
    let sites = "COPY (SELECT * REPLACE (is_test OR site_id = (SELECT min(site_id) FROM dars) AS is_test) \
                 FROM 'generated/sites.parquet') TO 'sites.parquet'";
    desk.run(&["--config", "alone.toml", "-c", sites]).is_well();
    assert_ne!(refreshed(&[])["dars"]["gone"], 0);
    refreshed(&["--full"]);
    assert_eq!(refreshed(&[])["status"], "current");
    // What cannot be billed is the same error, and leaves the table as it was.
    let bad = "COPY (SELECT * EXCLUDE month REPLACE ('robot' AS sent_by) FROM 'generated/messages' LIMIT 1) \
               TO 'messages/bad.parquet'";
    desk.run(&["--config", "none.toml", "-c", bad]).is_well();
    let before = kept(&desk, "far");
    let fails = |arguments: &[&str], reason| {
        let asked = |config| [&["--config", config, "refresh"], arguments].concat();
        let alone = desk.run(&asked("alone.toml"));
        let far = cluster.run(&desk, &asked("far.toml"));
        far.fails(&[reason]);
        alone.fails(&[reason]);
        assert_eq!(kept(&desk, "far"), before);
        [alone.err, far.err]
    };
    let [alone, far] = fails(&[], "unknown_sender");
    assert_eq!(far, alone);
    std::fs::remove_file(desk.path("messages/bad.parquet")).unwrap();
    let none = "COPY (SELECT * FROM 'generated/sites.parquet' WHERE false) TO 'sites.parquet'";
    desk.run(&["--config", "none.toml", "-c", none]).is_well();
    fails(&["--full"], "unknown_site");
}

/// Messages in Delta tables, whose files come and go as their logs say; and reports from such a table.
#[test]
fn a_refresh_from_delta_tables_makes_the_table_of_one_machine() {
    let cluster = Cluster::start();
    let (desk, _) = two_tables();
    for name in ["alone.toml", "far.toml"] {
        let text = desk.read(name).replace("\"messages\"", "\"lake\"");
        desk.write(name, &text);
    }
    let mut table = Table::new(desk.path("lake"), MESSAGES, &["month"]);
    let versions: [&dyn Fn(&mut Table); 3] = [
        &|table| table.add_months(1..=6),
        &|table| table.add_months(7..=8),
        &|table| table.remove_month(3),
    ];
    for (version, change) in versions.iter().enumerate() {
        change(&mut table);
        let said = refreshed(&desk, &cluster, &[]);
        assert_eq!(said["version"], version, "{said}");
        assert_eq!(refreshed(&desk, &cluster, &[])["status"], "current");
    }
    assert_equal(|arguments| {
        let arguments = [&["--config", "far.toml"], arguments].concat();
        cluster.run(&desk, &arguments)
    });
    // Rows that were deleted by a vector, under columns that were renamed.
    let others = testdata("delta_writers");
    for writer in ["renamed_deleted", "deleted_file"] {
        let tables = ["alone", "far"].map(|name| format!("{name}-{writer}"));
        for table in &tables {
            let messages = others.join(writer).display().to_string();
            let sites = "SELECT '007' AS site_id, 'a' AS org_id, 'Europe/Rome' AS time_zone";
            let text = format!(
                "[relations]\nmessages = \"{messages}\"\nsites = {{ sql = \"{sites}\" }}\n\
                 [dar_table]\npath = \"{table}\"\n"
            );
            desk.write(&format!("{table}.toml"), &text);
        }
        let asked = tables.each_ref().map(|table| format!("{table}.toml"));
        desk.run(&["--config", &asked[0], "refresh"]).is_well();
        cluster
            .run(&desk, &["--config", &asked[1], "refresh"])
            .is_well();
        assert_eq!(kept(&desk, &tables[1]), kept(&desk, &tables[0]), "{writer}");
        let [alone, far] = tables.map(|table| manifest(&desk.path(&table)));
        assert_eq!(far, alone, "{writer}");
    }
}

/// Messages and table in a real S3 server, under both readings of a relationship.
#[test]
fn a_refresh_over_s3_makes_the_table_of_one_machine() {
    let server = S3::start();
    server.put("generated", "year");
    let configuration = |table: &str, relationship: &str| {
        format!(
            "[relations]\nmessages = \"s3://exports/year/messages\"\nsites = \"s3://exports/year/sites.parquet\"\n\
             feature_periods = \"s3://exports/year/feature_periods.parquet\"\n\
             [options]\nrelationship = \"{relationship}\"\ngen_ai_rule = \"day_start\"\n\
             [dar_table]\npath = \"s3://exports/{table}\"\n"
        )
    };
    let desk = server.desk("");
    let keys = [
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    let nowhere = tempfile::TempDir::new().unwrap();
    let cluster = Cluster::scheduler(&desk.path(""), &keys, nowhere)
        .with_executor(&keys)
        .with_executor(&keys);
    let stores = desk.read("dayrate.toml");
    for relationship in ["consumer", "conversation"] {
        let tables = ["alone", "far"].map(|name| format!("{name}-{relationship}"));
        for table in &tables {
            let own = format!("{stores}{}", configuration(table, relationship));
            desk.write(&format!("{table}.toml"), &own);
        }
        let asked = tables.each_ref().map(|table| format!("{table}.toml"));
        run(&desk, &["--config", &asked[0], "refresh"]).is_well();
        let mut command = cluster.command(&desk, &["--config", &asked[1], "refresh"]);
        Answer::of(command.envs(keys).output().unwrap()).is_well();
        let rows = tables.each_ref().map(|table| {
            let sql = format!(
                "SELECT * FROM 's3://exports/{table}' ORDER BY day, org_id, site_id, relationship_id, consumer_id"
            );
            run(&desk, &["--format", "ndjson", "-c", &sql]).is_well().out.clone()
        });
        assert!(rows[0].lines().count() > 1000);
        assert_eq!(rows[1], rows[0], "{relationship}");
    }
}

/// A table of half a year, and then twelve copies of the whole year to refresh it with.
fn much_to_do() -> Desk {
    let (desk, files) = desk();
    come(&desk, &files[..6]);
    desk.run(&["refresh"]).is_well();
    for file in &files {
        let month = file.parent().and_then(Path::file_name).unwrap();
        let month = month.to_str().unwrap();
        for copy in 0..12 {
            let place = desk.path(&format!("messages/{month}-{copy}.parquet"));
            std::fs::copy(file, place).unwrap();
        }
    }
    desk
}

/// A refresh that was begun so long ago.
fn begun(cluster: &Cluster, desk: &Desk, before: u64) -> Child {
    let mut command = cluster.command(desk, &["refresh", "--format", "json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let job = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(before));
    job
}

/// An executor that ends in the middle of a refresh: the right table, or an error and the table as it was; and the next
/// refresh makes the right one.
#[test]
fn a_refresh_survives_an_executor_or_leaves_the_table() {
    let survives = |before: u64| {
        let desk = much_to_do();
        let old = kept(&desk, "dars");
        let mut cluster = Cluster::start();
        let mut job = begun(&cluster, &desk, before);
        let was_running = job.try_wait().unwrap().is_none();
        cluster.executors[0].kill();
        let answer = Answer::of(job.wait_with_output().unwrap());
        let new = kept(&desk, "dars");
        match answer.code {
            0 => assert_ne!(new, old),
            _ => assert_eq!(new, old, "{}", answer.err),
        }
        desk.run(&["refresh"]).is_well();
        if answer.code == 0 {
            assert_eq!(kept(&desk, "dars"), new, "{before}: {}", answer.err);
        }
        assert_equal(|arguments| desk.run(arguments));
        was_running
    };
    let survives = &survives;
    let moments = [[200, 800], [500, 1400]];
    let running = moments.into_iter().flat_map(|moments| {
        // Each moment has a cluster of its own; two at a time wait for the silence.
        std::thread::scope(|scope| {
            let threads = moments.map(|before| scope.spawn(move || survives(before)));
            threads.map(|thread| thread.join().unwrap())
        })
    });
    let running = running.filter(|was_running| *was_running).count();
    assert!(running > 1, "only {running} refreshes were still at work");
}

/// A scheduler that ends in the middle of a refresh: an error, and the table as it was.
#[test]
fn a_refresh_without_its_scheduler_leaves_the_table() {
    let desk = much_to_do();
    let old = kept(&desk, "dars");
    let mut cluster = Cluster::start();
    let job = begun(&cluster, &desk, 500);
    cluster.scheduler.kill();
    let answer = Answer::of(job.wait_with_output().unwrap());
    answer.fails(&[
        "the scheduler at df://127.0.0.1:",
        "does not answer any more",
    ]);
    assert_eq!(kept(&desk, "dars"), old);
    desk.run(&["refresh"]).is_well();
    assert_equal(|arguments| desk.run(arguments));
}
