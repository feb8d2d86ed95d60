//! What makes the tool pleasant to work with: charts, records, progress, the doctor, proposals for unknown exports,
//! completions and the manual page.

use super::{Answer, Desk};

// Formats for people

#[test]
fn a_chart_has_bars_with_exact_numbers() {
    let desk = Desk::new();
    let sql = "SELECT 'web' AS channel, 7.50 AS credits UNION ALL SELECT 'sms', 2.5 ORDER BY credits DESC";
    let answer = desk.run(&["--format", "chart", "-c", sql]);
    let lines: Vec<&str> = answer.is_well().out.lines().collect();
    assert_eq!(lines[0], "credits");
    assert!(
        lines[1].starts_with("web │") && lines[1].ends_with(" 7.50"),
        "{lines:?}"
    );
    assert!(
        lines[2].starts_with("sms │") && lines[2].ends_with(" 2.50"),
        "{lines:?}"
    );
    let length = |line: &str| line.matches('█').count();
    assert_eq!(length(lines[1]) / length(lines[2]), 3);
    desk.run(&["--format", "chart", "-c", "SELECT 'a' AS b"])
        .fails(&["needs a column of numbers", "b"]);
}

#[test]
fn a_chart_over_days_is_a_line() {
    let desk = Desk::new();
    let sql = "SELECT DATE '2026-01-01' + value::INT AS day, value * value AS dars FROM generate_series(0, 30)";
    let answer = desk.run(&["--format", "chart", "-c", sql]);
    let text = &answer.is_well().out;
    assert!(text.contains("900 ┤") && text.contains("  0 ┤"), "{text}");
    let last = text.lines().last().unwrap();
    assert!(
        last.trim_start().starts_with("2026-01-01") && last.ends_with("2026-01-31"),
        "{text}"
    );
}

#[test]
fn records_show_one_line_a_column() {
    let desk = Desk::new();
    let answer = desk.run(&[
        "--format",
        "records",
        "-c",
        "SELECT 1 AS n, NULL AS nothing",
    ]);
    assert_eq!(
        answer.is_well().out,
        "── row 1 ──\n n       │ 1\n nothing │ NULL\n"
    );
}

// Words beside the rows

#[test]
fn quiet_says_nothing_but_failures() {
    let desk = Desk::new();
    let copy = "COPY (SELECT 1 AS a) TO 'a.csv'";
    assert_eq!(desk.run(&["-c", copy]).is_well().err, "1 rows written\n");
    assert_eq!(desk.run(&["-q", "-c", copy]).is_well().err, "");
    desk.run(&["-q", "-c", "SELECT nope"]).fails(&["nope"]);
}

/// A pipe sees progress only if it asked for it.
#[test]
fn progress_is_written_to_no_pipe_by_itself() {
    let desk = Desk::new();
    desk.parquet(
        "numbers.parquet",
        "SELECT value AS n FROM generate_series(1, 4000)",
    );
    let slow = "SELECT count(*) FROM 'numbers.parquet' a JOIN generate_series(1, 3000) b ON a.n % 7 < b.value % 7";
    assert_eq!(desk.run(&["-c", slow]).is_well().err, "");
    let answer = desk.run(&["--progress", "always", "-c", slow]);
    answer.is_well();
    assert!(
        answer.err.is_empty() || answer.err.contains("% of the files read"),
        "{}",
        answer.err
    );
    assert!(
        !answer.err.contains('\x1b') && !answer.err.contains('\r'),
        "{}",
        answer.err
    );
}

#[test]
fn an_error_points_at_its_place() {
    let desk = Desk::new();
    let answer = desk.run(&[
        "-c",
        "SELECT 1 AS a;\nSELECT n, nope FROM (SELECT 2 AS n, 3 AS node)",
    ]);
    answer.fails(&[
        "there is no column 'nope': did you mean 'node'?",
        "  line 2 │ SELECT n, nope FROM",
        "\n                     ^^^^",
    ]);
    desk.run(&["-c", "SELECT 1 FROM rated_dar()"])
        .fails(&["there is no function 'rated_dar': did you mean 'rated_dars'?"]);
    desk.run(&["--relation", "messages=x", "-c", "SELECT 1 FROM mesages"])
        .fails(&[
            "there is no table 'mesages': did you mean 'messages'?",
            "^^^^^^^",
        ]);
    desk.write("q.sql", "SELECT 1;\n\nSELEC 2;\n");
    desk.run(&["-f", "q.sql"])
        .fails(&["in the file 'q.sql'", "line 3 │ SELEC 2;"]);
    desk.run(&["-c", "SELECT 1 FROM dars(relationship => 'person')"])
        .fails(&["'consumer', 'conversation'", "^^^^^^^^"]);
}

// The first ten minutes

/// An export with the names of another system.
fn foreign(desk: &Desk) {
    desk.parquet(
        "exports/chat.parquet",
        "SELECT * FROM (VALUES \
         (1001, 'k1', 1767225600000, 'Customer', 'v1', 'web'), \
         (1001, 'k1', 1767308399999, 'Agent', NULL, 'web'), \
         (1001, 'k1', 1767308400000, 'assistant', NULL, 'web')) \
         AS t(\"brandId\", \"convId\", \"timeL\", role, \"visitorId\", source)",
    );
    desk.parquet(
        "exports/accounts.parquet",
        "SELECT 1001 AS \"accountId\", 'acme' AS company, 'Europe/Rome' AS tz",
    );
}

/// The configuration with every proposal taken: lines with a `#` and no space behind it.
fn taken(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(proposal) if !proposal.starts_with(' ') => proposal,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The three messages are of 2026-01-01 01:00, 2026-01-01 23:59:59.999 and 2026-01-02 00:00 in Rome: two days of one
/// consumer, two DARs of one credit.
#[test]
fn a_proposal_for_an_unknown_export_bills_when_it_is_taken() {
    let desk = Desk::new();
    foreign(&desk);
    desk.run(&["init", "exports"]).is_well();
    let text = desk.read("exports/dayrate.toml");
    for expected in [
        "\nchat = \"chat.parquet\"",
        "\n#messages = { sql = \"\"\"",
        "to_timestamp_millis(\"timeL\") AT TIME ZONE 'UTC' AS sent_at",
        "milliseconds since 1970",
        "\n#WHEN 'Customer' THEN 'consumer'",
        "\"accountId\" AS site_id",
    ] {
        assert!(text.contains(expected), "{expected}:\n{text}");
    }
    let config = ["--config", "exports/dayrate.toml"];
    let ask = |sql: &str| desk.run(&[&config[..], &["--format", "csv", "-c", sql]].concat());
    // Nothing of it is in force by itself.
    ask("SELECT count(*) FROM messages").fails(&["there is no table 'messages'"]);
    assert_eq!(
        ask("SELECT count(*) AS n FROM chat").is_well().out,
        "n\n3\n"
    );
    desk.write("exports/dayrate.toml", &taken(&text));
    let sql =
        "SELECT org_id, site_id, consumer_id, day, channel, credits FROM rated_dars() ORDER BY day";
    assert_eq!(
        ask(sql).is_well().out,
        "org_id,site_id,consumer_id,day,channel,credits\n\
         acme,1001,v1,2026-01-01,web,1.0000\nacme,1001,,2026-01-02,web,1.0000\n"
    );
    desk.run(&[&config[..], &["doctor"]].concat()).is_well();
}

/// A value that nobody knows stays as it is, and is said: such rows are rejected, never counted as something.
#[test]
fn a_proposal_guesses_nothing_in_silence() {
    let desk = Desk::new();
    desk.parquet(
        "talk.parquet",
        "SELECT * FROM (VALUES ('s', 'c', TIMESTAMP '2026-01-01 10:00:00', 'customer'), \
         ('s', 'c', TIMESTAMP '2026-01-01 11:00:00', 'wizard')) AS t(site, conversation, ts, sender)",
    );
    desk.parquet(
        "places.parquet",
        "SELECT 's' AS site, 'o' AS org, 'UTC' AS tz",
    );
    desk.run(&["init"]).is_well();
    let text = desk.read("dayrate.toml");
    assert!(text.contains("nothing is known of wizard"), "{text}");
    assert!(text.contains("UTC is assumed"), "{text}");
    desk.write("dayrate.toml", &taken(&text));
    desk.run(&["-c", "SELECT * FROM dars"])
        .fails(&["unknown_sender"]);
    let answer = desk.run(&["doctor"]);
    assert_eq!(answer.code, 1, "{}{}", answer.out, answer.err);
    assert!(
        answer
            .out
            .contains("unknown_sender: 1 of 2 messages (50.00 %) cannot be billed"),
        "{}",
        answer.out
    );
}

#[test]
fn a_column_that_is_missing_is_named_and_nothing_is_proposed() {
    let desk = Desk::new();
    desk.parquet(
        "messages.parquet",
        "SELECT 's' AS site_id, 'c' AS conversation_id, now() AS ts",
    );
    desk.run(&["init"]).is_well();
    let text = desk.read("dayrate.toml");
    assert!(text.contains("nothing in it looks like sent_by"), "{text}");
    assert!(!text.contains("#messages"), "{text}");
    assert!(
        text.contains("\nraw_messages = \"messages.parquet\""),
        "{text}"
    );
}

/// Whoever begins in an empty folder is told how to go on.
#[test]
fn an_empty_folder_says_what_to_do_first() {
    let desk = Desk::new();
    desk.run(&["report", "monthly_credits"]).fails(&[
        "needs the relation messages",
        "dayrate init FOLDER",
        "--relation NAME=PATH",
    ]);
    desk.run(&["init"]).fails(&[
        "there is nothing to read in '.'",
        "dayrate generate --messages 20000",
    ]);
    assert!(desk.files().is_empty());
    desk.run(&["generate", "--messages", "2000", "--out", "year"])
        .is_well();
    let config = ["--config", "year/dayrate.toml"];
    desk.run(&[&config[..], &["doctor"]].concat()).is_well();
    let invoice = ["report", "invoice", "as_of=2026-01-01"];
    desk.run(&[&config[..], &invoice].concat())
        .is_well()
        .says("committed_usage");
}

// The doctor

fn messages(desk: &Desk, rows: &str) {
    let sql = format!(
        "SELECT column1 AS site_id, column2 AS conversation_id, column3::TIMESTAMPTZ AS sent_at, column4 AS sent_by \
         FROM (VALUES {rows})"
    );
    desk.parquet("messages.parquet", &sql);
}

fn doctor(desk: &Desk, config: &str) -> Answer {
    desk.write("dayrate.toml", config);
    desk.run(&["--format", "csv", "doctor"])
}

const WELL: &str = "[relations]\nmessages = \"messages.parquet\"\nsites = \"sites.parquet\"\n";

#[test]
fn the_doctor_finds_what_would_stop_a_bill() {
    let desk = Desk::new();
    let answer = doctor(&desk, "[relations]\n");
    assert_eq!(answer.code, 1, "{}", answer.out);
    answer.says("error,relations,messages,\"there is no relation of that name");
    // A mistake in the configuration.
    let answer = doctor(&desk, "[relatoins]\n");
    assert_eq!(answer.code, 1);
    answer.says("did you mean 'relations'?");
    // A file that is not there, a column of another type, one that is missing.
    desk.write("dayrate.toml", "");
    desk.parquet(
        "sites.parquet",
        "SELECT 's' AS site_id, 'o' AS org_id, 'Europe/Rome' AS time_zone",
    );
    let answer = doctor(&desk, WELL);
    assert_eq!(answer.code, 1);
    answer.says("messages.parquet");
    desk.parquet(
        "messages.parquet",
        "SELECT 's' AS site_id, 'c' AS conversation_id, TIMESTAMP '2026-01-01 00:00:00' AS sent_at, 'bot' AS sender",
    );
    let answer = doctor(&desk, WELL);
    assert_eq!(answer.code, 1);
    answer
        .says("error,relations,messages.sent_at,")
        .says("AT TIME ZONE 'UTC'");
    answer
        .says("error,relations,messages.sent_by,")
        .says("\"\"sender\"\" AS sent_by");
    // Rows that cannot be billed, by reason.
    messages(
        &desk,
        "('s', 'c', '2026-01-01T12:00:00Z', 'bot'), ('x', 'c', '2026-01-01T12:00:00Z', 'bot')",
    );
    let answer = doctor(&desk, WELL);
    assert_eq!(answer.code, 1);
    answer.says("error,messages,unknown_site,1 of 2 messages (50.00 %) cannot be billed");
    let answer = doctor(&desk, &format!("{WELL}[options]\nrejects = \"skip\"\n"));
    answer.is_well().says("warning,messages,unknown_site");
}

#[test]
fn the_doctor_warns_of_zones_that_the_engine_dates_otherwise() {
    let desk = Desk::new();
    // Vancouver stays on summer time in November 2026, which the rules of 2025 do not know; Rome is as it was.
    desk.parquet(
        "sites.parquet",
        "SELECT * FROM (VALUES ('v', 'o', 'America/Vancouver'), ('r', 'o', 'Europe/Rome')) AS t(site_id, org_id, time_zone)",
    );
    messages(
        &desk,
        "('v', 'c', '2026-10-20T12:00:00Z', 'bot'), ('r', 'c', '2026-10-20T12:00:00Z', 'consumer')",
    );
    let answer = doctor(&desk, WELL);
    answer
        .is_well()
        .says("warning,zones,America/Vancouver,DataFusion's own zone data differs from 2026-11-0");
    assert!(!answer.out.contains("zones,Europe/Rome"), "{}", answer.out);
}

#[test]
fn the_doctor_looks_at_contracts() {
    let desk = Desk::new();
    desk.parquet(
        "sites.parquet",
        "SELECT 's' AS site_id, 'o' AS org_id, 'UTC' AS time_zone",
    );
    messages(
        &desk,
        "('s', 'c', '2025-12-31T12:00:00Z', 'bot'), ('s', 'c', '2026-01-01T12:00:00Z', 'bot'), \
         ('s', 'c', '2026-01-15T12:00:00Z', 'bot')",
    );
    let contract = |id: &str, org: &str, start: &str| {
        format!(
            "SELECT '{id}' AS contract_id, '{org}' AS org_id, DATE '{start}' AS term_start, DATE '2027-01-01' AS term_end, \
             'USD' AS currency, 100 AS committed_credits, 0.5 AS credit_price, 0.6 AS overage_price"
        )
    };
    let config = format!("{WELL}contracts = \"contracts.parquet\"\n");
    let with = |contracts: &[String]| {
        desk.parquet("contracts.parquet", &contracts.join(" UNION ALL "));
        doctor(&desk, &config)
    };
    let answer = with(&[
        contract("C", "o", "2026-01-01"),
        contract("D", "other", "2026-01-01"),
    ]);
    answer
        .is_well()
        .says("warning,contracts,o,1 DARs (1.0000 credits) between 2025-12-31 and 2025-12-31 fall under no contract")
        .says("warning,contracts,D,its organization other has no site")
        .says("warning,messages,messages.sent_at,no message at all for 7 days or more: 2026-01-02 to 2026-01-14");
    let answer = with(&[contract("C", "o", "2025-01-01")]);
    answer
        .is_well()
        .says("ok,contracts,contracts,every DAR falls under one");
    let answer = with(&[
        contract("C", "o", "2025-01-01"),
        contract("D", "o", "2026-01-01"),
    ]);
    assert_eq!(answer.code, 1, "{}", answer.out);
    answer.says("error,contracts,");
}

#[test]
fn the_doctor_speaks_in_paragraphs_and_in_every_format() {
    let desk = Desk::new();
    let answer = desk.run(&["doctor"]);
    assert_eq!(answer.code, 1);
    answer.says("→ let dayrate write one for your files: dayrate init FOLDER");
    assert!(answer.err.contains("billing would fail"), "{}", answer.err);
    assert!(
        answer.out.lines().all(|line| line.chars().count() <= 100),
        "{}",
        answer.out
    );
    let answer = desk.run(&["--format", "json", "doctor"]);
    answer.says("{\"severity\":\"warning\",\"check\":\"configuration\",");
}

// Completions and manual

#[test]
fn shells_complete_every_command() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        let answer = desk.run(&["completions", shell]);
        for word in ["report", "doctor", "init", "memory-limit", "chart"] {
            answer.is_well().says(word);
        }
    }
    assert_eq!(desk.run(&["completions", "tcsh"]).code, 2);
}

/// The script completes what a person types, in a real shell.
#[test]
fn bash_takes_the_script() {
    let desk = Desk::new();
    let script = desk.run(&["completions", "bash"]).is_well().out.clone();
    desk.write("dayrate.bash", &script);
    let line = "source ./dayrate.bash; COMP_WORDS=(dayrate do); COMP_CWORD=1; _dayrate dayrate do dayrate; echo \"${COMPREPLY[@]}\"";
    let mut bash = std::process::Command::new("bash");
    bash.current_dir(desk.path(".")).args(["-c", line]);
    let answer = Answer::of(bash.output().unwrap());
    assert_eq!(answer.is_well().out, "doctor\n");
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let desk = Desk::new();
    desk.run(&["man"])
        .is_well()
        .says(".TH dayrate 1")
        .says("Daily Active");
    desk.run(&["man", "report"])
        .is_well()
        .says("dayrate\\-report")
        .says("as_of");
    desk.run(&["man", "reprot"])
        .fails(&["did you mean 'report'?"]);
}

/// Every command says in its help what it does, and shows it.
#[test]
fn every_help_page_has_examples() {
    let desk = Desk::new();
    let help = desk.run(&["--help"]);
    let listed = help
        .is_well()
        .out
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1);
    let names: Vec<String> = listed
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != "help")
        .collect();
    assert!(names.len() >= 7, "{names:?}");
    for name in names {
        let page = desk.run(&[&name, "--help"]);
        page.is_well().says("Examples:");
        // Lines that fit into a terminal of 100 letters, and none that ends in the air.
        for line in page.out.lines() {
            assert!(line.chars().count() <= 120, "{name}: {line}");
        }
    }
}
