//! A site's calendar: which organization and zone are in force when, and which features are switched on.
//!
//! `sites` and `feature_periods` are small; they are checked as a whole and cut into *site periods*, disjoint
//! stretches of time in which nothing about a site changes. Every instant of a known site lies in exactly one
//! period, gaps included, so that a message finds its period by one lookup, and "unknown site" and "no zone in
//! force" stay different.

use std::collections::BTreeMap;

use super::Fault;
use super::zone::ZoneDatabase;

/// An instant in nanoseconds since 1970-01-01T00:00:00Z; wide enough for every unit and year.
pub(crate) type Instant = i128;

/// A half-open stretch of time; `None` is unbounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first instant.
    pub(crate) from: Option<Instant>,
    /// The first instant after the last.
    pub(crate) to: Option<Instant>,
}

impl Span {
    fn start(&self) -> Instant {
        self.from.unwrap_or(Instant::MIN)
    }

    fn end(&self) -> Instant {
        self.to.unwrap_or(Instant::MAX)
    }

    fn is_empty(&self) -> bool {
        self.start() >= self.end()
    }

    fn contains(&self, instant: Instant) -> bool {
        self.start() <= instant && instant < self.end()
    }
}

/// One row of `sites`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    /// `site_id` as text.
    pub(crate) site_id: String,
    /// `org_id` as text.
    pub(crate) org_id: String,
    /// An IANA zone name.
    pub(crate) time_zone: String,
    /// `[valid_from, valid_to)`.
    pub(crate) valid: Span,
    /// Not billed.
    pub(crate) is_test: bool,
}

/// A feature of the platform that changes what a DAR costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Feature {
    /// Generative AI.
    GenAi,
    /// Intent Analyzer.
    IntentAnalyzer,
}

impl Feature {
    /// The names in `feature_periods.feature`.
    pub(crate) const NAMES: [&'static str; 2] = ["gen_ai", "intent_analyzer"];

    /// As SQL has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Feature::GenAi => "gen_ai",
            Feature::IntentAnalyzer => "intent_analyzer",
        }
    }

    /// The feature that `text` names.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "gen_ai" => Some(Feature::GenAi),
            "intent_analyzer" => Some(Feature::IntentAnalyzer),
            _ => None,
        }
    }
}

/// One row of `feature_periods`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeaturePeriod {
    /// `org_id` as text.
    pub(crate) org_id: String,
    /// What was switched on.
    pub(crate) feature: Feature,
    /// The one site it holds for; `None` is the whole organization.
    pub(crate) site_id: Option<String>,
    /// `[enabled_from, enabled_to)`.
    pub(crate) enabled: Span,
}

/// How far a `gen_ai` switch reaches. The plan says "on for the organization".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum GenAiScope {
    /// The whole organization; a switch of a single site is an error.
    Organization,
    /// A switch with a `site_id` holds for that site alone.
    Site,
}

/// A stretch of time in which nothing about a site changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SitePeriod {
    /// `site_id` as text.
    pub(crate) site_id: String,
    /// When.
    pub(crate) span: Span,
    /// The row of `sites` in force; `None` in a gap between rows.
    pub(crate) in_force: Option<InForce>,
}

/// What a row of `sites`, with the switches of its organization, says of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InForce {
    /// `org_id` as text.
    pub(crate) org_id: String,
    /// The zone as `sites` writes it.
    pub(crate) time_zone: String,
    /// Not billed.
    pub(crate) is_test: bool,
    /// Generative AI is on.
    pub(crate) gen_ai: bool,
    /// Intent Analyzer is on.
    pub(crate) intent_analyzer: bool,
}

/// Checks every row and cuts each site's time into [`SitePeriod`]s, ordered by site and time.
///
/// # Errors
///
/// A zone that `zones` does not know, a range that ends before it starts, two rows of one site that overlap, or a
/// `gen_ai` switch of a single site under [`GenAiScope::Organization`]: the text names the rows and the remedy.
pub(crate) fn site_periods(
    sites: &[Site],
    features: &[FeaturePeriod],
    scope: GenAiScope,
    zones: &ZoneDatabase,
) -> Result<Vec<SitePeriod>, Fault> {
    check_features(features, scope)?;
    let switches = by_organization(features);
    let mut periods = Vec::with_capacity(sites.len());
    for (site_id, rows) in by_site(sites, zones)? {
        let mut end = None; // of the row before; at the first row time starts
        for (index, row) in rows.iter().enumerate() {
            let gap = Span {
                from: end,
                to: row.valid.from,
            };
            if (index > 0 || row.valid.from.is_some()) && !gap.is_empty() {
                periods.push(SitePeriod {
                    site_id: site_id.to_string(),
                    span: gap,
                    in_force: None,
                });
            }
            let switches = switches
                .get(row.org_id.as_str())
                .map_or(&[][..], Vec::as_slice);
            cut(row, switches, &mut periods);
            end = row.valid.to;
        }
        if end.is_some() {
            let rest = Span {
                from: end,
                to: None,
            };
            periods.push(SitePeriod {
                site_id: site_id.to_string(),
                span: rest,
                in_force: None,
            });
        }
    }
    Ok(periods)
}

/// When generative AI was on for each site and organization that occur together in `sites`: disjoint spans.
///
/// Unlike [`site_periods`] this does not end where a row of `sites` ends: the `day_start` rule asks about an instant
/// that may lie before the first message's row.
pub(crate) fn gen_ai_spans(
    sites: &[Site],
    features: &[FeaturePeriod],
) -> Vec<(String, String, Span)> {
    let switches = by_organization(features);
    let mut spans = Vec::new();
    let mut pairs: Vec<(&str, &str)> = sites
        .iter()
        .map(|row| (row.site_id.as_str(), row.org_id.as_str()))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    for (site_id, org_id) in pairs {
        let Some(switches) = switches.get(org_id) else {
            continue;
        };
        let on: Vec<Span> = switches
            .iter()
            .filter(|switch| switch.feature == Feature::GenAi && reaches(switch, site_id))
            .map(|switch| switch.enabled)
            .collect();
        spans.extend(
            union(on)
                .into_iter()
                .map(|span| (site_id.into(), org_id.into(), span)),
        );
    }
    spans
}

/// The rows of each site, in time order, checked.
fn by_site<'a>(
    sites: &'a [Site],
    zones: &ZoneDatabase,
) -> Result<BTreeMap<&'a str, Vec<&'a Site>>, Fault> {
    let mut by_site: BTreeMap<&str, Vec<&Site>> = BTreeMap::new();
    for row in sites {
        zones.zone(&row.time_zone).map_err(|fault| {
            Fault::new(format!(
                "sites: site_id '{}', time_zone: {fault}",
                row.site_id
            ))
        })?;
        if row.valid.is_empty() {
            return Err(Fault::new(format!(
                "sites: site_id '{}': valid_from {} is not before valid_to {}; the range is half open, mend the row",
                row.site_id,
                show(row.valid.from),
                show(row.valid.to),
            )));
        }
        by_site.entry(&row.site_id).or_default().push(row);
    }
    for (site_id, rows) in &mut by_site {
        rows.sort_by_key(|row| row.valid.start());
        for pair in rows.windows(2) {
            if let [before, after] = pair
                && before.valid.end() > after.valid.start()
            {
                return Err(Fault::new(format!(
                    "sites: site_id '{site_id}' has two rows in force at one time: [{}, {}) in {} and [{}, {}) in {}; \
                     end the earlier one where the later one starts",
                    show(before.valid.from),
                    show(before.valid.to),
                    before.time_zone,
                    show(after.valid.from),
                    show(after.valid.to),
                    after.time_zone,
                )));
            }
        }
    }
    Ok(by_site)
}

fn by_organization(features: &[FeaturePeriod]) -> BTreeMap<&str, Vec<&FeaturePeriod>> {
    let mut by_organization: BTreeMap<&str, Vec<&FeaturePeriod>> = BTreeMap::new();
    for feature in features {
        by_organization
            .entry(&feature.org_id)
            .or_default()
            .push(feature);
    }
    by_organization
}

fn check_features(features: &[FeaturePeriod], scope: GenAiScope) -> Result<(), Fault> {
    for row in features {
        if row.enabled.is_empty() {
            return Err(Fault::new(format!(
                "feature_periods: org_id '{}': enabled_from {} is not before enabled_to {}; the range is half open, \
                 mend the row",
                row.org_id,
                show(row.enabled.from),
                show(row.enabled.to),
            )));
        }
        if let (Feature::GenAi, Some(site_id), GenAiScope::Organization) =
            (row.feature, &row.site_id, scope)
        {
            return Err(Fault::new(format!(
                "feature_periods: org_id '{}' switches gen_ai on for site_id '{site_id}' alone, but the plan counts it \
                 for the whole organization; leave site_id NULL, or write gen_ai_scope => 'site' to bill that site alone",
                row.org_id,
            )));
        }
    }
    Ok(())
}

fn reaches(switch: &FeaturePeriod, site_id: &str) -> bool {
    switch.site_id.as_deref().is_none_or(|only| only == site_id)
}

/// Cuts one row of `sites` wherever a switch of its organization turns.
fn cut(row: &Site, switches: &[&FeaturePeriod], periods: &mut Vec<SitePeriod>) {
    let here: Vec<&&FeaturePeriod> = switches
        .iter()
        .filter(|switch| reaches(switch, &row.site_id))
        .collect();
    let mut cuts: Vec<Instant> = here
        .iter()
        .flat_map(|switch| [switch.enabled.from, switch.enabled.to])
        .flatten()
        .filter(|instant| row.valid.start() < *instant && *instant < row.valid.end())
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut from = row.valid.from;
    for to in cuts.into_iter().map(Some).chain([row.valid.to]) {
        let span = Span { from, to };
        let on = |feature| {
            here.iter()
                .any(|switch| switch.feature == feature && switch.enabled.contains(span.start()))
        };
        let in_force = InForce {
            org_id: row.org_id.clone(),
            time_zone: row.time_zone.clone(),
            is_test: row.is_test,
            gen_ai: on(Feature::GenAi),
            intent_analyzer: on(Feature::IntentAnalyzer),
        };
        periods.push(SitePeriod {
            site_id: row.site_id.clone(),
            span,
            in_force: Some(in_force),
        });
        from = to;
    }
}

/// Overlapping and touching spans united, in time order.
fn union(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(Span::start);
    let mut united: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match united.last_mut() {
            Some(last) if span.start() <= last.end() => {
                if span.end() > last.end() {
                    last.to = span.to;
                }
            }
            _ => united.push(span),
        }
    }
    united
}

/// An instant as people write it; an open end as `unbounded`.
fn show(instant: Option<Instant>) -> String {
    let Some(instant) = instant else {
        return "unbounded".into();
    };
    let timestamp = jiff::Timestamp::from_nanosecond(instant);
    timestamp.map_or_else(
        |_| format!("{instant} ns"),
        |timestamp| timestamp.to_string(),
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    fn site(id: &str, zone: &str, from: Option<Instant>, to: Option<Instant>) -> Site {
        Site {
            site_id: id.into(),
            org_id: "acme".into(),
            time_zone: zone.into(),
            valid: Span { from, to },
            is_test: false,
        }
    }

    fn switch(feature: Feature, from: Instant, to: Option<Instant>) -> FeaturePeriod {
        FeaturePeriod {
            org_id: "acme".into(),
            feature,
            site_id: None,
            enabled: Span {
                from: Some(from),
                to,
            },
        }
    }

    fn periods(sites: &[Site], features: &[FeaturePeriod]) -> Result<Vec<SitePeriod>, Fault> {
        site_periods(
            sites,
            features,
            GenAiScope::Organization,
            &ZoneDatabase::bundled(),
        )
    }

    /// Every instant of a known site lies in exactly one period: they touch, and both ends are open.
    #[test]
    fn periods_tile_all_time() {
        let sites = [
            site("a", "Asia/Tokyo", Some(100), Some(200)),
            site("a", "Europe/Rome", Some(300), None),
            site("b", "Asia/Tokyo", None, Some(50)),
            site("c", "Asia/Tokyo", None, None),
        ];
        let features = [
            switch(Feature::GenAi, 150, Some(350)),
            switch(Feature::GenAi, 160, Some(170)),
            switch(Feature::IntentAnalyzer, 10, None),
        ];
        let periods = periods(&sites, &features).unwrap();
        for id in ["a", "b", "c"] {
            let spans: Vec<Span> = periods
                .iter()
                .filter(|p| p.site_id == id)
                .map(|p| p.span)
                .collect();
            assert_eq!(spans.first().unwrap().from, None);
            assert_eq!(spans.last().unwrap().to, None);
            assert!(
                spans.windows(2).all(|pair| pair[0].to == pair[1].from),
                "{id}: {spans:?}"
            );
        }
        let at = |id: &str, t| {
            let found: Vec<_> = periods
                .iter()
                .filter(|p| p.site_id == id && p.span.contains(t))
                .collect();
            assert_eq!(found.len(), 1);
            found[0].in_force.clone()
        };
        assert_eq!(at("a", 99), None);
        assert_eq!(at("a", 250), None);
        assert_eq!(at("b", 50), None);
        assert!(!at("a", 149).unwrap().gen_ai);
        assert!(at("a", 150).unwrap().gen_ai);
        assert!(at("a", 199).unwrap().gen_ai);
        assert!(at("a", 349).unwrap().gen_ai);
        assert!(!at("a", 350).unwrap().gen_ai);
        assert!(!at("b", 9).unwrap().intent_analyzer);
        assert!(at("b", 10).unwrap().intent_analyzer);
    }

    #[test]
    fn faults_name_the_rows() {
        let overlap = [
            site("a", "Asia/Tokyo", None, Some(200)),
            site("a", "Europe/Rome", Some(199), None),
        ];
        let text = periods(&overlap, &[]).unwrap_err().to_string();
        assert!(
            text.contains("'a'") && text.contains("Europe/Rome"),
            "{text}"
        );
        let reversed = [site("b", "Asia/Tokyo", Some(200), Some(200))];
        assert!(
            periods(&reversed, &[])
                .unwrap_err()
                .to_string()
                .contains("'b'")
        );
        let misspelt = [site("c", "Asia/Tokio", None, None)];
        assert!(
            periods(&misspelt, &[])
                .unwrap_err()
                .to_string()
                .contains("'c'")
        );
    }

    #[test]
    fn spans_of_switches_unite() {
        let spans = gen_ai_spans(
            &[site("a", "Asia/Tokyo", None, None)],
            &[
                switch(Feature::GenAi, 10, Some(20)),
                switch(Feature::GenAi, 20, Some(30)),
                switch(Feature::GenAi, 15, Some(18)),
                switch(Feature::GenAi, 40, None),
                switch(Feature::IntentAnalyzer, 0, None),
            ],
        );
        let spans: Vec<_> = spans.into_iter().map(|(_, _, s)| (s.from, s.to)).collect();
        assert_eq!(spans, [(Some(10), Some(30)), (Some(40), None)]);
    }
}
