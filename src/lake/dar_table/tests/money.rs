//! What a refresh says the contracts come to is what `invoice_lines` makes of the table's rows, whatever of it was kept
//! from the runs before; and what nothing has touched is not reckoned again.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::sync::Arc;

use datafusion::error::Result;

use super::lake::{Lake, Message, PLAIN, Unit, at, message};
use crate::domain::day::{Day, day_of, show_day};
use crate::lake::dar_table::kept_scan::KeptFiles;
use crate::lake::dar_table::{Refresh, Summary};
use crate::table::ended_everywhere;

impl Lake {
    /// Asserts that the amounts that the last run has left are those of an invoice of all rows of the table, which the
    /// engine makes from nothing.
    pub(super) async fn check_money(&self, summary: &Summary, as_of: Option<Day>) {
        let expected = self.invoiced(as_of).await;
        match (&summary.money_fault, expected) {
            (None, Ok(expected)) => assert_eq!(self.money().await, expected),
            (Some(fault), Err(_)) => assert!(!fault.to_string().is_empty()),
            (fault, expected) => panic!("the run says {fault:?}, the invoice {expected:?}"),
        }
    }

    /// The amounts in the notes of the table.
    async fn money(&self) -> Vec<String> {
        let (_, _, manifest) = self.newest(&self.session("off")).await;
        let money = serde_json::to_value(&manifest.money).unwrap();
        let keys = [
            "scenario",
            "org_id",
            "contract_id",
            "period_start",
            "period_end",
            "currency",
        ];
        let line = |pair: &serde_json::Value| {
            let texts = keys.map(|key| pair[0][key].as_str().unwrap_or("NULL").to_owned());
            format!("{} | {}", texts.join(" | "), pair[1].as_str().unwrap())
        };
        let mut lines: Vec<String> = money.as_array().unwrap().iter().map(line).collect();
        lines.sort();
        lines
    }

    /// What an invoice of the rows of the table comes to.
    async fn invoiced(&self, as_of: Option<Day>) -> Result<Vec<String>> {
        if self.contracts.is_none() {
            return Ok(Vec::new());
        }
        let ctx = self.session("off");
        let (place, snapshot, _) = self.newest(&ctx).await;
        let dars = crate::sql::sql(&ctx, "SELECT * FROM dars()").await?;
        let kept = KeptFiles {
            place,
            days: snapshot.days,
            version: None,
            schema: Arc::new(dars.schema().as_arrow().clone()),
        };
        ctx.register_table("kept", Arc::new(kept))?;
        let as_of = show_day(i64::from(as_of.unwrap_or_else(ended_everywhere)));
        let sql = format!(
            "SELECT scenario, org_id, contract_id, period_start, period_end, currency, sum(amount) \
             FROM invoice_lines(dars => (SELECT * FROM kept), scenario => '*', as_of => DATE '{as_of}', \
             channel_charges => NULL) WHERE contract_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6"
        );
        let mut lines = Self::rows_of(&ctx, &sql).await?;
        // The types of the columns.
        lines.pop();
        Ok(lines)
    }
}

fn day(text: &str) -> Day {
    day_of(text.parse().unwrap())
}

/// Two years of commitments of 2 credits, and two DARs in each.
async fn lake() -> Lake {
    let mut lake = Lake::new();
    lake.contracts = Some(contracts("10"));
    for (name, sent_at) in [
        ("2024", "2024-06-03T10:00:00Z"),
        ("2025", "2025-06-02T10:00:00Z"),
    ] {
        let both = [message(1, Some(1), sent_at), message(2, Some(2), sent_at)];
        lake.write(name, &both, Unit::Milliseconds);
        let summary = lake.refresh(&PLAIN).await.unwrap();
        lake.check_money(&summary, None).await;
    }
    lake
}

/// 1 for a credit of the commitment, and this above it.
fn contracts(overage_price: &str) -> String {
    let year = |year: i32| {
        format!(
            "SELECT 'c' AS contract_id, 'one' AS org_id, DATE '{year}-01-01' AS term_start, DATE '{}-01-01' AS term_end, \
             'USD' AS currency, 2 AS committed_credits, 1 AS credit_price, {overage_price} AS overage_price",
            year + 1
        )
    };
    format!("{} UNION ALL {}", year(2024), year(2025))
}

/// The amounts that a run has found changed: the start of the period, before and after.
async fn changes(lake: &Lake, asked: &Refresh) -> Vec<(String, String, String)> {
    let summary = lake.refresh(asked).await.unwrap();
    lake.check_money(&summary, asked.as_of).await;
    let changes = summary.money.iter().map(|change| {
        (
            change.owed.period_start.clone(),
            change.before.to_string(),
            change.after.to_string(),
        )
    });
    changes.collect()
}

fn change(period_start: &str, before: &str, after: &str) -> (String, String, String) {
    (period_start.to_owned(), before.to_owned(), after.to_owned())
}

fn another(conversation: i64, sent_at: &str) -> [Message; 1] {
    [message(conversation, Some(conversation), sent_at)]
}

/// Neither the days nor the counts of a year that has nothing new are read: there are none any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_period_that_nothing_has_touched_is_not_reckoned() {
    let lake = lake().await;
    std::fs::rename(lake.path("dars/day=2024-06-03"), lake.path("2024")).unwrap();
    for counts in lake.tally_files() {
        if counts.to_str().unwrap().contains("/tally-2024-") {
            std::fs::write(counts, "no counts").unwrap();
        }
    }
    lake.write(
        "more",
        &another(3, "2025-06-09T10:00:00Z"),
        Unit::Milliseconds,
    );
    let summary = lake.refresh(&PLAIN).await.unwrap();
    assert!(summary.money_fault.is_none(), "{:?}", summary.money_fault);
    assert_eq!(summary.money.len(), 1);
    assert_eq!(summary.money[0].after.to_string(), "12.0000");
    std::fs::rename(lake.path("2024"), lake.path("dars/day=2024-06-03")).unwrap();
    lake.check_money(&summary, None).await;
    // Who has to reckon it finds no counts, and counts once more.
    lake.write(
        "late",
        &another(4, "2024-01-08T10:00:00Z"),
        Unit::Milliseconds,
    );
    let found = changes(&lake, &PLAIN).await;
    assert_eq!(found, [change("2024-01-01", "2.0000", "12.0000")]);
}

/// A DAR early in a commitment moves all that come after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_message_is_billed_in_its_commitment() {
    let lake = lake().await;
    lake.write(
        "late",
        &another(4, "2024-01-08T10:00:00Z"),
        Unit::Milliseconds,
    );
    let found = changes(&lake, &PLAIN).await;
    assert_eq!(found, [change("2024-01-01", "2.0000", "12.0000")]);
    lake.remove("2024");
    let found = changes(&lake, &PLAIN).await;
    // One is left, and a year that has ended is charged for what it did not use.
    assert_eq!(found, [change("2024-01-01", "12.0000", "2.0000")]);
}

/// Other prices are those of the years before, too.
#[tokio::test(flavor = "multi_thread")]
async fn another_price_reaches_every_period() {
    let mut lake = lake().await;
    for (name, sent_at) in [
        ("late", "2024-01-08T10:00:00Z"),
        ("more", "2025-06-09T10:00:00Z"),
    ] {
        lake.write(name, &another(4, sent_at), Unit::Milliseconds);
    }
    lake.refresh(&PLAIN).await.unwrap();
    lake.contracts = Some(contracts("20"));
    lake.write(
        "last",
        &another(5, "2025-06-09T10:00:00Z"),
        Unit::Milliseconds,
    );
    let found = changes(&lake, &PLAIN).await;
    let expected = [
        change("2024-01-01", "12.0000", "22.0000"),
        change("2025-01-01", "12.0000", "42.0000"),
    ];
    assert_eq!(found, expected);
    lake.tiers = Some(
        "SELECT 'c' AS contract_id, 1 AS from_credits, 5 AS price, 'graduated' AS mode".to_owned(),
    );
    lake.write(
        "last",
        &another(6, "2025-06-10T10:00:00Z"),
        Unit::Milliseconds,
    );
    let found = changes(&lake, &PLAIN).await;
    assert_eq!(found, [change("2025-01-01", "42.0000", "27.0000")]);
}

/// How far a period has come is part of what it comes to, forwards and backwards.
#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_the_bill_may_go_to_and_fro() {
    let lake = lake().await;
    let mut more = message(9, Some(9), "2025-12-30T10:00:00Z");
    for as_of in [
        "2024-06-03",
        "2024-06-04",
        "2025-01-01",
        "2024-12-31",
        "2026-01-01",
    ] {
        more.at += 3_600_000_000;
        more.conversation += 1;
        more.consumer = Some(more.conversation);
        lake.write(as_of, std::slice::from_ref(&more), Unit::Milliseconds);
        let asked = Refresh {
            as_of: Some(day(as_of)),
            ..PLAIN
        };
        changes(&lake, &asked).await;
    }
    assert_eq!(more.at, at("2025-12-30T15:00:00Z"));
}

/// A replay bills the days of the year before.
#[tokio::test(flavor = "multi_thread")]
async fn options_of_rating_are_heard() {
    let mut lake = lake().await;
    let readings = [
        vec![("replay_days", "364")],
        vec![("growth", "1.5"), ("surcharge_mode", "multiply")],
        vec![("since", "2024-06-04")],
        vec![],
    ];
    for (number, options) in (10..).zip(readings) {
        lake.options = options;
        for (name, sent_at) in [
            ("last", "2024-12-30T10:00:00Z"),
            ("first", "2025-01-02T10:00:00Z"),
        ] {
            lake.write(name, &another(number, sent_at), Unit::Milliseconds);
            changes(&lake, &PLAIN).await;
        }
        lake.write(
            "one more",
            &another(-number, "2025-03-02T10:00:00Z"),
            Unit::Milliseconds,
        );
        changes(&lake, &PLAIN).await;
    }
}
