//! The counts beside a table are those of its files, whatever has become of it; where they are lost they are made again.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::prelude::SessionContext;

use super::lake::{Lake, PLAIN, Unit, message};
use crate::exec::DaySet;
use crate::lake::dar_table::kept_scan::KeptFiles;
use crate::lake::dar_table::log::{Log, Snapshot};
use crate::lake::dar_table::manifest::Manifest;
use crate::lake::dar_table::place::Place;
use crate::lake::dar_table::tally::{Tally, TallyFiles};

/// The counts of each day.
type Counts = Vec<(i32, RecordBatch)>;

impl Lake {
    /// The counts that the table has, as far as they are of its days, and those of its files.
    async fn tallies(&self) -> (Counts, Counts) {
        let ctx = self.session("on");
        let (place, snapshot, manifest) = self.newest(&ctx).await;
        let dars = crate::sql::sql(&ctx, "SELECT * FROM dars()").await.unwrap();
        let schema = Arc::new(dars.schema().as_arrow().clone());
        let days = &snapshot.days;
        let of_years = || days.keys().copied();
        let counts = |tally: &Tally| -> Counts {
            let all = DaySet::all();
            let counts = tally.counts(&all);
            counts.map(|(day, rows)| (day, rows.clone())).collect()
        };
        let mut kept = Tally::new(&schema, manifest.tallies).unwrap();
        kept.look_at(&place, of_years(), days).await.unwrap();
        let mut counted = Tally::new(&schema, TallyFiles::new()).unwrap();
        counted.look_at(&place, of_years(), days).await.unwrap();
        let files = KeptFiles {
            place,
            days: days.clone(),
            version: None,
            schema,
        };
        counted.count(&ctx, Arc::new(files), days).await.unwrap();
        assert!(counted.missing(days).is_empty());
        (counts(&kept), counts(&counted))
    }

    /// The newest version of the table.
    pub(super) async fn newest(&self, ctx: &SessionContext) -> (Place, Snapshot, Manifest) {
        let runtime = ctx.state();
        let place = Place::of(runtime.runtime_env(), self.path("dars").to_str().unwrap()).unwrap();
        let snapshot = Log::of(&place).unwrap().newest().await.unwrap().unwrap();
        let manifest = Manifest::load(&place, &snapshot.manifest).await.unwrap();
        (place, snapshot, manifest)
    }

    /// Asserts that no day would have to be counted for a bill.
    pub(super) async fn check_tally(&self) {
        let (kept, counted) = self.tallies().await;
        assert_eq!(kept, counted);
    }

    /// The files of counts.
    pub(super) fn tally_files(&self) -> Vec<PathBuf> {
        let notes = std::fs::read_dir(self.path("dars/_dayrate")).unwrap();
        let notes = notes.map(|note| note.unwrap().path());
        notes
            .filter(|note| note.to_str().unwrap().contains("/tally-"))
            .collect()
    }
}

/// A table of two weeks, and its session has contracts.
async fn lake() -> Lake {
    let mut lake = Lake::new();
    lake.contracts = Some(
        "SELECT 'c' AS contract_id, 'one' AS org_id, DATE '2026-01-01' AS term_start, DATE '2027-01-01' AS term_end, \
         'USD' AS currency, 0 AS committed_credits, 1 AS credit_price, 1 AS overage_price"
            .to_owned(),
    );
    for (name, day) in [
        ("week1", "2026-01-05T10:00:00Z"),
        ("week2", "2026-01-12T10:00:00Z"),
    ] {
        let both = [message(1, Some(1), day), message(2, Some(2), day)];
        lake.write(name, &both, Unit::Milliseconds);
        lake.refresh(&PLAIN).await.unwrap();
        lake.check().await;
    }
    lake
}

/// A week more, and what the only contract came to before and after it.
async fn next(lake: &Lake) -> (String, String) {
    let more = message(3, Some(3), "2026-01-19T10:00:00Z");
    lake.write("week3", &[more], Unit::Milliseconds);
    let summary = lake.refresh(&PLAIN).await.unwrap();
    assert!(summary.money_fault.is_none(), "{:?}", summary.money_fault);
    lake.check().await;
    assert_eq!(lake.tally_files().len(), 1);
    assert_eq!(summary.money.len(), 1, "{:?}", summary.money);
    let change = &summary.money[0];
    (change.before.to_string(), change.after.to_string())
}

fn four_and_five() -> (String, String) {
    ("4.0000".to_owned(), "5.0000".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_week_reads_no_other_day() {
    let lake = lake().await;
    // Whoever looked at the days of before would find nothing.
    for day in ["2026-01-05", "2026-01-12"] {
        let folder = lake.path(&format!("dars/day={day}"));
        std::fs::rename(&folder, lake.path(day)).unwrap();
    }
    let more = message(3, Some(3), "2026-01-19T10:00:00Z");
    lake.write("week3", &[more], Unit::Milliseconds);
    let summary = lake.refresh(&PLAIN).await.unwrap();
    assert!(summary.money_fault.is_none(), "{:?}", summary.money_fault);
    assert_eq!(summary.money.len(), 1);
    for day in ["2026-01-05", "2026-01-12"] {
        let folder = lake.path(&format!("dars/day={day}"));
        std::fs::rename(lake.path(day), &folder).unwrap();
    }
    lake.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_that_are_lost_are_made_again() {
    let lake = lake().await;
    for file in lake.tally_files() {
        std::fs::remove_file(file).unwrap();
    }
    assert_eq!(next(&lake).await, four_and_five());
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_that_are_damaged_are_made_again() {
    let lake = lake().await;
    for file in lake.tally_files() {
        std::fs::write(file, "no counts").unwrap();
    }
    assert_eq!(next(&lake).await, four_and_five());
}

/// Those of an earlier version are true of the days that are still the same.
#[tokio::test(flavor = "multi_thread")]
async fn counts_of_another_version_are_not_believed() {
    let lake = lake().await;
    let [file] = lake.tally_files().try_into().unwrap();
    let old = std::fs::read(file).unwrap();
    let late = message(2, Some(9), "2026-01-05T11:00:00Z");
    lake.write("late", &[late], Unit::Milliseconds);
    lake.refresh(&PLAIN).await.unwrap();
    let [file] = lake.tally_files().try_into().unwrap();
    std::fs::write(file, old).unwrap();
    let (kept, counted) = lake.tallies().await;
    assert!(kept.len() < counted.len());
    let (before, after) = next(&lake).await;
    assert_eq!((before.as_str(), after.as_str()), ("5.0000", "6.0000"));
}

/// A table of a dayrate that kept no counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_counts_gets_them() {
    let lake = lake().await;
    let notes = std::fs::read_dir(lake.path("dars/_dayrate")).unwrap();
    for note in notes.map(|note| note.unwrap().path()) {
        if note.extension().is_some_and(|ending| ending == "json") {
            let text = std::fs::read_to_string(&note).unwrap();
            let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
            let kept = manifest.as_object_mut().unwrap();
            for key in ["tallies", "priced", "counts"] {
                kept.remove(key).unwrap();
            }
            std::fs::write(&note, manifest.to_string()).unwrap();
        }
    }
    assert_eq!(next(&lake).await, four_and_five());
}
