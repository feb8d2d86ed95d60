//! Messages in a Delta table: after whatever its writers did the table of DARs is that of the rows that are left, which a
//! model in plain Rust keeps, too, and gives to a folder of plain files.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;
use deltalake::DeltaTable;
use deltalake::protocol::SaveMode;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use url::Url;

use super::counts::charges;
use super::lake::{Lake, Message, PLAIN, SiteRow, Unit, counts, message, sites};
use super::random::{config, messages, runtime};

/// What a writer does.
#[derive(Debug, Clone)]
enum Event {
    Append(Vec<Message>),
    Overwrite(Vec<Message>),
    /// The messages of a conversation.
    Delete(i64),
    /// Small files become large ones.
    Optimize,
}

const SITES: [SiteRow; 3] = [
    (1, "one", "Europe/Rome", None, None, false),
    (2, "two", "Pacific/Apia", None, None, false),
    (3, "two", "America/St_Johns", None, None, true),
];

/// A lake whose messages are a Delta table, and one of the same messages in plain files.
struct Both {
    delta: Lake,
    plain: Lake,
    /// What is there.
    model: Vec<Message>,
    partitions: Vec<&'static str>,
}

impl Both {
    fn new(integers: bool, partitions: Vec<&'static str>) -> Self {
        let lake = || {
            let mut lake = Lake::new();
            lake.integers = integers;
            lake.options = vec![("rejects", "skip")];
            lake.sites = match integers {
                true => sites(&SITES).replace("'id ", "'"),
                false => sites(&SITES),
            };
            lake
        };
        Self {
            delta: lake(),
            plain: lake(),
            model: Vec::new(),
            partitions,
        }
    }

    async fn happen(&mut self, event: &Event) {
        match event {
            Event::Append(messages) => {
                self.model.extend(messages.iter().cloned());
                self.write(messages, SaveMode::Append).await;
            }
            Event::Overwrite(messages) => {
                self.model = messages.clone();
                self.write(messages, SaveMode::Overwrite).await;
            }
            Event::Delete(conversation) => {
                self.model
                    .retain(|message| message.conversation != *conversation);
                let id = match self.delta.integers {
                    true => conversation.to_string(),
                    false => format!("'id {conversation}'"),
                };
                let delete = self.table().await.delete();
                delete
                    .with_predicate(format!("conversation_id = {id}"))
                    .await
                    .unwrap();
            }
            Event::Optimize => {
                self.table().await.optimize().await.unwrap();
            }
        }
    }

    async fn table(&self) -> DeltaTable {
        let folder = Url::from_directory_path(self.delta.path("messages")).unwrap();
        DeltaTable::try_from_url(folder).await.unwrap()
    }

    async fn write(&self, messages: &[Message], mode: SaveMode) {
        let rows = self.delta.batch(messages, Unit::Microseconds);
        // Any column may be NULL in a later file.
        let fields = rows.schema_ref().fields().iter();
        let fields = fields.map(|field| field.as_ref().clone().with_nullable(true));
        let schema = Schema::new(fields.collect::<Vec<_>>());
        let rows = RecordBatch::try_new(Arc::new(schema), rows.columns().to_vec()).unwrap();
        let write = self.table().await.write([rows]).with_save_mode(mode);
        let write = write.with_partition_columns(self.partitions.clone());
        write.await.unwrap();
    }

    /// The table of DARs has the rows of the model.
    async fn check(&self) {
        self.delta.check().await;
        if self.delta.charges.is_some() {
            self.delta.check_counts().await;
        }
        self.plain.write("all", &self.model, Unit::Microseconds);
        let sql = "SELECT * FROM dars";
        let mut kept = self.delta.rows("on", sql).await;
        let mut expected = self.plain.rows("off", sql).await;
        // A column of a Delta table may always be NULL.
        kept.pop();
        expected.pop();
        Lake::assert_equal(&kept, &expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_and_go_as_the_log_says() {
    // A channel that makes a folder of it another text twice over.
    let odd = |mut message: Message| {
        message.channel = Some("a b%20c/d:é?#");
        message
    };
    let copy = |mut message: Message| {
        message.id = Some(1);
        message
    };
    let mut both = Both::new(false, vec!["channel"]);
    both.delta.charges = Some(charges());
    let first = [
        copy(message(1, Some(1), "2026-01-05T10:00:00Z")),
        odd(copy(message(2, Some(2), "2026-01-06T10:00:00Z"))),
    ];
    both.happen(&Event::Append(first.to_vec())).await;
    let summary = both.delta.refresh(&PLAIN).await.unwrap();
    assert_eq!(counts(&summary), ([2, 0, 0, 0], [2, 0, 0]));
    both.check().await;
    assert!(both.delta.refresh(&PLAIN).await.unwrap().is_current);

    let more = [odd(message(3, Some(3), "2026-01-07T10:00:00Z"))];
    both.happen(&Event::Append(more.to_vec())).await;
    let summary = both.delta.refresh(&PLAIN).await.unwrap();
    assert_eq!(counts(&summary), ([1, 0, 0, 2], [1, 0, 0]));
    assert_eq!(summary.messages["counted"], 1, "nothing else is read");
    both.check().await;

    // Of the two files of a folder one is made.
    both.happen(&Event::Optimize).await;
    let summary = both.delta.refresh(&PLAIN).await.unwrap();
    assert_eq!(counts(&summary), ([1, 0, 2, 1], [0, 0, 0]));
    both.check().await;

    both.happen(&Event::Delete(3)).await;
    let summary = both.delta.refresh(&PLAIN).await.unwrap();
    assert_eq!(counts(&summary), ([1, 0, 1, 1], [0, 0, 1]));
    both.check().await;

    // A copy in another folder, and later; then the first of it goes.
    let again = [copy(message(2, Some(2), "2026-01-07T11:00:00Z"))];
    for event in [
        Event::Append(again.to_vec()),
        Event::Optimize,
        Event::Overwrite(again.to_vec()),
    ] {
        both.happen(&event).await;
        both.delta.refresh(&PLAIN).await.unwrap();
        both.check().await;
    }
}

/// A fixture of a table as another writer left it, up to one of its versions.
fn copy(lake: &Lake, fixture: &str, version: u64) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/delta_writers");
    let (from, to) = (from.join(fixture), lake.path("messages"));
    std::fs::create_dir_all(to.join("_delta_log")).unwrap();
    let log = (0..=version).map(|version| format!("_delta_log/{version:020}.json"));
    let files = std::fs::read_dir(&from).unwrap().map(|file| file.unwrap());
    let files = files.filter(|file| file.file_type().unwrap().is_file());
    let files = files.map(|file| file.file_name().into_string().unwrap());
    for name in log.chain(files) {
        std::fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

fn lake_of(fixture: &str, version: u64) -> Lake {
    let mut lake = Lake::new();
    lake.sites = "SELECT '007' AS site_id, 'one' AS org_id, 'Europe/Rome' AS time_zone".to_owned();
    copy(&lake, fixture, version);
    lake
}

async fn conversations(lake: &Lake) -> Vec<String> {
    let mut rows = lake.rows("on", "SELECT relationship_id FROM dars").await;
    rows.pop();
    rows
}

/// A file some of whose rows were deleted by a vector is another file.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_deleted_by_a_vector() {
    for fixture in ["deleted_inline", "deleted_file", "renamed_deleted"] {
        let lake = lake_of(fixture, 0);
        let summary = lake.refresh(&PLAIN).await.unwrap();
        assert_eq!(counts(&summary), ([1, 0, 0, 0], [6, 0, 0]), "{fixture}");
        lake.check().await;
        copy(&lake, fixture, 1);
        let summary = lake.refresh(&PLAIN).await.unwrap();
        assert_eq!(counts(&summary), ([0, 1, 0, 0], [0, 0, 3]), "{fixture}");
        lake.check().await;
        assert_eq!(conversations(&lake).await, ["c1", "c3", "c5"]);
        assert!(lake.refresh(&PLAIN).await.unwrap().is_current);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_have_other_names_in_the_files() {
    for fixture in ["renamed", "numbered"] {
        let lake = lake_of(fixture, 0);
        lake.refresh(&PLAIN).await.unwrap();
        lake.check().await;
        let all = ["c0", "c1", "c2", "c3", "c4", "c5"];
        assert_eq!(conversations(&lake).await, all, "{fixture}");
        // Two columns change their names, and no file says so.
        let first = lake.path("messages/_delta_log/00000000000000000000.json");
        let first = std::fs::read_to_string(first).unwrap();
        let metadata = first
            .lines()
            .find(|line| line.contains("metaData"))
            .unwrap();
        let swapped = metadata
            .replace(r#"\"name\": \"site_id\""#, r#"\"name\": \"other\""#)
            .replace(
                r#"\"name\": \"conversation_id\""#,
                r#"\"name\": \"site_id\""#,
            )
            .replace(r#"\"name\": \"other\""#, r#"\"name\": \"conversation_id\""#);
        assert_ne!(metadata, swapped);
        let second = lake.path("messages/_delta_log/00000000000000000001.json");
        std::fs::write(second, format!("{swapped}\n")).unwrap();
        let mut lake = lake;
        lake.sites = (0..6)
            .map(|site| {
                format!("SELECT 'c{site}' AS site_id, 'one' AS org_id, 'Europe/Rome' AS time_zone")
            })
            .collect::<Vec<_>>()
            .join(" UNION ALL ");
        lake.asks_for_a_full_refresh("another reading: messages")
            .await;
        assert_eq!(conversations(&lake).await, ["007"; 6]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feature_that_nobody_knows_is_named() {
    let lake = lake_of("unknown", 0);
    let cause = lake.refresh(&PLAIN).await.unwrap_err().to_string();
    assert!(cause.contains("rowsByMoonlight"), "{cause}");
    assert!(!lake.path("dars/_delta_log").exists());
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => messages().prop_map(Event::Append),
        1 => messages().prop_map(Event::Overwrite),
        2 => (0..5_i64).prop_map(Event::Delete),
        2 => Just(Event::Optimize),
    ]
}

#[test]
fn every_history_of_a_delta_table_leaves_the_table_equal() {
    let partitions =
        prop::sample::select(vec![vec![], vec!["site_id"], vec!["channel", "site_id"]]);
    let events = prop::collection::vec(prop::collection::vec(event(), 1..3), 1..6);
    let runtime = runtime();
    let live = |integers: bool, partitions, history: Vec<Vec<Event>>| async move {
        let mut both = Both::new(integers, partitions);
        both.happen(&Event::Append(Vec::new())).await;
        for events in history {
            for event in &events {
                both.happen(event).await;
            }
            both.delta.refresh(&PLAIN).await.unwrap();
            both.check().await;
            assert!(both.delta.refresh(&PLAIN).await.unwrap().is_current);
        }
    };
    let outcome = TestRunner::new(config(12)).run(
        &(any::<bool>(), partitions, events),
        |(integers, partitions, history)| {
            let lived = live(integers, partitions, history);
            let lived = runtime.block_on(async { tokio::spawn(lived).await });
            lived.map_err(|failure| TestCaseError::fail(failure.to_string()))
        },
    );
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
