//! The named options of the table functions, and their session defaults (`SET dayrate.relationship = …`).
//!
//! Every reading of the plan that is ours is one entry here: its name, its values, its default, what it means.

use std::any::Any;
use std::collections::BTreeMap;

use datafusion::common::Result;
use datafusion::common::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::error;

/// What values an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    /// One of these names.
    Choice(&'static [&'static str]),
    /// Any text.
    Text,
    /// A whole number of days.
    Days,
    /// A number, exact and not negative.
    Factor,
    /// A calendar day.
    Date,
    /// Files that are no relation yet: given by place, as a relation is.
    Location,
}

/// One option.
#[derive(Debug)]
pub(crate) struct OptionSpec {
    /// Its name in SQL, also after `dayrate.` in `SET`.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) values: Values,
    /// Its default; empty means none.
    pub(crate) default: &'static str,
    /// What it decides, and which sentence of the plan it reads.
    pub(crate) description: &'static str,
}

/// See [`crate::table::dars`].
pub(crate) static RELATIONSHIP: OptionSpec = OptionSpec {
    name: "relationship",
    values: Values::Choice(&["consumer", "conversation"]),
    default: "consumer",
    description: "who the relationship of a DAR is with: the consumer (as the vendor's dashboard counts; a message \
                  without one takes the consumer of its conversation on that day) or the conversation",
};

/// See [`crate::domain::site::GenAiScope`].
pub(crate) static GEN_AI_SCOPE: OptionSpec = OptionSpec {
    name: "gen_ai_scope",
    values: Values::Choice(&["organization", "site"]),
    default: "organization",
    description: "how far a gen_ai switch reaches: the plan says \"on for the organization\"; with 'site' a switch that \
                  names a site holds for that site alone",
};

/// When a DAR counts as a generative AI one.
pub(crate) static GEN_AI_RULE: OptionSpec = OptionSpec {
    name: "gen_ai_rule",
    values: Values::Choice(&["any", "first_message", "day_start"]),
    default: "any",
    description: "a switch turned during the day: on at any billable message of the DAR, at its first message, or at \
                  the start of its local day",
};

/// What to do with rejected rows.
pub(crate) static REJECTS: OptionSpec = OptionSpec {
    name: "rejects",
    values: Values::Choice(&["fail", "skip"]),
    default: "fail",
    description: "a row that cannot be billed stops the query, or is left out uncounted",
};

/// Further columns of messages.
pub(crate) static CARRY: OptionSpec = OptionSpec {
    name: "carry",
    values: Values::Text,
    default: "",
    description: "further columns of messages, separated by commas: each DAR takes their value at its first message",
};

/// Which contracts.
pub(crate) static SCENARIO: OptionSpec = OptionSpec {
    name: "scenario",
    values: Values::Text,
    default: "",
    description: "which contracts: those without a scenario (default), one what-if by name, or '*' for all side by side",
};

/// See [`crate::domain::credits::SurchargeMode`].
pub(crate) static SURCHARGE_MODE: OptionSpec = OptionSpec {
    name: "surcharge_mode",
    values: Values::Choice(&["add", "multiply"]),
    default: "",
    description: "whether generative AI multiplies the Intent Analyzer surcharge too: 1.5 + 0.2 = 1.7 ('add') or \
                  1.5 x 1.2 = 1.8 ('multiply'); wins over the contract's own, which wins over 'add'",
};

/// Next year's plan on last year's use.
pub(crate) static REPLAY_DAYS: OptionSpec = OptionSpec {
    name: "replay_days",
    values: Values::Days,
    default: "0",
    description: "rates the history as if it fell this many days later; 364 keeps the weekdays",
};

/// Growth of use in a replay.
pub(crate) static GROWTH: OptionSpec = OptionSpec {
    name: "growth",
    values: Values::Factor,
    default: "1",
    description: "scales the credits of every DAR, rounded once, half up",
};

/// Until when.
pub(crate) static AS_OF: OptionSpec = OptionSpec {
    name: "as_of",
    values: Values::Date,
    default: "",
    description: "the start of this day: later days are left out, and a period that ends on it has ended; an invoice \
                  takes the date now at UTC-12 by default, when every day before it has ended in every zone",
};

/// Since when.
pub(crate) static SINCE: OptionSpec = OptionSpec {
    name: "since",
    values: Values::Date,
    default: "",
    description: "the statement from this day up to as_of: what an invoice at as_of adds to the one at this day",
};

/// How money is shared over engagements.
pub(crate) static COST: OptionSpec = OptionSpec {
    name: "cost",
    values: Values::Choice(&["average", "drawdown", "amortised"]),
    default: "average",
    description: "what a credit costs an engagement: its period's average, so that December is not dearer than January; \
                  the ledger's own amount; or the average with the unused commitment of ended periods in it",
};

/// The first day of a history.
pub(crate) static FROM: OptionSpec = OptionSpec {
    name: "from",
    values: Values::Date,
    default: "",
    description: "the first day of the history taken",
};

/// The end of a history.
pub(crate) static TO: OptionSpec = OptionSpec {
    name: "to",
    values: Values::Date,
    default: "",
    description: "the day after the last one of the history taken",
};

/// Who sends the invoice.
pub(crate) static PROVIDER: OptionSpec = OptionSpec {
    name: "provider",
    values: Values::Text,
    default: "messaging platform",
    description: "the name of the platform in FOCUS: provider, publisher and invoice issuer",
};

/// What a history is read from; for a call only.
pub(crate) static FILES: OptionSpec = OptionSpec {
    name: "files",
    values: Values::Location,
    default: "",
    description: "the JSON of the history: a file, a folder with all that is below it, or a pattern such as \
                  'exports/2026-*.json.gz'",
};

/// How, and never what, is computed.
pub(crate) static FAST_PATH: OptionSpec = OptionSpec {
    name: "fast_path",
    values: Values::Choice(&["on", "off"]),
    default: "on",
    description: "whether DARs are made by operators of their own, or by the engine's joins and aggregates: the rows are \
                  the same; for the session only",
};

/// Where DARs come from, and never what they are, but for `stale`.
pub(crate) static DAR_TABLE: OptionSpec = OptionSpec {
    name: "dar_table",
    values: Values::Choice(&["on", "stale", "off"]),
    default: "on",
    description: "whether DARs are read from the table that the configuration names, where that has read every file of \
                  messages as it is now ('on'), has perhaps not ('stale'), or never ('off'); for the session only",
};

/// Every option: the only list.
pub(crate) fn all() -> &'static [&'static OptionSpec] {
    static ALL: [&OptionSpec; 17] = [
        &RELATIONSHIP,
        &GEN_AI_RULE,
        &GEN_AI_SCOPE,
        &REJECTS,
        &CARRY,
        &SCENARIO,
        &SURCHARGE_MODE,
        &REPLAY_DAYS,
        &GROWTH,
        &AS_OF,
        &SINCE,
        &COST,
        &FROM,
        &TO,
        &PROVIDER,
        &FAST_PATH,
        &DAR_TABLE,
    ];
    &ALL
}

impl OptionSpec {
    /// The entry of that name.
    pub(crate) fn find(name: &str) -> Option<&'static OptionSpec> {
        all().iter().copied().find(|option| option.name == name)
    }

    /// What it takes, as people read it.
    pub(crate) fn expected(&self) -> String {
        match self.values {
            Values::Choice(names) => error::quoted(names),
            Values::Text => "text".into(),
            Values::Days => "whole days".into(),
            Values::Factor => "an exact number".into(),
            Values::Date => "a DATE".into(),
            Values::Location => "a quoted file, folder or pattern".into(),
        }
    }

    /// Checks a value given as text.
    ///
    /// # Errors
    ///
    /// A value the option does not take: names the option and its values.
    pub(crate) fn check(&self, value: &str) -> Result<()> {
        let wrong = |expected: &str| {
            Err(error::query(format!(
                "{} => {value}: {expected} is expected",
                self.name
            )))
        };
        match self.values {
            Values::Choice(names) if names.contains(&value) => Ok(()),
            Values::Choice(names) => Err(error::query(format!(
                "{}: {}",
                self.name,
                error::unknown("value", value, names)
            ))),
            Values::Text | Values::Location => Ok(()),
            Values::Days if value.parse::<i32>().is_ok() => Ok(()),
            Values::Days => wrong("a whole number of days"),
            Values::Factor => match value.parse::<Decimal>() {
                Ok(factor) if !factor.is_sign_negative() && factor.scale() <= 6 => Ok(()),
                _ => wrong("a number of at least 0 with at most 6 decimals"),
            },
            Values::Date if value.parse::<Date>().is_ok() => Ok(()),
            Values::Date => wrong("a day such as 2026-01-31"),
        }
    }
}

/// The session's defaults, the extension `dayrate` of the engine's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SessionDefaults {
    values: BTreeMap<&'static str, String>,
}

impl SessionDefaults {
    /// The session's value of an option, or the option's own default; `None` if that is empty.
    pub(crate) fn get(&self, option: &OptionSpec) -> Option<String> {
        let value = self
            .values
            .get(option.name)
            .map_or(option.default, String::as_str);
        (!value.is_empty()).then(|| value.to_string())
    }
}

impl ConfigExtension for SessionDefaults {
    const PREFIX: &'static str = "dayrate";
}

impl ExtensionOptions for SessionDefaults {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let option = OptionSpec::find(key).ok_or_else(|| {
            let names: Vec<&str> = all().iter().map(|option| option.name).collect();
            error::query(format!(
                "dayrate.{key}: {}",
                error::unknown("option", key, &names)
            ))
        })?;
        option.check(value)?;
        self.values.insert(option.name, value.to_string());
        Ok(())
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        all()
            .iter()
            .map(|option| ConfigEntry {
                key: format!("{}.{}", Self::PREFIX, option.name),
                value: self.get(option),
                description: option.description,
            })
            .collect()
    }
}
