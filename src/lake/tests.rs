//! Files as different hands write them, read through a plain session.
//!
//! What must be equal: the rows, whatever encoding, unit, layout or order the files claim. What must fail: a location
//! without files, files that disagree about what a column is, a file that is no Parquet.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Decimal128Array, DictionaryArray, Int32Array, Int64Array, LargeStringArray,
    StringArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    UInt8Array,
};
use datafusion::arrow::datatypes::{DataType, Int8Type};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::{SessionConfig, SessionContext};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;

use super::{Source, open, open_source};

/// A folder of files, and a session that looks at it.
struct Lake {
    folder: TempDir,
    ctx: SessionContext,
}

impl Lake {
    fn new() -> Self {
        let config = SessionConfig::new().with_target_partitions(2);
        Self {
            folder: TempDir::new().unwrap(),
            ctx: SessionContext::new_with_config(config),
        }
    }

    fn at(&self, path: &str) -> String {
        self.folder.path().join(path).to_string_lossy().into_owned()
    }

    fn write(&self, path: &str, columns: Vec<(&str, ArrayRef)>) -> &Self {
        self.write_as(path, columns, WriterProperties::default())
    }

    fn write_as(
        &self,
        path: &str,
        columns: Vec<(&str, ArrayRef)>,
        properties: WriterProperties,
    ) -> &Self {
        let path = self.at(path);
        std::fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let file = File::create(path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        self
    }

    async fn error(&self, path: &str) -> String {
        open(&self.ctx.state(), &self.at(path))
            .await
            .unwrap_err()
            .to_string()
    }

    /// The rows of `sql` over the location, which it calls `t`.
    async fn query(&self, path: &str, sql: &str) -> String {
        let table = open(&self.ctx.state(), &self.at(path)).await.unwrap();
        self.ctx.deregister_table("t").unwrap();
        self.ctx.register_table("t", table).unwrap();
        let rows = self.ctx.sql(sql).await.unwrap().collect().await.unwrap();
        pretty_format_batches(&rows).unwrap().to_string()
    }

    async fn count(&self, path: &str) -> String {
        let shown = self.query(path, "SELECT count(*) AS n FROM t").await;
        shown.lines().nth(3).unwrap().replace(['|', ' '], "")
    }
}

fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn numbers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

#[tokio::test]
async fn encodings_units_and_labels_may_differ() {
    let lake = Lake::new();
    let dictionary: DictionaryArray<Int8Type> = ["a", "b"].into_iter().collect();
    lake.write(
        "m/1.parquet",
        vec![
            ("id", Arc::new(dictionary)),
            (
                "at",
                Arc::new(TimestampMillisecondArray::from(vec![1, 2]).with_timezone("Europe/Rome")),
            ),
            ("n", Arc::new(Int32Array::from(vec![1, 2]))),
            (
                "p",
                Arc::new(
                    Decimal128Array::from(vec![15, 20])
                        .with_precision_and_scale(4, 1)
                        .unwrap(),
                ),
            ),
        ],
    )
    .write(
        "m/2.parquet",
        vec![
            ("n", Arc::new(UInt8Array::from(vec![3]))),
            (
                "at",
                Arc::new(TimestampNanosecondArray::from(vec![3_000_001]).with_timezone("+00:00")),
            ),
            ("id", Arc::new(LargeStringArray::from(vec!["c"]))),
            (
                "p",
                Arc::new(
                    Decimal128Array::from(vec![12_345])
                        .with_precision_and_scale(6, 4)
                        .unwrap(),
                ),
            ),
        ],
    )
    .write(
        "m/deep/er/3.PARQUET",
        vec![
            ("id", text(&["d"])),
            (
                "at",
                Arc::new(TimestampMicrosecondArray::from(vec![4_000]).with_timezone("UTC")),
            ),
            ("extra", numbers(&[9])),
        ],
    );
    let schema = open(&lake.ctx.state(), &lake.at("m"))
        .await
        .unwrap()
        .schema();
    let types: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| format!("{} {}", field.name(), field.data_type()))
        .collect();
    assert_eq!(
        types,
        [
            "id Utf8View",
            "at Timestamp(ns, \"UTC\")",
            "n Int64",
            "p Decimal128(7, 4)",
            "extra Int64"
        ]
    );
    let shown = lake
        .query(
            "m",
            "SELECT * FROM t WHERE id <> 'b' AND at < now() ORDER BY id",
        )
        .await;
    insta::assert_snapshot!(shown, @r"
    +----+--------------------------------+---+--------+-------+
    | id | at                             | n | p      | extra |
    +----+--------------------------------+---+--------+-------+
    | a  | 1970-01-01T00:00:00.001Z       | 1 | 1.5000 |       |
    | c  | 1970-01-01T00:00:00.003000001Z | 3 | 1.2345 |       |
    | d  | 1970-01-01T00:00:00.004Z       |   |        | 9     |
    +----+--------------------------------+---+--------+-------+
    ");
}

#[tokio::test]
async fn kinds_may_not_differ() {
    let lake = Lake::new();
    lake.write("m/1.parquet", vec![("site_id", text(&["7"]))]);
    lake.write("m/2.parquet", vec![("site_id", numbers(&[7]))]);
    let error = lake.error("m").await;
    for expected in [
        "'site_id' is text in",
        "m/1.parquet' and an integer in",
        "m/2.parquet'",
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn folders_become_columns() {
    let lake = Lake::new();
    let null = "__HIVE_DEFAULT_PARTITION__";
    lake.write(
        "m/site=007/day=2026-11-01/1.parquet",
        vec![("n", numbers(&[1]))],
    )
    .write(
        "m/site=a%2Fb/day=2026-11-02/1.parquet",
        vec![("n", numbers(&[2]))],
    )
    .write(
        &format!("m/site={null}/day=2026-11-03/1.parquet"),
        vec![("n", numbers(&[3]))],
    )
    .write("m/4.parquet", vec![("n", numbers(&[4]))]);
    insta::assert_snapshot!(lake.query("m", "SELECT * FROM t ORDER BY n").await, @r"
    +---+------+------------+
    | n | site | day        |
    +---+------+------------+
    | 1 | 007  | 2026-11-01 |
    | 2 | a/b  | 2026-11-02 |
    | 3 |      | 2026-11-03 |
    | 4 |      |            |
    +---+------+------------+
    ");
    insta::assert_snapshot!(
        lake.query("m", "SELECT n FROM t WHERE site IS NULL OR site <> '007' AND n > 0 ORDER BY n").await, @r"
    +---+
    | n |
    +---+
    | 2 |
    | 3 |
    | 4 |
    +---+
    ");
    let plan = lake
        .query(
            "m",
            "EXPLAIN SELECT n FROM t WHERE day >= DATE '2026-11-02'",
        )
        .await;
    assert!(
        !plan.contains("site=007") && plan.contains("day=2026-11-02"),
        "{plan}"
    );
    let none = lake.query("m", "SELECT n FROM t WHERE site = 'none'").await;
    assert!(!none.contains("| n |"), "{none}");
    // What is written counts too, so that one site's folder still knows its site.
    let shown = lake
        .query("m/site=007/*/*.parquet", "SELECT site, day, n FROM t")
        .await;
    assert!(
        shown.contains("007") && shown.contains("2026-11-01"),
        "{shown}"
    );
}

#[tokio::test]
async fn folder_columns_take_a_configured_type() {
    let lake = Lake::new();
    lake.write("m/site=7/1.parquet", vec![("n", numbers(&[1]))]);
    let mut source = Source {
        location: lake.at("m"),
        ..Source::default()
    };
    source.columns.insert("site".to_owned(), DataType::Int64);
    let schema = open_source(&lake.ctx.state(), &source)
        .await
        .unwrap()
        .schema();
    assert_eq!(
        schema.field_with_name("site").unwrap().data_type(),
        &DataType::Int64
    );
    source.columns.insert("site".to_owned(), DataType::Date32);
    let error = open_source(&lake.ctx.state(), &source)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("'site=7'"), "{error}");
    source.columns.insert("sight".to_owned(), DataType::Int64);
    let error = open_source(&lake.ctx.state(), &source)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("'sight'") && error.contains("they give 'site'"),
        "{error}"
    );
}

#[tokio::test]
async fn a_column_of_the_files_is_taken_from_the_files() {
    let lake = Lake::new();
    lake.write("m/n=9/1.parquet", vec![("n", numbers(&[1]))]);
    assert!(
        lake.query("m", "SELECT n + 1 AS n FROM t")
            .await
            .contains("| 2 |")
    );
    lake.write("m/n=9/2.parquet", vec![("other", numbers(&[1]))]);
    assert!(lake.error("m").await.contains("in all files or in none"));
}

#[tokio::test]
async fn patterns_match_as_in_a_shell() {
    let lake = Lake::new();
    for path in [
        "m/1.parquet",
        "m/2.parquet",
        "m/a/3.parquet",
        "m/a/b/4.parquet",
        "m/spark.parquet/part-0.parquet",
    ] {
        lake.write(path, vec![("n", numbers(&[1]))]);
    }
    for (pattern, count) in [
        ("m", "5"),
        ("m/", "5"),
        ("m/[12].parquet", "2"),
        ("m/*.parquet", "3"),
        ("m/**/*.parquet", "5"),
        ("m/a*", "2"),
        ("*/a/b/*", "1"),
    ] {
        assert_eq!(lake.count(pattern).await, count, "{pattern}");
    }
    assert!(lake.error("m/*.pq").await.contains("no data file matches"));
}

#[tokio::test]
async fn nothing_is_left_out_without_a_word() {
    let lake = Lake::new();
    lake.write("m/1.parquet", vec![("n", numbers(&[1]))]);
    // What writers leave beside their files is no data.
    for hidden in [
        "_SUCCESS",
        "_temporary/2.parquet",
        ".3.parquet.crc",
        "_4.parquet",
        "notes.txt",
    ] {
        let path = lake.at(&format!("m/{hidden}"));
        std::fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    assert_eq!(lake.count("m").await, "1");
    std::fs::write(lake.at("m/5.parquet"), "").unwrap();
    let error = lake.error("m").await;
    assert!(
        error.contains("m/5.parquet' cannot be read as a parquet file (0 bytes)"),
        "{error}"
    );
    std::fs::rename(lake.at("m/5.parquet"), lake.at("m/5.csv.gz")).unwrap();
    let error = lake.error("m").await;
    for expected in [
        "files of two formats",
        "1.parquet' is parquet",
        "5.csv.gz' is csv",
    ] {
        assert!(error.contains(expected), "{error}");
    }
    std::fs::rename(lake.at("m/5.csv.gz"), lake.at("m/5.avro")).unwrap();
    assert!(lake.error("m").await.contains("5.avro' is an avro file"));
    std::fs::create_dir(lake.at("empty")).unwrap();
    assert!(
        lake.error("empty")
            .await
            .contains("has no data file in it or below")
    );
    assert!(
        lake.error("nowhere")
            .await
            .contains("there is no such file or folder")
    );
}

#[tokio::test]
async fn an_order_that_a_file_claims_is_not_believed() {
    let lake = Lake::new();
    let sorted = SortingColumn {
        column_idx: 0,
        descending: false,
        nulls_first: false,
    };
    let properties = WriterProperties::builder()
        .set_sorting_columns(Some(vec![sorted]))
        .build();
    lake.write_as(
        "m/1.parquet",
        vec![("id", text(&["b", "a", "b", "a"]))],
        properties,
    );
    lake.ctx
        .sql("SET datafusion.execution.batch_size = 1")
        .await
        .unwrap();
    lake.ctx
        .sql("SET datafusion.execution.target_partitions = 1")
        .await
        .unwrap();
    insta::assert_snapshot!(lake.query("m", "SELECT id, count(*) AS n FROM t GROUP BY id ORDER BY id").await, @r"
    +----+---+
    | id | n |
    +----+---+
    | a  | 2 |
    | b  | 2 |
    +----+---+
    ");
    let plan = lake
        .query("m", "EXPLAIN SELECT id FROM t ORDER BY id")
        .await;
    assert!(
        plan.contains("SortExec") && !plan.contains("output_ordering"),
        "{plan}"
    );
}

#[tokio::test]
async fn rows_are_counted_without_reading_them() {
    let lake = Lake::new();
    lake.write("m/k=1/1.parquet", vec![("n", numbers(&[1, 2]))]);
    lake.write("m/k=2/1.parquet", vec![("n", numbers(&[3]))]);
    let plan = lake
        .query("m", "EXPLAIN SELECT count(*) FROM t WHERE k = '1'")
        .await;
    assert!(
        plan.contains("PlaceholderRowExec") && plan.contains("2 as count"),
        "{plan}"
    );
}

#[tokio::test]
async fn files_that_arrive_are_seen() {
    let lake = Lake::new();
    lake.write("m/1.parquet", vec![("n", numbers(&[1]))]);
    assert_eq!(lake.count("m").await, "1");
    lake.write("m/2.parquet", vec![("n", numbers(&[1, 2]))]);
    assert_eq!(lake.count("m").await, "3");
    // A file of the same name is another file.
    lake.write("m/2.parquet", vec![("n", numbers(&[1, 2, 3]))]);
    assert_eq!(lake.count("m").await, "4");
}
