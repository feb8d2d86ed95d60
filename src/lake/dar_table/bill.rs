//! What the contracts come to over the rows that a table will have: of the periods that nothing has touched as it was
//! kept, of the others anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use super::agreed::{Agreed, Period};
use super::kept_scan::KeptFiles;
use super::log::DayFile;
use super::manifest::Manifest;
use super::money::Money;
use super::place::Place;
use super::priced::{self, DayDigests, Priced};
use super::run::Done;
use super::tally::{Tally, TallyFiles};
use crate::domain::day::Day;
use crate::domain::money::Amount4;
use crate::exec::DaySet;

/// See the module.
pub(super) struct Bill<'a> {
    place: &'a Place,
    /// The columns of `dars`.
    dars: Arc<Schema>,
    /// The files of all days.
    files: &'a BTreeMap<i32, DayFile>,
    tally: Tally,
}

impl<'a> Bill<'a> {
    /// Of the days that have these files, with the counts that `before` has of them.
    ///
    /// # Errors
    ///
    /// `dars` are none.
    pub(super) fn new(
        place: &'a Place,
        dars: &Schema,
        before: &Manifest,
        files: &'a BTreeMap<i32, DayFile>,
    ) -> Result<Self> {
        Ok(Self {
            place,
            // Without what a plan has noted about them.
            dars: Arc::new(Schema::new(dars.fields().clone())),
            files,
            tally: Tally::new(dars, before.tallies.clone())?,
        })
    }

    /// Enters what was counted of the days that were touched.
    ///
    /// # Errors
    ///
    /// The store cannot be asked.
    pub(super) async fn enter(&mut self, done: &Done) -> Result<()> {
        let touched = done.days.keys().copied();
        self.tally.look_at(self.place, touched, self.files).await?;
        for (day, rows) in &done.alike {
            if let Some(Some(file)) = done.days.get(day) {
                self.tally.insert(*day, file, rows.clone());
            }
        }
        Ok(())
    }

    /// What the session's contracts come to, and what of that can be used again, as `before` is here; nothing if there are
    /// no contracts.
    ///
    /// # Errors
    ///
    /// What is wrong with the contracts; money that does not fit; days that cannot be read.
    pub(super) async fn money(
        &mut self,
        ctx: &SessionContext,
        as_of: Option<Day>,
        before: &Priced,
    ) -> Result<(Money, Priced)> {
        let Some(agreed) = Agreed::of(ctx, as_of).await? else {
            return Ok((Money::default(), Priced::default()));
        };
        let periods = agreed.periods();
        let digests = priced::digests(&agreed, &periods, &DayDigests::of(self.files));
        let known = digests.iter().map(|digest| before.amount(digest));
        let mut amounts: Vec<Option<Option<Amount4>>> = known.collect();
        let unknown = periods.iter().zip(&amounts);
        let unknown = unknown.filter(|(_, amount)| amount.is_none());
        let unknown: Vec<Period<'_>> = unknown.map(|(period, _)| *period).collect();
        let days = agreed.reading.days_of_all(&unknown);
        self.count(ctx, &days).await?;
        let reckoned = agreed.amounts(&unknown, self.tally.counts(&days))?;
        let open = amounts.iter_mut().filter(|amount| amount.is_none());
        for (amount, reckoned) in open.zip(reckoned) {
            *amount = Some(reckoned);
        }
        let amounts: Vec<Option<Amount4>> = amounts.into_iter().map(Option::flatten).collect();
        let owed = periods.iter().zip(&amounts);
        let owed = owed.filter_map(|(period, amount)| Some((period.owed(), (*amount)?)));
        let money = Money::of(owed)?;
        Ok((money, Priced::of(digests.into_iter().zip(amounts))))
    }

    /// Counts those of the days that were not.
    async fn count(&mut self, ctx: &SessionContext, days: &DaySet) -> Result<()> {
        let wanted = self.files.iter().filter(|(day, _)| days.contains(**day));
        let wanted: BTreeMap<i32, DayFile> =
            wanted.map(|(day, file)| (*day, file.clone())).collect();
        let of_years = wanted.keys().copied();
        self.tally.look_at(self.place, of_years, self.files).await?;
        let missing = self.tally.missing(&wanted);
        if missing.is_empty() {
            return Ok(());
        }
        let dars = KeptFiles {
            place: self.place.clone(),
            days: missing.clone(),
            version: None,
            schema: Arc::clone(&self.dars),
        };
        self.tally.count(ctx, Arc::new(dars), &missing).await
    }

    /// Writes the counts as files of a run.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    pub(super) async fn write(&self, run: &str) -> Result<TallyFiles> {
        self.tally.write(self.place, run).await
    }
}
