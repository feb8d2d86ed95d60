//! `dayrate refresh` as schedulers run it: what it says, how it ends, and what is left when it is killed, when two run at
//! once, when the disk is full.
//!
//! `DAYRATE_KILLS=100` makes the killing a long run.

mod delta;
mod stall;
mod store;

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Answer, Desk};

const CONFIGURATION: &str = "\
[relations]
messages = \"messages\"
sites = \"generated/sites.parquet\"
feature_periods = \"generated/feature_periods.parquet\"
contracts = \"generated/contracts.parquet\"
price_tiers = \"generated/price_tiers.parquet\"
channel_charges = \"generated/channel_charges.parquet\"

[dar_table]
path = \"dars\"
";

/// The small generated year: its files, of which a test lets some come later.
pub(crate) fn desk() -> (Desk, Vec<PathBuf>) {
    let desk = Desk::new();
    let generated = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/generated");
    std::os::unix::fs::symlink(&generated, desk.path("generated")).unwrap();
    std::fs::create_dir(desk.path("messages")).unwrap();
    desk.write("dayrate.toml", CONFIGURATION);
    let mut files = files_below(&generated.join("messages"));
    files.sort();
    (desk, files)
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return files;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files
}

/// Puts files among the messages; one that is there already stays as it is.
pub(crate) fn come(desk: &Desk, files: &[PathBuf]) {
    for file in files {
        let month = file.parent().and_then(Path::file_name).unwrap();
        let place = desk.path("messages").join(month).with_extension("parquet");
        if !place.exists() {
            std::fs::copy(file, place).unwrap();
        }
    }
}

/// The rows of `dars` in an order, under `SET dayrate.dar_table`; `run` runs the tool.
#[track_caller]
pub(crate) fn rows(run: impl Fn(&[&str]) -> Answer, dar_table: &str) -> String {
    let query = "SELECT * FROM dars ORDER BY day, org_id, site_id, relationship_id, consumer_id";
    answers(run, dar_table, query)
}

/// Every line of every invoice.
const INVOICE: &str = "SELECT * FROM invoice_lines(scenario => '*', as_of => DATE '2026-01-01') \
    ORDER BY scenario, org_id, contract_id, period_start, line_no";

#[track_caller]
fn answers(run: impl Fn(&[&str]) -> Answer, dar_table: &str, query: &str) -> String {
    let set = format!("SET dayrate.dar_table = '{dar_table}'");
    let answer = run(&["--format", "csv", "-c", &set, "-c", query]);
    answer.is_well();
    answer.out
}

/// The table is used, and has what the messages say.
#[track_caller]
pub(crate) fn assert_equal(run: impl Fn(&[&str]) -> Answer) {
    let plan = run(&["-c", "EXPLAIN SELECT * FROM dars"]);
    plan.is_well().says("DarTableExec");
    assert_eq!(rows(&run, "on"), rows(&run, "off"));
}

/// And so are the counts beside it.
#[track_caller]
fn assert_charges_equal(desk: &Desk) {
    let plan = desk.run(&["-c", &format!("EXPLAIN {INVOICE}")]);
    plan.is_well().says("counts of messages");
    assert_same_charges(desk);
}

/// Wherever they come from, charges are the same.
#[track_caller]
fn assert_same_charges(desk: &Desk) {
    let invoice = |dar_table| answers(|words| desk.run(words), dar_table, INVOICE);
    let kept = invoice("on");
    assert!(kept.contains("channel_charge"));
    assert_eq!(kept, invoice("off"));
}

/// Everything in the table's folder belongs to some version of it, but for the lock, and of notes there are those of the
/// version and the manifest before.
#[track_caller]
fn assert_no_litter(desk: &Desk) {
    let folder = desk.path("dars");
    let mut log = String::new();
    let mut notes = 0;
    let files: Vec<String> = files_below(&folder)
        .iter()
        .map(|file| {
            file.strip_prefix(&folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    // A manifest names a note, and the log names the manifest.
    for file in files.iter().filter(|file| file.ends_with(".json")) {
        log.push_str(&desk.read(&format!("dars/{file}")));
    }
    for file in &files {
        let is_known = match file.split_once('/') {
            Some(("_delta_log", name)) => {
                let number = name.split('.').next().unwrap();
                let is_version =
                    number.len() == 20 && number.bytes().all(|byte| byte.is_ascii_digit());
                (is_version || name == "_last_checkpoint") && !name.contains('#')
            }
            Some(("_dayrate", "lock")) => true,
            Some(("_dayrate", name)) => {
                notes += 1;
                log.contains(name)
            }
            Some((day, name)) => day.starts_with("day=") && log.contains(name),
            None => false,
        };
        assert!(is_known, "{file} is litter: {files:#?}");
    }
    // Of each kind of counts there are few, too.
    assert!(notes <= 12, "{files:#?}");
}

/// The JSON that a workflow engine reads.
fn summary(answer: &Answer) -> serde_json::Value {
    serde_json::from_str(&answer.out).unwrap()
}

#[test]
fn it_says_what_it_did() {
    let (desk, files) = desk();
    come(&desk, &files[..files.len() - 1]);
    let asked = ["refresh", "--as-of", "2026-01-01", "--format", "json"];
    let said = summary(desk.run(&[&asked[..], &["--dry-run"]].concat()).is_well());
    assert_eq!(
        (&said["status"], &said["version"]),
        (&"dry_run".into(), &serde_json::Value::Null)
    );
    assert!(!desk.path("dars").exists(), "nothing is written");
    let first = summary(desk.run(&asked).is_well());
    assert_eq!(
        (&first["status"], &first["version"]),
        (&"refreshed".into(), &0.into())
    );
    assert_eq!(
        (&said["dars"], &said["money"]),
        (&first["dars"], &first["money"])
    );
    assert_eq!(first["files"]["new"], files.len() - 1);
    // A DAR a row, and the amounts are those of the invoice.
    let counted = desk.run(&["--format", "csv", "-c", "SELECT count(*) FROM dars"]);
    assert_eq!(counted.out, format!("count(*)\n{}\n", first["dars"]["new"]));

    let nothing = summary(desk.run(&["refresh", "--format", "json"]).is_well());
    assert_eq!(
        (&nothing["status"], &nothing["version"]),
        (&"current".into(), &0.into())
    );

    come(&desk, &files);
    let said = summary(desk.run(&[&asked[..], &["--dry-run"]].concat()).is_well());
    let more = summary(desk.run(&asked).is_well());
    assert_eq!(
        (&said["dars"], &said["money"]),
        (&more["dars"], &more["money"])
    );
    assert_eq!(
        more["files"],
        serde_json::json!({"new": 1, "changed": 0, "gone": 0, "same": files.len() - 1})
    );
    assert_eq!(more["version"], 1);
    assert_equal(|words| desk.run(words));
    assert_charges_equal(&desk);
    assert_no_litter(&desk);

    // The money of both runs together is the invoice.
    let mut totals = std::collections::BTreeMap::new();
    for run in [&first, &more] {
        for change in run["money"].as_array().unwrap() {
            let key: Vec<String> = [
                "scenario",
                "org_id",
                "contract_id",
                "period_start",
                "currency",
            ]
            .map(|key| change[key].as_str().unwrap_or_default().to_owned())
            .into();
            let amount: rust_decimal::Decimal = change["change"].as_str().unwrap().parse().unwrap();
            *totals
                .entry(key.join(","))
                .or_insert(rust_decimal::Decimal::ZERO) += amount;
        }
    }
    let invoice = desk.run(&[
        "--format",
        "csv",
        "-c",
        "SET dayrate.dar_table = 'off'",
        "-c",
        "SELECT scenario, org_id, contract_id, period_start, currency, sum(amount) FROM invoice_lines(scenario => '*', \
         as_of => DATE '2026-01-01', channel_charges => NULL) WHERE contract_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5 \
         HAVING sum(amount) <> 0",
    ]);
    let expected: BTreeSet<String> = invoice
        .is_well()
        .out
        .lines()
        .skip(1)
        .map(str::to_owned)
        .collect();
    totals.retain(|_, amount| !amount.is_zero());
    let found: BTreeSet<String> = totals
        .iter()
        .map(|(key, amount)| format!("{key},{amount}"))
        .collect();
    assert!(expected.len() > 20);
    assert_eq!(found, expected);
}

#[test]
fn it_ends_with_a_code_for_a_scheduler() {
    let (desk, files) = desk();
    come(&desk, &files);
    desk.run(&["refresh"]).is_well().says("files new");
    assert_eq!(desk.run(&["refresh", "--since", "yesterday"]).code, 2);
    assert_eq!(
        desk.run(&["refresh", "--since", "2026-01-02", "--until", "2026-01-02"])
            .code,
        2
    );
    assert_eq!(
        desk.run(&["refresh", "--full", "--since", "2026-01-02"])
            .code,
        2
    );
    desk.run(&["refresh", "--format", "parquet", "-o", "x.parquet"])
        .fails(&["table, json or ndjson"]);
    desk.write(
        "without.toml",
        "[relations]\nmessages = \"messages\"\nsites = \"generated/sites.parquet\"\n",
    );
    desk.run(&["--config", "without.toml", "refresh"])
        .fails(&["[dar_table]"]);

    // Rejected rows: an error, or left out and told.
    desk.parquet(
        "messages/rejected.parquet",
        "SELECT 'nowhere' AS site_id, 'c' AS conversation_id, TIMESTAMPTZ '2025-06-01T00:00:00Z' AS sent_at, \
         'consumer' AS sent_by",
    );
    desk.run(&["refresh"]).fails(&["nowhere"]);
    desk.write(
        "dayrate.toml",
        &format!("{CONFIGURATION}[options]\nrejects = \"skip\"\n"),
    );
    for _ in 0..2 {
        let answer = desk.run(&["refresh", "--format", "json"]);
        assert_eq!(answer.code, 3, "{}", answer.err);
        assert_eq!(summary(&answer)["rejected_messages"], 1);
    }
    assert_equal(|words| desk.run(words));
}

#[test]
fn one_at_a_time_and_the_dead_hold_no_lock() {
    let (desk, files) = desk();
    come(&desk, &files);
    desk.run(&["refresh"]).is_well();
    let lock = std::fs::File::options()
        .write(true)
        .open(desk.path("dars/_dayrate/lock"))
        .unwrap();
    lock.lock().unwrap();
    desk.run(&["refresh"])
        .fails(&["another refresh", "at work"]);
    // Looking is free.
    desk.run(&["refresh", "--dry-run"]).is_well();
    drop(lock);
    desk.run(&["refresh"]).is_well();
}

#[test]
fn two_at_once_count_nothing_twice() {
    let (desk, files) = desk();
    let half = files.len() / 2;
    come(&desk, &files[..half]);
    desk.run(&["refresh"]).is_well();
    come(&desk, &files);
    let runs = [(); 3].map(|()| {
        let mut command = desk.command(&["refresh"]);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    });
    let answers = runs.map(|run| Answer::of(run.wait_with_output().unwrap()));
    assert!(answers.iter().any(|answer| answer.code == 0));
    for answer in answers.iter().filter(|answer| answer.code != 0) {
        answer.fails(&["another refresh"]);
    }
    assert_equal(|words| desk.run(words));
    assert_no_litter(&desk);
}

/// Killed at any moment, the table is what it was or what it will be, the next run makes it whole, and nothing is left.
#[test]
fn it_may_be_killed_at_any_moment() {
    let kills: u32 = std::env::var("DAYRATE_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10);
    let (desk, files) = desk();
    let half = files.len() / 2;
    come(&desk, &files);
    let whole = {
        let started = Instant::now();
        desk.run(&["refresh"]).is_well();
        u64::try_from(started.elapsed().as_micros()).unwrap()
    };
    // Two kills, one after the other, before a run that is left alone.
    for round in 0..kills.div_ceil(2) {
        // Half of the rounds find no table, half an old one.
        std::fs::remove_dir_all(desk.path("dars")).unwrap();
        std::fs::remove_dir_all(desk.path("messages")).unwrap();
        std::fs::create_dir(desk.path("messages")).unwrap();
        if round % 2 == 1 {
            come(&desk, &files[..half]);
            desk.run(&["refresh"]).is_well();
        }
        come(&desk, &files);
        for _ in 0..2 {
            kill_after(&desk, Duration::from_micros(random_below(whole)));
            // Whatever there is can be read, and is an answer of the messages or is not asked.
            assert_eq!(
                rows(|words| desk.run(words), "on"),
                rows(|words| desk.run(words), "off"),
                "round {round}"
            );
            assert_same_charges(&desk);
        }
        desk.run(&["refresh"]).is_well();
        assert_equal(|words| desk.run(words));
        assert_charges_equal(&desk);
        assert_no_litter(&desk);
    }
}

/// Starts a refresh, and kills it some time later.
fn kill_after(desk: &Desk, time: Duration) {
    let mut command = desk.command(&["refresh"]);
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut run = quiet.spawn().unwrap();
    std::thread::sleep(time);
    run.kill().unwrap();
    run.wait().unwrap();
}

/// A number below `end`, another one every time.
fn random_below(end: u64) -> u64 {
    RandomState::new().build_hasher().finish() % end.max(1)
}

#[test]
fn a_full_disk_leaves_the_table_as_it_was() {
    let (desk, files) = desk();
    let half = files.len() / 2;
    come(&desk, &files[..half]);
    desk.run(&["refresh"]).is_well();
    let before = files_below(&desk.path("dars")).len();
    come(&desk, &files);
    // No file may grow beyond some blocks, and the signal that would end the program says so as an error instead.
    for blocks in [0, 1, 4, 16] {
        let tool = env!("CARGO_BIN_EXE_dayrate");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec '{tool}' refresh 2>&1 | cat");
        let mut command = Command::new("sh");
        let answer = Answer::of(
            command
                .current_dir(desk.path("."))
                .arg("-c")
                .arg(script)
                .output()
                .unwrap(),
        );
        if !answer.out.contains("error: ") {
            // It fitted.
            assert!(blocks > 0, "{}", answer.out);
            break;
        }
        assert!(answer.out.contains("File too large"), "{}", answer.out);
        assert_eq!(
            rows(|words| desk.run(words), "on"),
            rows(|words| desk.run(words), "off")
        );
    }
    desk.run(&["refresh"]).is_well();
    assert_equal(|words| desk.run(words));
    assert_charges_equal(&desk);
    assert_no_litter(&desk);
    assert!(files_below(&desk.path("dars")).len() >= before);
}

#[test]
fn a_table_that_cannot_be_written_says_so() {
    let (desk, files) = desk();
    come(&desk, &files);
    // Nobody can make a folder there, not even root.
    for place in ["/proc/dars", "dayrate.toml/dars"] {
        desk.run(&["--dar-table", place, "refresh"])
            .fails(&[place, "cannot be written"]);
    }
    // Messages that are no files are refused before anything is written.
    let messages = "messages = { sql = \"SELECT 'site-001' AS site_id, 'c' AS conversation_id, 'bot' AS sent_by, \
                    TIMESTAMPTZ '2025-01-01T00:00:00Z' AS sent_at\" }";
    let values = CONFIGURATION.replace("messages = \"messages\"", messages);
    desk.write("values.toml", &values);
    desk.run(&["--config", "values.toml", "refresh"])
        .fails(&["cannot be read file by file", "step"]);
    assert!(!desk.path("dars").exists());
    // Another writer's table is left alone.
    desk.write("other/_delta_log/00000000000000000000.json", OTHER);
    desk.run(&["--dar-table", "other", "refresh"])
        .fails(&["'other'", "was not made by 'dayrate refresh'"]);
}

/// The first version of a table without rows.
const OTHER: &str = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"5f0f1a3e-0000-4000-8000-000000000000","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"day\",\"type\":\"date\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":["day"],"configuration":{},"createdTime":0}}
"#;

/// Names, addresses and passwords of the configuration are no part of the table, but for the paths of files.
#[test]
fn the_table_keeps_no_query() {
    let (desk, files) = desk();
    come(&desk, &files[..1]);
    let query = CONFIGURATION.replace(
        "messages = \"messages\"",
        "raw = \"messages\"\nmessages = { sql = \"SELECT *, 'hunter2' AS secret FROM raw WHERE sent_by <> 'hunter2'\" }",
    );
    desk.write("dayrate.toml", &query);
    desk.run(&["refresh"]).is_well();
    assert_equal(|words| desk.run(words));
    for file in files_below(&desk.path("dars")) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(
            !bytes.windows(7).any(|window| window == b"hunter2"),
            "{}",
            file.display()
        );
    }
}
