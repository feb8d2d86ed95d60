//! What the rows of `dars`, and counts of messages, are made of, for a [`Keeper`] that may have them already.

use std::fmt;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};

use super::Call;
use super::calendar::{Dated, gen_ai_spans};
use super::computed::scanned;
use super::fast_path::{Columns, folding, gen_ai_rule, has_placeholder};
use super::option::{DAR_TABLE, GEN_AI_RULE, GEN_AI_SCOPE, OptionSpec, REJECTS, RELATIONSHIP};
use super::relation::{IdKind, Relation, utc_microseconds};
use crate::domain::zone::ZoneDatabase;
use crate::exec::{Folding, GenAiRule, MESSAGE_ID};

/// Somebody who keeps DARs: a table of them, as the configuration names it.
pub(crate) trait Keeper: fmt::Debug + Send + Sync {
    /// The rows of `source.dars` as a table, which decides when it is scanned whether it has them.
    fn table(&self, source: DarSource) -> Result<Arc<dyn TableProvider>>;

    /// The same of the rows of `source.counts`.
    fn counts(&self, source: CountSource) -> Result<Arc<dyn TableProvider>>;
}

/// How many messages there are of each organization, local day and channel, each of them once.
#[derive(Debug, Clone)]
pub(crate) struct CountSource {
    /// The rows, `org_id, day, channel, messages`, computed from the messages.
    pub(crate) counts: LogicalPlan,
    /// The calendar of the sites.
    pub(crate) calendar: LogicalPlan,
    /// The messages, aliased `messages`.
    pub(crate) messages: LogicalPlan,
    /// The kinds of the ids.
    pub(crate) kinds: IdKinds,
    /// The rules for days.
    pub(crate) zones: ZoneDatabase,
    /// Whether rejected messages are left out; else there are none.
    pub(crate) skip_rejected: bool,
    /// Whether counts are wanted as the last refresh left them, whatever has come since.
    pub(crate) stale: bool,
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
    /// The same.
    pub(crate) message: Option<IdKind>,
}

impl IdKinds {
    fn of(dated: &Dated) -> Self {
        Self {
            site: dated.site_kind(),
            org: dated.org_kind(),
            conversation: dated.conversation_kind(),
            consumer: dated.consumer_kind(),
            // Of another type it is none for DARs; whoever counts by it says so.
            message: dated.messages.id_kind(MESSAGE_ID).ok().flatten(),
        }
    }
}

impl DarSource {
    /// What the fold reads of `messages`, a plan of the columns of [`Self::messages`] and those named in `more`.
    pub(crate) fn folded(&self, messages: LogicalPlan, more: &[&str]) -> Result<LogicalPlan> {
        self.read(messages, true, false, more)
    }

    /// The same with the ids of messages, which a census asks for; what only DARs need is left out unless `with_dars`.
    pub(crate) fn counted(
        &self,
        messages: LogicalPlan,
        with_dars: bool,
        more: &[&str],
    ) -> Result<LogicalPlan> {
        self.read(messages, with_dars, true, more)
    }

    fn read(
        &self,
        messages: LogicalPlan,
        with_dars: bool,
        with_ids: bool,
        more: &[&str],
    ) -> Result<LogicalPlan> {
        let messages = Relation::new("messages", messages);
        let columns = Columns {
            conversation: self.kinds.conversation,
            consumer: self.kinds.consumer,
            with_consumers: with_dars && self.kinds.consumer.is_some(),
            with_channels: true,
            with_listened: with_dars,
        };
        let mut columns = columns.of(&messages)?;
        columns.extend(more.iter().map(|name| messages.column(name).alias(*name)));
        if let (true, Some(kind)) = (with_ids, self.kinds.message) {
            columns.push(messages.id(MESSAGE_ID, kind)?.alias(MESSAGE_ID));
        }
        LogicalPlanBuilder::from(messages.plan)
            .project(columns)?
            .build()
    }
}

/// The session's keeper, if it has one and the rows of a call are some that it could know.
fn keeper<'c>(call: &'c Call, rows: &LogicalPlan) -> Result<Option<&'c Arc<dyn Keeper>>> {
    let is_asked = !call.is(&DAR_TABLE, "off") && !has_placeholder(&[rows])?;
    Ok(call.keeper.as_ref().filter(|_| is_asked))
}

/// `counts` of the messages of a call as the session's keeper has them, where it may.
pub(super) fn kept_counts(call: &Call, dated: &Dated, counts: LogicalPlan) -> Result<LogicalPlan> {
    let Some(keeper) = keeper(call, &counts)? else {
        return Ok(counts);
    };
    let source = CountSource {
        calendar: dated.calendar.clone(),
        messages: dated.messages.plan.clone(),
        kinds: IdKinds::of(dated),
        zones: call.zones.clone(),
        skip_rejected: call.is(&REJECTS, "skip"),
        stale: call.is(&DAR_TABLE, "stale"),
        counts,
    };
    scanned("message_counts", keeper.counts(source)?)
}

/// `dars` as the session's keeper has them, where it has a keeper and the call is one that it could know.
pub(super) fn kept(call: &Call, dated: &Dated, dars: LogicalPlan) -> Result<LogicalPlan> {
    let Some(keeper) = keeper(call, &dars)? else {
        return Ok(dars);
    };
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
        kinds: IdKinds::of(dated),
        reading: [&RELATIONSHIP, &GEN_AI_RULE, &GEN_AI_SCOPE]
            .map(value)
            .into(),
        stale: call.is(&DAR_TABLE, "stale"),
        dars,
    };
    scanned("dar_table", keeper.table(source)?)
}
