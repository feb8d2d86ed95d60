//! What charges per message come to is the same from the counts beside a table and from the messages, whatever copies came
//! in which files; and the counts are used, but for those that are not known to be true.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::path::PathBuf;

use super::lake::{Lake, Message, PLAIN, SiteRow, Unit, message, sites};
use crate::domain::day::day_of;
use crate::lake::dar_table::Refresh;

/// An invoice of charges, day by day, and of nothing else.
const INVOICE: &str = "SELECT * FROM invoice_lines(contracts => (SELECT 'none' AS contract_id, 'nobody' AS org_id, \
    DATE '2000-01-01' AS term_start, DATE '2000-01-02' AS term_end, 'USD' AS currency, 0 AS committed_credits, \
    0 AS credit_price, 0 AS overage_price)";

/// Charges per message: a row for each of some stretches of days, so that every line is about few of them; some only with
/// a feature.
pub(super) fn charges() -> String {
    const DAYS: [&str; 5] = [
        "NULL",
        "DATE '2025-03-29'",
        "DATE '2025-03-30'",
        "DATE '2025-04-01'",
        "NULL",
    ];
    let mut rows = Vec::new();
    for org in ["one", "two"] {
        for channel in ["NULL", "'SMS'"] {
            for days in DAYS.windows(2) {
                let days = days.join(", ");
                rows.push(format!(
                    "('{org}', {channel}, NULL, 'message', 1, 'USD', {days})"
                ));
            }
        }
        rows.push(format!(
            "('{org}', NULL, 'gen_ai', 'message', 1, 'USD', NULL, NULL)"
        ));
    }
    format!(
        "SELECT org_id, channel, feature, per, price, currency, CAST(a AS DATE) AS valid_from, CAST(b AS DATE) AS valid_to \
         FROM (VALUES {}) AS t(org_id, channel, feature, per, price, currency, a, b)",
        rows.join(", ")
    )
}

impl Lake {
    /// Whether an invoice has the counts from beside the table.
    pub(super) async fn is_from_counts(&self) -> bool {
        let plan = self.rows("on", &format!("EXPLAIN {INVOICE})")).await;
        plan.join("\n").contains("counts of messages")
    }

    /// Asserts that the lines of charges are the same from the table and from the messages.
    pub(super) async fn check_charges(&self) {
        self.check_invoice(")").await;
    }

    async fn check_invoice(&self, end: &str) {
        let sql = format!("{INVOICE}{end}");
        let (kept, computed) = (self.rows("on", &sql).await, self.rows("off", &sql).await);
        Self::assert_equal(&kept, &computed);
    }

    /// The same, of counts that are used.
    pub(super) async fn check_counts(&self) {
        assert!(self.is_from_counts().await);
        self.check_charges().await;
    }

    /// How many messages are charged.
    async fn charged(&self) -> String {
        let sql = format!(
            "SELECT sum(quantity) FROM ({INVOICE})) WHERE channel IS NULL AND line_type = 'channel_charge'"
        );
        self.rows("on", &sql).await.swap_remove(0)
    }

    /// The files of counts, of conversations and of copies.
    fn segments(&self, kind: &str) -> Vec<PathBuf> {
        let notes = std::fs::read_dir(self.path("dars/_dayrate")).unwrap();
        let notes = notes.map(|note| note.unwrap().path());
        let prefix = format!("/{kind}-");
        notes
            .filter(|note| note.to_str().unwrap().contains(&prefix))
            .collect()
    }
}

fn sms(id: i64, conversation: i64, sent_at: &str) -> Message {
    let mut message = message(conversation, None, sent_at);
    message.id = Some(id);
    message.channel = Some("SMS");
    message
}

const ONE: SiteRow = (1, "one", "Europe/Rome", None, None, false);

/// Two weeks that have been read; of the first, one message came twice.
async fn lake() -> Lake {
    let mut lake = Lake::new();
    lake.charges = Some(charges());
    lake.sites = sites(&[ONE]);
    let first = sms(1, 1, "2026-01-05T10:00:00Z");
    let all = [
        first.clone(),
        first,
        sms(2, 1, "2026-01-05T10:01:00Z"),
        sms(1, 2, "2026-01-05T10:00:00Z"),
    ];
    lake.write("week1", &all, Unit::Milliseconds);
    lake.refresh(&PLAIN).await.unwrap();
    lake.check_counts().await;
    lake.write(
        "week2",
        &[sms(9, 3, "2026-01-12T10:00:00Z")],
        Unit::Milliseconds,
    );
    assert!(!lake.is_from_counts().await, "a file was not counted yet");
    lake.check_charges().await;
    lake.refresh(&PLAIN).await.unwrap();
    lake.check_counts().await;
    lake
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_count_once_wherever_they_are() {
    let lake = lake().await;
    assert_eq!(lake.charged().await, "4.0000");
    // Another day, another channel, the same instant, and later ones.
    let mut sooner = sms(2, 1, "2026-01-04T10:00:00Z");
    sooner.channel = None;
    let mut equal = sms(9, 3, "2026-01-12T10:00:00Z");
    equal.channel = Some("APP");
    let mut nameless = sms(1, 1, "2026-01-05T10:00:00Z");
    nameless.channel = None;
    lake.write(
        "copies",
        &[sooner, equal, nameless, sms(1, 2, "2026-01-20T10:00:00Z")],
        Unit::Milliseconds,
    );
    lake.refresh(&PLAIN).await.unwrap();
    lake.check_counts().await;
    assert_eq!(lake.charged().await, "4.0000");
    lake.write(
        "third",
        &[
            sms(9, 3, "2026-01-11T10:00:00Z"),
            sms(2, 1, "2026-01-03T10:00:00Z"),
        ],
        Unit::Milliseconds,
    );
    lake.refresh(&PLAIN).await.unwrap();
    lake.check_counts().await;
    lake.check_invoice(", replay_days => 364)").await;
    // What is left counts as it is.
    for gone in ["week1", "third", "copies"] {
        lake.remove(gone);
        lake.refresh(&PLAIN).await.unwrap();
        lake.check_counts().await;
    }
    assert_eq!(lake.charged().await, "1.0000");
    lake.write("week2", &[], Unit::Milliseconds);
    lake.refresh(&PLAIN).await.unwrap();
    lake.check_counts().await;
}

/// A site moves to another zone and another organization: only files that have messages of then are counted again.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_moves() {
    let mut lake = lake().await;
    let cut = Some("2026-01-10T00:00:00Z");
    lake.sites = sites(&[
        (1, "one", "Europe/Rome", None, cut, false),
        (1, "two", "Pacific/Apia", cut, None, false),
        (2, "two", "UTC", None, None, false),
    ]);
    assert!(!lake.is_from_counts().await, "another calendar");
    lake.check_charges().await;
    std::fs::rename(lake.path("messages/week1.parquet"), lake.path("week1")).unwrap();
    lake.refresh(&PLAIN).await.unwrap();
    std::fs::rename(lake.path("week1"), lake.path("messages/week1.parquet")).unwrap();
    lake.refresh(&PLAIN).await.unwrap();
    lake.check_counts().await;
}

/// Counts that nobody keeps, or of some days only, or of other charges: the messages are asked.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_is_asked_of_the_messages() {
    let mut lake = lake().await;
    lake.write(
        "late",
        &[sms(1, 1, "2026-01-04T10:00:00Z")],
        Unit::Milliseconds,
    );
    let some = Refresh {
        since: Some(day_of("2026-01-01".parse().unwrap())),
        ..PLAIN
    };
    lake.refresh(&some).await.unwrap();
    assert!(!lake.is_from_counts().await);
    lake.check_charges().await;
    lake.refresh(&PLAIN).await.unwrap();
    lake.check_counts().await;
    // Others that pay by message are counted all the same.
    let all = lake.charges.take();
    lake.write(
        "week3",
        &[sms(1, 7, "2026-01-19T10:00:00Z")],
        Unit::Milliseconds,
    );
    lake.refresh(&PLAIN).await.unwrap();
    lake.charges = all;
    assert!(
        !lake.is_from_counts().await,
        "nobody paid by message when it came"
    );
    lake.check_charges().await;
    let summary = lake.refresh(&PLAIN).await.unwrap();
    assert!(!summary.is_current && summary.days.is_empty());
    lake.check_counts().await;
    lake.options = vec![("dar_table", "stale")];
    lake.write(
        "week4",
        &[sms(1, 8, "2026-01-26T10:00:00Z")],
        Unit::Milliseconds,
    );
    let plan = lake
        .rows("stale", &format!("EXPLAIN {INVOICE})"))
        .await
        .join("\n");
    assert!(plan.contains("counts of messages"), "{plan}");
}

/// What is lost or damaged is made again.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_is_counted_again() {
    for (kind, is_damaged) in [("counts", false), ("conversations", true), ("copies", true)] {
        let lake = lake().await;
        for file in lake.segments(kind) {
            match is_damaged {
                true => std::fs::write(file, "no rows").unwrap(),
                false => std::fs::remove_file(file).unwrap(),
            }
        }
        lake.remove("week2");
        lake.write(
            "late",
            &[sms(1, 1, "2026-01-04T10:00:00Z")],
            Unit::Milliseconds,
        );
        lake.refresh(&PLAIN).await.unwrap();
        lake.check_counts().await;
    }
}

/// A new week is compared with no file that has none of its conversations.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_week_reads_no_other_file() {
    let lake = lake().await;
    let week2 = lake.path("messages/week2.parquet");
    let bytes = std::fs::read(&week2).unwrap();
    let time = std::fs::metadata(&week2).unwrap().modified().unwrap();
    let write = |bytes: &[u8]| {
        std::fs::write(&week2, bytes).unwrap();
        std::fs::File::options()
            .write(true)
            .open(&week2)
            .unwrap()
            .set_modified(time)
            .unwrap();
    };
    // Whoever read it would fail.
    let mut broken = bytes.clone();
    broken[4..64].fill(0xff);
    write(&broken);
    lake.write(
        "week3",
        &[sms(1, 1, "2026-01-19T10:00:00Z")],
        Unit::Milliseconds,
    );
    lake.refresh(&PLAIN).await.unwrap();
    write(&bytes);
    lake.check_counts().await;
}

/// There are few files of counts, and only those that the newest version has and the one before it had.
#[tokio::test(flavor = "multi_thread")]
async fn files_of_counts_are_put_together() {
    let lake = lake().await;
    for week in 0..12 {
        let mut next = sms(week, 1, "2026-01-19T10:00:00Z");
        next.at += week * 604_800_000_000;
        lake.write(&format!("next {week}"), &[next], Unit::Milliseconds);
        lake.refresh(&PLAIN).await.unwrap();
    }
    lake.check_counts().await;
    for kind in ["counts", "conversations", "copies"] {
        let files = lake.segments(kind).len();
        assert!((1..=8).contains(&files), "{files} of {kind}");
    }
    let (_, _, manifest) = lake.newest(&lake.session("on")).await;
    let named: Vec<PathBuf> = manifest
        .notes()
        .map(|path| lake.path("dars").join(path))
        .collect();
    let all = ["counts", "conversations", "copies", "tally"].map(|kind| lake.segments(kind));
    for file in all.concat() {
        assert!(named.contains(&file), "{file:?} is litter");
    }
}

/// Where the memory is not enough for a census, days are settled all the same, and the messages are asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_census_may_be_given_up() {
    let mut lake = Lake::new();
    lake.charges = Some(charges());
    let messages: Vec<_> = (0..60_000_i64)
        .map(|number| {
            let mut message = sms(number, number % 30_000, "2026-01-05T10:00:00Z");
            message.at += number * 60_000_000;
            message
        })
        .collect();
    lake.write("a", &messages, Unit::Milliseconds);
    lake.memory_limit = Some(14 << 20);
    lake.refresh(&PLAIN).await.unwrap();
    lake.memory_limit = None;
    assert!(!lake.is_from_counts().await);
    lake.check_charges().await;
    lake.refresh(&PLAIN).await.unwrap();
    lake.check_counts().await;
}

/// A query that fails at rejected messages does not have its counts from a table that left them out.
#[tokio::test(flavor = "multi_thread")]
async fn rejected_messages_are_not_hidden_by_counts() {
    let mut lake = lake().await;
    let mut unknown = sms(1, 1, "2026-01-06T10:00:00Z");
    unknown.site = 2;
    lake.options = vec![("rejects", "skip")];
    lake.write("unknown", &[unknown], Unit::Milliseconds);
    lake.refresh(&PLAIN).await.unwrap();
    lake.check_counts().await;
    let ctx = lake.session("on");
    let failing = format!("{INVOICE}, rejects => 'fail')");
    assert!(Lake::rows_of(&ctx, &failing).await.is_err());
    lake.sites = sites(&[ONE, (2, "two", "UTC", None, None, false)]);
    lake.refresh(&PLAIN).await.unwrap();
    lake.check_counts().await;
    Lake::rows_of(&lake.session("on"), &failing).await.unwrap();
}
