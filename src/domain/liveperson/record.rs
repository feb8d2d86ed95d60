//! One entry of `conversationHistoryRecords`: a conversation as it was delivered once.
//!
//! A conversation that goes on is delivered again, with more messages; which delivery is the newer one is decided by
//! what is in it, not by the order of files.

use std::borrow::Cow;

use serde_json::error::Category;

use super::message::{Context, Message, entries};
use super::outcome::{Outcome, answers, instant, purchases};
use super::scalar::Scalar;
use super::shape::{self, list, object};
use super::unusable::{Flaw, Unit, Unusable, snippet};
use crate::domain::message::Reason;

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conversation<'a> {
    /// `info.brandId`, as text.
    pub(crate) site_id: Cow<'a, str>,
    /// `info.conversationId`.
    pub(crate) conversation_id: Cow<'a, str>,
    /// `info.source`: where it was opened.
    pub(crate) channel: Option<Cow<'a, str>>,
    /// The last instant that the delivery knows of: a message, or an end. The later, the newer the delivery.
    pub(crate) newest_at: Option<i64>,
    /// How many entries `messageRecords` has: of two deliveries of the same age, the longer is the newer.
    pub(crate) delivered: i64,
    /// `info.isPartial`: the vendor cut it off; the rest is in another delivery, or missing.
    pub(crate) is_partial: bool,
    /// What can be billed.
    pub(crate) messages: Vec<Message<'a>>,
    /// What came of it.
    pub(crate) outcomes: Vec<Outcome<'a>>,
    /// What cannot be used of it.
    pub(crate) unusable: Vec<Unusable>,
}

/// The conversation that a record tells.
///
/// # Errors
///
/// A record that cannot be used as a whole.
pub(crate) fn read(json: &[u8]) -> Result<Conversation<'_>, Box<Unusable>> {
    let unusable = |flaw, found: String| {
        Box::new(Unusable {
            unit: Unit::Record,
            flaw,
            found,
            conversation_id: None,
            message_id: None,
            messages: 0,
            json: snippet(&String::from_utf8_lossy(json)),
        })
    };
    let not_a_record = |found: &str| unusable(Flaw::NotARecord, found.to_owned());
    if json.first() != Some(&b'{') {
        return Err(not_a_record("it is no object"));
    }
    let record: shape::Record<'_> =
        serde_json::from_slice(json).map_err(|cause| match cause.classify() {
            Category::Data => not_a_record(&cause.to_string()),
            _ => unusable(Flaw::NotJson, cause.to_string()),
        })?;
    let Some(info) = record.info else {
        return Err(not_a_record("it has no info"));
    };
    let Some(info) = object::<shape::Info<'_>>(info) else {
        return Err(not_a_record("info is no object, or has a key twice"));
    };
    let conversation_id = Scalar::of(info.conversation_id).text();
    let messages = record.message_records.or(record.messages_records);
    let Some(messages) = list(messages) else {
        return Err(Box::new(Unusable {
            conversation_id: conversation_id.map(Cow::into_owned),
            ..*not_a_record("messageRecords is no list")
        }));
    };
    let delivered = i64::try_from(messages.len()).unwrap_or(i64::MAX);
    let billing = |reason, key: &str, id: Option<Cow<'_, str>>| {
        let found = format!("info.{key} has no value");
        Box::new(Unusable {
            conversation_id: id.map(Cow::into_owned),
            messages: delivered,
            ..*unusable(Flaw::Billing(reason), found)
        })
    };
    let Some(site_id) = Scalar::of(info.brand_id).text() else {
        return Err(billing(Reason::NullSite, "brandId", conversation_id));
    };
    let Some(conversation_id) = conversation_id else {
        return Err(billing(Reason::NullConversation, "conversationId", None));
    };

    let entries = entries(messages);
    let mut context = Context::of(&record, conversation_id.clone(), &entries);
    let mut usable = Vec::with_capacity(entries.len());
    let mut faulty = Vec::new();
    for (entry, place) in entries.into_iter().zip(0..) {
        match context.message(entry, place) {
            Ok(message) => usable.push(message),
            Err(cause) => faulty.push(*cause),
        }
    }
    let ended_at = [
        info.end_time_l,
        info.conversation_end_time_l,
        info.full_dialog_end_time_l,
    ]
    .into_iter()
    .filter_map(instant)
    .max();
    let mut outcomes = Vec::new();
    for purchase in purchases(&record, &conversation_id) {
        match purchase {
            Ok(purchase) => outcomes.push(purchase),
            Err(cause) => faulty.push(*cause),
        }
    }
    outcomes.extend(answers(&record, &info, ended_at));
    for (outcome, place) in outcomes.iter_mut().zip(0..) {
        outcome.place = place;
    }
    let sent = usable.iter().map(|message| message.sent_at);
    Ok(Conversation {
        site_id,
        conversation_id,
        channel: Scalar::of(info.source).text(),
        newest_at: sent.chain(ended_at).max(),
        delivered,
        is_partial: Scalar::of(info.is_partial).yes() == Some(true),
        messages: usable,
        outcomes,
        unusable: faulty,
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
