//! The reports that come with the tool: every file of `queries/`, and nothing else.

/// Name and text, by name.
pub(super) const ALL: [(&str, &str); 5] = [
    (
        "data_quality",
        include_str!("../../../queries/data_quality.sql"),
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
