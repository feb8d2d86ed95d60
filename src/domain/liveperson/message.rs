//! One entry of `messageRecords` as a row of `messages`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::value::RawValue;

use super::people::{People, Sent};
use super::scalar::{Instant, Scalar, shown};
use super::shape::{self, object, objects};
use super::unusable::{Flaw, Unit, Unusable, snippet};
use crate::domain::message::{Audience, Reason, Sender};

/// A message that can be billed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// Of `consumerParticipants`; `None` where several are listed and none of them sent it.
    pub(crate) consumer_id: Option<Cow<'a, str>>,
    /// Unique within the conversation.
    pub(crate) message_id: Option<Cow<'a, str>>,
    /// What its copies have in common where it has no id.
    pub(crate) unnamed: Option<String>,
    /// `timeL`: milliseconds since 1970.
    pub(crate) sent_at: i64,
    /// By the lists of participants.
    pub(crate) sent_by: Sender,
    /// As written; `None` is everybody.
    pub(crate) audience: Option<Cow<'a, str>>,
    /// `Some(true)`: an intent was found in it. Otherwise nobody knows: listening that finds nothing leaves no trace.
    pub(crate) intent_analyzer: Option<bool>,
    /// The dialog.
    pub(crate) dialog_id: Option<Cow<'a, str>>,
    /// `MAIN`, `POST_SURVEY` …
    pub(crate) dialog_type: Option<Cow<'a, str>>,
    /// Its number, which may skip.
    pub(crate) seq: Option<i64>,
    /// Its place in the list, from 0.
    pub(crate) place: i64,
    /// Whether no list says what kind of agent sent it.
    pub(crate) by_unlisted_agent: bool,
}

/// An entry before it is judged: its JSON, and its keys if it is an object.
pub(super) type Entry<'a> = (&'a RawValue, Option<shape::Message<'a>>);

/// What the messages of a conversation have in common.
#[derive(Debug)]
pub(super) struct Context<'a> {
    conversation_id: Cow<'a, str>,
    people: People<'a>,
    /// Type by dialog.
    dialogs: HashMap<Cow<'a, str>, Cow<'a, str>>,
    /// Messages in which an intent was found.
    heard: HashSet<Cow<'a, str>>,
    /// The dialog in which an id was first seen.
    seen: HashMap<Cow<'a, str>, Cow<'a, str>>,
}

impl<'a> Context<'a> {
    pub(super) fn of(
        record: &shape::Record<'a>,
        conversation_id: Cow<'a, str>,
        entries: &[Entry<'a>],
    ) -> Self {
        let mut people = People::of(record);
        people.add_consumers(entries.iter().filter_map(|(_, message)| {
            let message = message.as_ref()?;
            let sent_by = Scalar::of(message.sent_by).text()?;
            let participant = Scalar::of(message.participant_id).text()?;
            (Sender::parse(&sent_by) == Some(Sender::Consumer)).then_some(participant)
        }));
        let dialogs = objects::<shape::Dialog<'a>>(record.dialogs).filter_map(|dialog| {
            let id = Scalar::of(dialog.dialog_id).text()?;
            Some((id, Scalar::of(dialog.dialog_type).text()?))
        });
        let heard = objects::<shape::Intent<'a>>(record.intents)
            .filter_map(|intent| Scalar::of(intent.message_id).text());
        Self {
            conversation_id,
            people,
            dialogs: dialogs.collect(),
            heard: heard.collect(),
            seen: HashMap::new(),
        }
    }

    /// The message that an entry is.
    ///
    /// # Errors
    ///
    /// For the first reason, in the order of billing, for which it cannot be used.
    pub(super) fn message(
        &mut self,
        (raw, message): Entry<'a>,
        place: i64,
    ) -> Result<Message<'a>, Box<Unusable>> {
        let unusable = |flaw, found, message_id: Option<&Cow<'a, str>>| {
            Err(Box::new(Unusable {
                unit: Unit::Message,
                flaw,
                found,
                conversation_id: Some(self.conversation_id.clone().into_owned()),
                message_id: message_id.map(|id| id.clone().into_owned()),
                messages: 1,
                json: snippet(raw.get()),
            }))
        };
        let Some(message) = message else {
            let found = "it is no object, or has a key twice".to_owned();
            return unusable(Flaw::NotAMessage, found, None);
        };
        let message_id = Scalar::of(message.message_id).text();
        let billing = |reason, found| unusable(Flaw::Billing(reason), found, message_id.as_ref());
        let sent_at = match Scalar::of(message.time_l).instant() {
            Instant::At(at) => at,
            none => {
                let reason = match none {
                    Instant::None => Reason::NullSentAt,
                    _ => Reason::ImpossibleSentAt,
                };
                return billing(reason, format!("timeL is {}", shown(message.time_l)));
            }
        };
        let participant = Scalar::of(message.participant_id).text();
        let sent_by = Scalar::of(message.sent_by).text();
        let (sent_by, by_unlisted_agent) = match self
            .people
            .sender(sent_by.as_deref(), participant.as_deref())
        {
            Some(Sent::By(sender)) => (sender, false),
            Some(Sent::ByUnlistedAgent) => (Sender::Agent, true),
            None => {
                let found = format!(
                    "sentBy is {} and participantId {}",
                    shown(message.sent_by),
                    shown(message.participant_id)
                );
                return billing(Reason::UnknownSender, found);
            }
        };
        let audience = Scalar::of(message.message_audience).text();
        if audience
            .as_deref()
            .is_some_and(|text| Audience::parse(text).is_none())
        {
            let found = format!("messageAudience is {}", shown(message.message_audience));
            return billing(Reason::UnknownAudience, found);
        }

        let heard = message_id
            .as_ref()
            .is_some_and(|id| self.heard.contains(id));
        let dialog_id = Scalar::of(message.dialog_id).text();
        let dialog_type = dialog_id
            .as_ref()
            .and_then(|id| self.dialogs.get(id))
            .cloned();
        let seq = Scalar::of(message.seq).count();
        let consumer_id = self.people.consumer(sent_by, participant);
        let unnamed = message_id.is_none().then(|| {
            let number = seq.unwrap_or(place);
            format!(
                "{} {number} {sent_at}",
                dialog_id.as_deref().unwrap_or_default()
            )
        });
        let message_id =
            message_id.map(|id| self.unique_id(id, dialog_id.as_ref(), dialog_type.as_deref()));
        Ok(Message {
            consumer_id,
            message_id,
            unnamed,
            sent_at,
            sent_by,
            audience,
            intent_analyzer: heard.then_some(true),
            dialog_id,
            dialog_type,
            seq,
            place,
            by_unlisted_agent,
        })
    }

    /// The vendor numbers messages by dialog. In another dialog than the main one, or the second in which it stands, an
    /// id that does not name the dialog itself gets its name.
    fn unique_id(
        &mut self,
        id: Cow<'a, str>,
        dialog_id: Option<&Cow<'a, str>>,
        dialog_type: Option<&str>,
    ) -> Cow<'a, str> {
        let Some(dialog_id) = dialog_id else {
            return id;
        };
        let first = self
            .seen
            .entry(id.clone())
            .or_insert_with(|| dialog_id.clone());
        let is_other = dialog_type.is_some_and(|name| !name.eq_ignore_ascii_case("MAIN"));
        if (is_other || first != dialog_id) && !id.contains(dialog_id.as_ref()) {
            Cow::Owned(format!("{dialog_id}/{id}"))
        } else {
            id
        }
    }
}

/// The entries of a list of messages.
pub(super) fn entries<'a>(list: Vec<&'a RawValue>) -> Vec<Entry<'a>> {
    list.into_iter().map(|raw| (raw, object(raw))).collect()
}
