//! The scalar functions, one file each: a thin Arrow skin over [`crate::domain`].

mod arguments;
mod day_edges;
pub(crate) mod engagement_credits;
pub(crate) mod internal;
pub(crate) mod local_day;
pub(crate) mod local_day_end;
pub(crate) mod local_day_start;
pub(crate) mod spellings;
pub(crate) mod tzdb_version;
mod zone_column;
mod zone_spellings;

use datafusion::logical_expr::{DocSection, ScalarUDF};

use crate::domain::zone::ZoneDatabase;

/// Where the documentation of every function of this crate stands.
pub(crate) const BILLING_FUNCTIONS: DocSection = DocSection {
    include: true,
    label: "Billing Functions",
    description: Some("Local days, Daily Active Relationships and engagement credits."),
};

/// Every scalar function that people write, with zone rules from `zones`: the only list.
pub(crate) fn all(zones: &ZoneDatabase) -> Vec<ScalarUDF> {
    vec![
        local_day::LocalDay::new(zones.clone()).into(),
        local_day_start::LocalDayStart::new(zones.clone()).into(),
        local_day_end::LocalDayEnd::new(zones.clone()).into(),
        engagement_credits::EngagementCredits::new().into(),
        tzdb_version::TzdbVersion::new(zones.clone()).into(),
    ]
}
