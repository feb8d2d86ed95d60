//! The calendar that a table was made with, and what has changed in it since.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::{Result, exec_datafusion_err};
use serde::{Deserialize, Serialize};

use crate::domain::site::Instant;
use crate::scalar::internal::per_second;

/// What holds of each site when, in order and without overlaps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SettledCalendar {
    /// The rows of the calendar.
    sites: Tracks,
    /// Under the rule `day_start`: when generative AI was on for an organization of the site.
    gen_ai: BTreeMap<String, Tracks>,
}

type Tracks = BTreeMap<String, Vec<Period>>;

/// From the first instant to the first one after the last, in nanoseconds; none is unbounded. What holds, as text that
/// is equal where it is the same, and empty where nothing does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Period(Option<Instant>, Option<Instant>, String);

/// A stretch of a site's time in which something else holds than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) site_id: String,
    /// `None` is unbounded.
    pub(super) from: Option<Instant>,
    /// The first instant after it.
    pub(super) to: Option<Instant>,
    /// Whether nothing held there before: no message of then could count.
    pub(super) was_nothing: bool,
}

impl SettledCalendar {
    /// Of the rows of the calendar and of the stretches of generative AI; see `dayrate_site_periods`.
    pub(super) fn new(calendar: &[RecordBatch], gen_ai: &[RecordBatch]) -> Result<Self> {
        let mut settled = Self::default();
        let columns = [
            "org_id",
            "time_zone",
            "is_test",
            "gen_ai_on",
            "intent_analyzer_on",
        ];
        settled.read_sites(calendar, &columns)?;
        for batch in gen_ai {
            let rows = Rows::new(batch, &["org_id"])?;
            for row in 0..batch.num_rows() {
                let tracks = settled.gen_ai.entry(rows.text(row)).or_default();
                let period = rows.period(row, "on".to_owned());
                tracks.entry(rows.site(row)).or_default().push(period);
            }
        }
        settled.sort();
        Ok(settled)
    }

    /// Of the rows of the calendar, without what is switched on for sites.
    pub(super) fn of_sites(calendar: &[RecordBatch]) -> Result<Self> {
        let mut settled = Self::default();
        settled.read_sites(calendar, &["org_id", "time_zone", "is_test"])?;
        settled.sort();
        // A switch ends a period and begins the next, in which nothing else is different.
        for periods in settled.sites.values_mut() {
            periods.dedup_by(|next, before| {
                let is_same = before.1 == next.0 && before.2 == next.2;
                if is_same {
                    before.1 = next.1;
                }
                is_same
            });
        }
        Ok(settled)
    }

    fn read_sites(&mut self, calendar: &[RecordBatch], columns: &[&str]) -> Result<()> {
        for batch in calendar {
            let rows = Rows::new(batch, columns)?;
            let in_force = rows.column("in_force")?;
            for row in 0..batch.num_rows() {
                let holds = match in_force.as_boolean().value(row) {
                    true => rows.text(row),
                    false => String::new(),
                };
                let period = rows.period(row, holds);
                self.sites.entry(rows.site(row)).or_default().push(period);
            }
        }
        Ok(())
    }

    fn sort(&mut self) {
        let tracks = self.gen_ai.values_mut().chain([&mut self.sites]);
        for periods in tracks.flat_map(BTreeMap::values_mut) {
            periods.sort_by_key(|period| period.0.unwrap_or(Instant::MIN));
        }
    }

    /// How many sites it knows.
    pub(super) fn sites(&self) -> usize {
        self.sites.len()
    }

    /// What has changed from `before`.
    pub(super) fn changes(&self, before: &Self) -> Vec<Change> {
        let mut changes = differences(&before.sites, &self.sites);
        let organizations: BTreeSet<&String> =
            before.gen_ai.keys().chain(self.gen_ai.keys()).collect();
        let none = Tracks::new();
        for organization in organizations {
            let [old, new] =
                [before, self].map(|all| all.gen_ai.get(organization).unwrap_or(&none));
            for change in differences(old, new) {
                // Messages before the switch was known counted.
                changes.push(Change {
                    was_nothing: false,
                    ..change
                });
            }
        }
        changes
    }
}

impl Change {
    /// The local days that its instants can fall on, wherever the site is; see [`crate::table::SentAtRange`].
    pub(super) fn days(&self) -> RangeInclusive<i32> {
        let day = |instant: Instant| {
            let day = instant.div_euclid(86_400_000_000_000);
            i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX })
        };
        let first = self
            .from
            .map_or(i32::MIN, |from| day(from).saturating_sub(2));
        let last = self.to.map_or(i32::MAX, |to| day(to - 1).saturating_add(2));
        first..=last
    }

    /// Whether it holds one of the instants from the first to the last, in microseconds.
    pub(super) fn meets(&self, (first, last): (i64, i64)) -> bool {
        let nanoseconds = |micros: i64| Instant::from(micros) * 1_000;
        self.from
            .is_none_or(|from| from < nanoseconds(last) + 1_000)
            && self.to.is_none_or(|to| nanoseconds(first) < to)
    }
}

/// A batch of rows about sites, whose other columns are read as one text.
struct Rows<'a> {
    batch: &'a RecordBatch,
    sites: ArrayRef,
    texts: Vec<ArrayRef>,
    first: ArrayRef,
    last: ArrayRef,
    nanoseconds: Instant,
}

impl<'a> Rows<'a> {
    fn new(batch: &'a RecordBatch, texts: &[&str]) -> Result<Self> {
        let column = |name: &str| column(batch, name);
        let as_text = |name: &str| Ok(cast(column(name)?, &DataType::Utf8View)?);
        let DataType::Timestamp(unit, _) = column("first_instant")?.data_type() else {
            return Err(exec_datafusion_err!("the calendar has no instants"));
        };
        Ok(Self {
            batch,
            sites: as_text("site_id")?,
            texts: texts
                .iter()
                .map(|name| as_text(name))
                .collect::<Result<_>>()?,
            first: cast(column("first_instant")?, &DataType::Int64)?,
            last: cast(column("last_instant")?, &DataType::Int64)?,
            nanoseconds: Instant::from(1_000_000_000 / per_second(*unit)),
        })
    }

    fn column(&self, name: &str) -> Result<&ArrayRef> {
        column(self.batch, name)
    }

    fn site(&self, row: usize) -> String {
        self.sites.as_string_view().value(row).to_owned()
    }

    /// The other columns of a row; no two rows that differ have the same.
    fn text(&self, row: usize) -> String {
        let texts = self.texts.iter().map(|column| column.as_string_view());
        let texts = texts.map(|texts| texts.is_valid(row).then(|| texts.value(row)));
        format!("{:?}", texts.collect::<Vec<_>>())
    }

    fn period(&self, row: usize, holds: String) -> Period {
        let first = self.first.as_primitive::<Int64Type>().value(row);
        let last = self.last.as_primitive::<Int64Type>().value(row);
        let from = (first > i64::MIN).then(|| Instant::from(first) * self.nanoseconds);
        let to = (last < i64::MAX).then(|| (Instant::from(last) + 1) * self.nanoseconds);
        Period(from, to, holds)
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    let column = batch.column_by_name(name);
    column.ok_or_else(|| exec_datafusion_err!("the calendar has no column {name}"))
}

fn differences(before: &Tracks, after: &Tracks) -> Vec<Change> {
    let mut changes = Vec::new();
    let sites: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for site_id in sites {
        let [old, new] = [before, after].map(|all| all.get(site_id).map_or(&[][..], Vec::as_slice));
        if old != new {
            of_site(site_id, old, new, &mut changes);
        }
    }
    changes
}

/// Compares what holds between each two bounds of either.
fn of_site(site_id: &str, old: &[Period], new: &[Period], changes: &mut Vec<Change>) {
    let bounds = old
        .iter()
        .chain(new)
        .flat_map(|period| [period.0, period.1])
        .flatten();
    let bounds: BTreeSet<Instant> = bounds.collect();
    let mut from = None;
    for to in bounds.into_iter().map(Some).chain([None]) {
        let [before, after] = [old, new].map(|periods| holds(periods, from));
        if before != after {
            let was_nothing = before.is_empty();
            match changes.last_mut() {
                Some(last)
                    if last.site_id == site_id
                        && last.to == from
                        && from.is_some()
                        && last.was_nothing == was_nothing =>
                {
                    last.to = to;
                }
                _ => changes.push(Change {
                    site_id: site_id.to_owned(),
                    from,
                    to,
                    was_nothing,
                }),
            }
        }
        from = to;
    }
}

/// What holds from an instant on, of those where something may begin; `None` is the first.
fn holds(periods: &[Period], from: Option<Instant>) -> &str {
    let from = from.unwrap_or(Instant::MIN);
    let found = periods.iter().find(|Period(start, end, _)| {
        start.is_none_or(|start| start <= from) && end.is_none_or(|end| from < end)
    });
    found.map_or("", |Period(_, _, text)| text)
}
