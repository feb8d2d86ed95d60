//! The calendar of the sites as a lookup: for a site and an instant, everything that the plan's join would bring.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Int64Type};
use arrow::record_batch::RecordBatch;
use datafusion::common::cast::{as_boolean_array, as_string_view_array};
use datafusion::common::{Result, exec_datafusion_err};
use hashbrown::HashMap;

use super::parts::{GEN_AI, LISTENED};
use crate::domain::zone::{Zone, ZoneDatabase};
use crate::error;

/// The place of a site in a [`Calendar`].
pub(crate) type SiteNumber = u32;

/// See the module. Made of the rows that `dayrate_site_periods` has checked.
#[derive(Debug)]
pub(crate) struct Calendar {
    numbers: HashMap<Box<str>, SiteNumber>,
    /// The periods of each site, by its number.
    ranges: Vec<Range<usize>>,
    periods: Vec<Period>,
    /// By number of the site, in the type of the output.
    pub(super) site_ids: ArrayRef,
    /// By number of the period, in the type of the output.
    pub(super) org_ids: ArrayRef,
    /// By number of the period.
    pub(super) time_zones: ArrayRef,
}

/// A stretch of one site's instants in which nothing changes; `first` and `last` count units of the messages' `sent_at`.
#[derive(Debug)]
pub(super) struct Period {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) in_force: bool,
    pub(super) is_test: bool,
    pub(super) gen_ai: bool,
    pub(super) intent_analyzer: bool,
    /// `None` while no row of the site is in force.
    pub(super) zone: Option<Arc<Zone>>,
}

impl Period {
    /// What a message has of its period, as a part's flags.
    pub(super) fn flags(&self) -> u8 {
        (u8::from(self.gen_ai) * GEN_AI) | (u8::from(self.intent_analyzer) * LISTENED)
    }
}

impl Calendar {
    /// `rows` has `site_id, first_instant, last_instant, in_force, org_id, time_zone, is_test, gen_ai_on,
    /// intent_analyzer_on`.
    pub(crate) fn new(
        rows: &[RecordBatch],
        (site, org): (&DataType, &DataType),
        zones: &ZoneDatabase,
    ) -> Result<Self> {
        let schema = rows
            .first()
            .ok_or_else(|| exec_datafusion_err!("the calendar has no batch"))?
            .schema();
        let rows = concat_batches(&schema, rows)?;
        let column = |name: &str| {
            rows.column_by_name(name)
                .ok_or_else(|| exec_datafusion_err!("the calendar has no column {name}"))
        };
        let instants = |name: &str| -> Result<Vec<i64>> {
            let counts = arrow::compute::cast(column(name)?, &DataType::Int64)?;
            Ok(counts.as_primitive::<Int64Type>().values().to_vec())
        };
        let (first, last) = (instants("first_instant")?, instants("last_instant")?);
        let flag = |name: &str| as_boolean_array(column(name)?).cloned();
        let is = |flags: &BooleanArray, row: usize| flags.is_valid(row) && flags.value(row);
        let in_force = flag("in_force")?;
        let is_test = flag("is_test")?;
        let gen_ai = flag("gen_ai_on")?;
        let intent_analyzer = flag("intent_analyzer_on")?;
        let site_ids = as_string_view_array(column("site_id")?)?;
        let time_zones = as_string_view_array(column("time_zone")?)?;

        let mut order: Vec<usize> = (0..rows.num_rows()).collect();
        order.sort_by(|a, b| {
            let key = |row: usize| (site_ids.value(row), first.get(row));
            key(*a).cmp(&key(*b))
        });
        let mut calendar = Self {
            numbers: HashMap::new(),
            ranges: Vec::new(),
            periods: Vec::with_capacity(order.len()),
            site_ids: arrow::array::new_empty_array(site),
            org_ids: in_order(column("org_id")?, &order, org)?,
            time_zones: in_order(column("time_zone")?, &order, &DataType::Utf8View)?,
        };
        let mut first_rows = Vec::new();
        for (number, row) in order.iter().copied().enumerate() {
            let site_id = site_ids.value(row);
            if !calendar.numbers.contains_key(site_id) {
                let site = u32::try_from(calendar.ranges.len())
                    .map_err(|_| exec_datafusion_err!("more than 2^32 sites"))?;
                calendar.numbers.insert(site_id.into(), site);
                calendar.ranges.push(number..number);
                first_rows.push(row);
            }
            if let Some(range) = calendar.ranges.last_mut() {
                range.end = number + 1;
            }
            let zone = match time_zones.is_valid(row) {
                true => Some(
                    zones
                        .zone(time_zones.value(row))
                        .map_err(|fault| error::data(fault.to_string()))?,
                ),
                false => None,
            };
            calendar.periods.push(Period {
                first: first.get(row).copied().unwrap_or(i64::MIN),
                last: last.get(row).copied().unwrap_or(i64::MAX),
                in_force: is(&in_force, row),
                is_test: is(&is_test, row),
                gen_ai: is(&gen_ai, row),
                intent_analyzer: is(&intent_analyzer, row),
                zone,
            });
        }
        calendar.site_ids = in_order(column("site_id")?, &first_rows, site)?;
        Ok(calendar)
    }

    /// The number of a site; `None` for one that `sites` does not have.
    pub(crate) fn site(&self, site_id: &str) -> Option<SiteNumber> {
        self.numbers.get(site_id).copied()
    }

    /// How many sites there are.
    pub(super) fn sites(&self) -> usize {
        self.ranges.len()
    }

    /// The period of a site that holds an instant, and its number.
    #[inline]
    pub(super) fn period(&self, site: SiteNumber, instant: i64) -> Option<(usize, &Period)> {
        let range = self.ranges.get(site as usize)?;
        let periods = self.periods.get(range.clone())?;
        let place = periods.partition_point(|period| period.last < instant);
        let period = periods
            .get(place)
            .filter(|period| period.first <= instant)?;
        Some((range.start + place, period))
    }
}

/// The values of `rows` in that order, as `data_type`.
fn in_order(column: &ArrayRef, rows: &[usize], data_type: &DataType) -> Result<ArrayRef> {
    let rows: arrow::array::UInt64Array = rows.iter().map(|row| Some(*row as u64)).collect();
    let taken = arrow::compute::take(column, &rows, None)?;
    Ok(arrow::compute::cast(&taken, data_type)?)
}
