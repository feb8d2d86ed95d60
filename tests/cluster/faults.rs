//! What goes wrong ends in the right answer or in an error, never in another answer.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::processes::Cluster;
use crate::{Answer, Desk, reports, values};

fn year() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("testdata/dayrate.toml").display().to_string()
}

const CREDITS: &str =
    "SELECT org_id, count(*), sum(credits) FROM rated_dars GROUP BY org_id ORDER BY org_id";

/// Every batch takes so many milliseconds, so that a job lasts.
fn slowly(milliseconds: u64) -> String {
    format!(
        "SET ballista.testing.chaos_execution.enabled = 'true'; \
         SET ballista.testing.chaos_execution.seed = '5'; \
         SET ballista.testing.chaos_execution.fault_type = 'delay:{milliseconds}'; {CREDITS}"
    )
}

/// A statement that is running, and has been for a while.
fn begun(cluster: &Cluster, desk: &Desk, sql: &str) -> Child {
    begun_before(cluster, desk, sql, Duration::from_millis(1500))
}

/// A statement that was begun so long ago.
fn begun_before(cluster: &Cluster, desk: &Desk, sql: &str, before: Duration) -> Child {
    let mut command = cluster.command(desk, &["--config", &year(), "--format", "csv", "-c", sql]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(before);
    child
}

/// The answer of a statement, and how long after now it came.
fn ended(child: Child) -> (Answer, Duration) {
    let since = Instant::now();
    let answer = Answer::of(child.wait_with_output().unwrap());
    (answer, since.elapsed())
}

/// An executor that is gone at any moment of a job, within stages and between two of them: the answer is right.
#[test]
fn a_job_survives_an_executor() {
    let desk = Desk::new();
    let expected = desk.run(&["--config", &year(), "--format", "csv", "-c", CREDITS]);
    let survives = &|before| {
        let (mut cluster, before) = (Cluster::start(), Duration::from_millis(before));
        let job = begun_before(&cluster, &desk, &slowly(400), before);
        cluster.executors[0].kill();
        let (answer, _) = ended(job);
        answer.is_well();
        assert_eq!(answer.out, expected.out, "{before:?}: {}", answer.err);
    };
    // Each moment has a cluster of its own; two at a time wait for the silence.
    for moments in [[200, 500], [800, 1100], [1400, 1700], [2000, 2500]] {
        std::thread::scope(|scope| {
            for before in moments {
                scope.spawn(move || survives(before));
            }
        });
    }
}

/// A scheduler that is gone: an error within seconds; with another scheduler the same statement has its answer.
#[test]
fn a_scheduler_that_is_gone_is_an_error_at_once() {
    let (desk, mut cluster) = (Desk::new(), Cluster::start());
    let job = begun(&cluster, &desk, &slowly(2000));
    cluster.scheduler.kill();
    let (answer, after) = ended(job);
    answer.fails(&[
        "the scheduler at df://127.0.0.1:",
        "does not answer any more",
        "run it again",
    ]);
    assert!(after < Duration::from_secs(5), "{after:?}");
    let arguments = ["--config", &year(), "--format", "csv", "-c", CREDITS];
    let answer = cluster.run(&desk, &arguments);
    answer.fails(&[
        "there is no scheduler at df://127.0.0.1:",
        "dayrate cluster scheduler",
    ]);
    let again = Cluster::start().run(&desk, &arguments);
    assert_eq!(again.out, desk.run(&arguments).out);
}

/// A report that asks for faults first.
fn faulty(report: &str, kind: &str) -> String {
    let lines: Vec<&str> = report.lines().collect();
    let head = lines
        .iter()
        .take_while(|line| line.starts_with("--"))
        .count();
    let (head, body) = lines.split_at(head);
    format!(
        "{}\nSET ballista.testing.chaos_execution.enabled = 'true';\n\
         SET ballista.testing.chaos_execution.probability = '0.1';\n\
         SET ballista.testing.chaos_execution.fault_type = '{kind}';\n{}",
        head.join("\n"),
        body.join("\n")
    )
}

/// The engine's own faults, at one in ten, over every report: the right answer, or an error that says what it was.
#[test]
fn injected_faults_never_change_an_answer() {
    let (desk, cluster, year) = (Desk::new(), Cluster::start(), year());
    let saved = "COPY (SELECT * FROM ledger(as_of => DATE '2025-07-01', surcharge_mode => 'multiply')) TO 'before.parquet'";
    desk.run(&["--config", &year, "-c", saved]).is_well();
    let (mut right, mut failed) = (0, 0);
    let kinds = ["transient", "fatal"].into_iter().cycle();
    for ((name, text), kind) in reports().into_iter().zip(kinds) {
        desk.write("faulty.sql", &faulty(&text, kind));
        let arguments = |report| {
            let mut arguments = vec!["--config", &year, "--relation", "before=before.parquet"];
            arguments.extend(["-q", "--format", "csv", "report", report]);
            arguments.extend(values(&name, &text));
            arguments
        };
        let answer = cluster.run(&desk, &arguments("faulty.sql"));
        if answer.code == 0 {
            right += 1;
            assert_eq!(answer.out, desk.run(&arguments(&name)).out, "{name}");
        } else {
            failed += 1;
            assert!(answer.err.contains("ChaosExec"), "{name}: {}", answer.err);
        }
    }
    assert!(right > failed, "{right} right answers, {failed} errors");
}
