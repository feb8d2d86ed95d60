//! A folder of messages, sites and switches, and a table of their DARs.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray,
};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;

use crate::lake::Source;
use crate::lake::dar_table::{Refresh, Summary, refresh};
use crate::lake::relations::Relation;
use crate::session::{Settings, open};

/// A refresh without any flag.
pub(super) const PLAIN: Refresh = Refresh {
    full: false,
    dry_run: false,
    as_of: None,
    since: None,
    until: None,
    without_lock: false,
};

/// New, changed, gone and same files; new, changed and gone DARs.
pub(super) fn counts(summary: &Summary) -> ([u64; 4], [u64; 3]) {
    (
        summary.file_counts().map(|(_, count)| count),
        summary.dar_counts().map(|(_, count)| count),
    )
}

/// A message; its instant in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) site: i64,
    pub(super) conversation: i64,
    /// The message's own; without one it is no copy of any other.
    pub(super) id: Option<i64>,
    pub(super) consumer: Option<i64>,
    pub(super) at: i64,
    pub(super) sender: &'static str,
    pub(super) audience: Option<&'static str>,
    pub(super) channel: Option<&'static str>,
    pub(super) listened: Option<bool>,
}

/// How a file has instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Milliseconds,
    Microseconds,
    /// With a few nanoseconds more than the message says, which differ from file to file.
    Nanoseconds(i64),
}

/// See the module.
pub(super) struct Lake {
    folder: TempDir,
    /// `sites` and `feature_periods` as queries.
    pub(super) sites: String,
    pub(super) switches: String,
    /// `contracts` as a query, if there are any.
    pub(super) contracts: Option<String>,
    /// And `price_tiers`.
    pub(super) tiers: Option<String>,
    /// And `channel_charges`.
    pub(super) charges: Option<String>,
    /// Whether messages have ids.
    pub(super) with_ids: bool,
    pub(super) options: Vec<(&'static str, &'static str)>,
    /// Whether ids are integers.
    pub(super) integers: bool,
    pub(super) memory_limit: Option<usize>,
}

impl Lake {
    pub(super) fn new() -> Self {
        let lake = Self {
            folder: TempDir::new().unwrap(),
            sites: sites(&[(1, "one", "Europe/Rome", None, None, false)]),
            switches: switches(&[]),
            contracts: None,
            tiers: None,
            charges: None,
            with_ids: true,
            options: Vec::new(),
            integers: false,
            memory_limit: None,
        };
        std::fs::create_dir(lake.folder.path().join("messages")).unwrap();
        lake
    }

    pub(super) fn path(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join(path)
    }

    /// A session in which the table is used as the option says.
    pub(super) fn session(&self, dar_table: &str) -> SessionContext {
        let options = self
            .options
            .iter()
            .copied()
            .chain([("dar_table", dar_table)]);
        let path = |path: &str| self.path(path).to_str().unwrap().to_owned();
        let messages = Source {
            location: path("messages"),
            ..Source::default()
        };
        let relations = [
            ("messages", Relation::Files(messages)),
            ("sites", Relation::Query(self.sites.clone())),
            ("feature_periods", Relation::Query(self.switches.clone())),
        ];
        let of_money = [
            ("contracts", &self.contracts),
            ("price_tiers", &self.tiers),
            ("channel_charges", &self.charges),
        ];
        let of_money = of_money
            .into_iter()
            .filter_map(|(name, query)| Some((name, Relation::Query(query.clone()?))));
        open(Settings {
            threads: Some(2),
            memory_limit: self.memory_limit,
            relations: relations
                .into_iter()
                .chain(of_money)
                .map(|(name, relation)| (name.to_owned(), relation))
                .collect(),
            options: options
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            dar_table: Some(path("dars")),
            ..Settings::default()
        })
        .unwrap()
    }

    /// Messages as the rows of a file.
    pub(super) fn batch(&self, messages: &[Message], unit: Unit) -> RecordBatch {
        let id = |value: fn(&Message) -> Option<i64>| -> ArrayRef {
            let values = messages.iter().map(value);
            match self.integers {
                true => Arc::new(values.collect::<Int64Array>()),
                false => Arc::new(
                    values
                        .map(|id| id.map(|id| format!("id {id}")))
                        .collect::<StringArray>(),
                ),
            }
        };
        let at = messages.iter().map(|message| message.at);
        let at: ArrayRef = match unit {
            Unit::Milliseconds => Arc::new(
                TimestampMillisecondArray::from_iter_values(at.map(|at| at.div_euclid(1_000)))
                    .with_timezone("UTC"),
            ),
            Unit::Microseconds => {
                Arc::new(TimestampMicrosecondArray::from_iter_values(at).with_timezone("UTC"))
            }
            Unit::Nanoseconds(more) => Arc::new(
                TimestampNanosecondArray::from_iter_values(at.map(|at| at * 1_000 + more))
                    .with_timezone("UTC"),
            ),
        };
        let text = |value: fn(&Message) -> Option<&'static str>| -> ArrayRef {
            Arc::new(messages.iter().map(value).collect::<StringArray>())
        };
        let listened: BooleanArray = messages.iter().map(|message| message.listened).collect();
        let mut columns = vec![
            ("site_id", id(|message| Some(message.site))),
            ("conversation_id", id(|message| Some(message.conversation))),
            ("consumer_id", id(|message| message.consumer)),
            ("sent_at", at),
            ("sent_by", text(|message| Some(message.sender))),
            ("audience", text(|message| message.audience)),
            ("channel", text(|message| message.channel)),
            ("intent_analyzer", Arc::new(listened) as ArrayRef),
        ];
        if self.with_ids {
            columns.push(("message_id", id(|message| message.id)));
        }
        RecordBatch::try_from_iter(columns).unwrap()
    }

    /// Writes a file of messages, in place of one of that name.
    pub(super) fn write(&self, name: &str, messages: &[Message], unit: Unit) {
        let rows = self.batch(messages, unit);
        let half = self.path("half");
        let mut writer =
            ArrowWriter::try_new(std::fs::File::create(&half).unwrap(), rows.schema(), None)
                .unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
        std::fs::rename(half, self.path("messages").join(format!("{name}.parquet"))).unwrap();
    }

    pub(super) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path("messages").join(format!("{name}.parquet"))).unwrap();
    }

    pub(super) async fn refresh(&self, asked: &Refresh) -> Result<Summary> {
        refresh(&self.session("on"), asked).await
    }

    /// A refresh fails, says why and asks for a full one, which makes the table equal.
    pub(super) async fn asks_for_a_full_refresh(&self, why: &str) {
        let cause = self.refresh(&PLAIN).await.unwrap_err().to_string();
        assert!(cause.contains(why) && cause.contains("--full"), "{cause}");
        self.refresh(&Refresh {
            full: true,
            ..PLAIN
        })
        .await
        .unwrap();
        self.check().await;
    }

    /// The rows of a query and the types of its columns, in the order of their texts.
    pub(super) async fn rows(&self, dar_table: &str, sql: &str) -> Vec<String> {
        Self::rows_of(&self.session(dar_table), sql).await.unwrap()
    }

    /// Those of a session.
    pub(super) async fn rows_of(ctx: &SessionContext, sql: &str) -> Result<Vec<String>> {
        let rows = crate::sql::sql(ctx, sql).await?;
        let fields = rows.schema().fields().iter();
        // What a writer has noted about a column has no order.
        let bare = fields.map(|field| field.as_ref().clone().with_metadata(HashMap::new()));
        let types: Vec<String> = bare.map(|field| field.to_string()).collect();
        let mut texts = Vec::new();
        for batch in rows.collect().await? {
            let options = FormatOptions::default().with_null("NULL");
            let columns: Vec<ArrayFormatter<'_>> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
                .collect();
            for row in 0..batch.num_rows() {
                let cells: Vec<String> = columns
                    .iter()
                    .map(|column| column.value(row).to_string())
                    .collect();
                texts.push(cells.join(" | "));
            }
        }
        texts.sort();
        texts.push(types.join(" | "));
        Ok(texts)
    }

    /// Whether a query is answered from the table.
    pub(super) async fn is_from_table(&self, sql: &str) -> bool {
        let plan = self.rows("on", &format!("EXPLAIN {sql}")).await.join("\n");
        plan.contains("DarTableExec")
    }

    /// The table, which answers this query, has what the messages say.
    #[track_caller]
    pub(super) fn assert_equal(kept: &[String], computed: &[String]) {
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            these
                .iter()
                .filter(|row| !those.contains(row))
                .cloned()
                .collect()
        };
        assert_eq!(
            kept,
            computed,
            "only in the table: {:#?}, only in the messages: {:#?}",
            only(kept, computed),
            only(computed, kept)
        );
    }

    /// That of all days.
    pub(super) async fn check(&self) {
        let sql = "SELECT * FROM dars";
        assert!(
            self.is_from_table(sql).await,
            "{}",
            self.rows("on", "EXPLAIN SELECT * FROM dars")
                .await
                .join("\n")
        );
        Self::assert_equal(&self.rows("on", sql).await, &self.rows("off", sql).await);
        self.check_tally().await;
    }
}

/// `site, organization, zone, from, to, is_test`, instants as text.
pub(super) type SiteRow = (
    i64,
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    bool,
);

/// Rows of `sites` as a query; ids as text.
pub(super) fn sites(rows: &[SiteRow]) -> String {
    let rows = rows.iter().map(|(site, org, zone, from, to, test)| {
        format!(
            "('id {site}', '{org}', '{zone}', {}, {}, {test})",
            instant(*from),
            instant(*to)
        )
    });
    format!(
        "SELECT * FROM (VALUES {}) AS t(site_id, org_id, time_zone, valid_from, valid_to, is_test)",
        rows.collect::<Vec<_>>().join(", ")
    )
}

/// `organization, feature, site, from, to`
pub(super) type SwitchRow = (
    &'static str,
    &'static str,
    Option<i64>,
    &'static str,
    Option<&'static str>,
);

/// Rows of `feature_periods` as a query.
pub(super) fn switches(rows: &[SwitchRow]) -> String {
    let never = (
        "nobody",
        "gen_ai",
        None,
        "2000-01-01T00:00:00Z",
        Some("2000-01-02T00:00:00Z"),
    );
    let rows = rows
        .iter()
        .chain([&never])
        .map(|(org, feature, site, from, to)| {
            let site = site.map_or("NULL".to_owned(), |site| format!("'id {site}'"));
            format!(
                "('{org}', '{feature}', {site}, {}, {})",
                instant(Some(from)),
                instant(*to)
            )
        });
    format!(
        "SELECT * FROM (VALUES {}) AS t(org_id, feature, site_id, enabled_from, enabled_to)",
        rows.collect::<Vec<_>>().join(", ")
    )
}

fn instant(text: Option<&str>) -> String {
    match text {
        Some(text) => format!("TIMESTAMPTZ '{text}'"),
        None => "CAST(NULL AS TIMESTAMP WITH TIME ZONE)".to_owned(),
    }
}

/// Microseconds of an instant.
pub(super) fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

/// An ordinary message.
pub(super) fn message(conversation: i64, consumer: Option<i64>, sent_at: &str) -> Message {
    Message {
        site: 1,
        conversation,
        id: None,
        consumer,
        at: at(sent_at),
        sender: if consumer.is_some() {
            "consumer"
        } else {
            "agent"
        },
        audience: None,
        channel: Some("WEB"),
        listened: None,
    }
}
