//! Who a DAR is with: from rows by consumer within a conversation and day to rows by relationship.
//!
//! A message without `consumer_id` takes the consumer of its conversation on that local day, the smallest if there
//! are several, and only if there is none does the conversation itself stand for the relationship. The rows of one
//! conversation and day are collected into lists, one list a measure, in which position `slot` belongs to one
//! consumer; the consumers are settled there, and each slot becomes a row again. Measures that a query does not use
//! are pruned, since only the list of consumers is unnested.

use datafusion::common::{Column, Result, UnnestOptions};
use datafusion::functions::core::expr_fn::named_struct;
use datafusion::functions_aggregate::bool_and_or::bool_or_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit, when};

use super::expression::{call, column, field};
use super::relation::IdKind;
use crate::aggregate::{at_first, collect, exact_sum};
use crate::scalar::internal;

/// The column that lists a DAR's conversations: `{conversation_id, messages, channel, first_message_at}`.
pub(crate) const CONVERSATIONS: &str = "dar conversations";

/// The measures that [`CONVERSATIONS`] shows of each.
const PARTS: [&str; 3] = ["messages", "channel", "first_message_at"];

/// A figure of a DAR, and how the figures of its parts make one.
pub(crate) struct Measure {
    /// Its column.
    pub(crate) name: String,
    /// The aggregate over messages.
    pub(crate) over_messages: Expr,
    /// The aggregate over parts.
    pub(crate) merge: Merge,
}

/// How the figures of several parts of a DAR make the figure of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merge {
    /// The part with the earliest first message decides.
    AtFirst,
    /// The smallest.
    Least,
    /// The largest.
    Greatest,
    /// The sum.
    Sum,
    /// True if any is.
    Any,
}

impl Measure {
    fn merged(&self) -> Expr {
        let part = column(&self.name);
        let whole = match self.merge {
            Merge::AtFirst => at_first(part, column("first_message_at")),
            Merge::Least => min_udaf().call(vec![part]),
            Merge::Greatest => max_udaf().call(vec![part]),
            Merge::Sum => exact_sum(part),
            Merge::Any => bool_or_udaf().call(vec![part]),
        };
        whole.alias(&self.name)
    }
}

/// DARs by conversation: one aggregate.
pub(crate) fn by_conversation(messages: LogicalPlan, measures: &[Measure]) -> Result<LogicalPlan> {
    let keys = ["site_id", "relationship_id", "day"].map(column);
    let measures = measures
        .iter()
        .map(|measure| measure.over_messages.clone().alias(&measure.name));
    LogicalPlanBuilder::from(messages)
        .aggregate(keys, measures.collect::<Vec<_>>())?
        .build()
}

/// DARs by consumer. `messages` has `site_id, conversation_id, consumer_id, day`; the result has `site_id,
/// relationship_id, has_consumer, day` and the measures. Ids become `kind` where consumers and conversations meet.
///
/// `with_conversations` adds [`CONVERSATIONS`]: what each conversation has in the DAR.
pub(crate) fn by_consumer(
    messages: LogicalPlan,
    measures: &[Measure],
    kind: IdKind,
    with_conversations: bool,
) -> Result<LogicalPlan> {
    let parts = LogicalPlanBuilder::from(messages).aggregate(
        ["site_id", "conversation_id", "consumer_id", "day"].map(column),
        measures
            .iter()
            .map(|measure| measure.over_messages.clone().alias(&measure.name))
            .collect::<Vec<_>>(),
    )?;

    let list = |name: &str| collect(column(name)).alias(name);
    let listed = parts.aggregate(
        ["site_id", "conversation_id", "day"].map(column),
        std::iter::once(list("consumer_id"))
            .chain(measures.iter().map(|measure| list(&measure.name)))
            .collect::<Vec<_>>(),
    )?;

    let kept = || {
        ["site_id", "conversation_id", "day"]
            .into_iter()
            .map(column)
    };
    let names = || measures.iter().map(|measure| measure.name.as_str());
    let slots = call(internal::consumer_slots(), vec![column("consumer_id")]).alias("part");
    let unnested = listed
        .project(
            kept()
                .chain([slots])
                .chain(names().map(column))
                .collect::<Vec<_>>(),
        )?
        .unnest_columns_with_options(vec![Column::new_unqualified("part")], UnnestOptions::new())?;

    let consumer = field(column("part"), "consumer_id");
    let as_kind = |id: Expr| cast(id, kind.data_type());
    let relationship = when(consumer.clone().is_not_null(), as_kind(consumer.clone()))
        .otherwise(as_kind(column("conversation_id")))?;
    let slot = field(column("part"), "slot");
    let element = |name: &str| {
        call(internal::element(), vec![column(name), slot.clone()]).alias(name.to_string())
    };
    let conversation = named_struct(
        [lit("conversation_id"), column("conversation_id")]
            .into_iter()
            .chain(
                PARTS
                    .iter()
                    .flat_map(|name| [lit(*name), element(name).unalias()]),
            )
            .collect(),
    )
    .alias("conversation");
    let settled = unnested.project(
        [
            column("site_id"),
            column("day"),
            relationship.alias("relationship_id"),
            consumer.is_not_null().alias("has_consumer"),
        ]
        .into_iter()
        .chain(names().map(element))
        .chain(with_conversations.then_some(conversation))
        .collect::<Vec<_>>(),
    )?;

    let conversations = collect(column("conversation")).alias(CONVERSATIONS);
    settled
        .aggregate(
            ["site_id", "relationship_id", "has_consumer", "day"].map(column),
            measures
                .iter()
                .map(Measure::merged)
                .chain(with_conversations.then_some(conversations))
                .collect::<Vec<_>>(),
        )?
        .build()
}
