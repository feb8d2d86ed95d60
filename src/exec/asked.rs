//! Which DARs a query asks for, as far as its filters on `site_id` and `day` say: no others are made.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use super::calendar::{Calendar, SiteNumber};
use super::day_scope::{ALL_DAYS, DaySet};
use crate::domain::day::show_day;

/// Sites and local days whose DARs are to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) days: DaySet,
    /// Ids as texts; `None` for every site.
    pub(crate) sites: Option<BTreeSet<String>>,
}

impl Asked {
    /// All of them.
    pub(crate) fn all() -> Self {
        Self {
            days: DaySet::all(),
            sites: None,
        }
    }
}

/// As plans show it: how many sites, from which day to which.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(sites) = &self.sites {
            write!(f, ", sites={}", sites.len())?;
        }
        if let Some((first, last)) = self.days.hull().map(RangeInclusive::into_inner)
            && self.days != DaySet::all()
        {
            let shown = |day: i32, open: i32| match day == open {
                true => String::new(),
                false => show_day(i64::from(day)),
            };
            let (first, last) = (
                shown(first, *ALL_DAYS.start()),
                shown(last, *ALL_DAYS.end()),
            );
            write!(f, ", days={first}..{last}")?;
        }
        Ok(())
    }
}

/// [`Asked`], with sites by number.
#[derive(Debug)]
pub(super) struct AskedNumbers {
    is_all: bool,
    days: DaySet,
    /// By site; `None` for every site.
    sites: Option<Vec<bool>>,
}

impl AskedNumbers {
    pub(super) fn new(asked: &Asked, calendar: &Calendar) -> Self {
        let sites = asked.sites.as_ref().map(|ids| {
            let mut sites = vec![false; calendar.sites()];
            let numbers = ids.iter().filter_map(|id| calendar.site(id));
            for number in numbers {
                if let Some(site) = sites.get_mut(number as usize) {
                    *site = true;
                }
            }
            sites
        });
        Self {
            is_all: *asked == Asked::all(),
            days: asked.days.clone(),
            sites,
        }
    }

    /// Whether every one is asked for.
    pub(super) fn is_all(&self) -> bool {
        self.is_all
    }

    /// Whether a site's day is asked for.
    #[inline]
    pub(super) fn contains(&self, site: SiteNumber, day: i32) -> bool {
        if self.is_all {
            return true;
        }
        let has_site = match &self.sites {
            Some(sites) => sites.get(site as usize).is_some_and(|asked| *asked),
            None => true,
        };
        has_site && self.days.contains(day)
    }
}
