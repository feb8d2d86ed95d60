//! CSV, JSON and Arrow files through a plain session.
//!
//! What must be equal: the rows, however the file is compressed or written. What must fail, with the file and the line: a
//! row that is none, a value that is not of its column's kind.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::ipc::writer::{FileWriter, StreamWriter};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::SessionContext;
use tempfile::TempDir;

use crate::lake::{Source, open_source};

/// A folder of files, and a session that looks at it.
struct Desk {
    folder: TempDir,
    ctx: SessionContext,
    columns: Vec<(&'static str, DataType)>,
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            ctx: SessionContext::new(),
            columns: Vec::new(),
        }
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    fn at(&self, path: &str) -> String {
        self.folder.path().join(path).to_string_lossy().into_owned()
    }

    /// The rows of `sql` over the location, which it calls `t`, or what is wrong with them.
    async fn query(&self, path: &str, sql: &str) -> Result<String, String> {
        let mut source = Source {
            location: self.at(path),
            ..Source::default()
        };
        for (name, data_type) in &self.columns {
            source.columns.insert((*name).to_owned(), data_type.clone());
        }
        let words = |cause: datafusion::error::DataFusionError| cause.to_string();
        let table = open_source(&self.ctx.state(), &source)
            .await
            .map_err(words)?;
        self.ctx.deregister_table("t").unwrap();
        self.ctx.register_table("t", table).unwrap();
        let rows = self.ctx.sql(sql).await.map_err(words)?;
        let rows = rows.collect().await.map_err(words)?;
        Ok(pretty_format_batches(&rows).unwrap().to_string())
    }

    async fn types(&self, path: &str) -> String {
        let sql = "SELECT * FROM t LIMIT 0";
        let table = self.query(path, sql).await;
        table.unwrap();
        let schema = self.ctx.table("t").await.unwrap().schema().clone();
        let types: Vec<String> = schema
            .fields()
            .iter()
            .map(|field| format!("{} {}", field.name(), field.data_type()))
            .collect();
        types.join(", ")
    }
}

const CSV: &str = "site_id,sent_at,price,on,day,note\n\
                   007,2026-11-01T00:00:00+01:00,0.46,true,2026-11-01,\"a, \"\"b\"\"\"\n\
                   8,2026-11-01T00:00:00Z,12,FALSE,2026-11-02,\n";

#[tokio::test]
async fn csv_values_are_exact() {
    let desk = Desk::new();
    desk.write("m.csv", CSV);
    assert_eq!(
        desk.types("m.csv").await,
        "site_id Utf8View, sent_at Timestamp(µs, \"UTC\"), price Decimal128(20, 2), on Boolean, day Date32, note Utf8View"
    );
    insta::assert_snapshot!(desk.query("m.csv", "SELECT * FROM t").await.unwrap(), @r#"
    +---------+----------------------+-------+-------+------------+--------+
    | site_id | sent_at              | price | on    | day        | note   |
    +---------+----------------------+-------+-------+------------+--------+
    | 007     | 2026-10-31T23:00:00Z | 0.46  | true  | 2026-11-01 | a, "b" |
    | 8       | 2026-11-01T00:00:00Z | 12.00 | false | 2026-11-02 |        |
    +---------+----------------------+-------+-------+------------+--------+
    "#);
    let plan = desk
        .query("m.csv", "EXPLAIN SELECT count(*) FROM t")
        .await
        .unwrap();
    assert!(plan.contains("PlaceholderRowExec"), "{plan}");
}

#[tokio::test]
async fn files_and_folders_of_rows_are_one_relation() {
    let desk = Desk::new();
    desk.write("m/site=007/1.csv", "n,x\n1,a\n")
        .write("m/site=8/2.csv", "x,n\n,2.5\n");
    insta::assert_snapshot!(
        desk.query("m", "SELECT site, n, x FROM t WHERE site IS NOT NULL ORDER BY n").await.unwrap(), @r"
    +------+-----+---+
    | site | n   | x |
    +------+-----+---+
    | 007  | 1.0 | a |
    | 8    | 2.5 |   |
    +------+-----+---+
    ");
    let one = desk
        .query("m", "SELECT n FROM t WHERE site = '8'")
        .await
        .unwrap();
    assert!(one.contains("2.5") && !one.contains("1.0"), "{one}");
    desk.write("m/3.csv", "n\nmany\n");
    let error = desk.query("m", "SELECT * FROM t").await.unwrap_err();
    assert!(
        error.contains("'n' is text in") && error.contains("3.csv"),
        "{error}"
    );
}

#[tokio::test]
async fn json_keeps_its_digits_and_says_what_a_value_is() {
    let desk = Desk::new();
    desk.write(
        "m.ndjson",
        "{\"site_id\":\"007\",\"at\":\"2026-11-01T00:00:00.5Z\",\"price\":0.1,\"n\":1}\n\
         {\"site_id\":\"8\",\"price\":1e-7,\"n\":null,\"tags\":[1, \"x\"]}\n",
    );
    insta::assert_snapshot!(desk.query("m.ndjson", "SELECT * FROM t").await.unwrap(), @r#"
    +---------+--------------------------+-----------+---+----------+
    | site_id | at                       | price     | n | tags     |
    +---------+--------------------------+-----------+---+----------+
    | 007     | 2026-11-01T00:00:00.500Z | 0.1000000 | 1 |          |
    | 8       |                          | 0.0000001 |   | [1, "x"] |
    +---------+--------------------------+-----------+---+----------+
    "#);
    desk.write("x.ndjson", "{\"a\":1}\n{\"a\":\"1\"}\n");
    let error = desk.query("x.ndjson", "SELECT * FROM t").await.unwrap_err();
    assert!(
        error.contains("x.ndjson', line 2: 'a' is text here and a whole number in the rows before"),
        "{error}"
    );
}

/// The first megabytes decide; a row after them that does not fit is named, as is a member that nobody knew.
#[tokio::test]
async fn every_row_is_held_to_what_the_first_ones_are() {
    let mut desk = Desk::new();
    let filler = "x".repeat(1 << 16);
    let mut csv = String::from("n,filler\n");
    let mut json = String::new();
    for n in 0..140 {
        csv.push_str(&format!("{n},{filler}\n"));
        json.push_str(&format!("{{\"n\":{n},\"filler\":\"{filler}\"}}\n"));
    }
    csv.push_str("007,\n");
    json.push_str("{\"n\":1,\"late\":2}\n");
    desk.write("m.csv", &csv).write("m.ndjson", &json);
    let error = desk
        .query("m.csv", "SELECT sum(n) FROM t")
        .await
        .unwrap_err();
    assert!(
        error.contains("m.csv', line 142: '007' in the column 'n' is not a whole number"),
        "{error}"
    );
    let error = desk
        .query("m.ndjson", "SELECT count(*) FROM t")
        .await
        .unwrap_err();
    assert!(
        error.contains("m.ndjson', line 141: 'late' comes up here first"),
        "{error}"
    );
    desk.columns = vec![("n", DataType::Utf8View)];
    let rows = desk
        .query(
            "m.csv",
            "SELECT max(n) FROM t WHERE n LIKE '0%' AND n <> '0'",
        )
        .await;
    assert!(rows.unwrap().contains("007"));
    desk.columns = vec![("late", DataType::Int64)];
    let rows = desk
        .query("m.ndjson", "SELECT count(*) AS n, sum(late) FROM t")
        .await
        .unwrap();
    assert!(rows.contains("| 141 | 2"), "{rows}");
}

#[tokio::test]
async fn a_configured_type_is_kept_to() {
    let mut desk = Desk::new();
    desk.write("m.csv", "queue,price\n1,2\n");
    desk.columns = vec![
        ("queue", DataType::Utf8View),
        ("price", DataType::Decimal128(18, 6)),
    ];
    assert_eq!(
        desk.types("m.csv").await,
        "queue Utf8View, price Decimal128(18, 6)"
    );
    desk.columns = vec![("price", DataType::Date32)];
    let error = desk.query("m.csv", "SELECT * FROM t").await.unwrap_err();
    assert!(
        error.contains("line 2: '2' in the column 'price' is not a date"),
        "{error}"
    );
    desk.columns = vec![("pricce", DataType::Date32)];
    let error = desk.query("m.csv", "SELECT * FROM t").await.unwrap_err();
    assert!(error.contains("did you mean 'price'?"), "{error}");
}

/// A compressed file of two parts, put one behind the other, has the rows of both; one that is cut off has none.
#[tokio::test]
async fn compressed_files_are_read_whole() {
    let desk = Desk::new();
    let zst = |text: &str| zstd_frame(text.as_bytes());
    let both = [zst("n\n1\n"), zst("2\n3\n")].concat();
    desk.write("m.csv.zst", &both);
    let rows = desk
        .query("m.csv.zst", "SELECT sum(n) FROM t")
        .await
        .unwrap();
    assert!(rows.contains("| 6 "), "{rows}");
    desk.write("cut.csv.zst", &both[..both.len() - 3]);
    let error = desk
        .query("cut.csv.zst", "SELECT sum(n) FROM t")
        .await
        .unwrap_err();
    assert!(error.contains("cut.csv.zst' cannot be read"), "{error}");
}

/// A frame with one raw block, by the format's own description, so that no compressor is needed.
fn zstd_frame(bytes: &[u8]) -> Vec<u8> {
    let size = u8::try_from(bytes.len()).unwrap();
    let block = u32::from(size) << 3 | 1;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, size];
    frame.extend(&block.to_le_bytes()[..3]);
    frame.extend(bytes);
    frame
}

#[tokio::test]
async fn arrow_streams_and_files_must_have_their_end() {
    let desk = Desk::new();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(Int64Array::from(vec![1, 2]))),
        ("t", Arc::new(StringArray::from(vec!["a", "b"]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut stream = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    stream.write(&batch).unwrap();
    stream.write(&batch).unwrap();
    let mut file = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    file.write(&batch).unwrap();
    let (stream, file) = (stream.into_inner().unwrap(), file.into_inner().unwrap());
    desk.write("m/1.arrows", &stream).write("m/2.arrow", &file);
    insta::assert_snapshot!(
        desk.query("m", "SELECT t, sum(n) AS n, count(*) AS rows FROM t GROUP BY t ORDER BY t").await.unwrap(), @r"
    +---+---+------+
    | t | n | rows |
    +---+---+------+
    | a | 3 | 3    |
    | b | 6 | 3    |
    +---+---+------+
    ");
    // Cut between two batches: without its end a stream would only look shorter.
    desk.write("cut.arrows", &stream[..stream.len() - 8]);
    let error = desk
        .query("cut.arrows", "SELECT count(*) FROM t")
        .await
        .unwrap_err();
    assert!(error.contains("ends without the mark"), "{error}");
    desk.write("two.arrows", [stream.clone(), stream].concat());
    let error = desk
        .query("two.arrows", "SELECT count(*) FROM t")
        .await
        .unwrap_err();
    assert!(error.contains("more follows behind the end"), "{error}");
    desk.write("text.arrow", "a,b\n1,2\n3,4\n");
    let error = desk
        .query("text.arrow", "SELECT * FROM t")
        .await
        .unwrap_err();
    assert!(error.contains("text.arrow'"), "{error}");
}

#[tokio::test]
async fn an_empty_file_is_no_relation_of_csv() {
    let desk = Desk::new();
    desk.write("m.csv", "");
    let error = desk.query("m.csv", "SELECT * FROM t").await.unwrap_err();
    assert!(
        error.contains("m.csv', line 1: the file is empty"),
        "{error}"
    );
    desk.write("h.csv", "a,b\n");
    let rows = desk
        .query("h.csv", "SELECT count(*) AS n FROM t")
        .await
        .unwrap();
    assert!(rows.contains("| 0 "), "{rows}");
    let mut file = std::fs::File::create(Path::new(&desk.at("m.ndjson"))).unwrap();
    file.write_all(b"\n").unwrap();
    let rows = desk
        .query("m.ndjson", "SELECT count(*) AS n FROM t")
        .await
        .unwrap();
    assert!(rows.contains("| 0 "), "{rows}");
}
