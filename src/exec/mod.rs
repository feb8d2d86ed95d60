//! What plans need below the logical level.

mod collect_calendar;

pub(crate) use collect_calendar::CollectCalendar;
