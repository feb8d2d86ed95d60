//! Whether generative AI was on when a local day began: the rule `day_start` of DARs that are kept.

use std::collections::HashMap;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use arrow::record_batch::RecordBatch;
use datafusion::common::cast::as_string_view_array;
use datafusion::common::{Result, exec_datafusion_err};

use crate::domain::zone::Zone;
use crate::error;

/// When generative AI was on for each site and organization.
#[derive(Debug, Default)]
pub(crate) struct GenAiDays {
    /// First and last microsecond of each stretch, by site and organization.
    spans: HashMap<(String, String), Vec<(i64, i64)>>,
}

impl GenAiDays {
    /// Of rows `site_id, org_id, first_instant, last_instant`, the instants in microseconds.
    pub(crate) fn new(rows: &[RecordBatch]) -> Result<Self> {
        let mut days = Self::default();
        for batch in rows {
            let column = |name: &str| {
                let column = batch.column_by_name(name);
                column.ok_or_else(|| exec_datafusion_err!("the spans have no column {name}"))
            };
            let ids = |name: &str| {
                Ok::<_, datafusion::error::DataFusionError>(
                    as_string_view_array(column(name)?)?.clone(),
                )
            };
            let (sites, organizations) = (ids("site_id")?, ids("org_id")?);
            let (first, last) = (
                cast(column("first_instant")?, &DataType::Int64)?,
                cast(column("last_instant")?, &DataType::Int64)?,
            );
            let (first, last) = (
                first.as_primitive::<Int64Type>(),
                last.as_primitive::<Int64Type>(),
            );
            for row in 0..batch.num_rows() {
                let key = (
                    sites.value(row).to_owned(),
                    organizations.value(row).to_owned(),
                );
                let spans = days.spans.entry(key).or_default();
                spans.push((first.value(row), last.value(row)));
            }
        }
        Ok(days)
    }

    /// Whether it was on for a site of an organization when `day` began in `zone`.
    pub(crate) fn on(&self, site_id: &str, org_id: &str, day: i32, zone: &Zone) -> Result<bool> {
        let start = zone.day_start(day).map_err(|fault| {
            error::data(format!("local_day_start: {fault} (in {})", zone.name()))
        })?;
        let Some(start) = start.and_then(|second| second.checked_mul(1_000_000)) else {
            return Ok(false);
        };
        let spans = self.spans.get(&(site_id.to_owned(), org_id.to_owned()));
        Ok(spans.is_some_and(|spans| {
            spans
                .iter()
                .any(|(first, last)| *first <= start && start <= *last)
        }))
    }
}
