//! What the contracts came to at a refresh, so that the next one can say what changed.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::error::Result;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::credits::CREDIT_SCALE;
use crate::domain::money::Amount4;
use crate::error;

/// Whose invoice, and of which period.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Owed {
    pub(crate) scenario: Option<String>,
    pub(crate) org_id: String,
    pub(crate) contract_id: String,
    /// ISO dates.
    pub(crate) period_start: String,
    pub(crate) period_end: String,
    pub(crate) currency: String,
}

/// What became of the amount of one invoice period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MoneyChange {
    pub(crate) owed: Owed,
    /// In the currency's units, as the last refresh saw it; 0 if it did not.
    pub(crate) before: Decimal,
    /// As it is now; 0 if there is no such invoice any more.
    pub(crate) after: Decimal,
}

impl MoneyChange {
    /// How much more is owed now.
    pub(crate) fn difference(&self) -> Decimal {
        self.after - self.before
    }
}

/// The amount of each invoice period, channel charges aside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Money(Vec<(Owed, String)>);

impl Money {
    /// Of what is owed for each period, the amounts as counts of the fourth decimal.
    ///
    /// # Errors
    ///
    /// An amount that does not fit 28 digits.
    pub(super) fn of(amounts: impl Iterator<Item = (Owed, Amount4)>) -> Result<Self> {
        let amounts = amounts.map(|(owed, amount)| Ok((owed, text(amount)?)));
        Ok(Self(amounts.collect::<Result<_>>()?))
    }

    /// Whether nothing is owed, or nothing is known.
    pub(super) fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// What became of each amount that is another now.
    pub(super) fn changes(&self, after: &Self) -> Vec<MoneyChange> {
        let amounts = |money: &Self| -> BTreeMap<Owed, Decimal> {
            let pairs = money.0.iter();
            pairs
                .map(|(owed, amount)| (owed.clone(), amount.parse().unwrap_or_default()))
                .collect()
        };
        let (before, after) = (amounts(self), amounts(after));
        let owed: BTreeSet<&Owed> = before.keys().chain(after.keys()).collect();
        let of = |amounts: &BTreeMap<Owed, Decimal>, owed: &Owed| {
            amounts.get(owed).copied().unwrap_or_default()
        };
        owed.into_iter()
            .map(|owed| MoneyChange {
                owed: owed.clone(),
                before: of(&before, owed),
                after: of(&after, owed),
            })
            .filter(|change| change.before != change.after)
            .collect()
    }
}

/// A count of the fourth decimal as people write it. Of 28 digits any two have a difference that fits, too.
fn text(amount: Amount4) -> Result<String> {
    let fits = amount.unsigned_abs() < 10_u128.pow(28);
    let decimal = Decimal::try_from_i128_with_scale(amount, CREDIT_SCALE).ok();
    let decimal = decimal.filter(|_| fits).ok_or_else(|| {
        error::data("the amount of an invoice period does not fit 28 digits: look at the prices of its contract")
    })?;
    Ok(decimal.to_string())
}
