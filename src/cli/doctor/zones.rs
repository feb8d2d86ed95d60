//! Sites in zones whose rules have changed since the engine's own copy: its `AT TIME ZONE` dates them wrongly.

use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use jiff::ToSpan;
use jiff::tz::TimeZone;

use super::finding::Findings;
use super::messages::Range;
use super::question::{ask, asked, count, text};

const CHECK: &str = "zones";

/// Compares, from the first message to a year from now.
pub(super) async fn check(ctx: &SessionContext, range: Range, findings: &mut Findings) {
    let query = "SELECT lower(time_zone), min(time_zone), count(DISTINCT site_id), min(site_id::VARCHAR) FROM sites \
                 GROUP BY lower(time_zone) ORDER BY 1";
    let Some(zones) = asked(ctx, query, findings, CHECK, "sites.time_zone").await else {
        return;
    };
    let today = jiff::Timestamp::now().to_zoned(TimeZone::UTC).date();
    let until = today.max(range.last).saturating_add(1.year());
    let mut differing = 0;
    for zone in &zones {
        let (name, sites, site) = (text(zone, 1), count(zone, 2), text(zone, 3));
        match first_difference(ctx, &name, range, until).await {
            Ok(None) => {}
            Ok(Some(day)) => {
                differing += 1;
                findings.warning(
                    CHECK,
                    &name,
                    format!(
                        "DataFusion's own zone data differs from {day} on; {}",
                        match sites {
                            1 => format!("site {site} uses it"),
                            sites => format!("{sites} sites use it, {site} among them"),
                        }
                    ),
                    "dayrate bills by the current rules; SQL of your own needs local_day(sent_at, time_zone) in place of \
                     AT TIME ZONE; the report zone_check lists the messages",
                );
            }
            // The engine does not know a zone that is newer than its data.
            Err(_) => {
                differing += 1;
                findings.warning(
                    CHECK,
                    &name,
                    "DataFusion's own zone data does not know it",
                    "write local_day(sent_at, time_zone) in place of AT TIME ZONE in SQL of your own",
                );
            }
        }
    }
    if differing == 0 {
        findings.ok(
            CHECK,
            "sites.time_zone",
            format!(
                "{} zones; the rules that bill and DataFusion's own agree on every day of the messages and a year on",
                zones.len()
            ),
        );
    }
}

/// The first day, by the rules that bill, on which the engine's own name another one. Two sets of rules that differ at
/// all differ for half an hour at least, so every half hour is asked.
async fn first_difference(
    ctx: &SessionContext,
    zone: &str,
    range: Range,
    until: jiff::civil::Date,
) -> Result<Option<String>> {
    let zone = zone.replace('\'', "''");
    let query = format!(
        "SELECT local_day(min(t), '{zone}') FROM (SELECT to_timestamp(value * 1800) AS t FROM generate_series({}, {})) \
         WHERE local_day(t, '{zone}') <> CAST(t AT TIME ZONE '{zone}' AS DATE)",
        half_hours(range.first.saturating_sub(1.day())),
        half_hours(until)
    );
    let rows = ask(ctx, &query).await?;
    Ok(rows.first().and_then(|row| row.first().cloned().flatten()))
}

/// Half hours from 1970 to the beginning of a day in UTC.
fn half_hours(day: jiff::civil::Date) -> i64 {
    day.to_zoned(TimeZone::UTC)
        .map_or(0, |zoned| zoned.timestamp().as_second() / 1800)
}
