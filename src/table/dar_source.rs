//! What the rows of `dars` are made of, for a [`Keeper`] that may have them already.

use std::fmt;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};

use super::Call;
use super::calendar::{Dated, gen_ai_spans};
use super::computed::scanned;
use super::fast_path::{Columns, folding, gen_ai_rule, has_placeholder};
use super::option::{DAR_TABLE, GEN_AI_RULE, GEN_AI_SCOPE, OptionSpec, RELATIONSHIP};
use super::relation::{IdKind, Relation, utc_microseconds};
use crate::exec::{Folding, GenAiRule};

/// Somebody who keeps DARs: a table of them, as the configuration names it.
pub(crate) trait Keeper: fmt::Debug + Send + Sync {
    /// The rows of `source.dars` as a table, which decides when it is scanned whether it has them.
    fn table(&self, source: DarSource) -> Result<Arc<dyn TableProvider>>;
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct DarSource {
    /// The rows, computed from the messages.
    pub(crate) dars: LogicalPlan,
    /// The calendar of the sites; see [`super::calendar`].
    pub(crate) calendar: LogicalPlan,
    /// When generative AI was on, where `gen_ai_rule` asks about the start of the day.
    pub(crate) gen_ai_spans: Option<LogicalPlan>,
    /// The messages, aliased `messages`.
    pub(crate) messages: LogicalPlan,
    /// How they are folded.
    pub(crate) folding: Folding,
    /// The option of that name.
    pub(crate) gen_ai_rule: GenAiRule,
    /// The kinds of the ids.
    pub(crate) kinds: IdKinds,
    /// The options that decide what the rows are, `rejects` aside.
    pub(crate) reading: Vec<(&'static str, String)>,
    /// Whether rows are wanted as the last refresh left them, whatever has come since.
    pub(crate) stale: bool,
}

/// The kinds of the ids of DARs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IdKinds {
    pub(crate) site: IdKind,
    pub(crate) org: IdKind,
    pub(crate) conversation: IdKind,
    /// `None` if messages have no such column.
    pub(crate) consumer: Option<IdKind>,
}

impl DarSource {
    /// What the fold reads of `messages`, a plan of the columns of [`Self::messages`] and those named in `more`.
    pub(crate) fn folded(&self, messages: LogicalPlan, more: &[&str]) -> Result<LogicalPlan> {
        let messages = Relation::new("messages", messages);
        let columns = Columns {
            conversation: self.kinds.conversation,
            consumer: self.kinds.consumer,
            with_consumers: self.kinds.consumer.is_some(),
            with_channels: true,
            with_listened: true,
        };
        let mut columns = columns.of(&messages)?;
        columns.extend(more.iter().map(|name| messages.column(name).alias(*name)));
        LogicalPlanBuilder::from(messages.plan)
            .project(columns)?
            .build()
    }
}

/// `dars` as the session's keeper has them, where it has a keeper and the call is one that it could know.
pub(super) fn kept(call: &Call, dated: &Dated, dars: LogicalPlan) -> Result<LogicalPlan> {
    let (Some(keeper), false) = (&call.keeper, call.is(&DAR_TABLE, "off")) else {
        return Ok(dars);
    };
    if has_placeholder(&[&dars])? {
        return Ok(dars);
    }
    let by_consumer = dated.consumer_kind().is_some() && call.is(&RELATIONSHIP, "consumer");
    let value = |option: &'static OptionSpec| {
        let value = call.option(option).unwrap_or_default();
        (option.name, value)
    };
    let gen_ai_rule = gen_ai_rule(call);
    let source = DarSource {
        calendar: dated.calendar.clone(),
        gen_ai_spans: match gen_ai_rule {
            GenAiRule::DayStart => Some(gen_ai_spans(call, &utc_microseconds())?),
            _ => None,
        },
        messages: dated.messages.plan.clone(),
        folding: folding(call, dated, by_consumer, dated.consumer_kind().is_some()),
        gen_ai_rule,
        kinds: IdKinds {
            site: dated.site_kind(),
            org: dated.org_kind(),
            conversation: dated.conversation_kind(),
            consumer: dated.consumer_kind(),
        },
        reading: [&RELATIONSHIP, &GEN_AI_RULE, &GEN_AI_SCOPE]
            .map(value)
            .into(),
        stale: call.is(&DAR_TABLE, "stale"),
        dars,
    };
    scanned("dar_table", keeper.table(source)?)
}
