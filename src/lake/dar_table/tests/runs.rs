//! Runs of every kind: over some days only, of integers, in little memory, several at once.

#![expect(clippy::unwrap_used, reason = "a test may")]

use super::lake::{Lake, PLAIN, Unit, counts, message, sites};
use crate::lake::dar_table::Refresh;

/// Ids of integers stay integers, in DARs and in what they are made of.
#[tokio::test(flavor = "multi_thread")]
async fn ids_may_be_integers() {
    let mut lake = Lake::new();
    lake.integers = true;
    lake.sites = "SELECT 1 AS site_id, 7 AS org_id, 'Europe/Rome' AS time_zone".to_owned();
    lake.write(
        "a",
        &[
            message(-5, None, "2026-01-05T10:00:00Z"),
            message(10, Some(2), "2026-01-05T10:00:00Z"),
        ],
        Unit::Milliseconds,
    );
    lake.refresh(&PLAIN).await.unwrap();
    lake.check().await;
    // 9 is smaller than 10, though not as text.
    lake.write(
        "b",
        &[
            message(10, Some(-3), "2026-01-05T11:00:00Z"),
            message(-5, Some(10), "2026-01-05T11:00:00Z"),
            message(-5, Some(9), "2026-01-05T12:00:00Z"),
        ],
        Unit::Milliseconds,
    );
    lake.refresh(&PLAIN).await.unwrap();
    lake.check().await;
}

/// Days that a run leaves out are not read, and the table knows it: a query that asks for one goes to the messages.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_may_be_about_some_days_only() {
    let day = |text: &str| Some(crate::domain::day::day_of(text.parse().unwrap()));
    let lake = Lake::new();
    let messages: Vec<_> = (1..=9)
        .map(|day| message(day, Some(day), &format!("2026-01-0{day}T23:30:00Z")))
        .collect();
    lake.write("a", &messages, Unit::Milliseconds);
    let some = Refresh {
        since: day("2026-01-04"),
        until: day("2026-01-06"),
        ..PLAIN
    };
    let summary = lake.refresh(&some).await.unwrap();
    // In Rome it is the next day already.
    assert_eq!(
        summary.days,
        [day("2026-01-04").unwrap(), day("2026-01-05").unwrap()]
    );
    let of_days = "SELECT * FROM dars WHERE day >= DATE '2026-01-04' AND day < DATE '2026-01-06'";
    assert!(lake.is_from_table(of_days).await);
    Lake::assert_equal(
        &lake.rows("on", of_days).await,
        &lake.rows("off", of_days).await,
    );
    for sql in [
        "SELECT * FROM dars",
        "SELECT * FROM dars WHERE day >= DATE '2026-01-05'",
    ] {
        assert!(!lake.is_from_table(sql).await, "{sql}");
        Lake::assert_equal(&lake.rows("on", sql).await, &lake.rows("off", sql).await);
    }
    // Once more: nothing to do for these days, and all others at last.
    assert!(lake.refresh(&some).await.unwrap().is_current);
    let summary = lake.refresh(&PLAIN).await.unwrap();
    assert_eq!(summary.days.len(), 7);
    lake.check().await;
    assert!(lake.refresh(&PLAIN).await.unwrap().is_current);
}

/// Rejected messages are counted as long as they are there, and billed once their site is known.
#[tokio::test(flavor = "multi_thread")]
async fn rejected_messages_wait_for_their_site() {
    let mut lake = Lake::new();
    let mut unknown = message(2, Some(2), "2026-01-06T10:00:00Z");
    unknown.site = 2;
    lake.write(
        "a",
        &[message(1, Some(1), "2026-01-05T10:00:00Z"), unknown],
        Unit::Milliseconds,
    );
    let cause = lake.refresh(&PLAIN).await.unwrap_err().to_string();
    assert!(
        cause.contains("not in sites") || cause.contains("unknown"),
        "{cause}"
    );
    lake.options = vec![("rejects", "skip")];
    let summary = lake.refresh(&PLAIN).await.unwrap();
    assert_eq!(summary.rejected, 1);
    lake.check().await;
    assert_eq!(
        lake.refresh(&PLAIN).await.unwrap().rejected,
        1,
        "it is still there"
    );
    // A query that fails at rejected messages does not hear of a table that left them out.
    assert!(
        !lake
            .is_from_table("SELECT * FROM dars(rejects => 'fail')")
            .await
    );
    lake.sites = sites(&[
        (1, "one", "Europe/Rome", None, None, false),
        (2, "one", "Europe/Rome", None, None, false),
    ]);
    let summary = lake.refresh(&PLAIN).await.unwrap();
    assert_eq!((summary.rejected, counts(&summary).1), (0, [1, 0, 0]));
    lake.check().await;
    assert!(
        lake.is_from_table("SELECT * FROM dars(rejects => 'fail')")
            .await
    );
    lake.options = Vec::new();
    lake.check().await;
}

/// Where memory holds nothing, parts go to disk, and the rows are the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_small_memory_gives_the_same_rows() {
    let mut lake = Lake::new();
    let messages: Vec<_> = (0..60_000_i64)
        .map(|number| {
            let mut message = message(
                number % 20_000,
                Some(number % 7_000),
                "2026-01-05T10:00:00Z",
            );
            message.at += number * 60_000_000;
            message
        })
        .collect();
    lake.write("a", &messages, Unit::Milliseconds);
    lake.memory_limit = Some(24 << 20);
    lake.refresh(&PLAIN).await.unwrap();
    lake.memory_limit = None;
    lake.check().await;
}

/// Where nothing is locked, the commit decides: whoever comes second starts again from what the first has made, so that
/// nothing is counted twice or lost; and nothing is left of the work that was for nothing.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_at_once_nothing_is_counted_twice() {
    let lake = Lake::new();
    let unlocked = Refresh {
        without_lock: true,
        ..PLAIN
    };
    for round in 0..4 {
        let name = format!("round {round}");
        let day = format!("2026-01-0{}T10:00:00Z", round + 1);
        lake.write(
            &name,
            &[
                message(round, Some(1), &day),
                message(9, None, "2026-01-05T10:00:00Z"),
            ],
            Unit::Milliseconds,
        );
        let runs = futures::future::join_all((0..4).map(|_| lake.refresh(&unlocked))).await;
        for run in runs {
            run.unwrap();
        }
        lake.check().await;
    }
    // The litter of the losers goes with the next commit, or with the lock.
    lake.refresh(&PLAIN).await.unwrap();
    let mut log = String::new();
    for version in std::fs::read_dir(lake.path("dars/_delta_log")).unwrap() {
        log.push_str(&std::fs::read_to_string(version.unwrap().path()).unwrap_or_default());
    }
    for day in std::fs::read_dir(lake.path("dars")).unwrap() {
        let day = day.unwrap().path();
        if day
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("day=")
        {
            for file in std::fs::read_dir(day).unwrap() {
                let name = file.unwrap().file_name().into_string().unwrap();
                assert!(log.contains(&name), "{name} is litter");
            }
        }
    }
}
