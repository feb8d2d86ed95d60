//! Messages in a Delta table that another writer has made: after each of its versions the DARs are those that the writer
//! has counted, in a folder and in a bucket.

use std::path::Path;

use super::{assert_equal, summary};
use crate::stores::server::{S3, run};
use crate::{Answer, Desk};

fn testdata(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(path);
    path.to_str().unwrap().to_owned()
}

/// `site_id,day,messages` of a version, as the writer itself has counted them.
fn counted(version: u64) -> Vec<String> {
    let expected = std::fs::read_to_string(testdata("delta/expected.csv")).unwrap();
    let prefix = format!("{version},");
    let lines = expected
        .lines()
        .filter_map(|line| line.strip_prefix(&prefix));
    lines.map(str::to_owned).collect()
}

/// Refreshes from one version of the table of messages after the other.
fn follow(desk: &Desk, table: &str, store: &str, run: impl Fn(&[&str]) -> Answer) {
    desk.parquet(
        "sites.parquet",
        "SELECT * FROM (VALUES ('007', 'a', 'Europe/Rome'), ('008', 'a', 'Asia/Tokyo'), ('gone', 'a', 'UTC')) AS s(site_id, org_id, time_zone)",
    );
    for version in 0..3 {
        let configuration = format!(
            "{store}[relations]\nmessages = {{ path = \"{table}\", version = {version} }}\nsites = \"sites.parquet\"\n\
             [dar_table]\npath = \"dars\"\n"
        );
        desk.write("dayrate.toml", &configuration);
        let done = summary(run(&["refresh", "--format", "json"]).is_well());
        assert_eq!(done["status"], "refreshed", "{version}");
        if version == 1 {
            // It has added rows: nothing of before is read again.
            assert_eq!(
                (&done["files"]["gone"], &done["files"]["changed"]),
                (&0.into(), &0.into())
            );
        }
        assert_equal(&run);
        let sql = "SELECT site_id, day, CAST(sum(messages) AS BIGINT) AS messages FROM dars GROUP BY 1, 2 ORDER BY 1, 2";
        let answer = run(&["--format", "csv", "-c", sql]);
        let found: Vec<&str> = answer.is_well().out.lines().skip(1).collect();
        assert_eq!(found, counted(version), "{version}");
        let again = summary(run(&["refresh", "--format", "json"]).is_well());
        assert_eq!(again["status"], "current", "{version}");
    }
}

#[test]
fn a_delta_table_of_messages_is_followed() {
    let desk = Desk::new();
    let table = testdata("delta/messages");
    follow(&desk, &table, "", |words| desk.run(words));
}

#[test]
fn a_delta_table_of_messages_in_a_bucket_is_followed() {
    let s3 = S3::start();
    s3.put("delta/messages", "lake/messages");
    let desk = s3.desk("");
    let store = desk.read("dayrate.toml");
    let table = "s3://exports/lake/messages";
    follow(&desk, table, &store, |words| run(&desk, words));
}

/// What the reader does not know it does not guess.
#[test]
fn a_feature_that_nobody_knows_is_refused() {
    let desk = Desk::new();
    let table = testdata("delta_writers/unknown");
    desk.write(
        "dayrate.toml",
        &format!(
            "[relations]\nmessages = \"{table}\"\nsites = {{ sql = \"SELECT '007' AS site_id, 'a' AS org_id, \
             'Europe/Rome' AS time_zone\" }}\n[dar_table]\npath = \"dars\"\n"
        ),
    );
    desk.run(&["refresh"]).fails(&[
        "delta_writers/unknown",
        "rowsByMoonlight",
        "export its rows as Parquet",
    ]);
    assert!(!desk.path("dars").exists());
}
