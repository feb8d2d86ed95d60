//! DARs that are alike, counted: of all that agree in what is asked for, one, with their number.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use arrow::datatypes::SchemaRef;
use datafusion::common::{Result, exec_datafusion_err};

use super::calendar::Calendar;
use super::merge::Dar;

/// The column that says for how many DARs a row stands. Where it is asked for, rows that agree in all other columns may
/// come as one.
pub(crate) const ALIKE: &str = "dayrate_alike";

/// The columns in which DARs may be alike.
pub(crate) const COMMON: [&str; 8] = [
    "site_id",
    "has_consumer",
    "day",
    "org_id",
    "time_zone",
    "channel",
    "gen_ai",
    "intent_analyzer",
];

/// What DARs are told apart by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alike {
    with_channel: bool,
    with_has_consumer: bool,
}

/// What DARs have in common that differ in no column of [`COMMON`] that is asked for. Some have less than this in common
/// and do not differ either; they come as several rows.
#[derive(PartialEq, Eq, Hash)]
struct Common<'a> {
    site: u32,
    day: i32,
    /// The number of the period.
    period: usize,
    flags: u8,
    has_consumer: bool,
    channel: Option<&'a [u8]>,
}

impl Alike {
    /// How DARs of a schema are told apart; `None` if each comes by itself.
    pub(super) fn of(schema: &SchemaRef) -> Option<Self> {
        let has = |name: &str| schema.index_of(name).is_ok();
        has(ALIKE).then(|| Self {
            with_channel: has("channel"),
            with_has_consumer: has("has_consumer"),
        })
    }

    /// One of each kind of `dars`, with their number.
    pub(super) fn counted<'a>(
        &self,
        calendar: &Calendar,
        dars: Vec<Dar<'a>>,
    ) -> Result<Vec<Dar<'a>>> {
        let mut places: HashMap<Common<'a>, usize> = HashMap::new();
        let mut counted: Vec<Dar<'a>> = Vec::new();
        for dar in dars {
            let (period, _) = calendar
                .period(dar.site, dar.first)
                .ok_or_else(|| exec_datafusion_err!("a DAR lies outside the calendar"))?;
            let common = Common {
                site: dar.site,
                day: dar.day,
                period,
                flags: dar.flags,
                has_consumer: dar.has_consumer && self.with_has_consumer,
                channel: dar.channel.filter(|_| self.with_channel),
            };
            match places.entry(common) {
                Entry::Occupied(place) => {
                    if let Some(one) = counted.get_mut(*place.get()) {
                        one.alike += dar.alike;
                    }
                }
                Entry::Vacant(place) => {
                    place.insert(counted.len());
                    counted.push(dar);
                }
            }
        }
        Ok(counted)
    }
}
