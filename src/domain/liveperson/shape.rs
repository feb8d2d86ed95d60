//! The keys of the history that are read. Everything else is skipped, the texts of messages above all.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Any value, as it was written.
pub(super) type Raw<'a> = Option<&'a RawValue>;

/// An entry of `conversationHistoryRecords`. Documentation and samples spell some keys differently.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record<'a> {
    #[serde(borrow, default)]
    pub(super) info: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) message_records: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) messages_records: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) agent_participants: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) agent_participants_active: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) agent_participants_leave: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) consumer_participants: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) consumer_participant: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) dialogs: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) intents: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) conversation_surveys: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) sdes: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) un_auth_sdes: Raw<'a>,
}

/// `info`. Its `timeZone` is the visitor's and decides no day.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Info<'a> {
    #[serde(borrow, default)]
    pub(super) brand_id: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) conversation_id: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) source: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) end_time_l: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) conversation_end_time_l: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) full_dialog_end_time_l: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) csat: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) csat_rate: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) mcs: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) is_partial: Raw<'a>,
}

/// An entry of `messageRecords`. Its `time` is text that can differ from `timeL`: only `timeL` is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message<'a> {
    #[serde(borrow, default)]
    pub(super) message_id: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) seq: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) dialog_id: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) participant_id: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) time_l: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) sent_by: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) message_audience: Raw<'a>,
}

/// An entry of `agentParticipants`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Agent<'a> {
    #[serde(borrow, default)]
    pub(super) agent_id: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) user_type: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) user_type_name: Raw<'a>,
}

/// An entry of `consumerParticipants`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Consumer<'a> {
    #[serde(borrow, default)]
    pub(super) participant_id: Raw<'a>,
}

/// An entry of `dialogs`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dialog<'a> {
    #[serde(borrow, default)]
    pub(super) dialog_id: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) dialog_type: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) end_time_l: Raw<'a>,
}

/// An entry of `intents`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Intent<'a> {
    #[serde(borrow, default)]
    pub(super) message_id: Raw<'a>,
}

/// An entry of `conversationSurveys`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Survey<'a> {
    #[serde(borrow, default)]
    pub(super) survey_type: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) dialog_id: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) survey_data: Raw<'a>,
}

/// An entry of `surveyData`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer<'a> {
    #[serde(borrow, default)]
    pub(super) question_type: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) question_name: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) question: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) answer: Raw<'a>,
}

/// `sdes`, the engagement attributes.
#[derive(Debug, Deserialize)]
pub(super) struct Sdes<'a> {
    #[serde(borrow, default)]
    pub(super) events: Raw<'a>,
}

/// An entry of `events`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event<'a> {
    #[serde(borrow, default)]
    pub(super) purchase: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) server_time_stamp: Raw<'a>,
}

/// `purchase`: version 1 gives texts, version 2 numbers; other attributes are nested once more, so this one may be.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Purchase<'a> {
    #[serde(borrow, default)]
    pub(super) total: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) currency: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) order_id: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) server_time_stamp: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) original_time_stamp: Raw<'a>,
    #[serde(borrow, default)]
    pub(super) purchase: Raw<'a>,
}

/// The object that `raw` is; `None` if it is none, or has one of the keys twice.
pub(super) fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    let text = raw.get();
    let is_object = text.starts_with('{');
    is_object.then(|| serde_json::from_str(text).ok()).flatten()
}

/// The entries of a list; a single object counts as a list of one, and no value or a word for "none" as an empty one.
///
/// `None` if it is something else.
pub(super) fn list<'a>(raw: Raw<'a>) -> Option<Vec<&'a RawValue>> {
    let Some(raw) = raw else {
        return Some(Vec::new());
    };
    match raw.get().as_bytes().first() {
        Some(b'[') => serde_json::from_str(raw.get()).ok(),
        Some(b'{') => Some(vec![raw]),
        _ => match super::scalar::Scalar::of(Some(raw)).text() {
            None => Some(Vec::new()),
            Some(_) => None,
        },
    }
}

/// The objects among the entries of a list.
pub(super) fn objects<'a, T: Deserialize<'a>>(raw: Raw<'a>) -> impl Iterator<Item = T> {
    list(raw).unwrap_or_default().into_iter().filter_map(object)
}
