//! DARs rated under one contract row, from counts of those that are alike.

use rust_decimal::Decimal;

use datafusion::common::Result;

use super::agreed::{Reading, of_rule};
use super::alike::Kind;
use crate::domain::agreement::Agreement;
use crate::domain::credits::{CREDIT_SCALE, Rates, credits};
use crate::domain::day::Day;
use crate::domain::invoice::{Account, DayOfUse};
use crate::domain::money::Credits4;
use crate::scalar::internal::scaled;

/// See the module.
pub(super) struct Rated<'a> {
    agreement: &'a Agreement,
    rates: Rates,
    growth: Decimal,
    /// Credits of a DAR by its flags, as far as they were asked for.
    credits: [Option<Credits4>; 4],
    days: Vec<DayOfUse>,
}

impl<'a> Rated<'a> {
    /// Without any DARs yet.
    pub(super) fn new(agreement: &'a Agreement, reading: &Reading) -> Self {
        Self {
            agreement,
            rates: agreement.term.rates(reading.surcharge_mode),
            growth: reading.growth,
            credits: [None; 4],
            days: Vec::new(),
        }
    }

    /// Whether the contract row prices a day.
    pub(super) fn is_in_force(&self, day: Day) -> bool {
        (self.agreement.term.start..self.agreement.term.end).contains(&day)
    }

    /// Adds DARs of a day that are alike.
    ///
    /// # Errors
    ///
    /// Credits that do not fit.
    pub(super) fn enter(&mut self, day: Day, kind: &Kind<'_>) -> Result<()> {
        let place = usize::from(kind.gen_ai) * 2 + usize::from(kind.intent_analyzer);
        let credits = match self.credits.get(place).copied().flatten() {
            Some(known) => known,
            None => {
                let (rates, growth) = (&self.rates, self.growth);
                let credits = credits(kind.gen_ai, kind.intent_analyzer, rates, growth);
                scaled(credits.map_err(of_rule)?.total, CREDIT_SCALE)?
            }
        };
        if let Some(known) = self.credits.get_mut(place) {
            *known = Some(credits);
        }
        self.days.push(DayOfUse {
            day,
            credits,
            // Only charges ask for these.
            channel: None,
            gen_ai: false,
            intent_analyzer: false,
            dars: kind.dars,
        });
        Ok(())
    }

    /// All of them, as an invoice takes them.
    pub(super) fn account(self) -> Account {
        let term = &self.agreement.term;
        Account {
            scenario: term.scenario.clone(),
            org_id: term.org_id.clone(),
            contract_id: Some(term.contract_id.clone()),
            days: self.days,
        }
    }
}
