//! The reports that come with the tool: every file of `queries/`, and nothing else.

/// Name and text, by name.
pub(super) const ALL: [(&str, &str); 25] = [
    (
        "commitment_sizing",
        include_str!("../../../queries/commitment_sizing.sql"),
    ),
    (
        "containment",
        include_str!("../../../queries/containment.sql"),
    ),
    (
        "cost_per_resolved",
        include_str!("../../../queries/cost_per_resolved.sql"),
    ),
    (
        "dar_messages",
        include_str!("../../../queries/dar_messages.sql"),
    ),
    (
        "data_quality",
        include_str!("../../../queries/data_quality.sql"),
    ),
    ("drawdown", include_str!("../../../queries/drawdown.sql")),
    (
        "feature_costs",
        include_str!("../../../queries/feature_costs.sql"),
    ),
    ("focus", include_str!("../../../queries/focus.sql")),
    ("invoice", include_str!("../../../queries/invoice.sql")),
    (
        "invoice_changes",
        include_str!("../../../queries/invoice_changes.sql"),
    ),
    (
        "invoice_line_dars",
        include_str!("../../../queries/invoice_line_dars.sql"),
    ),
    (
        "invoice_totals",
        include_str!("../../../queries/invoice_totals.sql"),
    ),
    (
        "ledger_changes",
        include_str!("../../../queries/ledger_changes.sql"),
    ),
    (
        "marginal_cost",
        include_str!("../../../queries/marginal_cost.sql"),
    ),
    (
        "message_conflicts",
        include_str!("../../../queries/message_conflicts.sql"),
    ),
    (
        "monthly_channels",
        include_str!("../../../queries/monthly_channels.sql"),
    ),
    (
        "monthly_credits",
        include_str!("../../../queries/monthly_credits.sql"),
    ),
    (
        "overage_forecast",
        include_str!("../../../queries/overage_forecast.sql"),
    ),
    (
        "pass_through",
        include_str!("../../../queries/pass_through.sql"),
    ),
    (
        "plan_what_if",
        include_str!("../../../queries/plan_what_if.sql"),
    ),
    ("readings", include_str!("../../../queries/readings.sql")),
    (
        "roi_by_kind",
        include_str!("../../../queries/roi_by_kind.sql"),
    ),
    (
        "seat_comparison",
        include_str!("../../../queries/seat_comparison.sql"),
    ),
    (
        "weekly_usage",
        include_str!("../../../queries/weekly_usage.sql"),
    ),
    (
        "zone_check",
        include_str!("../../../queries/zone_check.sql"),
    ),
];

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::super::header::{Header, title};
    use super::ALL;

    #[test]
    fn the_list_and_the_folder_agree() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/queries");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|file| file.strip_suffix(".sql").map(str::to_owned))
            .collect();
        files.sort();
        assert_eq!(ALL.map(|(name, _)| name.to_owned()).to_vec(), files);
    }

    #[test]
    fn every_report_says_what_it_shows() {
        for (name, text) in ALL {
            assert!(!title(text).is_empty(), "{name}");
            Header::read(text).unwrap();
        }
    }
}
