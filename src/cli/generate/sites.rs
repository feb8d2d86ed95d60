//! `sites.parquet` and `feature_periods.parquet`: the zones of sites, and what is switched on when.

use std::path::Path;

use datafusion::error::Result;

use super::clock::{HOUR, YEAR_START};
use super::columns::Columns;
use super::world::{ORGS, TEST_ORG, World, has_gen_ai, listens_by_switch, org_id};

const DAY: i64 = 24 * HOUR;

/// Writes `sites.parquet`: one row a site, two for the site that moves.
pub(super) fn write_sites(world: &World, folder: &Path) -> Result<()> {
    let mut rows = Vec::with_capacity(world.sites.len() + 1);
    for site in &world.sites {
        let clock = world.clock(site);
        rows.push((site, clock.zone, None, clock.moves.map(|(_, at)| at)));
        if let Some((zone, at)) = clock.moves {
            rows.push((site, zone, Some(at), None));
        }
    }
    Columns::default()
        .text("site_id", rows.iter().map(|row| row.0.id.clone()).collect())
        .text("org_id", rows.iter().map(|row| org_id(row.0.org)).collect())
        .text(
            "time_zone",
            rows.iter().map(|row| row.1.to_owned()).collect(),
        )
        .instant_or_null("valid_from", rows.iter().map(|row| row.2).collect())
        .instant_or_null("valid_to", rows.iter().map(|row| row.3).collect())
        .boolean(
            "is_test",
            rows.iter().map(|row| row.0.org == TEST_ORG).collect(),
        )
        .write(&folder.join("sites.parquet"))
}

/// One switch: organization, feature, site, from, to.
type Switch = (usize, &'static str, Option<String>, i64, Option<i64>);

/// Writes `feature_periods.parquet`.
pub(super) fn write_feature_periods(world: &World, folder: &Path) -> Result<()> {
    let mut rows: Vec<Switch> = vec![];
    for org in 0..ORGS {
        if has_gen_ai(org) {
            gen_ai(org, &mut rows);
        }
        if listens_by_switch(org) {
            listening(org, world, &mut rows);
        }
    }
    Columns::default()
        .text("org_id", rows.iter().map(|row| org_id(row.0)).collect())
        .text("feature", rows.iter().map(|row| row.1.to_owned()).collect())
        .text_or_null("site_id", rows.iter().map(|row| row.2.clone()).collect())
        .instant_or_null("enabled_from", rows.iter().map(|row| Some(row.3)).collect())
        .instant_or_null("enabled_to", rows.iter().map(|row| row.4).collect())
        .write(&folder.join("feature_periods.parquet"))
}

/// Switched on before the year, within it, off within it, or on twice: always in the middle of someone's day.
fn gen_ai(org: usize, rows: &mut Vec<Switch>) {
    let on = YEAR_START + 68 * DAY + 15 * HOUR;
    let off = YEAR_START + 272 * DAY + 10 * HOUR;
    match org / 4 % 5 {
        0 => rows.push((org, "gen_ai", None, YEAR_START - 60 * DAY, None)),
        1 => rows.push((org, "gen_ai", None, on, None)),
        2 => rows.push((org, "gen_ai", None, YEAR_START, Some(off))),
        3 => rows.push((org, "gen_ai", None, on, Some(off))),
        _ => {
            rows.push((org, "gen_ai", None, YEAR_START + 31 * DAY, Some(on)));
            rows.push((org, "gen_ai", None, off, None));
        }
    }
}

/// For the whole organization, for one of its sites, or both at once (which unites).
fn listening(org: usize, world: &World, rows: &mut Vec<Switch>) {
    let site = world.first_site(org).map(|site| site.id.clone());
    let from = YEAR_START + 31 * DAY;
    match org / 10 % 3 {
        0 => rows.push((
            org,
            "intent_analyzer",
            None,
            from,
            Some(from + 240 * DAY + 9 * HOUR),
        )),
        1 => rows.push((org, "intent_analyzer", site, from + 13 * HOUR, None)),
        _ => {
            rows.push((org, "intent_analyzer", None, from, Some(from + 90 * DAY)));
            rows.push((
                org,
                "intent_analyzer",
                site,
                from + 60 * DAY,
                Some(from + 200 * DAY),
            ));
        }
    }
}
