//! Sets of local days, and of sites' local days: what a query asks for, or a refresh has to make anew.

use std::collections::HashMap;
use std::ops::RangeInclusive;

#[cfg(feature = "cli")]
use serde::{Deserialize, Serialize};

use super::calendar::SiteNumber;

/// The first and the last day that there are.
pub(crate) const ALL_DAYS: RangeInclusive<i32> = i32::MIN..=i32::MAX;

/// A set of days as ranges, both ends inclusive, in order, with a day left out between each and the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(Serialize, Deserialize), serde(transparent))]
pub(crate) struct DaySet(Vec<(i32, i32)>);

impl DaySet {
    /// The days of a range.
    pub(crate) fn range(days: RangeInclusive<i32>) -> Self {
        match days.is_empty() {
            true => Self::default(),
            false => Self(vec![days.into_inner()]),
        }
    }

    /// Every day.
    pub(crate) fn all() -> Self {
        Self::range(ALL_DAYS)
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a day is one of them.
    #[inline]
    pub(crate) fn contains(&self, day: i32) -> bool {
        let place = self.0.partition_point(|range| range.1 < day);
        self.0.get(place).is_some_and(|range| range.0 <= day)
    }

    /// The first and the last day of each stretch of them, in order.
    #[cfg(feature = "cluster")]
    pub(super) fn stretches(&self) -> impl Iterator<Item = (i32, i32)> + '_ {
        self.0.iter().copied()
    }

    /// From the first day to the last.
    pub(crate) fn hull(&self) -> Option<RangeInclusive<i32>> {
        Some(self.0.first()?.0..=self.0.last()?.1)
    }

    /// Adds a day.
    pub(crate) fn insert(&mut self, day: i32) {
        if !self.contains(day) {
            self.unite(&Self::range(day..=day));
        }
    }

    /// Adds the days of another set.
    pub(crate) fn unite(&mut self, other: &Self) {
        let mut ranges = std::mem::take(&mut self.0);
        ranges.extend_from_slice(&other.0);
        ranges.sort_unstable();
        for (first, last) in ranges {
            match self.0.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last)
                }
                _ => self.0.push((first, last)),
            }
        }
    }

    /// The days of both sets.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        for (first, last) in &self.0 {
            for (from, to) in &other.0 {
                if first.max(from) <= last.min(to) {
                    both.push((*first.max(from), *last.min(to)));
                }
            }
        }
        Self(both)
    }

    /// The days that are not in another set.
    pub(crate) fn without(&self, other: &Self) -> Self {
        self.and(&other.complement())
    }

    fn complement(&self) -> Self {
        let mut rest = Vec::new();
        let mut next = Some(*ALL_DAYS.start());
        for (first, last) in &self.0 {
            if let Some(from) = next
                && from < *first
            {
                rest.push((from, *first - 1));
            }
            next = last.checked_add(1);
        }
        if let Some(from) = next {
            rest.push((from, *ALL_DAYS.end()));
        }
        Self(rest)
    }
}

/// Some sites' days: those of every site, and more of single ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DayScope {
    /// Of every site.
    pub(crate) everywhere: DaySet,
    /// Of one site, beside those.
    pub(crate) by_site: HashMap<SiteNumber, DaySet>,
}

impl DayScope {
    /// These days of every site.
    pub(crate) fn of(days: DaySet) -> Self {
        Self {
            everywhere: days,
            by_site: HashMap::new(),
        }
    }

    /// Whether a site's day is one of them.
    #[inline]
    pub(crate) fn contains(&self, site: SiteNumber, day: i32) -> bool {
        self.everywhere.contains(day)
            || self
                .by_site
                .get(&site)
                .is_some_and(|days| days.contains(day))
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.everywhere.is_empty() && self.by_site.values().all(DaySet::is_empty)
    }

    /// Adds those of another scope.
    pub(crate) fn unite(&mut self, other: &Self) {
        self.everywhere.unite(&other.everywhere);
        for (site, days) in &other.by_site {
            self.by_site.entry(*site).or_default().unite(days);
        }
    }

    /// The days of any site.
    pub(crate) fn days(&self) -> DaySet {
        let mut days = self.everywhere.clone();
        for own in self.by_site.values() {
            days.unite(own);
        }
        days
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Sets of ranges do what sets of days do; checked on every pair of subsets of a few days.
    #[test]
    fn ranges_are_sets() {
        let sets: Vec<(DaySet, BTreeSet<i32>)> = (0..64_u32)
            .map(|bits| {
                let days: BTreeSet<i32> = (0..6).filter(|day| bits & (1 << day) != 0).collect();
                let mut set = DaySet::default();
                for day in days.iter().rev() {
                    set.insert(*day);
                }
                (set, days)
            })
            .collect();
        let members =
            |set: &DaySet| -> BTreeSet<i32> { (-1..8).filter(|day| set.contains(*day)).collect() };
        for (set, days) in &sets {
            assert_eq!(&members(set), days);
            assert_eq!(set.complement().complement(), *set);
            for (other, others) in &sets {
                let mut united = set.clone();
                united.unite(other);
                assert_eq!(members(&united), days | others);
                assert_eq!(members(&set.and(other)), days & others);
                assert_eq!(members(&set.without(other)), days - others);
                assert_eq!(united.0.len(), {
                    let all = days | others;
                    all.iter().filter(|day| !all.contains(&(*day - 1))).count()
                });
            }
        }
        assert!(DaySet::all().contains(i32::MAX) && DaySet::all().contains(i32::MIN));
        assert!(DaySet::all().complement().is_empty());
    }
}
