//! The tool as its users run it: what goes to which stream, the exit codes, and what is left behind.
//!
//! Rows come from small Parquet files that the tool itself writes, so that these tests stand alone. Every shipped
//! report is run over `testdata/` and its whole answer kept as a snapshot.

#![expect(clippy::unwrap_used, reason = "a test may")]

#[cfg(feature = "cluster")]
mod cluster;
mod dashboard;
mod data;
mod desk;
mod documents;
mod import;
#[cfg(feature = "delta")]
mod refresh;
mod stores;
mod terminal;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// An empty folder to run the tool in.
struct Desk(TempDir);

struct Answer {
    code: i32,
    out: String,
    err: String,
}

impl Desk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    /// A Parquet file with the rows of a query.
    fn parquet(&self, path: &str, sql: &str) -> &Self {
        std::fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        self.run(&["-o", path, "-c", sql]).is_well();
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dayrate"));
        command
            .current_dir(self.0.path())
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        Answer::of(self.command(arguments).output().unwrap())
    }

    fn type_in(&self, arguments: &[&str], typed: &str) -> Answer {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(typed.as_bytes())
            .unwrap();
        Answer::of(child.wait_with_output().unwrap())
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Answer {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    fn is_well(&self) -> &Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }

    /// A failure with one paragraph that says these things.
    #[track_caller]
    fn fails(&self, expected: &[&str]) -> &Self {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        assert!(self.err.starts_with("error: "), "{}", self.err);
        assert!(!self.err.contains("\n\n"), "one paragraph: {}", self.err);
        for noise in [
            "Error during planning",
            "Execution error",
            "caused by",
            "Context",
            "Arrow error",
        ] {
            assert!(!self.err.contains(noise), "{}", self.err);
        }
        for expected in expected {
            assert!(self.err.contains(expected), "{expected}: {}", self.err);
        }
        self
    }

    #[track_caller]
    fn says(&self, expected: &str) -> &Self {
        assert!(self.out.contains(expected), "{expected}: {}", self.out);
        self
    }
}

// Statements

#[test]
fn statements_run_in_order_and_the_first_failure_ends_the_run() {
    let desk = Desk::new();
    let answer = desk.run(&[
        "--format",
        "csv",
        "-c",
        "SELECT 1 AS a; SELECT nope; SELECT 3 AS c",
    ]);
    answer.fails(&["nope"]);
    assert_eq!(answer.out, "a\n1\n");
    // What cannot be parsed is found before anything runs.
    let answer = desk.run(&["--format", "csv", "-c", "SELECT 1 AS a; SELEC 2"]);
    answer.fails(&["cannot be parsed", "SELEC"]);
    assert_eq!(answer.out, "");
}

#[test]
fn statements_without_rows_print_nothing() {
    let desk = Desk::new();
    let sql = "SET datafusion.execution.batch_size = 7; CREATE VIEW v AS SELECT 2 AS b; SELECT * FROM v; DROP VIEW v";
    let answer = desk.run(&["--format", "csv", "-c", sql]);
    assert_eq!(answer.is_well().out, "b\n2\n");
}

#[test]
fn a_file_of_statements_or_the_standard_input() {
    let desk = Desk::new();
    desk.write(
        "q.sql",
        "-- a ; in a comment\nSELECT 'a;\nb' AS t;\nSELECT 2 AS n",
    );
    let answer = desk.run(&["--format", "ndjson", "-f", "q.sql"]);
    assert_eq!(answer.is_well().out, "{\"t\":\"a;\\nb\"}\n{\"n\":2}\n");
    let answer = desk.type_in(&["--format", "csv", "-f", "-"], "SELECT 5 AS n");
    assert_eq!(answer.is_well().out, "n\n5\n");
    desk.run(&["-f", "none.sql"]).fails(&["none.sql"]);
    desk.run(&["-c", " "]).fails(&["no statement"]);
}

#[test]
fn wrong_use_is_code_2() {
    let desk = Desk::new();
    for arguments in [
        &["--nope"][..],
        &["--format", "xml", "-c", "SELECT 1"],
        &["--threads", "0"],
        &["report", "r", "x"],
    ] {
        let answer = desk.run(arguments);
        assert_eq!(
            (answer.code, answer.out.as_str()),
            (2, ""),
            "{}",
            answer.err
        );
    }
    desk.run(&["--help"]).is_well().says("Examples:");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let desk = Desk::new();
    let sql = "SELECT value FROM generate_series(1, 3000000)";
    for format in [
        "table", "csv", "json", "ndjson", "markdown", "parquet", "arrow",
    ] {
        let mut command = desk.command(&["--format", format, "-c", sql]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = Vec::new();
        out.read_until(b'\n', &mut first).unwrap();
        drop(out);
        let answer = Answer::of(child.wait_with_output().unwrap());
        assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{format}");
    }
}

#[test]
fn the_shell_keeps_going_after_an_error() {
    let desk = Desk::new();
    let typed =
        "SELECT 1 AS a;\nSELECT nope;\nSELECT 2\n  AS b; SELECT 3 AS c;\n\\q\nSELECT 4 AS d;\n";
    let answer = desk.type_in(&["--format", "csv"], typed);
    assert_eq!(answer.out, "a\n1\nb\n2\nc\n3\n");
    answer.fails(&["nope"]);
    // The last statement needs no semicolon.
    assert_eq!(
        desk.type_in(&["--format", "csv"], "SELECT 7 AS a")
            .is_well()
            .out,
        "a\n7\n"
    );
}

// Formats and files

const ROWS: &str = "SELECT * FROM (VALUES (1, 'a|b', 1.50, TIMESTAMPTZ '2026-11-01T22:59:00.25Z'), \
                    (20, NULL, NULL, NULL)) AS rows (n, t, d, at)";

#[test]
fn formats() {
    let desk = Desk::new();
    let shown = |format: &str| {
        desk.run(&["--format", format, "-c", ROWS])
            .is_well()
            .out
            .clone()
    };
    assert_eq!(
        shown("table"),
        "  n │ t    │    d │ at
────┼──────┼──────┼──────────────────────────
  1 │ a|b  │ 1.50 │ 2026-11-01T22:59:00.250Z
 20 │ NULL │ NULL │ NULL
"
    );
    assert_eq!(
        shown("csv"),
        "n,t,d,at\n1,a|b,1.50,2026-11-01T22:59:00.250Z\n20,,,\n"
    );
    let first = r#"{"n":1,"t":"a|b","d":1.50,"at":"2026-11-01T22:59:00.250Z"}"#;
    let second = r#"{"n":20,"t":null,"d":null,"at":null}"#;
    assert_eq!(shown("json"), format!("[\n{first},\n{second}\n]\n"));
    assert_eq!(shown("ndjson"), format!("{first}\n{second}\n"));
    assert_eq!(
        shown("markdown"),
        "| n | t | d | at |
| ---: | --- | ---: | --- |
| 1 | a\\|b | 1.50 | 2026-11-01T22:59:00.250Z |
| 20 | NULL | NULL | NULL |
"
    );
}

#[test]
fn no_rows_still_have_a_header() {
    let desk = Desk::new();
    let shown = |format: &str| {
        desk.run(&["--format", format, "-c", "SELECT 1 AS a WHERE false"])
            .is_well()
            .out
            .clone()
    };
    assert_eq!(shown("csv"), "a\n");
    assert_eq!(shown("json"), "[\n]\n");
    assert_eq!(shown("ndjson"), "");
    assert_eq!(shown("table"), " a\n───\n");
}

#[test]
fn decimals_keep_every_digit() {
    let desk = Desk::new();
    let sql = "SELECT 12345678901234567890123456.1234567890::DECIMAL(38,10) AS d";
    for format in ["csv", "json", "ndjson", "table", "markdown"] {
        desk.run(&["--format", format, "-c", sql])
            .is_well()
            .says("12345678901234567890123456.1234567890");
    }
}

#[test]
fn files_are_written_whole_and_read_back() {
    let desk = Desk::new();
    for file in [
        "a.parquet",
        "a.arrow",
        "a.csv",
        "a.json",
        "a.ndjson",
        "a.md",
        "a.txt",
    ] {
        let answer = desk.run(&["-o", file, "-c", ROWS]);
        assert_eq!(answer.is_well().out, "", "{file}");
    }
    assert_eq!(
        desk.files(),
        [
            "a.arrow",
            "a.csv",
            "a.json",
            "a.md",
            "a.ndjson",
            "a.parquet",
            "a.txt"
        ]
    );
    assert!(desk.read("a.csv").starts_with("n,t,d,at\n"));
    let back = desk.run(&["--format", "csv", "-c", "SELECT * FROM 'a.parquet'"]);
    assert_eq!(back.is_well().out, desk.read("a.csv"));
    desk.run(&["-o", "a.xyz", "-c", ROWS])
        .fails(&["a.xyz", "--format"]);
    desk.run(&["-o", "a.xyz", "--format", "csv", "-c", ROWS])
        .is_well();
    assert_eq!(desk.read("a.xyz"), desk.read("a.csv"));
}

#[test]
fn a_failed_run_leaves_the_old_file_and_nothing_else() {
    let desk = Desk::new();
    desk.write("bill.csv", "old");
    let sql = "SELECT 10 / (value - 250000) AS x FROM generate_series(1, 300000)";
    desk.run(&["-o", "bill.csv", "-c", sql]).fails(&["zero"]);
    desk.run(&["-o", "new.parquet", "-c", sql]).fails(&["zero"]);
    assert_eq!(desk.files(), ["bill.csv"]);
    assert_eq!(desk.read("bill.csv"), "old");
    // Two results for one file: nothing runs.
    desk.run(&[
        "-o",
        "bill.csv",
        "-c",
        "SELECT 1; COPY (SELECT 1 AS a) TO 'x.parquet'; SELECT 2",
    ])
    .fails(&["2 of the"]);
    desk.run(&["-o", "bill.csv", "-c", "CREATE VIEW v AS SELECT 1"])
        .fails(&["0 of the"]);
    assert_eq!(desk.files(), ["bill.csv"]);
    desk.run(&[
        "-o",
        "bill.csv",
        "-c",
        "CREATE VIEW v AS SELECT 1 AS a; SELECT * FROM v",
    ])
    .is_well();
    assert_eq!(desk.read("bill.csv"), "a\n1\n");
    desk.run(&["-o", "no/such/folder.csv", "-c", "SELECT 1"])
        .fails(&["no/such/folder.csv"]);
}

#[test]
fn copies_are_whole_or_not_there() {
    let desk = Desk::new();
    let rows = "SELECT 10 / (value - 250000) AS x, value % 2 AS k FROM generate_series(1, 300000)";
    for target in [
        "'x.csv'",
        "'x.parquet'",
        "'x/' STORED AS PARQUET PARTITIONED BY (k)",
    ] {
        let sql = format!("COPY ({rows}) TO {target}");
        desk.run(&["-c", &sql]).fails(&["zero"]);
        assert_eq!(desk.files(), [""; 0], "{target}");
    }
    let rows = "SELECT value, value % 2 AS k FROM generate_series(1, 10)";
    for target in [
        "'a/x.csv'",
        "'a/x.csv'",
        "'p/' STORED AS PARQUET PARTITIONED BY (k)",
    ] {
        let answer = desk.run(&["-c", &format!("COPY ({rows}) TO {target}")]);
        assert_eq!(answer.is_well().out, "");
        assert!(answer.err.contains("10 rows written"), "{}", answer.err);
    }
    assert_eq!(desk.read("a/x.csv").lines().count(), 11);
    // A second copy into a folder stands beside the first, as the engine has it.
    desk.run(&[
        "-c",
        &format!("COPY ({rows}) TO 'p/' STORED AS PARQUET PARTITIONED BY (k)"),
    ])
    .is_well();
    let answer = desk.run(&[
        "--format",
        "csv",
        "-c",
        "SELECT k, count(*) AS n FROM 'p' GROUP BY k ORDER BY k",
    ]);
    assert_eq!(answer.is_well().out, "k,n\n0,10\n1,10\n");
    assert_eq!(desk.files(), ["a", "p"]);
}

#[test]
fn a_command_and_statements_do_not_mix() {
    let desk = Desk::new();
    let answer = desk.run(&["-c", "SELECT 1", "report"]);
    assert_eq!(
        (answer.code, answer.out.as_str()),
        (2, ""),
        "{}",
        answer.err
    );
}

#[test]
fn a_panic_of_the_engine_is_an_error() {
    let desk = Desk::new();
    // The engine's interval arithmetic gives up at this one.
    let sql = "SELECT * FROM generate_series(1, 3) WHERE DATE '2026-01-01' + value::INT >= DATE '2026-01-03'";
    let answer = desk.run(&["-c", sql]);
    if answer.code != 0 {
        answer.fails(&["fault of the program"]);
    }
}

// Relations and configuration

#[test]
fn quoted_paths_stand_where_a_table_can() {
    let desk = Desk::new();
    desk.parquet("m/site=007/1.parquet", "SELECT 1 AS n")
        .parquet("m/site=8/1.parquet", "SELECT 2 AS n");
    let sql = "WITH all_of AS (SELECT * FROM 'm') \
               SELECT a.site, b.n FROM all_of a JOIN 'm/*/*.parquet' b ON a.n = b.n \
               WHERE a.n IN (SELECT n FROM 'm/site=007/1.parquet')";
    assert_eq!(
        desk.run(&["--format", "csv", "-c", sql]).is_well().out,
        "site,n\n007,1\n"
    );
    desk.run(&["-c", "SELECT * FROM 'nowhere/'"])
        .fails(&["'nowhere/'", "no such file or folder"]);
    desk.run(&["-c", "SELECT * FROM nowhere"])
        .fails(&["nowhere"]);
}

#[test]
fn the_configuration_is_found_from_below_and_paths_start_from_it() {
    let desk = Desk::new();
    desk.parquet("data/s.parquet", "SELECT 'a' AS site_id, 2 AS n");
    desk.write(
        "dayrate.toml",
        "[relations]\nraw = \"data\"\nsites = { sql = \"SELECT site_id, n + 1 AS n FROM raw\" }\n",
    );
    desk.write("deep/er/q.sql", "SELECT * FROM sites");
    let mut command = desk.command(&["--format", "csv", "-f", "q.sql"]);
    let answer = Answer::of(command.current_dir(desk.path("deep/er")).output().unwrap());
    assert_eq!(answer.is_well().out, "site_id,n\na,3\n");
    // Another file, and names for one run.
    desk.write("other.toml", "[relations]\nsites = \"data/*.parquet\"\n");
    let answer = desk.run(&[
        "--config",
        "other.toml",
        "--format",
        "csv",
        "-c",
        "SELECT * FROM sites",
    ]);
    assert_eq!(answer.is_well().out, "site_id,n\na,2\n");
    let sql = "SELECT count(*) AS n FROM sites";
    let answer = desk.run(&[
        "-c",
        sql,
        "--relation",
        "raw=none",
        "--relation",
        "sites=data/s.parquet",
        "--format",
        "csv",
    ]);
    assert_eq!(answer.is_well().out, "n\n1\n");
    desk.run(&["--config", "none.toml", "-c", "SELECT 1"])
        .fails(&["none.toml"]);
}

#[test]
fn relations_are_opened_when_they_are_used() {
    let desk = Desk::new();
    desk.write(
        "dayrate.toml",
        "[relations]\nmessages = \"nowhere.parquet\"\na = { sql = \"SELECT * FROM b\" }\nb = { sql = \"SELECT * FROM a\" }\nwrong = { sql = \"SELEC\" }",
    );
    desk.run(&["-c", "SELECT 1"]).is_well();
    desk.run(&["-c", "SHOW TABLES"]).is_well().says("messages");
    desk.run(&["-c", "SELECT * FROM messages"])
        .fails(&["relation 'messages'", "nowhere.parquet"]);
    desk.run(&["-c", "SELECT * FROM a"])
        .fails(&["needs itself: a → b → a"]);
    desk.run(&["-c", "SELECT * FROM wrong"])
        .fails(&["relation 'wrong'", "parsed"]);
}

#[test]
fn a_mistake_in_the_configuration_names_its_line() {
    let desk = Desk::new();
    desk.write(
        "dayrate.toml",
        "[relations]\nmessages = \"m\"\n\n[optoins]\nx = 1\n",
    );
    desk.run(&["-c", "SELECT 1"]).fails(&[
        "dayrate.toml, line 4",
        "'optoins'",
        "did you mean 'options'?",
    ]);
}

#[test]
fn init_writes_what_it_finds_and_never_over_a_file() {
    let desk = Desk::new();
    let messages =
        "SELECT 'a' AS site_id, 'c' AS conversation_id, now() AS sent_at, 'agent' AS sent_by";
    desk.parquet("exports/messages/month=2026-11/1.parquet", messages)
        .parquet(
            "exports/sites.parquet",
            "SELECT 'a' AS site_id, 'o' AS org_id, 'UTC' AS time_zone",
        )
        .parquet("exports/other.parquet", "SELECT 1 AS x");
    desk.write("exports/notes.csv", "a\n1\n");
    desk.run(&["init", "exports"])
        .is_well()
        .says("dayrate.toml");
    let text = desk.read("exports/dayrate.toml");
    for expected in [
        "\nmessages = \"messages/\"",
        "\nsites = \"sites.parquet\"",
        "other.parquet",
        "notes.csv",
        "# contracts =",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let sql = "SELECT month, org_id FROM messages JOIN sites USING (site_id)";
    let answer = desk.run(&[
        "--config",
        "exports/dayrate.toml",
        "--format",
        "csv",
        "-c",
        sql,
    ]);
    assert_eq!(answer.is_well().out, "month,org_id\n2026-11,o\n");
    desk.run(&["init", "exports"]).fails(&["is there already"]);
    assert_eq!(desk.read("exports/dayrate.toml"), text);
}

// Reports

#[test]
fn reports_are_listed_and_described() {
    let desk = Desk::new();
    desk.run(&["report"])
        .is_well()
        .says("monthly_credits    Engagement credits of each site and month.");
    desk.run(&["report", "monthly_credits", "--describe"])
        .is_well()
        .says("from=…  DATE");
    desk.run(&["report", "montly_credits"])
        .fails(&["did you mean 'monthly_credits'?"]);
    desk.run(&["report", "none.sql"]).fails(&["none.sql"]);
}

#[test]
fn the_values_of_a_report_are_typed_and_bound() {
    let desk = Desk::new();
    desk.write(
        "r.sql",
        "-- Days.\n-- param as_of DATE = DATE '2026-01-01' + INTERVAL '1 day'  last day\n-- param name VARCHAR\n\
         -- param rate DECIMAL(10,2) = 1.5  times\nSELECT $as_of AS as_of, $name AS name, $rate AS rate, '$name' AS text;\n",
    );
    let run =
        |values: &[&str]| desk.run(&[&["--format", "csv", "report", "r.sql"][..], values].concat());
    assert_eq!(
        run(&["name=it's; --"]).is_well().out,
        "as_of,name,rate,text\n2026-01-02,it's; --,1.50,$name\n"
    );
    assert_eq!(
        run(&["name=", "as_of=2026-12-31", "rate=2"])
            .is_well()
            .out
            .lines()
            .nth(1),
        Some("2026-12-31,,2.00,$name")
    );
    run(&[]).fails(&[
        "'name' is missing",
        "as_of=…  DATE (default",
        "name=…  VARCHAR (required)",
        "last day",
    ]);
    run(&["name=a", "asof=2026-12-31"]).fails(&["'asof'", "did you mean 'as_of'?", "rate=…"]);
    run(&["name=a", "as_of=31.12.2026"]).fails(&["'as_of' must be DATE", "31.12.2026"]);
    run(&["name=a", "name=b"]).fails(&["given twice"]);
    desk.write("bad.sql", "-- param x\nSELECT 1");
    desk.run(&["report", "bad.sql"])
        .fails(&["report 'bad.sql'", "has no type"]);
}

// Functions

#[test]
fn functions_describe_themselves() {
    let desk = Desk::new();
    desk.run(&["functions"]).is_well();
    for name in ["local_day", "dar_count", "dars", "rated_dars"] {
        desk.run(&["functions"]).is_well().says(name);
        desk.run(&["functions", name]).is_well().says("Example");
    }
    desk.run(&["functions", "--format", "markdown"])
        .is_well()
        .says("| `local_day(ts, zone)` |");
    desk.run(&["functions", "date_trunc"])
        .is_well()
        .says("Arguments");
    desk.run(&["functions", "date_trunk"])
        .fails(&["'date_trunk'", "Did you mean 'date_trunc'?"]);
}

/// Messages around the changes of zone rules that the engine's own data does not know.
#[test]
fn the_zone_check_finds_what_the_engine_would_date_wrongly() {
    let desk = Desk::new();
    desk.parquet(
        "m.parquet",
        "SELECT 'van' AS site_id, 'c' AS conversation_id, 'agent' AS sent_by, TIMESTAMPTZ '2026-11-22T07:30:00Z' AS sent_at
         UNION ALL SELECT 'van', 'd', 'agent', TIMESTAMPTZ '2026-11-22T20:00:00Z'
         UNION ALL SELECT 'cas', 'e', 'agent', TIMESTAMPTZ '2026-11-21T23:30:00Z'",
    )
    .parquet(
        "s.parquet",
        "SELECT 'van' AS site_id, 'o' AS org_id, 'America/Vancouver' AS time_zone
         UNION ALL SELECT 'cas', 'o', 'Africa/Casablanca'",
    );
    let relations = [
        "--relation",
        "messages=m.parquet",
        "--relation",
        "sites=s.parquet",
    ];
    let answer = desk.run(&[&relations[..], &["--format", "csv", "report", "zone_check"]].concat());
    let days: Vec<String> = answer
        .is_well()
        .out
        .lines()
        .skip(1)
        .map(|line| line.split(',').take(3).collect::<Vec<_>>().join(","))
        .collect();
    assert_eq!(
        days,
        [
            "Africa/Casablanca,2026-11-21,2026-11-22",
            "America/Vancouver,2026-11-22,2026-11-21"
        ]
    );
}

/// The views of the table functions are the calls without arguments; a relation that is named wins.
#[test]
fn table_functions_stand_as_views() {
    let desk = Desk::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let count = |sql: &str, more: &[&str]| {
        let mut command = desk.command(&[&["--format", "csv", "-c", sql][..], more].concat());
        let answer = Answer::of(command.current_dir(&data).output().unwrap());
        answer.is_well().out.clone()
    };
    for function in [
        "message_days",
        "dars",
        "rated_dars",
        "rejects",
        "dispositions",
        "distinct_messages",
    ] {
        assert_eq!(
            count(&format!("SELECT count(*) AS n FROM {function}"), &[]),
            count(&format!("SELECT count(*) AS n FROM {function}()"), &[]),
            "{function}"
        );
    }
    let half = "SELECT count(*) AS n FROM dars(messages, sites, relationship => 'conversation')";
    let set = "SET dayrate.relationship = 'conversation'; SELECT count(*) AS n FROM dars";
    assert_eq!(count(half, &[]), count(set, &[]));
    assert_eq!(
        count(
            "SELECT count(*) AS n FROM dars",
            &["--relation", "dars=writers/sites.parquet"]
        )
        .lines()
        .count(),
        2
    );
    let answer = desk.run(&["-c", "SELECT * FROM dars"]);
    answer.fails(&["dars needs the relation messages"]);
}

/// No column of any table function or report is a float, and no scalar or aggregate gives one.
#[test]
fn no_output_has_a_float() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = root.join("testdata/dayrate.toml");
    let desk = Desk::new();
    let types = |sql: &str| {
        let answer = desk.run(&[
            "--config",
            &config.to_string_lossy(),
            "--format",
            "csv",
            "-c",
            sql,
        ]);
        assert_eq!(answer.code, 0, "{sql}\n{}", answer.err);
        answer.out
    };
    let floats = |types: &str| types.contains("Float") || types.contains("Double");
    // What the test looks for is there to be found.
    assert!(floats(&types("DESCRIBE SELECT CAST(1 AS DOUBLE) AS x")));

    let listed = desk.run(&["functions"]);
    let names = |section: &str| -> Vec<String> {
        let lines = listed
            .out
            .lines()
            .skip_while(|line| *line != section)
            .skip(1);
        let lines = lines.take_while(|line| line.starts_with("  "));
        let heads = lines.filter(|line| !line.starts_with("   "));
        heads
            .filter_map(|line| line.trim().split('(').next().map(Into::into))
            .collect()
    };
    let tables = names("Table functions");
    assert!(tables.len() >= 14, "{tables:?}");
    for name in tables {
        let call = match name.as_str() {
            "commitment_curve" => "commitment_curve(rated_dars(), (SELECT 10 AS committed_credits, 1 AS credit_price, 2 AS overage_price))".to_owned(),
            "ledger_changes" => "ledger_changes(ledger(), ledger())".to_owned(),
            "liveperson_messages" | "liveperson_outcomes" | "liveperson_rejects" => {
                format!("{name}('{}')", root.join("testdata/liveperson").display())
            }
            name => format!("{name}()"),
        };
        let types = types(&format!("DESCRIBE SELECT * FROM {call}"));
        assert!(
            types.lines().count() > 2 && !floats(&types),
            "{name}:\n{types}"
        );
    }
    let scalars = [names("Scalar functions"), names("Aggregate functions")].concat();
    assert!(scalars.len() >= 7, "{scalars:?}");
    for name in scalars {
        let types = types(&format!(
            "SELECT DISTINCT data_type FROM information_schema.routines WHERE routine_name = '{name}'"
        ));
        assert!(
            types.lines().count() > 1 && !floats(&types),
            "{name}:\n{types}"
        );
    }

    for report in std::fs::read_dir(root.join("queries")).unwrap() {
        let path = report.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let (header, query): (Vec<&str>, Vec<&str>) =
            text.lines().partition(|line| line.starts_with("--"));
        desk.write(
            "described.sql",
            &format!(
                "{}\nDESCRIBE {}",
                header.join("\n"),
                query
                    .join("\n")
                    .replace("FROM before", "FROM ledger()")
                    .replace("(before,", "(ledger(),")
            ),
        );
        let mut command = desk.command(&[
            "--config",
            &config.to_string_lossy(),
            "report",
            "described.sql",
        ]);
        let answer = Answer::of(command.args(values(&name, &text)).output().unwrap());
        assert_eq!(answer.code, 0, "{name}\n{}", answer.err);
        assert!(!floats(&answer.out), "{name}:\n{}", answer.out);
    }
}

/// Every shipped report over the small test data: what it prints, what it says, and how it ends.
#[test]
fn shipped_reports_over_the_test_data() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let desk = Desk::new();
    let before = desk.0.path().join("before.parquet");
    let saved = format!(
        "COPY (SELECT * FROM ledger(as_of => DATE '2025-07-01', surcharge_mode => 'multiply')) TO '{}'",
        before.display()
    );
    let config = root.join("testdata/dayrate.toml");
    let saved = desk.run(&["--config", &config.to_string_lossy(), "-c", &saved]);
    assert_eq!(saved.code, 0, "{}", saved.err);
    let relation = format!("before={}", before.display());
    for (name, text) in reports() {
        let format = if name == "focus" { "csv" } else { "table" };
        let mut command =
            desk.command(&["--relation", &relation, "--format", format, "report", &name]);
        command.args(values(&name, &text));
        let answer = Answer::of(command.current_dir(root.join("testdata")).output().unwrap());
        let whole = format!("code {}\n{}\n{}", answer.code, answer.out, answer.err);
        insta::assert_snapshot!(name, whole);
    }
}

/// The name and the text of every file in `queries/`, in order.
fn reports() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut reports: Vec<PathBuf> = std::fs::read_dir(root.join("queries"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql"))
        .collect();
    reports.sort();
    let read = |report: PathBuf| {
        let name = report.file_stem().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&report).unwrap())
    };
    reports.into_iter().map(read).collect()
}

/// What a report is asked: its required values, and a day at which the generated year has ended.
fn values(report: &str, text: &str) -> Vec<&'static str> {
    let mut values = match report {
        "commitment_sizing" => vec![
            "org_id=org-048",
            "from=2025-01-01",
            "to=2026-01-01",
            "credit_price=0.5",
            "overage_price=0.62",
        ],
        "dar_messages" => vec![
            "site_id=site-142",
            "relationship_id=a17307d9-5d76-425f-9166-eca52849adea",
            "day=2025-01-16",
        ],
        "invoice_changes" => vec!["since=2025-12-01"],
        "invoice_line_dars" => vec![
            "org_id=org-005",
            "contract_id=C-005",
            "period_start=2025-01-01",
            "line_no=2",
        ],
        "ledger_changes" => vec!["as_of=2025-07-01"],
        "overage_forecast" | "drawdown" | "marginal_cost" => vec!["as_of=2025-10-01"],
        _ => Vec::new(),
    };
    let is_given = values.iter().any(|value| value.starts_with("as_of="));
    if text.contains("-- param as_of DATE") && !is_given {
        values.push("as_of=2026-01-01");
    }
    values
}
