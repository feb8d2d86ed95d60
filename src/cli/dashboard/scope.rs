//! What the page is about: until when, of whom, under which contracts.

use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use jiff::civil::Date;

use crate::cli::args::Dashboard;
use crate::domain::day::show_day;
use crate::error;
use crate::table::ended_everywhere;
use crate::table::option::{AS_OF, OptionSpec, SCENARIO, SessionDefaults};

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// The start of this day: what was sent on it or later is left out.
    pub(super) as_of: Date,
    /// One organization, or all.
    pub(super) org: Option<String>,
    /// The contracts of a what-if, or the real ones.
    pub(super) scenario: Option<String>,
    /// What stands at the top.
    pub(super) title: String,
}

impl Scope {
    /// What the arguments say, and the session's options where they do not.
    ///
    /// # Errors
    ///
    /// If several scenarios are asked for at once.
    pub(super) fn of(ctx: &SessionContext, given: &Dashboard) -> Result<Self> {
        let as_of = match (given.as_of, option(ctx, &AS_OF)) {
            (Some(day), _) => day,
            (None, Some(day)) => parsed(&day)?,
            (None, None) => parsed(&show_day(ended_everywhere().into()))?,
        };
        let scenario = option(ctx, &SCENARIO);
        if scenario.as_deref() == Some("*") {
            return Err(error::config(
                "the option scenario is '*', and a dashboard shows one scenario: name one in [options], or none for the \
                 contracts that are in force. The report plan_what_if shows all side by side",
            ));
        }
        let title = given
            .title
            .clone()
            .unwrap_or_else(|| "Messaging use and cost".to_owned());
        Ok(Self {
            as_of,
            org: given.org.clone(),
            scenario,
            title,
        })
    }

    /// The last day that counts.
    pub(super) fn last_day(&self) -> Date {
        self.as_of.yesterday().unwrap_or(self.as_of)
    }
}

/// The session's value of an option, if it has one.
pub(super) fn option(ctx: &SessionContext, option: &OptionSpec) -> Option<String> {
    let state = ctx.state();
    let defaults = state
        .config_options()
        .extensions
        .get::<SessionDefaults>()
        .cloned()
        .unwrap_or_default();
    defaults.get(option)
}

fn parsed(day: &str) -> Result<Date> {
    day.parse()
        .map_err(|_| error::config(format!("'{day}' is no day: write it as 2026-01-31")))
}
