//! Sites move, switches are turned, readings change: only what they touch is made anew.

#![expect(clippy::unwrap_used, reason = "a test may")]

use super::lake::{Lake, PLAIN, SiteRow, Unit, counts, message, sites, switches};

const SECOND: SiteRow = (2, "two", "America/New_York", None, None, false);
const TEST: SiteRow = (3, "two", "Asia/Tokyo", None, None, true);

/// Three sites with a message each, on some days, that have been read.
async fn lake() -> Lake {
    let mut lake = Lake::new();
    lake.sites = sites(&[(1, "one", "Europe/Rome", None, None, false), SECOND, TEST]);
    let mut messages = Vec::new();
    for sent_at in [
        "2026-01-05T10:00:00Z",
        "2026-01-06T03:00:00Z",
        "2026-01-19T10:00:00Z",
    ] {
        for site in 1..=3 {
            let mut message = message(10 + site, Some(site), sent_at);
            message.site = site;
            messages.push(message);
        }
    }
    lake.write("week1", &messages, Unit::Milliseconds);
    lake.refresh(&PLAIN).await.unwrap();
    lake.check().await;
    lake
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_moves_from_an_instant_on() {
    let mut lake = lake().await;
    let cut = Some("2026-01-06T00:00:00Z");
    lake.sites = sites(&[
        (1, "one", "Europe/Rome", None, cut, false),
        (1, "one", "Pacific/Auckland", cut, None, false),
        SECOND,
        TEST,
    ]);
    assert!(
        !lake.is_from_table("SELECT * FROM dars").await,
        "another calendar"
    );
    let summary = lake.refresh(&PLAIN).await.unwrap();
    assert_eq!(counts(&summary).0, [0, 0, 0, 1]);
    assert!(!summary.days.is_empty());
    lake.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_is_on_for_some_hours() {
    let mut lake = lake().await;
    lake.switches = switches(&[(
        "two",
        "gen_ai",
        None,
        "2026-01-05T12:00:00Z",
        Some("2026-01-06T12:00:00Z"),
    )]);
    let summary = lake.refresh(&PLAIN).await.unwrap();
    assert_eq!(counts(&summary).1, [0, 1, 0]);
    lake.check().await;
}

/// A site that is no test any more, and in the same run a new one that nobody wrote to, and another file.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_site_becomes_a_real_one() {
    let mut lake = lake().await;
    lake.sites = sites(&[
        (1, "one", "Europe/Rome", None, None, false),
        SECOND,
        (3, "two", "Asia/Tokyo", None, None, false),
        (4, "four", "UTC", None, None, false),
    ]);
    lake.write(
        "week3",
        &[message(14, Some(4), "2026-01-19T10:00:00Z")],
        Unit::Microseconds,
    );
    lake.refresh(&PLAIN).await.unwrap();
    lake.check().await;
}

/// Every row is another one: that is said, and done when asked.
#[tokio::test(flavor = "multi_thread")]
async fn another_reading_asks_for_a_full_refresh() {
    let mut lake = lake().await;
    lake.options = vec![("relationship", "conversation")];
    assert!(
        !lake.is_from_table("SELECT * FROM dars").await,
        "another reading"
    );
    lake.asks_for_a_full_refresh("relationship was 'consumer' and is 'conversation'")
        .await;
}

/// Of three sites one: only its days.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_moves_for_all_time() {
    let mut lake = lake().await;
    lake.sites = sites(&[(1, "one", "Asia/Kolkata", None, None, false), SECOND, TEST]);
    lake.refresh(&PLAIN).await.unwrap();
    lake.check().await;
}

/// A change of most sites for all time is none that a refresh works in.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_reaches_everything_asks_for_a_full_refresh() {
    let mut lake = Lake::new();
    lake.write(
        "a",
        &[message(1, Some(1), "2026-01-05T10:00:00Z")],
        Unit::Milliseconds,
    );
    lake.refresh(&PLAIN).await.unwrap();
    lake.sites = sites(&[(1, "one", "Asia/Tokyo", None, None, false)]);
    lake.asks_for_a_full_refresh("1 of 1 sites").await;
}
