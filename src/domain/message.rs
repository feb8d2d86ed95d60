//! Which messages count: every input row is counted, excluded or rejected, for one named reason.

/// Who sent a message. Source: the plan counts what "one of your users (bot or human) or a customer" sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The customer.
    Consumer,
    /// A human of the brand; exports also write `human`.
    Agent,
    /// A program of the brand.
    Bot,
    /// The platform itself (`system`, `controller`): joins, transfers, automatic texts.
    System,
}

impl Sender {
    /// The sender that `text` names, in any letter case; nothing is trimmed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        const NAMES: [(&str, Sender); 6] = [
            ("consumer", Sender::Consumer),
            ("agent", Sender::Agent),
            ("bot", Sender::Bot),
            ("system", Sender::System),
            ("human", Sender::Agent),
            ("controller", Sender::System),
        ];
        NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map(|(_, sender)| *sender)
    }

    /// The one name that reports use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Sender::Consumer => "consumer",
            Sender::Agent => "agent",
            Sender::Bot => "bot",
            Sender::System => "system",
        }
    }
}

/// Who may read a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// `ALL`, and a missing value.
    All,
    /// `AGENTS_AND_MANAGERS`: a private note, not sent to the other side.
    AgentsAndManagers,
}

impl Audience {
    /// The audience that `text` names, in any letter case; nothing is trimmed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("ALL") {
            Some(Audience::All)
        } else if text.eq_ignore_ascii_case("AGENTS_AND_MANAGERS") {
            Some(Audience::AgentsAndManagers)
        } else {
            None
        }
    }
}

/// Why a message is not counted. The order of the variants is the order in which they apply: rejections first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// No `site_id`.
    NullSite,
    /// No `conversation_id`.
    NullConversation,
    /// No `sent_at`.
    NullSentAt,
    /// At or before 1970-01-01T00:00:00Z (exports write 0 and -1 for "none"), or after the year 9999.
    ImpossibleSentAt,
    /// `sent_by` missing or not a name of [`Sender`].
    UnknownSender,
    /// `audience` is not a name of [`Audience`].
    UnknownAudience,
    /// The site is not in `sites`.
    UnknownSite,
    /// The site is in `sites`, but no row of it is in force at this instant.
    NoZoneInForce,
    /// A message of the platform itself.
    System,
    /// A note among agents.
    PrivateNote,
    /// A site marked `is_test`.
    TestSite,
}

impl Reason {
    /// Every reason, in the order in which they apply.
    pub(crate) const ALL: [Reason; 11] = [
        Reason::NullSite,
        Reason::NullConversation,
        Reason::NullSentAt,
        Reason::ImpossibleSentAt,
        Reason::UnknownSender,
        Reason::UnknownAudience,
        Reason::UnknownSite,
        Reason::NoZoneInForce,
        Reason::System,
        Reason::PrivateNote,
        Reason::TestSite,
    ];

    /// The name in the `reason` column.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Reason::NullSite => "null_site",
            Reason::NullConversation => "null_conversation",
            Reason::NullSentAt => "null_sent_at",
            Reason::ImpossibleSentAt => "impossible_sent_at",
            Reason::UnknownSender => "unknown_sender",
            Reason::UnknownAudience => "unknown_audience",
            Reason::UnknownSite => "unknown_site",
            Reason::NoZoneInForce => "no_zone_in_force",
            Reason::System => "system",
            Reason::PrivateNote => "private_note",
            Reason::TestSite => "test_site",
        }
    }

    /// Whether the row is at fault (rejected), rather than rightly left out (excluded).
    pub(crate) fn is_rejection(self) -> bool {
        self <= Reason::NoZoneInForce
    }

    /// What is wrong with the row, and how to mend it: the end of an error that starts with the row.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Reason::NullSite => "its site_id is NULL",
            Reason::NullConversation => "its conversation_id is NULL",
            Reason::NullSentAt => "its sent_at is NULL",
            Reason::ImpossibleSentAt => {
                "its sent_at is at or before 1970-01-01T00:00:00Z, which exports write for \"none\", or after the year 9999"
            }
            Reason::UnknownSender => {
                "its sent_by is none of consumer, agent, human, bot, system, controller"
            }
            Reason::UnknownAudience => "its audience is neither ALL nor AGENTS_AND_MANAGERS",
            Reason::UnknownSite => "its site is not in `sites`; add the site with its time zone",
            Reason::NoZoneInForce => {
                "no row of its site in `sites` is in force at that instant; mend valid_from and valid_to"
            }
            Reason::System | Reason::PrivateNote | Reason::TestSite => "it is not billable",
        }
    }
}

/// What decides the fate of one message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// `site_id` is present.
    pub(crate) has_site: bool,
    /// `conversation_id` is present.
    pub(crate) has_conversation: bool,
    /// `sent_at` in seconds since 1970, rounded up; `None` is NULL.
    pub(crate) sent_at: Option<i64>,
    /// `None`: NULL or unknown.
    pub(crate) sender: Option<Sender>,
    /// `None`: unknown; NULL is [`Audience::All`].
    pub(crate) audience: Option<Audience>,
    /// `None`: the site is unknown; otherwise whether a row of it is in force at `sent_at`.
    pub(crate) in_force: Option<bool>,
    /// The site is a test site at `sent_at`.
    pub(crate) is_test: bool,
}

/// The last second of the year 9999, UTC: the calendar ends there.
const LAST_SECOND: i64 = 253_402_300_799;

/// Why a message is not counted; `None` if it is.
///
/// The order is that of [`Reason::ALL`], so a row with several faults has one reason.
pub(crate) fn reason(facts: &Facts) -> Option<Reason> {
    if !facts.has_site {
        return Some(Reason::NullSite);
    }
    if !facts.has_conversation {
        return Some(Reason::NullConversation);
    }
    match facts.sent_at {
        None => return Some(Reason::NullSentAt),
        // A zone may be a day ahead of UTC, so the last day is left out too.
        Some(seconds) if seconds <= 0 || seconds > LAST_SECOND - 86_400 => {
            return Some(Reason::ImpossibleSentAt);
        }
        Some(_) => {}
    }
    let Some(sender) = facts.sender else {
        return Some(Reason::UnknownSender);
    };
    let Some(audience) = facts.audience else {
        return Some(Reason::UnknownAudience);
    };
    match facts.in_force {
        None => return Some(Reason::UnknownSite),
        Some(false) => return Some(Reason::NoZoneInForce),
        Some(true) => {}
    }
    if sender == Sender::System {
        return Some(Reason::System);
    }
    if audience == Audience::AgentsAndManagers {
        return Some(Reason::PrivateNote);
    }
    facts.is_test.then_some(Reason::TestSite)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTED: Facts = Facts {
        has_site: true,
        has_conversation: true,
        sent_at: Some(1_700_000_000),
        sender: Some(Sender::Bot),
        audience: Some(Audience::All),
        in_force: Some(true),
        is_test: false,
    };

    /// A row with every fault at once loses them one by one, in the documented order.
    #[test]
    fn reasons_apply_in_order() {
        assert_eq!(reason(&COUNTED), None);
        let mut facts = Facts {
            has_site: false,
            has_conversation: false,
            sent_at: None,
            sender: None,
            audience: None,
            in_force: None,
            is_test: true,
        };
        let mut seen = vec![reason(&facts)];
        facts.has_site = true;
        seen.push(reason(&facts));
        facts.has_conversation = true;
        seen.push(reason(&facts));
        facts.sent_at = Some(0);
        seen.push(reason(&facts));
        facts.sent_at = COUNTED.sent_at;
        seen.push(reason(&facts));
        facts.sender = Some(Sender::System);
        seen.push(reason(&facts));
        facts.audience = Some(Audience::AgentsAndManagers);
        seen.push(reason(&facts));
        facts.in_force = Some(false);
        seen.push(reason(&facts));
        facts.in_force = Some(true);
        seen.push(reason(&facts));
        facts.sender = Some(Sender::Agent);
        seen.push(reason(&facts));
        facts.audience = Some(Audience::All);
        seen.push(reason(&facts));
        assert_eq!(seen, Reason::ALL.map(Some));
    }

    #[test]
    fn names_are_read_in_any_letter_case_and_not_trimmed() {
        assert_eq!(Sender::parse("CoNsUmEr"), Some(Sender::Consumer));
        assert_eq!(Sender::parse("Human"), Some(Sender::Agent));
        assert_eq!(Sender::parse("CONTROLLER"), Some(Sender::System));
        assert_eq!(Sender::parse(" agent"), None);
        assert_eq!(
            Audience::parse("agents_and_managers"),
            Some(Audience::AgentsAndManagers)
        );
        assert_eq!(Audience::parse(""), None);
    }
}
