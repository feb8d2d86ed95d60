//! What the rows of [`mod@super::fold`] mean, as rows before them did: looked up once for many.

use std::ops::Range;

use arrow::array::{Array, StringViewArray};

use super::calendar::Calendar;
use super::messages::Batch;
use crate::domain::message::{Audience, Sender};
use crate::domain::zone::{Clock, Zone};
use crate::scalar::spellings::Spellings;

/// What rows mean, as other rows did before them.
#[derive(Debug)]
pub(super) struct Meanings {
    /// `None`: not in `sites`.
    pub(super) sites: Spellings<Option<u32>, 8192>,
    pub(super) senders: Spellings<Option<Sender>, 256>,
    pub(super) audiences: Spellings<Option<Audience>, 256>,
    /// Where messages of each site counted last.
    lately: Vec<Lately>,
}

/// What the site and the sender of a message mean; `None` where that has to be looked at closely.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    pub(super) site: Option<u32>,
    /// Of a message that everybody may see, but not of the system's.
    pub(super) sender: Option<Sender>,
}

/// Instants of a site at which every message counts, on one day and under the same switches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lately {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) day: i32,
    /// The number of the site's period.
    pub(super) period: u32,
    /// As of a part.
    pub(super) flags: u8,
}

impl Lately {
    const NEVER: Self = Self {
        first: i64::MAX,
        last: i64::MIN,
        day: 0,
        period: 0,
        flags: 0,
    };

    /// What holds around an instant of a site at which messages count; `None` at any other.
    fn at<const PER_SECOND: i64>(
        calendar: &Calendar,
        site: u32,
        instant: i64,
        clock: for<'a> fn(&'a Zone) -> Clock<'a, PER_SECOND>,
    ) -> Option<Self> {
        let (number, period) = calendar.period(site, instant)?;
        if !period.in_force || period.is_test {
            return None;
        }
        let (day, stretch) = clock(period.zone.as_deref()?).stretch(instant)?;
        // After 1970-01-01T00:00:00Z, and before any doubt about the year 9999.
        let (first, last) = (1, 8_000_000_000_i64.saturating_mul(PER_SECOND));
        let lately = Self {
            first: period.first.max(*stretch.start()).max(first),
            last: period.last.min(*stretch.end()).min(last),
            day,
            period: u32::try_from(number).ok()?,
            flags: period.flags(),
        };
        lately.holds(instant).then_some(lately)
    }

    #[inline(always)]
    fn holds(&self, instant: i64) -> bool {
        self.first <= instant && instant <= self.last
    }
}

impl Meanings {
    pub(super) fn new() -> Self {
        Self {
            sites: Spellings::new(),
            senders: Spellings::new(),
            audiences: Spellings::new(),
            lately: Vec::new(),
        }
    }

    /// Bytes that it holds beyond a few for each spelling: a million sites have as many days.
    pub(super) fn size(&self) -> usize {
        self.lately.capacity() * size_of::<Lately>()
    }

    pub(super) fn next_batch(&mut self) {
        self.sites.next_batch();
        self.senders.next_batch();
        self.audiences.next_batch();
    }

    /// What some rows say, column by column.
    pub(super) fn read(
        &mut self,
        calendar: &Calendar,
        batch: &Batch<'_>,
        rows: Range<usize>,
        said: &mut Vec<Said>,
    ) {
        said.clear();
        let site = |text: &str| calendar.site(text);
        let sites = self.sites.each(batch.sites, rows.clone(), site);
        said.extend(sites.map(|site| Said { site, sender: None }));
        let senders = self
            .senders
            .each(batch.senders, rows.clone(), Sender::parse);
        for (said, sender) in said.iter_mut().zip(senders) {
            said.sender = sender.filter(|sender| *sender != Sender::System);
        }
        if let Some(column) = batch.audiences {
            let audiences = self.audiences.each(column, rows.clone(), Audience::parse);
            for ((said, audience), row) in said.iter_mut().zip(audiences).zip(rows.clone()) {
                if audience != Some(Audience::All) && column.is_valid(row) {
                    said.sender = None;
                }
            }
        }
        if let Some(nulls) = &batch.nulls {
            for (row, said) in rows.zip(said) {
                if nulls.is_null(row) {
                    said.sender = None;
                }
            }
        }
    }

    /// Who may see a message: everybody, unless it says otherwise; `None` for a spelling that has no meaning.
    #[inline(always)]
    pub(super) fn audience(
        &mut self,
        audiences: Option<&StringViewArray>,
        row: usize,
    ) -> Option<Audience> {
        match audiences {
            Some(audiences) if audiences.is_valid(row) => {
                self.audiences.of(audiences, row, Audience::parse)
            }
            _ => Some(Audience::All),
        }
    }

    /// What holds around an instant of a site; `None` if messages then do not count, or not for certain.
    #[inline(always)]
    pub(super) fn lately<const PER_SECOND: i64>(
        &mut self,
        calendar: &Calendar,
        site: u32,
        instant: i64,
        clock: for<'a> fn(&'a Zone) -> Clock<'a, PER_SECOND>,
    ) -> Option<Lately> {
        match self.lately.get(site as usize) {
            Some(lately) if lately.holds(instant) => Some(*lately),
            _ => {
                let found = Lately::at(calendar, site, instant, clock)?;
                if self.lately.is_empty() {
                    self.lately.resize(calendar.sites(), Lately::NEVER);
                }
                if let Some(lately) = self.lately.get_mut(site as usize) {
                    *lately = found;
                }
                Some(found)
            }
        }
    }
}
