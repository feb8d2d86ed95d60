//! Who is who in a conversation: a message names its sender by an id, and two lists say what that id is.

use std::borrow::Cow;
use std::collections::HashMap;

use super::scalar::Scalar;
use super::shape::{self, objects};
use crate::domain::message::Sender;

/// The people of a conversation.
#[derive(Debug)]
pub(super) struct People<'a> {
    /// By `agentId`; `None`: listed, but not as what.
    agents: HashMap<Cow<'a, str>, Option<Sender>>,
    /// Each once, in the order of the list.
    consumers: Vec<Cow<'a, str>>,
}

/// Who sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// As the lists say.
    By(Sender),
    /// The vendor says an agent did, and no list says which kind: taken for a human, as a person's and a bot's
    /// messages are billed alike.
    ByUnlistedAgent,
}

impl<'a> People<'a> {
    /// The people that `record` lists.
    pub(super) fn of(record: &shape::Record<'a>) -> Self {
        let mut agents = HashMap::new();
        for list in [
            record.agent_participants,
            record.agent_participants_active,
            record.agent_participants_leave,
        ] {
            for agent in objects::<shape::Agent<'a>>(list) {
                if let Some(id) = Scalar::of(agent.agent_id).text() {
                    let known = agents.entry(id).or_insert(None);
                    *known = known.or(kind(&agent));
                }
            }
        }
        let mut consumers = Vec::new();
        for list in [record.consumer_participants, record.consumer_participant] {
            for consumer in objects::<shape::Consumer<'a>>(list) {
                if let Some(id) = Scalar::of(consumer.participant_id).text()
                    && !consumers.contains(&id)
                {
                    consumers.push(id);
                }
            }
        }
        Self { agents, consumers }
    }

    /// Adds a consumer whom only a message names, if no list names any.
    pub(super) fn add_consumers(&mut self, named: impl Iterator<Item = Cow<'a, str>>) {
        if self.consumers.is_empty() {
            for id in named {
                if !self.consumers.contains(&id) {
                    self.consumers.push(id);
                }
            }
        }
    }

    /// Who sent the message that says this of itself; `None` if nobody can tell.
    pub(super) fn sender(&self, sent_by: Option<&str>, participant: Option<&str>) -> Option<Sent> {
        let listed = || participant.and_then(|id| self.agents.get(id)).copied();
        let said = sent_by.map(Sender::parse);
        match said {
            // `agent` says the side, not the kind.
            Some(Some(Sender::Agent)) => match listed().flatten() {
                Some(kind) => Some(Sent::By(kind)),
                None => Some(Sent::ByUnlistedAgent),
            },
            Some(said) => said.map(Sent::By),
            None => match listed() {
                Some(Some(kind)) => Some(Sent::By(kind)),
                Some(None) => Some(Sent::ByUnlistedAgent),
                None => participant
                    .filter(|id| self.consumers.iter().any(|consumer| consumer == id))
                    .map(|_| Sent::By(Sender::Consumer)),
            },
        }
    }

    /// The consumer that a message belongs to: its sender if the list has that one, else the only one that it has.
    pub(super) fn consumer(
        &self,
        sender: Sender,
        participant: Option<Cow<'a, str>>,
    ) -> Option<Cow<'a, str>> {
        let own = participant.filter(|_| sender == Sender::Consumer);
        match (own, self.consumers.as_slice()) {
            (Some(own), consumers) if consumers.contains(&own) => Some(own),
            (_, [only]) => Some(only.clone()),
            // Of several, billing takes the one who wrote on that day.
            (own, _) => own,
        }
    }
}

/// System, Human or Bot, by name or by code.
fn kind(agent: &shape::Agent<'_>) -> Option<Sender> {
    let name = Scalar::of(agent.user_type_name).text();
    let code = || match Scalar::of(agent.user_type).text()?.as_ref() {
        "0" => Some(Sender::System),
        "1" => Some(Sender::Agent),
        "2" => Some(Sender::Bot),
        _ => None,
    };
    name.and_then(|name| Sender::parse(&name))
        .filter(|kind| *kind != Sender::Consumer)
        .or_else(code)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    fn with<T>(json: &str, ask: impl FnOnce(People<'_>) -> T) -> T {
        ask(People::of(&serde_json::from_str(json).unwrap()))
    }

    #[test]
    fn the_kind_of_an_agent_comes_by_join_in_any_letter_case() {
        let json = r#"{"agentParticipants":[{"agentId":"1","userTypeName":"human"},{"agentId":2,"userTypeName":"BOT"},
            {"agentId":"3","userType":"0","userTypeName":"undefined"},{"agentId":"4"}],
            "agentParticipantsLeave":[{"agentId":"4","userType":2},{"agentId":"1","userTypeName":"Bot"}]}"#;
        with(json, |people| {
            for (id, sent) in [
                ("1", Sent::By(Sender::Agent)),
                ("2", Sent::By(Sender::Bot)),
                ("3", Sent::By(Sender::System)),
                ("4", Sent::By(Sender::Bot)),
                ("5", Sent::ByUnlistedAgent),
            ] {
                assert_eq!(people.sender(Some("AGENT"), Some(id)), Some(sent), "{id}");
            }
            assert_eq!(
                people.sender(Some("agent"), None),
                Some(Sent::ByUnlistedAgent)
            );
            // The message's own word wins where it says more than the side.
            assert_eq!(
                people.sender(Some("Consumer"), Some("1")),
                Some(Sent::By(Sender::Consumer))
            );
            assert_eq!(
                people.sender(Some("System"), Some("1")),
                Some(Sent::By(Sender::System))
            );
            assert_eq!(people.sender(Some("robot"), Some("1")), None);
            assert_eq!(people.sender(None, Some("2")), Some(Sent::By(Sender::Bot)));
            assert_eq!(people.sender(None, Some("9")), None);
        });
    }

    #[test]
    fn consumers_are_listed_under_either_spelling() {
        let id = |people: &People<'_>, sender, own: Option<&'static str>| {
            people
                .consumer(sender, own.map(Cow::Borrowed))
                .map(Cow::into_owned)
        };
        let one = r#"{"consumerParticipant":[{"participantId":"c1"},{"participantId":"c1"},{"participantId":"undefined"}]}"#;
        with(one, |people| {
            assert_eq!(id(&people, Sender::Agent, Some("7")), Some("c1".into()));
            assert_eq!(id(&people, Sender::Consumer, Some("c1")), Some("c1".into()));
            assert_eq!(
                id(&people, Sender::Consumer, Some("device-9")),
                Some("c1".into())
            );
            assert_eq!(id(&people, Sender::Consumer, None), Some("c1".into()));
            assert_eq!(
                people.sender(None, Some("c1")),
                Some(Sent::By(Sender::Consumer))
            );
        });
        let two = r#"{"consumerParticipants":[{"participantId":"c1"},{"participantId":"c2"}]}"#;
        with(two, |people| {
            assert_eq!(id(&people, Sender::Agent, Some("7")), None);
            assert_eq!(id(&people, Sender::Consumer, Some("c2")), Some("c2".into()));
            assert_eq!(id(&people, Sender::Consumer, Some("c3")), Some("c3".into()));
            assert_eq!(id(&people, Sender::Consumer, None), None);
        });
        with("{}", |mut people| {
            people.add_consumers(["x", "x"].map(Cow::Borrowed).into_iter());
            assert_eq!(id(&people, Sender::Bot, Some("7")), Some("x".into()));
        });
    }
}
