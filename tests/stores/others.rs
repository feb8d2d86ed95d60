//! Delta tables as other writers leave them: rows that were deleted by a vector, columns that were renamed.
//!
//! A row that is gone must never be billed, whatever the engine skips of a file: each file has three groups of two rows.

use super::testdata;
use crate::Desk;

/// What is left of the six messages of each table.
const TABLES: [(&str, &[usize]); 5] = [
    ("deleted_inline", &[1, 3, 5]),
    ("deleted_file", &[1, 3, 5]),
    ("renamed", &[0, 1, 2, 3, 4, 5]),
    ("renamed_deleted", &[1, 3, 5]),
    ("numbered", &[0, 1, 2, 3, 4, 5]),
];

#[test]
fn deleted_rows_and_renamed_columns() {
    let desk = Desk::new();
    for (name, left) in TABLES {
        let table = testdata(&format!("delta_writers/{name}"));
        // Filters within the files or above them, files in pieces or whole.
        for (filters, pieces) in [(false, 10_485_760), (true, 0)] {
            let ids = |filter: &str| -> Vec<String> {
                let filters =
                    format!("SET datafusion.execution.parquet.pushdown_filters = {filters}");
                let pieces =
                    format!("SET datafusion.optimizer.repartition_file_min_size = {pieces}");
                let query = format!(
                    "SELECT conversation_id FROM '{table}' WHERE {filter} ORDER BY conversation_id"
                );
                let answer = desk.run(&[
                    "--threads",
                    "4",
                    "--format",
                    "csv",
                    "-c",
                    &filters,
                    "-c",
                    &pieces,
                    "-c",
                    &query,
                ]);
                let lines = answer.is_well().out.lines().skip(1);
                lines.map(str::to_owned).collect()
            };
            let expected = |is: fn(usize) -> bool| -> Vec<String> {
                let left = left.iter().filter(|number| is(**number));
                left.map(|number| format!("c{number}")).collect()
            };
            assert_eq!(ids("true"), expected(|_| true), "{name}");
            assert_eq!(ids("site_id = '007'"), expected(|_| true), "{name}");
            let last = "sent_at > TIMESTAMPTZ '2026-10-29T12:02:30Z'";
            assert_eq!(ids(last), expected(|number| number > 2), "{name}");
            let one = "conversation_id IN ('c4', 'c5')";
            assert_eq!(ids(one), expected(|number| number > 3), "{name}");
        }
        let sites = "(SELECT '007' AS site_id, 'a' AS org_id, 'Europe/Rome' AS time_zone)";
        let sql = format!("SELECT count(*), sum(messages) FROM dars('{table}', {sites})");
        let counted = desk.run(&["--format", "csv", "-c", &sql]);
        let line = counted.is_well().out.lines().nth(1);
        assert_eq!(
            line,
            Some(format!("{0},{0}", left.len()).as_str()),
            "{name}"
        );
        // The version before rows were deleted still has them.
        if name.contains("deleted") {
            desk.write(
                "dayrate.toml",
                &format!("[relations]\nbefore = {{ path = \"{table}\", version = 0 }}\n"),
            );
            let counted = desk.run(&["--format", "csv", "-c", "SELECT count(*) FROM before"]);
            assert_eq!(counted.is_well().out, "count(*)\n6\n", "{name}");
        }
    }
}

#[test]
fn a_feature_that_nobody_knows() {
    let table = testdata("delta_writers/unknown");
    Desk::new()
        .run(&["-c", &format!("SELECT count(*) FROM '{table}'")])
        .fails(&[
            "delta_writers/unknown",
            "rowsByMoonlight",
            "export its rows as Parquet",
        ]);
}
