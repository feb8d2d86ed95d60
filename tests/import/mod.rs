//! `dayrate import liveperson`: the history in `testdata/liveperson/`, whose answers are worked by hand below; files that
//! cannot be read; and what is left behind.
//!
//! k-100 (site 7071, New York) is delivered twice: four messages, then the first three and a new one, of which the note
//! has moved by an hour. k-200 (site 7072, Tokyo) is delivered whole, and once more with its first message only. k-300 has
//! no site. k-400 (7071) has a survey whose messages are numbered anew. k-500 (7071) has two consumers. Two further
//! lines are no records.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Answer, Desk};

const SITES: &str = "(SELECT * FROM (VALUES ('7071', 'acme', 'America/New_York'), ('7072', 'acme', 'Asia/Tokyo')) \
                     AS s(site_id, org_id, time_zone))";

fn history() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("testdata/liveperson")
        .to_string_lossy()
        .into_owned()
}

impl Desk {
    fn import(&self, files: &[&str], out: &str) -> Answer {
        let mut arguments = vec!["import", "liveperson"];
        arguments.extend(files);
        arguments.extend(["--out", out]);
        self.run(&arguments)
    }

    fn csv(&self, sql: &str) -> String {
        let answer = self.run(&["--format", "csv", "-c", sql]);
        answer.is_well().out.clone()
    }

    /// A file of `bytes`, compressed.
    fn gzip(&self, path: &str, bytes: &[u8]) {
        let mut file = GzEncoder::new(
            std::fs::File::create(self.path(path)).unwrap(),
            Compression::fast(),
        );
        file.write_all(bytes).unwrap();
        file.finish().unwrap();
    }
}

#[test]
fn the_history_becomes_messages_worked_by_hand() {
    let desk = Desk::new();
    let answer = desk.import(&[&history()], "h");
    assert_eq!(
        (answer.code, answer.out.as_str()),
        (3, ""),
        "{}",
        answer.err
    );
    assert_eq!(desk.files(), ["h"]);
    let messages = desk.csv(
        "SELECT site_id, conversation_id, message_id, sent_at, sent_by, consumer_id, audience, channel, intent_analyzer, \
         dialog_type, seq FROM 'h/messages' ORDER BY conversation_id, sent_at",
    );
    assert_eq!(
        messages,
        "\
site_id,conversation_id,message_id,sent_at,sent_by,consumer_id,audience,channel,intent_analyzer,dialog_type,seq
7071,k-100,ms::conv:k-100::msg:0,2025-03-09T04:59:59Z,consumer,u-1,,SHARK,true,,0
7071,k-100,ms::conv:k-100::msg:1,2025-03-09T05:00:05Z,bot,u-1,,SHARK,,,1
7071,k-100,ms::conv:k-100::msg:2,2025-03-11T16:00:00Z,agent,u-1,AGENTS_AND_MANAGERS,SHARK,,,2
7071,k-100,ms::conv:k-100::msg:4,2025-03-12T15:00:00Z,system,u-1,,SHARK,,,4
7071,k-100,ms::conv:k-100::msg:5,2025-03-13T12:00:00Z,consumer,u-1,,SHARK,,,5
7072,k-200,ms::conv:k-200::msg:0,2025-03-31T14:59:59.999Z,consumer,u-2,,,,,0
7072,k-200,ms::conv:k-200::msg:1,2025-03-31T15:00:00Z,consumer,u-2,,,,,1
7072,k-200,ms::conv:k-200::msg:2,2025-04-02T03:00:00Z,agent,u-2,,,,,2
7071,k-400,0,2025-03-10T03:59:59Z,consumer,u-1,,SMS,,MAIN,0
7071,k-400,1,2025-03-10T04:00:00Z,agent,u-1,,SMS,,MAIN,1
7071,k-400,s-400/0,2025-03-10T04:05:00Z,consumer,u-1,,SMS,,POST_SURVEY,0
7071,k-500,m0,2025-03-20T12:00:00Z,consumer,u-3,,APP,,,0
7071,k-500,m1,2025-03-20T12:01:00Z,bot,,,APP,,,1
7071,k-500,m2,2025-03-20T13:00:00Z,consumer,u-4,,APP,,,2
"
    );
}

/// Days by hand: New York is at -05:00 until 2025-03-09T07:00Z, then at -04:00; Tokyo is at +09:00.
#[test]
fn the_dars_of_the_history_are_those_worked_by_hand() {
    let desk = Desk::new();
    assert_eq!(desk.import(&[&history()], "h").code, 3);
    let dars = desk.csv(&format!(
        "SELECT site_id, consumer_id, day, messages, intent_analyzer FROM dars('h/messages', {SITES}) ORDER BY 1, 2, 3"
    ));
    // u-1 on the 9th: the bot of k-100 at 00:00:05 and k-400 at 23:59:59; the note of the 11th and the platform's message
    // of the 12th make none. k-500: the bot's message goes to the smaller of the two who wrote on that day.
    assert_eq!(
        dars,
        "\
site_id,consumer_id,day,messages,intent_analyzer
7071,u-1,2025-03-08,1,true
7071,u-1,2025-03-09,2,false
7071,u-1,2025-03-10,2,false
7071,u-1,2025-03-13,1,false
7071,u-3,2025-03-20,2,false
7071,u-4,2025-03-20,1,false
7072,u-2,2025-03-31,1,false
7072,u-2,2025-04-01,1,false
7072,u-2,2025-04-02,1,false
"
    );
}

#[test]
fn the_outcomes_of_the_history_are_exact_and_join_their_costs() {
    let desk = Desk::new();
    assert_eq!(desk.import(&[&history()], "h").code, 3);
    let outcomes = desk.csv("SELECT * FROM 'h/outcomes.parquet' ORDER BY occurred_at");
    // The order A-2 of the first delivery has another amount in the second.
    assert_eq!(
        outcomes,
        "\
conversation_id,kind,site_id,outcome_id,occurred_at,currency,revenue,saving,resolved,csat,nps,mcs
k-400,sales,7071,A-1,2025-03-10T04:02:00Z,USD,78.1000,,,,,
k-400,support,7071,survey:s-400,2025-03-10T04:06:00Z,,,,true,5,,81
k-100,sales,7071,A-2,2025-03-13T12:10:00Z,USD,12.5000,,,,,
"
    );
    let joined = desk.csv(&format!(
        "SELECT conversation_id, dars, kinds, outcomes, revenue, resolved \
         FROM engagement_outcomes('h/messages', {SITES}, outcomes => 'h/outcomes.parquet') ORDER BY 1"
    ));
    assert_eq!(
        joined,
        "\
conversation_id,dars,kinds,outcomes,revenue,resolved
k-100,3,sales,1,12.5000,
k-200,3,,0,,
k-400,2,\"sales, support\",2,78.1000,true
k-500,2,,0,,
"
    );
}

#[test]
fn what_cannot_be_used_is_kept_and_the_counts_add_up() {
    let desk = Desk::new();
    let answer = desk.run(&[
        "import",
        "liveperson",
        &history(),
        "--out",
        "h",
        "--format",
        "json",
    ]);
    assert_eq!((answer.code, answer.err.as_str()), (3, ""));
    let summary: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(
        summary,
        serde_json::json!({
            "out": "h", "files": 3, "bytes": 2045 + 7447 + 2653,
            "records": {"read": 9, "conversations": 4, "delivered_again": 2, "partial": 1,
                        "rejected": {"not_a_record": 1, "not_json": 1, "null_site": 1}},
            "messages": {"read": 22, "written": 14, "duplicate": 4, "conflicts": 1, "by_unlisted_agents": 1,
                         "rejected": {"impossible_sent_at": 1, "null_sent_at": 1, "null_site": 2}},
            "outcomes": {"read": 5, "written": 3, "duplicate": 1, "rejected": {"unknown_amount": 1}},
        })
    );
    for name in ["messages", "outcomes"] {
        let rows = &summary[name];
        let count = |value: &serde_json::Value| value.as_u64().unwrap();
        let rejected: u64 = rows["rejected"]
            .as_object()
            .unwrap()
            .values()
            .map(count)
            .sum();
        assert_eq!(
            count(&rows["read"]),
            count(&rows["written"]) + count(&rows["duplicate"]) + rejected
        );
    }
    let rejects = desk.csv(
        "SELECT regexp_replace(file, '.*/', '') AS file, record, unit, reason, conversation_id, message_id, messages, found \
         FROM 'h/rejects.parquet'",
    );
    assert_eq!(
        rejects,
        "\
file,record,unit,reason,conversation_id,message_id,messages,found
later.ndjson,3,record,not_json,,,0,expected value at line 1 column 72
later.ndjson,4,record,not_a_record,,,0,it has no info
page-1.json,2,message,null_sent_at,k-200,ms::conv:k-200::msg:3,1,timeL is -1
page-1.json,2,message,impossible_sent_at,k-200,ms::conv:k-200::msg:4,1,timeL is 0
page-1.json,3,record,null_site,k-300,,2,info.brandId has no value
page-2.json,1,outcome,unknown_amount,k-100,,0,\"total is 0.30000000000000004, which is no number of at most 4 decimals\"
"
    );
    // The place leads to the JSON that is kept.
    let kept =
        desk.csv("SELECT byte_offset, json FROM 'h/rejects.parquet' WHERE reason = 'not_json'");
    let file = std::fs::read_to_string(Path::new(&history()).join("later.ndjson")).unwrap();
    let line = file.lines().nth(2).unwrap();
    let offset = file.find(line).unwrap();
    assert_eq!(
        kept,
        format!(
            "byte_offset,json\n{offset},\"{}\"\n",
            line.replace('"', "\"\"")
        )
    );
}

/// However the same records are split, held and compressed, the result is the same, byte for byte.
#[test]
fn the_result_does_not_depend_on_how_the_records_are_held() {
    let desk = Desk::new();
    let first = std::fs::read_to_string(Path::new(&history()).join("page-1.json")).unwrap();
    let second = std::fs::read_to_string(Path::new(&history()).join("page-2.json")).unwrap();
    let records = |text: &str| -> Vec<serde_json::Value> {
        let page: serde_json::Value = serde_json::from_str(text).unwrap();
        let list = page.get("conversationHistoryRecords").unwrap_or(&page);
        list.as_array().unwrap().clone()
    };
    desk.write("a/1.json", &first).write("a/2.json", &second);
    desk.write("b/1.json", &format!("{second}{first}"));
    let all = [records(&second), records(&first)].concat();
    let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
    desk.write("c/1.jsonl", &lines.join("\n"));
    desk.gzip(
        "d.gz",
        format!("\u{feff}{}", serde_json::Value::Array(all)).as_bytes(),
    );
    let bytes = |out: &str, files: &[&str]| {
        let answer = desk.import(files, out);
        assert_eq!(answer.code, 3, "{}", answer.err);
        let read = |name: &str| std::fs::read(desk.path(&format!("{out}/{name}"))).unwrap();
        [read("messages/part-0.parquet"), read("outcomes.parquet")]
    };
    let expected = bytes("of-a", &["a"]);
    for (out, files) in [
        ("of-b", &["b/1.json"][..]),
        ("of-c", &["c"]),
        ("of-d", &["d.gz"]),
        ("of-pattern", &["a/*.json", "a/1.json"]),
    ] {
        assert!(bytes(out, files) == expected, "{out}");
    }
}

#[test]
fn a_history_without_faults_is_code_0_and_again_it_is_the_same() {
    let desk = Desk::new();
    let record = |id: usize| {
        format!(
            "{{\"info\":{{\"brandId\":\"s\",\"conversationId\":\"c{id}\"}},\"messageRecords\":[{{\"messageId\":\"m\",\
             \"timeL\":{},\"sentBy\":\"Consumer\",\"participantId\":\"u\"}}]}}\n",
            1_700_000_000_000 + id
        )
    };
    desk.write("h.ndjson", &(0..1000).map(record).collect::<String>());
    desk.write("none.ndjson", "");
    let answer = desk.import(&["h.ndjson", "none.ndjson"], "out");
    assert_eq!(answer.code, 0, "{}", answer.err);
    assert_eq!(
        answer.err,
        "out: 1000 records in 2 files = 1000 conversations + 0 delivered again + 0 rejected\n\
         1000 messages read = 1000 written + 0 duplicate + 0 rejected\n\
         0 outcomes read = 0 written + 0 duplicate + 0 rejected\n"
    );
    // The same twice: what is in one is in the other.
    desk.run(&[
        "import",
        "liveperson",
        "h.ndjson",
        "h.ndjson",
        "--out",
        "deep/out2",
    ])
    .is_well();
    let differ = "SELECT count(*) AS n FROM (SELECT * FROM 'out/messages' EXCEPT SELECT * FROM 'deep/out2/messages')";
    assert_eq!(desk.csv(differ), "n\n0\n");
    assert_eq!(
        desk.csv("SELECT count(*) AS n FROM 'out/rejects.parquet'"),
        "n\n0\n"
    );
}

#[test]
fn a_file_that_cannot_be_read_leaves_nothing() {
    let desk = Desk::new();
    let page = std::fs::read(Path::new(&history()).join("page-1.json")).unwrap();
    std::fs::write(desk.path("cut.json"), &page[..5000]).unwrap();
    desk.gzip("whole.json.gz", &page);
    let packed = std::fs::read(desk.path("whole.json.gz")).unwrap();
    std::fs::write(desk.path("cut.json.gz"), &packed[..packed.len() / 2]).unwrap();
    desk.write("text.json", "  <html>")
        .write("empty.json", "\n")
        .write("list.json", "[{}, {} {}]");
    std::fs::write(desk.path("z.json"), [0x28, 0xb5, 0x2f, 0xfd, 0]).unwrap();
    let before = desk.files();
    for (file, words) in [
        (
            "cut.json",
            &["'cut.json'", "ends at byte 5000", "cut off"][..],
        ),
        (
            "cut.json.gz",
            &["'cut.json.gz'", "cannot be read on at byte"],
        ),
        ("text.json", &["'text.json', byte 2", "'<'"]),
        ("empty.json", &["'empty.json' is empty"]),
        ("list.json", &["'list.json', byte 8", "','"]),
        ("z.json", &["'z.json'", "decompress"]),
        ("none.json", &["'none.json'", "no such file"]),
        ("s3://bucket/x.json", &["s3 address"]),
    ] {
        desk.import(&["whole.json.gz", file], "out").fails(words);
        assert_eq!(desk.files(), before, "{file}");
    }
    desk.write("out/mine", "x");
    desk.import(&["whole.json.gz"], "out")
        .fails(&["'out' is not empty", "--out"]);
    assert_eq!(desk.read("out/mine"), "x");
    for arguments in [
        &["import"][..],
        &["import", "liveperson", "x.json"],
        &["import", "other", "x"],
    ] {
        assert_eq!(desk.run(arguments).code, 2);
    }
}

/// The table functions read what the import reads.
#[test]
fn the_import_is_what_the_functions_give() {
    let desk = Desk::new();
    let history = history();
    assert_eq!(desk.import(&[&history], "h").code, 3);
    for (function, options, imported) in [
        ("messages", ", rejects => 'skip'", "h/messages"),
        ("outcomes", ", rejects => 'skip'", "h/outcomes.parquet"),
        ("rejects", "", "h/rejects.parquet"),
    ] {
        let call = format!("SELECT * FROM liveperson_{function}('{history}'{options})");
        let both = [
            format!("({call}) EXCEPT SELECT * FROM '{imported}'"),
            format!("SELECT * FROM '{imported}' EXCEPT ({call})"),
        ];
        for difference in both {
            let sql = format!("SELECT count(*) AS n FROM ({difference})");
            assert_eq!(desk.csv(&sql), "n\n0\n", "{sql}");
        }
    }
}
