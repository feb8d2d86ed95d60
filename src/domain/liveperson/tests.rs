//! The traps of the vendor's history, one by one. Expected values are read off the JSON beside them.
#![expect(clippy::unwrap_used, reason = "a test may")]

use serde_json::{Value, json};

use super::*;
use crate::domain::message::Sender;

/// A record of conversation `k1` on site `7` with these messages and further keys.
fn record(messages: &Value, more: &Value) -> String {
    let mut record = json!({
        "info": {"brandId": "7", "conversationId": "k1", "source": "SHARK", "endTimeL": -1},
        "messageRecords": messages,
        "agentParticipants": [{"agentId": "a1", "userTypeName": "Human"}, {"agentId": "b1", "userTypeName": "bot"}],
        "consumerParticipants": [{"participantId": "u1"}],
    });
    for (key, value) in more.as_object().unwrap() {
        record[key] = value.clone();
    }
    record.to_string()
}

/// A consumer's message with these keys besides.
fn message(more: &Value) -> Value {
    let mut message =
        json!({"messageId": "m1", "sentBy": "Consumer", "participantId": "u1", "timeL": 1000});
    for (key, value) in more.as_object().unwrap() {
        message[key] = value.clone();
    }
    message
}

fn flaw(json: &str) -> (Flaw, i64) {
    let unusable = read(json.as_bytes()).unwrap_err();
    (unusable.flaw, unusable.messages)
}

#[test]
fn a_conversation_has_the_fields_of_the_map() {
    let messages = json!([
        message(&json!({"time": "1999-01-01 00:00:00.000+0000", "seq": "4", "dialogId": "k1"})),
        message(
            &json!({"messageId": "m2", "sentBy": "AGENT", "participantId": "b1", "timeL": "2500",
                        "messageAudience": "AGENTS_AND_MANAGERS"})
        ),
    ]);
    let more = json!({"dialogs": [{"dialogId": "k1", "dialogType": "MAIN"}],
                      "intents": [{"messageId": "m1", "selectedClassification": {"intentName": "order"}}]});
    let json = record(&messages, &more);
    let read = read(json.as_bytes()).unwrap();
    assert_eq!(
        (read.site_id.as_ref(), read.conversation_id.as_ref()),
        ("7", "k1")
    );
    assert_eq!(
        (read.channel.as_deref(), read.newest_at),
        (Some("SHARK"), Some(2500))
    );
    let [first, second] = read.messages.as_slice() else {
        unreachable!("two messages")
    };
    assert_eq!((first.sent_at, first.sent_by), (1000, Sender::Consumer));
    assert_eq!(
        (first.seq, first.dialog_type.as_deref()),
        (Some(4), Some("MAIN"))
    );
    assert_eq!(
        (first.intent_analyzer, second.intent_analyzer),
        (Some(true), None)
    );
    assert_eq!((second.sent_at, second.sent_by), (2500, Sender::Bot));
    assert_eq!(second.audience.as_deref(), Some("AGENTS_AND_MANAGERS"));
    assert_eq!(second.consumer_id.as_deref(), Some("u1"));
    assert!(read.unusable.is_empty() && read.outcomes.is_empty() && !read.is_partial);
}

#[test]
fn an_unusable_message_takes_no_other_with_it() {
    let messages = json!([
        message(&json!({})),
        message(&json!({"messageId": "m2", "timeL": -1})),
        message(&json!({"messageId": "m3", "timeL": 0})),
        message(&json!({"messageId": "m4", "sentBy": "Martian"})),
        message(&json!({"messageId": "m5", "messageAudience": "FRIENDS"})),
        "no object",
        message(&json!({"messageId": "m7", "timeL": null, "sentBy": "Martian"})),
    ]);
    let json = record(&messages, &json!({}));
    let read = read(json.as_bytes()).unwrap();
    assert_eq!((read.messages.len(), read.delivered), (1, 7));
    let flaws: Vec<(Option<&str>, &str)> = read
        .unusable
        .iter()
        .map(|unusable| (unusable.message_id.as_deref(), unusable.flaw.name()))
        .collect();
    assert_eq!(
        flaws,
        [
            (Some("m2"), "null_sent_at"),
            (Some("m3"), "impossible_sent_at"),
            (Some("m4"), "unknown_sender"),
            (Some("m5"), "unknown_audience"),
            (None, "not_a_message"),
            (Some("m7"), "null_sent_at"),
        ]
    );
    assert_eq!(
        read.unusable[2].found,
        "sentBy is \"Martian\" and participantId \"u1\""
    );
    assert!(
        read.unusable[1].json.contains("\"timeL\":0"),
        "{}",
        read.unusable[1].json
    );
}

#[test]
fn an_unusable_record_says_why_and_how_many_messages_go_with_it() {
    let with_info = |info: Value| record(&json!([message(&json!({}))]), &json!({"info": info}));
    let billing = Flaw::Billing;
    assert_eq!(
        flaw(&with_info(json!({"conversationId": "k"}))),
        (billing(Reason::NullSite), 1)
    );
    assert_eq!(
        flaw(&with_info(
            json!({"brandId": "undefined", "conversationId": ""})
        )),
        (billing(Reason::NullSite), 1)
    );
    assert_eq!(
        flaw(&with_info(json!({"brandId": 7, "conversationId": "null"}))),
        (billing(Reason::NullConversation), 1)
    );
    assert_eq!(flaw(&with_info(json!([1]))), (Flaw::NotARecord, 0));
    assert_eq!(
        flaw(r#"{"debugMessage": "no such account"}"#),
        (Flaw::NotARecord, 0)
    );
    assert_eq!(flaw("[]"), (Flaw::NotARecord, 0));
    assert_eq!(flaw(r#"{"info": {}, "info": {}}"#), (Flaw::NotARecord, 0));
    assert_eq!(flaw(&record(&json!(7), &json!({}))), (Flaw::NotARecord, 0));
    // Curly quotes, as the vendor's own sample has them.
    assert_eq!(flaw("{\"info\": {\"brandId\": “7”}}"), (Flaw::NotJson, 0));
    assert_eq!(flaw("{\"info\": {\"brandId\": 7}"), (Flaw::NotJson, 0));
    // Its other halves are in the record, but it is not looked into.
    let known = read(with_info(json!({"conversationId": "k"})).as_bytes()).unwrap_err();
    assert_eq!(known.conversation_id.as_deref(), Some("k"));
}

#[test]
fn depth_and_length_are_no_matter() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = "x".repeat(5 << 20);
    let json = record(
        &json!([message(&json!({"messageData": {"msg": {"text": text}}}))]),
        &json!({}),
    );
    let json = json.replacen('{', &format!("{{\"summary\": {deep}, "), 1);
    assert_eq!(read(json.as_bytes()).unwrap().messages.len(), 1);
    let json = format!(r#"{{"info": {deep}}}"#);
    assert_eq!(flaw(&json), (Flaw::NotARecord, 0));
}

#[test]
fn ids_of_another_dialog_are_told_apart() {
    let messages = json!([
        message(&json!({"messageId": "0", "dialogId": "k1"})),
        message(&json!({"messageId": "0", "dialogId": "s1"})),
        message(&json!({"messageId": "ms::dialog:s1::msg:1", "dialogId": "s1"})),
        message(&json!({"messageId": "9", "dialogId": "undefined"})),
        message(&json!({"messageId": "0", "dialogId": "s1"})),
    ]);
    let dialogs = json!({"dialogs": [{"dialogId": "k1", "dialogType": "main"}, {"dialogId": "s1", "dialogType": "POST_SURVEY"}]});
    for more in [dialogs, json!({})] {
        let json = record(&messages, &more);
        let read = read(json.as_bytes()).unwrap();
        let ids: Vec<_> = read
            .messages
            .iter()
            .filter_map(|m| m.message_id.as_deref())
            .collect();
        assert_eq!(ids, ["0", "s1/0", "ms::dialog:s1::msg:1", "9", "s1/0"]);
    }
}

#[test]
fn a_message_without_an_id_is_known_by_its_place() {
    let messages = json!([
        message(&json!({"messageId": "undefined", "seq": 3})),
        message(&json!({"messageId": "undefined"})),
    ]);
    let json = record(&messages, &json!({}));
    let read = read(json.as_bytes()).unwrap();
    let unnamed: Vec<_> = read.messages.iter().map(|m| m.unnamed.as_deref()).collect();
    assert_eq!(unnamed, [Some(" 3 1000"), Some(" 1 1000")]);
}

#[test]
fn an_end_makes_a_delivery_newer() {
    let info = json!({"info": {"brandId": "7", "conversationId": "k1", "endTimeL": 9000, "isPartial": true}});
    let json = record(&json!([message(&json!({}))]), &info);
    let read = read(json.as_bytes()).unwrap();
    assert_eq!((read.newest_at, read.is_partial), (Some(9000), true));
}

#[test]
fn purchases_are_exact_in_both_versions() {
    let more = json!({
        "sdes": {"events": [
            {"sdeType": "PURCHASE", "serverTimeStamp": "5000",
             "purchase": {"total": "78.10", "currency": "eur", "orderId": "O-1", "serverTimeStamp": "4000"}},
            {"sdeType": "CUSTOMER_INFO", "customerInfo": {"customerInfo": {"balance": "1"}}},
            {"sdeType": "PURCHASE", "serverTimeStamp": "5000", "purchase": {"total": "1,5", "currency": null}},
        ]},
        "unAuthSdes": {"events": [
            {"sdeType": "PURCHASE", "serverTimeStamp": 6000,
             "purchase": {"purchase": {"total": 1.0E7, "currency": "JPY", "orderId": "undefined"}}},
        ]},
    });
    let json = record(&json!([]), &more).replace("10000000.0", "1.0E7");
    assert!(json.contains("1.0E7"));
    let read = read(json.as_bytes()).unwrap();
    let shown: Vec<_> = read
        .outcomes
        .iter()
        .map(|o| {
            (
                o.kind,
                o.outcome_id.as_deref(),
                o.occurred_at,
                o.currency.as_deref(),
                o.revenue,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("sales", Some("O-1"), Some(4000), Some("EUR"), Some(781_000)),
            (
                "sales",
                None,
                Some(6000),
                Some("JPY"),
                Some(100_000_000_000)
            ),
        ]
    );
    assert_eq!(read.unusable.len(), 1);
    assert_eq!(
        (read.unusable[0].flaw, read.unusable[0].unit),
        (Flaw::UnknownAmount, Unit::Outcome)
    );
}

#[test]
fn surveys_say_whether_the_customer_was_helped() {
    let more = json!({
        "info": {"brandId": "7", "conversationId": "k1", "endTimeL": 9000, "csat": "undefined", "csatRate": 5, "mcs": 67},
        "dialogs": [{"dialogId": "s1", "dialogType": "POST_SURVEY", "endTimeL": 9500}],
        "conversationSurveys": [
            {"surveyType": "Satisfaction", "surveyStatus": "FILLED",
             "surveyData": [{"question": "Confirm Resolution", "answer": "Yes"}]},
            {"surveyType": "PCS", "dialogId": "s1", "surveyData": [
                {"questionType": "fcr", "question": "All done?", "answer": "no"},
                {"questionType": "csat", "question": "How was it?", "answer": "4"},
                {"questionType": "custom", "question": "Would you recommend us?", "answer": 9}]},
            {"surveyType": "PCS", "dialogId": "s2", "surveyData": [{"question": "Anything else?", "answer": "no"}]},
        ],
    });
    let json = record(&json!([]), &more);
    let read = read(json.as_bytes()).unwrap();
    let shown: Vec<_> = read
        .outcomes
        .iter()
        .map(|o| {
            (
                o.outcome_id.as_deref(),
                o.occurred_at,
                o.resolved,
                o.csat,
                o.nps,
                o.mcs,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (
                Some("survey"),
                Some(9000),
                Some(true),
                Some(5),
                None,
                Some(67)
            ),
            (
                Some("survey:s1"),
                Some(9500),
                Some(false),
                Some(4),
                Some(9),
                Some(67)
            ),
        ]
    );
    // Without a survey, the score that info tells is an outcome; a connection score alone is none.
    for (info, outcomes) in [(json!({"csat": 3}), 1), (json!({"mcs": 50, "csat": -1}), 0)] {
        let mut more = json!({"info": {"brandId": "7", "conversationId": "k1"}});
        for (key, value) in info.as_object().unwrap() {
            more["info"][key] = value.clone();
        }
        let json = record(&json!([]), &more);
        assert_eq!(
            super::read(json.as_bytes()).unwrap().outcomes.len(),
            outcomes
        );
    }
}
