//! What the values of other systems mean in ours.

/// What `sent_by` takes.
const SENDERS: [&str; 6] = ["consumer", "agent", "human", "bot", "system", "controller"];

/// What other systems write for them.
const SENDER_MEANINGS: [(&str, &str); 32] = [
    ("customer", "consumer"),
    ("user", "consumer"),
    ("visitor", "consumer"),
    ("client", "consumer"),
    ("end_user", "consumer"),
    ("enduser", "consumer"),
    ("end-user", "consumer"),
    ("guest", "consumer"),
    ("contact", "consumer"),
    ("shopper", "consumer"),
    ("inbound", "consumer"),
    ("operator", "agent"),
    ("rep", "agent"),
    ("representative", "agent"),
    ("advisor", "agent"),
    ("adviser", "agent"),
    ("staff", "agent"),
    ("employee", "agent"),
    ("admin", "agent"),
    ("agentmanager", "agent"),
    ("agent_manager", "agent"),
    ("human_agent", "agent"),
    ("assistant", "bot"),
    ("chatbot", "bot"),
    ("virtual_agent", "bot"),
    ("virtualagent", "bot"),
    ("ai", "bot"),
    ("automation", "bot"),
    ("autoresponder", "bot"),
    ("event", "system"),
    ("notification", "system"),
    ("server", "system"),
];

/// What `audience` takes.
const AUDIENCES: [&str; 2] = ["all", "agents_and_managers"];

const AUDIENCE_MEANINGS: [(&str, &str); 7] = [
    ("public", "ALL"),
    ("everyone", "ALL"),
    ("external", "ALL"),
    ("internal", "AGENTS_AND_MANAGERS"),
    ("private", "AGENTS_AND_MANAGERS"),
    ("note", "AGENTS_AND_MANAGERS"),
    ("agents", "AGENTS_AND_MANAGERS"),
];

/// What `feature` takes.
const FEATURES: [&str; 2] = ["gen_ai", "intent_analyzer"];

const FEATURE_MEANINGS: [(&str, &str); 8] = [
    ("genai", "gen_ai"),
    ("generative_ai", "gen_ai"),
    ("generativeai", "gen_ai"),
    ("generative ai", "gen_ai"),
    ("gen ai", "gen_ai"),
    ("intentanalyzer", "intent_analyzer"),
    ("intent analyzer", "intent_analyzer"),
    ("intent_manager", "intent_analyzer"),
];

/// The values that a column takes, and what others may mean.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meanings {
    known: &'static [&'static str],
    others: &'static [(&'static str, &'static str)],
}

impl Meanings {
    /// Of a column that takes certain values only.
    pub(super) fn of(column: &str) -> Option<Self> {
        let (known, others): (&[&str], &[(&str, &str)]) = match column {
            "sent_by" => (&SENDERS, &SENDER_MEANINGS),
            "audience" => (&AUDIENCES, &AUDIENCE_MEANINGS),
            "feature" => (&FEATURES, &FEATURE_MEANINGS),
            _ => return None,
        };
        Some(Self { known, others })
    }

    /// Whether the column takes this value as it is.
    pub(super) fn takes(self, value: &str) -> bool {
        self.known.contains(&value.to_lowercase().as_str())
    }

    /// What the value probably means.
    pub(super) fn meaning(self, value: &str) -> Option<&'static str> {
        let value = value.to_lowercase();
        let found = self.others.iter().find(|(known, _)| *known == value);
        found.map(|(_, meaning)| *meaning)
    }
}
