//! Delta tables under the hands of a test: files of the generated year, and a log that says which of them are rows.

use std::path::{Path, PathBuf};

pub(super) const MESSAGES: &[(&str, &str, bool)] = &[
    ("site_id", "string", false),
    ("conversation_id", "string", false),
    ("sent_at", "timestamp", false),
    ("sent_by", "string", false),
    ("consumer_id", "string", true),
    ("message_id", "string", false),
    ("audience", "string", false),
    ("channel", "string", true),
    ("intent_analyzer", "boolean", true),
    ("queue", "string", true),
    ("month", "string", true),
];

pub(super) const SITES: &[(&str, &str, bool)] = &[
    ("site_id", "string", false),
    ("org_id", "string", false),
    ("time_zone", "string", false),
    ("valid_from", "timestamp", true),
    ("valid_to", "timestamp", true),
    ("is_test", "boolean", true),
];

pub(super) fn testdata(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(path)
}

/// A table under the hands of a test.
pub(super) struct Table {
    folder: PathBuf,
    pub(super) version: usize,
}

impl Table {
    /// Version 0, without rows.
    pub(super) fn new(folder: PathBuf, columns: &[(&str, &str, bool)], in_log: &[&str]) -> Self {
        std::fs::create_dir_all(folder.join("_delta_log")).unwrap();
        let fields = columns.iter().map(|(name, kind, nullable)| {
            serde_json::json!({"name": name, "type": kind, "nullable": nullable, "metadata": {}})
        });
        let schema = serde_json::json!({"type": "struct", "fields": fields.collect::<Vec<_>>()});
        let table = Self { folder, version: 0 };
        table.commit(&[
            serde_json::json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}),
            serde_json::json!({"metaData": {
                "id": "6f1c0f5e-1d0b-4c39-9b0e-0e6a36d1a001", "format": {"provider": "parquet", "options": {}},
                "schemaString": schema.to_string(), "partitionColumns": in_log, "configuration": {}, "createdTime": 0
            }}),
        ]);
        table
    }

    /// Each version is an hour after the one before.
    pub(super) fn commit(&self, actions: &[serde_json::Value]) {
        let hours = 3_600_000 * self.version as u64;
        let info = serde_json::json!({"commitInfo": {"timestamp": 1_800_000_000_000_u64 + hours, "operation": "WRITE"}});
        let lines = std::iter::once(&info).chain(actions);
        let lines: Vec<String> = lines.map(ToString::to_string).collect();
        let log = format!("_delta_log/{:020}.json", self.version);
        std::fs::write(self.folder.join(log), lines.join("\n")).unwrap();
    }

    /// The next version has copies of these files: where each is from, its place in the folder and that place as the log
    /// spells it.
    pub(super) fn add(
        &mut self,
        files: &[(PathBuf, String, String)],
        month: impl Fn(&str) -> Option<String>,
    ) {
        self.version += 1;
        let added = files.iter().map(|(from, path, spelt)| {
            let to = self.folder.join(path);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(from, &to).unwrap();
            let values = month(path).map_or(serde_json::json!({}), |month| serde_json::json!({"month": month}));
            serde_json::json!({"add": {
                "path": spelt, "size": std::fs::metadata(&to).unwrap().len(), "partitionValues": values,
                "modificationTime": 0, "dataChange": true
            }})
        });
        let added: Vec<_> = added.collect();
        self.commit(&added);
    }

    /// Months of the generated year.
    pub(super) fn add_months(&mut self, months: std::ops::RangeInclusive<u8>) {
        let files = months.map(|month| {
            let path = format!("month=2025-{month:02}/part-0.parquet");
            (
                testdata("generated/messages").join(&path),
                path.clone(),
                path,
            )
        });
        let files: Vec<_> = files.collect();
        self.add(&files, |path| Some(path["month=".len()..][..7].to_owned()));
    }

    /// The next version has a month no more; its file stays where it was.
    pub(super) fn remove_month(&mut self, month: u8) {
        self.version += 1;
        let path = format!("month=2025-{month:02}/part-0.parquet");
        self.commit(&[serde_json::json!({"remove": {
            "path": path, "deletionTimestamp": 1_800_000_000_000_u64, "dataChange": true
        }})]);
    }
}
