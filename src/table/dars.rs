//! `dars(messages, sites)`: the Daily Active Relationships, one row each.
//!
//! The key is (site, relationship, local day). Every figure of a DAR is an aggregate that does not depend on the order
//! of the rows: counts, earliest, latest, "any", and the value at the first message.

use arrow::datatypes::DataType;
use datafusion::common::{JoinType, Result};
use datafusion::functions::core::named_struct;
use datafusion::functions_aggregate::bool_and_or::bool_or_udaf;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, cast, lit, when,
};

use super::calendar::{Dated, dated, gen_ai_spans};
use super::dar_source::kept;
use super::expression::{call, column, field, of, text};
use super::fast_path::faster;
use super::option::{CARRY, GEN_AI_RULE, GEN_AI_SCOPE, REJECTS, RELATIONSHIP};
use super::relation::{IdKind, null, utc_microseconds};
use super::relationship::{CONVERSATIONS, Measure, Merge, by_consumer, by_conversation};
use super::{Call, FEATURE_PERIODS, MESSAGES, SITES, TableFunction};
use crate::aggregate::at_first;
use crate::error;
use crate::scalar::internal;

/// See the module.
pub(crate) static DARS: TableFunction = TableFunction {
    name: "dars",
    summary: "The Daily Active Relationships: one row for each site, relationship and local day with at least one \
              message that counts. Fails at the first rejected message unless rejects => 'skip'.",
    relations: &[MESSAGES, SITES, FEATURE_PERIODS],
    options: &[&RELATIONSHIP, &GEN_AI_RULE, &GEN_AI_SCOPE, &REJECTS, &CARRY],
    columns: &[
        ("org_id", "text or integer"),
        ("site_id", "text or integer"),
        ("relationship_id", "text or integer"),
        ("consumer_id", "text or integer"),
        ("day", "DATE"),
        ("time_zone", "text"),
        ("channel", "text"),
        ("first_message_at", "TIMESTAMP WITH TIME ZONE (UTC)"),
        ("last_message_at", "TIMESTAMP WITH TIME ZONE (UTC)"),
        ("messages", "BIGINT"),
        ("consumer_messages", "BIGINT"),
        ("agent_messages", "BIGINT"),
        ("bot_messages", "BIGINT"),
        ("gen_ai", "BOOLEAN"),
        ("intent_analyzer", "BOOLEAN"),
        ("(columns named in carry)", ""),
    ],
    example: "SELECT day, count(*) AS dars FROM dars(messages, sites) GROUP BY day ORDER BY day",
    plan,
};

/// The columns of `dars`, which a carried column may not repeat.
pub(crate) const COLUMNS: [&str; 15] = [
    "org_id",
    "site_id",
    "relationship_id",
    "consumer_id",
    "day",
    "time_zone",
    "channel",
    "first_message_at",
    "last_message_at",
    "messages",
    "consumer_messages",
    "agent_messages",
    "bot_messages",
    "gen_ai",
    "intent_analyzer",
];

/// Who the relationship is with, after the types are known.
#[derive(Clone, Copy)]
enum By {
    /// Consumers of this kind; keys of this one.
    Consumer { consumer: IdKind, key: IdKind },
    /// Conversations.
    Conversation,
}

fn plan(call: &Call) -> Result<LogicalPlan> {
    planned(call, false)
}

/// The DARs with what each conversation has in them, as [`CONVERSATIONS`]; without that column where the relationship
/// is the conversation itself.
pub(crate) fn with_conversations(call: &Call) -> Result<LogicalPlan> {
    planned(call, true)
}

fn planned(call: &Call, with_conversations: bool) -> Result<LogicalPlan> {
    let dated = dated(call)?;
    let carried = carried(call, &dated)?;
    let by = match (dated.consumer_kind(), call.is(&RELATIONSHIP, "consumer")) {
        (Some(consumer), true) => By::Consumer {
            consumer,
            key: consumer.meet(dated.conversation_kind()),
        },
        _ => By::Conversation,
    };
    let messages = counted(call, &dated, by, &carried)?;
    let measures = measures(call, &dated, by, &carried)?;
    let dars = match by {
        By::Consumer { key, .. } => by_consumer(messages, &measures, key, with_conversations)?,
        By::Conversation => by_conversation(messages, &measures)?,
    };
    let dars = match by {
        _ if with_conversations => dars,
        By::Consumer { consumer, .. } => faster(call, &dated, Some(consumer), dars)?,
        By::Conversation => faster(call, &dated, None, dars)?,
    };
    let dars = match call.option(&GEN_AI_RULE).as_deref() {
        Some("day_start") if call.optional("feature_periods").is_some() => {
            at_day_start(call, &dated, dars)?
        }
        _ => dars,
    };
    let consumer = match by {
        By::Consumer { consumer, .. } => when(
            column("has_consumer"),
            cast(column("relationship_id"), consumer.data_type()),
        )
        .otherwise(null(&consumer.data_type()))?,
        By::Conversation => field(column("consumer_id"), "value"),
    };
    let output = COLUMNS.iter().map(|name| match *name {
        "consumer_id" => consumer.clone().alias("consumer_id"),
        name @ ("first_message_at" | "last_message_at") => {
            cast(column(name), utc_microseconds()).alias(name)
        }
        name => column(name),
    });
    let carried = carried
        .iter()
        .map(|name| field(column(&format!("carry {name}")), "value").alias(name));
    let conversations = match by {
        By::Consumer { .. } if with_conversations => Some(column(CONVERSATIONS)),
        _ => None,
    };
    let is_plain = carried.len() == 0 && !with_conversations;
    let dars = LogicalPlanBuilder::from(dars)
        .project(
            output
                .chain(carried)
                .chain(conversations)
                .collect::<Vec<_>>(),
        )?
        .build()?;
    match is_plain {
        true => kept(call, &dated, dars),
        false => Ok(dars),
    }
}

/// The columns named in `carry`, checked.
fn carried(call: &Call, dated: &Dated) -> Result<Vec<String>> {
    let Some(list) = call.option(&CARRY) else {
        return Ok(Vec::new());
    };
    let names: Vec<String> = list
        .split(',')
        .map(|name| name.trim().to_string())
        .filter(|name| !name.is_empty())
        .collect();
    let have = dated.messages.column_names();
    for (place, name) in names.iter().enumerate() {
        if !have.contains(&name.as_str()) {
            return Err(error::query(format!(
                "carry => '{list}': messages: {}",
                error::unknown("column", name, &have)
            )));
        }
        if COLUMNS.contains(&name.as_str()) || names.iter().take(place).any(|other| other == name) {
            return Err(error::query(format!(
                "carry => '{list}': dars already has a column {name}; rename it in a query: (SELECT *, {name} AS \
                 message_{name} FROM …)"
            )));
        }
    }
    Ok(names)
}

/// The messages that count, with what a DAR is made of.
fn counted(call_: &Call, dated: &Dated, by: By, carried: &[String]) -> Result<LogicalPlan> {
    let mut columns = vec![
        dated.site_id()?.alias("site_id"),
        dated.day().alias("day"),
        dated.own("sent_at").alias("sent_at"),
        dated.org_id().alias("org_id"),
        dated.time_zone().alias("time_zone"),
        dated.messages.text("channel")?.alias("channel"),
        dated.sender()?.alias("sender"),
        dated.gen_ai_on().alias("gen_ai_on"),
        dated.listened()?.alias("listened"),
    ];
    match by {
        By::Consumer { consumer, .. } => columns.extend([
            dated
                .conversation_id(dated.conversation_kind())?
                .alias("conversation_id"),
            dated.consumer_id(consumer)?.alias("consumer_id"),
        ]),
        By::Conversation => columns.extend([
            dated
                .conversation_id(dated.conversation_kind())?
                .alias("relationship_id"),
            dated
                .consumer_id(dated.consumer_kind().unwrap_or(IdKind::Text))?
                .alias("consumer_id"),
        ]),
    }
    for name in carried {
        let value = dated.own(name);
        let plain = match dated.messages.type_of(&value)? {
            DataType::Dictionary(_, of) if of.is_string() => cast(value, DataType::Utf8View),
            DataType::Dictionary(_, of) => cast(value, *of),
            _ => value,
        };
        columns.push(plain.alias(format!("carry {name}")));
    }
    LogicalPlanBuilder::from(dated.billable(call_)?)
        .project(columns)?
        .build()
}

/// What a DAR is made of, over the messages of [`counted`].
fn measures(call: &Call, dated: &Dated, by: By, carried: &[String]) -> Result<Vec<Measure>> {
    let sent_at = || column("sent_at");
    // The first message: the earliest, then by channel, NULL last; several of those by the value itself.
    let first = |name: &str| {
        at_first(
            named_struct().call(vec![
                lit("channel"),
                column("channel"),
                lit("value"),
                column(name),
            ]),
            sent_at(),
        )
    };
    let measure = |name: &str, over_messages, merge| Measure {
        name: name.into(),
        over_messages,
        merge,
    };
    let count = |sender: Option<&str>| -> Result<Expr> {
        let count = count_udaf().call(vec![lit(1_i64)]);
        match sender {
            Some(sender) => count.filter(column("sender").eq(text(sender))).build(),
            None => Ok(count),
        }
    };
    let any = |name: &str| bool_or_udaf().call(vec![column(name)]);
    let gen_ai = match call.option(&GEN_AI_RULE).as_deref() {
        Some("first_message") => measure(
            "gen_ai",
            at_first(column("gen_ai_on"), sent_at()),
            Merge::AtFirst,
        ),
        // Settled later, but only where there are switches at all.
        Some("day_start") => measure("gen_ai", bool_or_udaf().call(vec![lit(false)]), Merge::Any),
        _ => measure("gen_ai", any("gen_ai_on"), Merge::Any),
    };
    let mut measures = vec![
        measure(
            "org_id",
            at_first(column("org_id"), sent_at()),
            Merge::AtFirst,
        ),
        measure(
            "time_zone",
            at_first(column("time_zone"), sent_at()),
            Merge::AtFirst,
        ),
        measure(
            "channel",
            at_first(column("channel"), sent_at()),
            Merge::AtFirst,
        ),
        measure(
            "first_message_at",
            min_udaf().call(vec![sent_at()]),
            Merge::Least,
        ),
        measure(
            "last_message_at",
            max_udaf().call(vec![sent_at()]),
            Merge::Greatest,
        ),
        measure("messages", count(None)?, Merge::Sum),
        measure("consumer_messages", count(Some("consumer"))?, Merge::Sum),
        measure("agent_messages", count(Some("agent"))?, Merge::Sum),
        measure("bot_messages", count(Some("bot"))?, Merge::Sum),
        gen_ai,
        measure("intent_analyzer", any("listened"), Merge::Any),
    ];
    if let By::Conversation = by {
        let of_its_own = first("consumer_id")
            .filter(column("consumer_id").is_not_null())
            .build()?;
        // A conversation relationship without any consumer column still has one, of nothing but NULL.
        let consumer = if dated.consumer_kind().is_some() && call.is(&RELATIONSHIP, "conversation")
        {
            of_its_own
        } else {
            first("consumer_id")
        };
        measures.push(measure("consumer_id", consumer, Merge::AtFirst));
    }
    for name in carried {
        let name = format!("carry {name}");
        measures.push(measure(&name, first(&name), Merge::AtFirst));
    }
    Ok(measures)
}

/// `gen_ai` as it was at the first instant of the DAR's day, for the organization of its first message.
fn at_day_start(call_: &Call, dated: &Dated, dars: LogicalPlan) -> Result<LogicalPlan> {
    let start = call(
        internal::day_start(&call_.zones),
        vec![column("day"), column("time_zone")],
    );
    let names: Vec<String> = dars
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let started = LogicalPlanBuilder::from(dars)
        .project(
            names
                .iter()
                .map(|name| column(name))
                .chain([start.alias("day_start")])
                .collect::<Vec<_>>(),
        )?
        .alias("started")?
        .build()?;
    let spans = gen_ai_spans(call_, &utc_microseconds())?;
    let as_text = |name, kind: IdKind| {
        let id = of("started", name);
        if kind == IdKind::Text {
            id
        } else {
            cast(id, DataType::Utf8View)
        }
    };
    let on = of("gen_ai_spans", "site_id").is_not_null();
    LogicalPlanBuilder::from(spans)
        .join_with_expr_keys(
            started,
            JoinType::Right,
            (
                vec![of("gen_ai_spans", "site_id"), of("gen_ai_spans", "org_id")],
                vec![
                    as_text("site_id", dated.site_kind()),
                    as_text("org_id", dated.org_kind()),
                ],
            ),
            Some(
                of("started", "day_start")
                    .gt_eq(of("gen_ai_spans", "first_instant"))
                    .and(of("started", "day_start").lt_eq(of("gen_ai_spans", "last_instant"))),
            ),
        )?
        .project(
            names
                .iter()
                .map(|name| {
                    if name == "gen_ai" {
                        on.clone().alias("gen_ai")
                    } else {
                        of("started", name)
                    }
                })
                .collect::<Vec<_>>(),
        )?
        .build()
}
