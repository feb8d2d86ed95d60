//! What the session's contracts say, period by period, and what each period comes to over counts of DARs.
//!
//! The money is reckoned by the rules of `invoice_lines(scenario => '*', channel_charges => NULL)`, without a plan: the
//! counts of all days are few rows.

use std::collections::{BTreeMap, HashMap, HashSet};

use datafusion::arrow::array::RecordBatch;
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, LogicalPlan};
use datafusion::prelude::SessionContext;
use rust_decimal::Decimal;

use super::alike::Kinds;
use super::money::Owed;
use super::rated::Rated;
use crate::domain::Fault;
use crate::domain::agreement::{Agreement, periods};
use crate::domain::contract::{Scenario, show};
use crate::domain::credits::SurchargeMode;
use crate::domain::day::{Day, day_of};
use crate::domain::invoice::{Account, Book, invoice};
use crate::domain::money::Amount4;
use crate::error;
use crate::exec::DaySet;
use crate::scalar::internal::agreed;
use crate::table::option::{GROWTH, REPLAY_DAYS, SINCE, SURCHARGE_MODE, SessionDefaults};
use crate::table::{check_dates, ended_everywhere, listed_agreements};

/// See the module.
#[derive(Debug)]
pub(super) struct Agreed {
    agreements: Vec<Agreement>,
    pub(super) reading: Reading,
}

/// The options that money depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// Days from this one on are not billed.
    pub(super) as_of: Day,
    pub(super) since: Option<Day>,
    pub(super) growth: Decimal,
    pub(super) replay_days: i32,
    pub(super) surcharge_mode: Option<SurchargeMode>,
}

/// A commitment: one period of a contract row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period<'a> {
    pub(super) agreement: &'a Agreement,
    /// Half open.
    pub(super) days: (Day, Day),
}

/// Scenario, organization, contract, and the first day of the period.
type Key<'a> = (Option<&'a str>, &'a str, &'a str, Day);

impl Period<'_> {
    fn key(&self) -> Key<'_> {
        let term = &self.agreement.term;
        let scenario = term.scenario.as_deref();
        (scenario, &term.org_id, &term.contract_id, self.days.0)
    }

    /// Whose invoice it is.
    pub(super) fn owed(&self) -> Owed {
        let term = &self.agreement.term;
        Owed {
            scenario: term.scenario.clone(),
            org_id: term.org_id.clone(),
            contract_id: term.contract_id.clone(),
            period_start: show(self.days.0),
            period_end: show(self.days.1),
            currency: term.currency.clone(),
        }
    }
}

impl Agreed {
    /// The contracts of the session as of a day, by default when every day before it has ended; `None` if it has none.
    ///
    /// # Errors
    ///
    /// What is wrong with the contracts or the price tiers.
    pub(super) async fn of(ctx: &SessionContext, as_of: Option<Day>) -> Result<Option<Self>> {
        let reading = Reading::of(ctx, as_of.unwrap_or_else(ended_everywhere))?;
        let Some(contracts) = relation(ctx, "contracts").await? else {
            return Ok(None);
        };
        let rows = listed_agreements(contracts, relation(ctx, "price_tiers").await?)?;
        let rows = ctx.execute_logical_plan(rows).await?.collect().await?;
        let list = |place: usize| -> Result<ColumnarValue> {
            let lists = rows.iter().find(|batch| batch.num_rows() > 0);
            let lists = lists.and_then(|batch| batch.columns().get(place));
            let lists = lists.ok_or_else(|| exec_datafusion_err!("contracts gave no list"))?;
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                lists, 0,
            )?))
        };
        Ok(Some(Self {
            agreements: agreed(&list(0)?, &list(1)?)?,
            reading,
        }))
    }

    /// The periods that have begun, those of one contract row after each other.
    pub(super) fn periods(&self) -> Vec<Period<'_>> {
        let periods = self.agreements.iter().flat_map(|agreement| {
            let periods = periods(&agreement.term).into_iter();
            periods.map(move |days| Period { agreement, days })
        });
        periods
            .filter(|period| period.days.0 < self.reading.as_of)
            .collect()
    }

    /// What each of `wanted` comes to, as a count of the currency's fourth decimal; `None` where nothing is billed.
    /// `counts` are of all the days that [`Reading::days`] names for them, as [`super::alike`] has them.
    ///
    /// # Errors
    ///
    /// Credits or money that do not fit.
    pub(super) fn amounts<'c>(
        &self,
        wanted: &[Period<'_>],
        counts: impl Iterator<Item = (Day, &'c RecordBatch)>,
    ) -> Result<Vec<Option<Amount4>>> {
        let mut agreements: Vec<&Agreement> = Vec::new();
        for period in wanted {
            // Those of one contract row come one after the other.
            let is_known = agreements
                .last()
                .is_some_and(|last| std::ptr::eq(*last, period.agreement));
            if !is_known {
                agreements.push(period.agreement);
            }
        }
        let accounts = self.accounts(&agreements, counts)?;
        let book = Book {
            agreements: agreements.into_iter().cloned().collect(),
            charges: Vec::new(),
            scenario: Some(Scenario::All),
            as_of: self.reading.as_of,
            since: self.reading.since,
        };
        let lines = invoice(&book, &accounts, None).map_err(of_rule)?;
        let mut amounts: HashMap<Key<'_>, Amount4> = HashMap::new();
        for line in &lines {
            let (Some(contract_id), Some(amount)) = (&line.contract_id, line.amount) else {
                continue;
            };
            let scenario = line.scenario.as_deref();
            let key = (
                scenario,
                line.org_id.as_str(),
                contract_id.as_str(),
                line.period.0,
            );
            let sum = amounts.entry(key).or_default();
            *sum = sum.checked_add(amount).ok_or_else(|| {
                error::data(format!(
                    "the amounts of contract_id '{contract_id}' do not fit"
                ))
            })?;
        }
        Ok(wanted
            .iter()
            .map(|period| amounts.get(&period.key()).copied())
            .collect())
    }

    /// What was used under each of the contract rows.
    fn accounts<'c>(
        &self,
        agreements: &[&Agreement],
        counts: impl Iterator<Item = (Day, &'c RecordBatch)>,
    ) -> Result<Vec<Account>> {
        let mut by_org: BTreeMap<&str, Vec<Rated<'_>>> = BTreeMap::new();
        for agreement in agreements {
            let rated = by_org.entry(&agreement.term.org_id).or_default();
            rated.push(Rated::new(agreement, &self.reading));
        }
        for (day, rows) in counts {
            let day = day.saturating_add(self.reading.replay_days);
            if day >= self.reading.as_of {
                continue;
            }
            let kinds = Kinds::new(rows)?;
            for kind in kinds.iter() {
                let rated = by_org.get_mut(kind.org_id).into_iter().flatten();
                for rated in rated.filter(|rated| rated.is_in_force(day)) {
                    rated.enter(day, &kind)?;
                }
            }
        }
        let rated = by_org.into_values().flatten();
        Ok(rated.map(Rated::account).collect())
    }
}

impl Reading {
    fn of(ctx: &SessionContext, as_of: Day) -> Result<Self> {
        let state = ctx.state();
        let defaults = state.config_options().extensions.get::<SessionDefaults>();
        let defaults = defaults.cloned().unwrap_or_default();
        let mode = defaults.get(&SURCHARGE_MODE);
        let since = defaults.get(&SINCE).and_then(|date| date.parse().ok());
        let since = since.map(day_of);
        check_dates(as_of, since)?;
        Ok(Self {
            as_of,
            since,
            growth: defaults
                .get(&GROWTH)
                .and_then(|growth| growth.parse().ok())
                .unwrap_or(Decimal::ONE),
            replay_days: defaults
                .get(&REPLAY_DAYS)
                .and_then(|days| days.parse().ok())
                .unwrap_or_default(),
            surcharge_mode: mode
                .map(|mode| SurchargeMode::parse(&mode))
                .transpose()
                .map_err(of_rule)?,
        })
    }

    /// The days, half open, whose DARs a period bills.
    pub(super) fn days(&self, period: &Period<'_>) -> (Day, Day) {
        let until = period.days.1.min(self.as_of);
        let of_dars = |day: Day| day.saturating_sub(self.replay_days);
        (of_dars(period.days.0), of_dars(until))
    }

    /// All the days whose DARs some periods bill.
    pub(super) fn days_of_all(&self, periods: &[Period<'_>]) -> DaySet {
        let mut all = DaySet::default();
        let mut seen = HashSet::new();
        for (from, to) in periods.iter().map(|period| self.days(period)) {
            if from < to && seen.insert((from, to)) {
                all.unite(&DaySet::range(from..=to - 1));
            }
        }
        all
    }
}

/// A relation of the session, if it has one of that name.
pub(super) async fn relation(ctx: &SessionContext, name: &str) -> Result<Option<LogicalPlan>> {
    if !crate::sql::exists(ctx, name) {
        return Ok(None);
    }
    let rows = crate::sql::sql(ctx, &format!("SELECT * FROM {name}")).await?;
    Ok(Some(rows.logical_plan().clone()))
}

/// What a rule says is wrong, as the error of a run.
pub(super) fn of_rule(fault: Fault) -> DataFusionError {
    error::data(fault.to_string())
}
