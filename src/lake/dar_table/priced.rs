//! What each period came to, kept with the manifest, so that only those are reckoned again that may be others now.
//!
//! The unit is a commitment, one period of a contract row: within it every day's amount depends on the days before it, and
//! nothing goes from one to the next. An amount is kept under a digest of all that it depends on: what the contract row and
//! its tiers say, the options, how far the period has come, and the files of its days, which are never written twice. So
//! nothing has to be said about what makes an amount invalid: whatever has changed, it is not found any more.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::agreed::{Agreed, Period, Reading};
use super::log::DayFile;
use crate::domain::agreement::Agreement;
use crate::domain::day::Day;
use crate::domain::money::Amount4;

/// Raised whenever an invoice comes to something else than before over the same DARs and contracts.
const RULES: u32 = 1;

/// See the module: amounts as counts of the fourth decimal by the first half of a SHA-256; `None` where nothing is billed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Priced(BTreeMap<String, Option<String>>);

impl Priced {
    /// The amount under a digest, if it is known.
    pub(super) fn amount(&self, digest: &str) -> Option<Option<Amount4>> {
        match self.0.get(digest)? {
            None => Some(None),
            // What cannot be understood is not known.
            Some(text) => text.parse().ok().map(Some),
        }
    }

    /// Amounts under their digests.
    pub(super) fn of(amounts: impl Iterator<Item = (String, Option<Amount4>)>) -> Self {
        let amounts =
            amounts.map(|(digest, amount)| (digest, amount.map(|amount| amount.to_string())));
        Self(amounts.collect())
    }
}

/// Digests of the files of days, added up from the first day on: what stretches of days are made of is then a difference.
/// Any other file, and any other day of it, makes another sum, but for a chance of one in 2^128.
#[derive(Debug)]
pub(super) struct DayDigests(Vec<(Day, u128)>);

impl DayDigests {
    /// Of the files of all days.
    pub(super) fn of(files: &BTreeMap<i32, DayFile>) -> Self {
        let sums = files.iter().scan(0_u128, |sum, (day, file)| {
            let digest = Sha256::new().chain_update(day.to_be_bytes());
            let digest = digest.chain_update(&file.path).finalize();
            *sum = sum.wrapping_add(half(&digest));
            Some((*day, *sum))
        });
        Self(sums.collect())
    }

    /// Of the days from one up to another.
    fn between(&self, (from, to): (Day, Day)) -> u128 {
        let before = |end: Day| {
            let place = self.0.partition_point(|(day, _)| *day < end);
            let last = place.checked_sub(1).and_then(|place| self.0.get(place));
            last.map_or(0, |(_, sum)| *sum)
        };
        before(to).wrapping_sub(before(from))
    }
}

/// The digest of each of the periods, in their order.
pub(super) fn digests(agreed: &Agreed, periods: &[Period<'_>], days: &DayDigests) -> Vec<String> {
    let reading = &agreed.reading;
    // Many periods have one contract row.
    let mut rows: HashMap<*const Agreement, Sha256> = HashMap::new();
    let digests = periods.iter().map(|period| {
        let row = rows.entry(std::ptr::from_ref(period.agreement));
        let row = row.or_insert_with(|| of_row(period.agreement, reading));
        let until = period.days.1.min(reading.as_of);
        let files = days.between(reading.days(period));
        let period = format!(" {:?} {until} {files:032x}", period.days);
        let digest = row.clone().chain_update(period).finalize();
        format!("{:032x}", half(&digest))
    });
    digests.collect()
}

/// What a contract row and the options say, and by which rules.
fn of_row(agreement: &Agreement, reading: &Reading) -> Sha256 {
    let Reading {
        // Part of each period's own digest, as far as it matters there.
        as_of: _,
        since,
        growth,
        replay_days,
        surcharge_mode,
    } = reading;
    let options = format!("{since:?} {growth} {replay_days} {surcharge_mode:?}");
    let version = env!("CARGO_PKG_VERSION");
    Sha256::new().chain_update(format!("{version} {RULES} {options} {agreement:?}"))
}

/// The first half of a digest.
fn half(digest: &[u8]) -> u128 {
    digest
        .first_chunk()
        .map_or(0, |half| u128::from_be_bytes(*half))
}
