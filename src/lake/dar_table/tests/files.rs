//! Files come, come late, come twice, are rewritten and removed: after each the table equals a full computation, and the
//! summary says what was done and no more.

#![expect(clippy::unwrap_used, reason = "a test may")]

use super::lake::{Lake, Message, PLAIN, Unit, counts, message, sites};
use crate::lake::dar_table::{Refresh, Summary};

/// Two sites and a test site, and a week of messages that has been read.
async fn lake() -> (Lake, Summary) {
    let mut lake = Lake::new();
    lake.sites = sites(&[
        (1, "one", "Europe/Rome", None, None, false),
        (2, "two", "America/New_York", None, None, false),
        (3, "two", "Asia/Tokyo", None, None, true),
    ]);
    lake.write(
        "week1",
        &[
            message(11, Some(1), "2026-01-05T10:00:00Z"),
            message(11, None, "2026-01-05T10:01:00Z"),
            message(12, None, "2026-01-05T23:30:00Z"),
            second(),
        ],
        Unit::Milliseconds,
    );
    assert!(
        !lake.is_from_table("SELECT * FROM dars").await,
        "there is no table yet"
    );
    let summary = lake.refresh(&PLAIN).await.unwrap();
    lake.check().await;
    (lake, summary)
}

/// A message of the second site.
fn second() -> Message {
    let mut second = message(21, Some(2), "2026-01-06T03:00:00Z");
    second.site = 2;
    second
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_week_touches_no_day_of_before() {
    let (lake, summary) = lake().await;
    assert_eq!(counts(&summary), ([1, 0, 0, 0], [3, 0, 0]));
    assert_eq!(summary.version, Some(0));
    assert_eq!(summary.messages["counted"], 4);

    let summary = lake.refresh(&PLAIN).await.unwrap();
    assert!(summary.is_current);
    assert_eq!(counts(&summary), ([0, 0, 0, 1], [0, 0, 0]));
    assert_eq!(summary.version, Some(0));

    lake.write(
        "week2",
        &[message(11, Some(1), "2026-01-12T10:00:00Z")],
        Unit::Milliseconds,
    );
    assert!(
        !lake.is_from_table("SELECT * FROM dars").await,
        "a file was not read yet"
    );
    let summary = lake.refresh(&PLAIN).await.unwrap();
    assert_eq!(counts(&summary), ([1, 0, 0, 1], [1, 0, 0]));
    assert_eq!(summary.days.len(), 1);
    lake.check().await;
}

/// The conversation that stood for itself gets a consumer, and a smaller one comes for another.
#[tokio::test(flavor = "multi_thread")]
async fn late_messages_join_the_days_of_before() {
    let (lake, _) = lake().await;
    lake.write(
        "late",
        &[
            message(12, Some(9), "2026-01-05T22:00:00Z"),
            message(11, Some(0), "2026-01-05T12:00:00Z"),
        ],
        Unit::Milliseconds,
    );
    let summary = lake.refresh(&PLAIN).await.unwrap();
    assert_eq!(counts(&summary).0, [1, 0, 0, 1]);
    lake.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_count_as_rows_and_make_no_dar() {
    let (lake, _) = lake().await;
    lake.write(
        "copy",
        &[second(), message(11, Some(1), "2026-01-05T10:00:00Z")],
        Unit::Milliseconds,
    );
    let summary = lake.refresh(&PLAIN).await.unwrap();
    assert_eq!(counts(&summary), ([1, 0, 0, 1], [0, 2, 0]));
    lake.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_message_is_decided_below_the_microsecond() {
    let (lake, _) = lake().await;
    let mut earlier = message(31, Some(3), "2026-01-06T10:00:00Z");
    earlier.channel = Some("SMS");
    lake.write(
        "fine",
        &[earlier, message(31, Some(3), "2026-01-06T10:00:00Z")],
        Unit::Nanoseconds(7),
    );
    lake.refresh(&PLAIN).await.unwrap();
    lake.check().await;
    lake.write(
        "finer",
        &[message(31, Some(3), "2026-01-06T10:00:00Z")],
        Unit::Nanoseconds(3),
    );
    lake.refresh(&PLAIN).await.unwrap();
    lake.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_rewritten_and_removed() {
    let (lake, _) = lake().await;
    for (name, conversation) in [("copy", 11), ("late", 12)] {
        let more = message(conversation, Some(0), "2026-01-05T12:00:00Z");
        lake.write(name, &[more], Unit::Milliseconds);
    }
    lake.refresh(&PLAIN).await.unwrap();
    lake.check().await;
    lake.write(
        "copy",
        &[message(13, Some(4), "2026-01-07T10:00:00Z")],
        Unit::Microseconds,
    );
    lake.remove("late");
    let summary = lake.refresh(&PLAIN).await.unwrap();
    assert_eq!(counts(&summary).0, [0, 1, 1, 1]);
    lake.check().await;
}

/// What is made anew counts as new or changed only where it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_refresh_counts_what_differs() {
    let (lake, _) = lake().await;
    let full = Refresh {
        full: true,
        ..PLAIN
    };
    let summary = lake.refresh(&full).await.unwrap();
    assert_eq!(counts(&summary), ([1, 0, 0, 0], [0, 0, 0]));
    assert_eq!(summary.version, Some(1));
    lake.check().await;

    lake.write(
        "week1",
        &[second(), message(13, Some(4), "2026-01-07T10:00:00Z")],
        Unit::Milliseconds,
    );
    let summary = lake.refresh(&full).await.unwrap();
    assert_eq!(counts(&summary).1, [1, 0, 2]);
    lake.check().await;
}

/// Rows that something else has added are an error, and a full refresh takes them away.
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_stranger_are_found() {
    let (lake, _) = lake().await;
    let file = std::fs::read_dir(lake.path("dars/day=2026-01-05")).unwrap();
    let file = file.map(|file| file.unwrap().path()).next().unwrap();
    let stranger = lake.path("dars/day=2026-01-05/part-0.parquet");
    std::fs::copy(&file, &stranger).unwrap();
    let size = std::fs::metadata(&stranger).unwrap().len();
    let action = format!(
        "{{\"add\":{{\"path\":\"day=2026-01-05/part-0.parquet\",\"partitionValues\":{{\"day\":\"2026-01-05\"}},\
         \"size\":{size},\"modificationTime\":0,\"dataChange\":true,\"stats\":\"{{\\\"numRecords\\\":1}}\"}}}}\n"
    );
    std::fs::write(
        lake.path("dars/_delta_log/00000000000000000001.json"),
        action,
    )
    .unwrap();
    lake.asks_for_a_full_refresh("part-0.parquet").await;
}

/// Rows that another writer has deleted, without a new file for those that are left.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_deleted_elsewhere_are_found() {
    let (lake, _) = lake().await;
    let file = std::fs::read_dir(lake.path("dars/day=2026-01-05")).unwrap();
    let file = file.map(|file| file.unwrap().file_name()).next().unwrap();
    let path = format!("day=2026-01-05/{}", file.to_str().unwrap());
    let size = std::fs::metadata(lake.path(&format!("dars/{path}")))
        .unwrap()
        .len();
    let file = format!(
        "\"path\":\"{path}\",\"partitionValues\":{{\"day\":\"2026-01-05\"}},\"size\":{size},\"dataChange\":true"
    );
    // The vector of the protocol's own example; it is never read.
    let actions = format!(
        "{{\"protocol\":{{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"deletionVectors\"],\
         \"writerFeatures\":[\"deletionVectors\"]}}}}\n\
         {{\"remove\":{{{file},\"deletionTimestamp\":0}}}}\n\
         {{\"add\":{{{file},\"modificationTime\":0,\"stats\":\"{{\\\"numRecords\\\":2}}\",\"deletionVector\":\
         {{\"storageType\":\"i\",\"pathOrInlineDv\":\"^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{{L\",\
         \"sizeInBytes\":44,\"cardinality\":6}}}}}}\n"
    );
    let commit = lake.path("dars/_delta_log/00000000000000000001.json");
    std::fs::write(commit, actions).unwrap();
    lake.asks_for_a_full_refresh("has deleted rows").await;
}
