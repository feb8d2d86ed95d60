//! What the operators of the fast path are made of, for whoever writes them down and makes them again in another process.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;

use super::dar_rows::GenAiRule;
use super::day_scope::DaySet;
use super::fold::{FoldMessagesExec, Folding, SharedCalendar};
use super::settle::SettleDarsExec;

impl FoldMessagesExec {
    /// With a calendar of its own.
    pub(crate) fn alone(
        folding: Folding,
        calendar_rows: Arc<dyn ExecutionPlan>,
        messages: Arc<dyn ExecutionPlan>,
    ) -> Self {
        Self::new(folding, calendar_rows, messages, SharedCalendar::default())
    }

    /// What is made of the messages.
    pub(crate) fn folding(&self) -> &Folding {
        &self.folding
    }
}

impl SettleDarsExec {
    /// What was made of the messages.
    pub(crate) fn folding(&self) -> &Folding {
        &self.folding
    }

    /// When generative AI counts as on.
    pub(crate) fn gen_ai_rule(&self) -> GenAiRule {
        self.gen_ai_rule
    }
}

impl DaySet {
    /// The first and the last day of each stretch, one after the other.
    pub(crate) fn ends(&self) -> impl Iterator<Item = i32> + '_ {
        self.stretches().flat_map(|(first, last)| [first, last])
    }

    /// The days that such ends are of.
    pub(crate) fn from_ends(ends: &[i32]) -> Self {
        let (pairs, _) = ends.as_chunks::<2>();
        let mut days = Self::default();
        for [first, last] in pairs {
            days.unite(&Self::range(*first..=*last));
        }
        days
    }
}

impl GenAiRule {
    const ALL: [Self; 3] = [Self::Any, Self::FirstMessage, Self::DayStart];

    /// As the option has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::FirstMessage => "first_message",
            Self::DayStart => "day_start",
        }
    }

    /// The rule of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}
