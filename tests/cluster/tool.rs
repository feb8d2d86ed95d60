//! The rest of the tool through a cluster: the page, and the shell.

use std::path::Path;

use super::processes::Cluster;
#[cfg(unix)]
use crate::terminal::Terminal;
use crate::{Answer, Desk};

fn year() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("testdata/dayrate.toml").display().to_string()
}

/// The page but for when it was made, by line.
fn lines(page: &str) -> Vec<&str> {
    let made = "<p class=\"lead\">Made by";
    page.lines()
        .filter(|line| !line.starts_with(made))
        .collect()
}

/// The page is that of one machine, line for line: its files and their digests, too.
#[test]
fn a_dashboard_is_that_of_one_machine() {
    let (desk, cluster, year) = (Desk::new(), Cluster::start(), year());
    let arguments = ["--config", &year, "dashboard", "--as-of", "2026-01-01"];
    let (alone, together) = (desk.run(&arguments), cluster.run(&desk, &arguments));
    together.is_well();
    let (alone, together) = (lines(&alone.out), lines(&together.out));
    for (alone, together) in alone.iter().zip(&together) {
        assert_eq!(together, alone);
    }
    assert_eq!(together.len(), alone.len());
}

/// Statements that are piped in: each its answer or its error, as on one machine, and the session keeps what is set.
#[test]
fn a_piped_shell_answers_as_on_one_machine() {
    let (desk, cluster, year) = (Desk::new(), Cluster::start(), year());
    let typed = "SELECT count(*) FROM sites;\n\
                 SET dayrate.relationship = 'conversation';\n\
                 SELECT count(*), sum(credits) FROM rated_dars;\n\
                 CREATE VIEW v AS SELECT * FROM sites;\n\
                 SELECT count(*) FROM v;\n\
                 SELECT nope FROM sites;\n";
    let alone = desk.type_in(&["--config", &year], typed);
    let through = ["--cluster", &cluster.address, "--config", &year];
    let together = desk.type_in(&through, typed);
    assert_eq!(
        (together.code, together.out, together.err),
        (alone.code, alone.out, alone.err)
    );
}

/// A person at a terminal: rows, an error that leaves the shell as it was, what is described here, and the end.
#[cfg(unix)]
#[test]
fn a_shell_at_a_terminal_works_through_a_cluster() {
    let (desk, cluster, year) = (Desk::new(), Cluster::start(), year());
    let through = ["--cluster", &cluster.address, "--config", &year];
    let shell = Terminal::shell(&desk, 40, 120, &through);
    shell.says("SELECT count(*) AS n FROM sites;").shows("201");
    shell
        .says("SELECT nope FROM sites;")
        .shows("there is no column 'nope'");
    shell.says("SELECT 41 + 1 AS answer;").shows("42");
    shell.quits();
}

/// What a scheduler that waits so long says of a statement, while no executor is there.
fn without_executors(seconds: &str) -> (Desk, Cluster, Answer) {
    let desk = Desk::new();
    let nowhere = tempfile::TempDir::new().unwrap();
    let folder = nowhere.path().to_owned();
    let more = ["--wait-for-executors", seconds];
    let cluster = Cluster::scheduler_with(&folder, &[], nowhere, &more);
    let answer = cluster.run(&desk, &["-c", "SELECT 1 AS one"]);
    (desk, cluster, answer)
}

/// Without executors a statement says that it waits, and then fails with how to start one; with one it has its answer.
#[test]
fn a_statement_without_executors_says_what_to_start() {
    let (desk, cluster, answer) = without_executors("2");
    assert_eq!(answer.code, 1, "{}", answer.err);
    for said in [
        "the statement waits 2 seconds for one",
        "error: no executor works for the scheduler at df://127.0.0.1:",
        "none came in 2 seconds",
        "dayrate cluster executor --scheduler df://127.0.0.1:",
        "--wait-for-executors",
    ] {
        assert!(answer.err.contains(said), "{}", answer.err);
    }
    let cluster = cluster.with_executor(&[]);
    let answer = cluster.run(&desk, &["-c", "SELECT 1 AS one"]);
    answer.is_well();
}
