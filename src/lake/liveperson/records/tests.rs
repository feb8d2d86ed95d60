//! Where records begin and end, whatever holds them and however the bytes come.
#![expect(clippy::unwrap_used, reason = "a test may")]
use std::io::{BufReader, Cursor};

use super::*;

/// Every record as (byte, JSON), whatever the size of the reads.
fn records(text: &str) -> Result<Vec<(u64, String)>, String> {
    let read = |size| {
        let mut records = Records::new(BufReader::with_capacity(size, Cursor::new(text)));
        let mut found = Vec::new();
        loop {
            match records.next() {
                Ok(Some(record)) => {
                    assert_eq!(record.number, i64::try_from(found.len()).unwrap() + 1);
                    let json = String::from_utf8(record.json.to_vec()).unwrap();
                    found.push((record.offset, json));
                }
                Ok(None) => return Ok(found),
                Err(broken) => return Err(format!("{broken:?} at {}", records.offset())),
            }
        }
    };
    let all = [1, 2, 7, 8192].map(read);
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{all:?}");
    all.into_iter().next().unwrap()
}

fn of(text: &str) -> Vec<String> {
    records(text)
        .unwrap()
        .into_iter()
        .map(|(_, json)| json)
        .collect()
}

const ONE: &str = r#"{"info":{"a":"} ] \" {"},"m":[{"x":[[]]}]}"#;
const TWO: &str = "{ \"info\" : 2 }";

#[test]
fn the_same_records_however_they_are_held() {
    let page =
        format!("{{\"_metadata\":{{\"count\":2}},\"conversationHistoryRecords\":[{ONE},{TWO}]}}");
    let behind = format!(
        "{{\"conversationHistoryRecords\" : [ {ONE} , {TWO} ] , \"_metadata\" : [{{}}, \"]\"], \"x\":null}}"
    );
    for text in [
        page.clone(),
        behind,
        format!("[{ONE},\n{TWO}]\n"),
        format!("{ONE}\n{TWO}\n"),
        format!("{ONE}{TWO}"),
        format!("\u{feff}{ONE}\r\n\r\n{TWO}\r\n"),
        format!("[{{\"conversationHistoryRecords\":[{ONE}]}},[{TWO}]]"),
        format!(
            "{{\"conversationHistoryRecords\":[{ONE}]}}\n{{\"conversationHistoryRecords\":[]}}\n[{TWO}]"
        ),
        format!(
            "{{\"conversationHistoryRecords\":[{ONE}],\"conversationHistoryRecords\":[{TWO}]}}"
        ),
    ] {
        assert_eq!(of(&text), [ONE, TWO], "{text}");
    }
    assert_eq!(of(&format!("{page}{page}")).len(), 4);
    for text in [
        "",
        " \n",
        "[]",
        "{\"conversationHistoryRecords\":[]}",
        "[[],[]]",
    ] {
        assert!(of(text).is_empty(), "{text}");
    }
}

#[test]
fn a_record_is_found_where_it_begins() {
    let places = records(&format!("\u{feff} [ {ONE} ,\n{TWO}]")).unwrap();
    let second = u64::try_from(6 + ONE.len() + 3).unwrap();
    assert_eq!(
        places.iter().map(|(at, _)| *at).collect::<Vec<_>>(),
        [6, second]
    );
}

/// Whether it is a record is for the reader to say: here it only must not spoil the next one.
#[test]
fn what_is_no_record_spoils_no_other() {
    let list = format!("[1, \"]\", null, {{a: b}}, {{\"info\": “x”}}, {{]}}, {TWO}]");
    assert_eq!(
        of(&list),
        [
            "1",
            "\"]\"",
            "null",
            "{a: b}",
            "{\"info\": “x”}",
            "{]}",
            TWO
        ]
    );
    assert_eq!(of(r#"{"conversationHistoryRecords": null}"#).len(), 1);
    assert_eq!(of(r#"{"conversationHistoryRecord": [1]}"#).len(), 1);
}

#[test]
fn a_file_that_ends_too_early_says_where() {
    let page = format!("{{\"conversationHistoryRecords\":[{ONE},{TWO}]}}");
    for end in 1..page.len() {
        if let Some(text) = page.get(..end) {
            assert!(records(text).unwrap_err().contains("Truncated"), "{text}");
        }
    }
    let text = format!("{ONE}\n{{\"info\":");
    let since = ONE.len() + 1;
    assert_eq!(
        records(&text).unwrap_err(),
        format!("Truncated {{ since: {since} }} at {}", text.len())
    );
}

#[test]
fn what_is_no_json_says_where() {
    for (text, at) in [
        ("hello", 0),
        ("\n\"x\"", 1),
        ("[1 2]", 3),
        ("[,]", 1),
        ("[1,]", 3),
        ("[] x", 3),
    ] {
        let error = records(text).unwrap_err();
        assert!(
            error.starts_with("Unexpected") && error.ends_with(&format!("at {at}")),
            "{text}: {error}"
        );
    }
    assert!(
        records(&"[".repeat(100_000))
            .unwrap_err()
            .starts_with("Unexpected")
    );
    assert_eq!(
        of(&format!(
            "[{{\"a\":{}1{}}}]",
            "[".repeat(100_000),
            "]".repeat(100_000)
        ))
        .len(),
        1
    );
}

#[test]
fn a_record_that_is_too_large_is_passed_over() {
    let text = format!("[{{\"a\":\"{}\"}},{TWO}]", "x".repeat(1000));
    let mut records = Records::with_largest(Cursor::new(&text), 100);
    let first = records.next().unwrap().unwrap();
    assert_eq!(first.too_large, Some(1008));
    assert!(first.json.len() <= 100 && first.json.starts_with(b"{\"a\":\"x"));
    let second = records.next().unwrap().unwrap();
    assert_eq!((second.too_large, second.json), (None, TWO.as_bytes()));
}
