//! The messages that a channel charge counts, by charge and local day.
//!
//! Money counts every message once: copies are one message, dated and placed by the earliest counted copy. Only the
//! sites of organizations that pay per message are looked at, which is known before the first message is read: without
//! such charges the join has nothing to build on, and no message is read at all. Where the session keeps a table of DARs,
//! charges without a feature have their counts from beside it, if they are those of the messages.

use arrow::datatypes::DataType;
use datafusion::common::{Column, JoinType, NullEquality, Result, ScalarValue};
use datafusion::functions::core::named_struct;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::max_udaf;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit, when};

use super::Call;
use super::calendar::{Dated, dated, listed_sites};
use super::dar_source::kept_counts;
use super::expression::{beside, call, column, field, listed, of, text, unlisted};
use super::message_days::{Related, related};
use super::option::{RELATIONSHIP, REPLAY_DAYS};
use super::relation::{IdKind, Relation, null};
use crate::aggregate::{at_first, exact_sum};
use crate::scalar::internal;

/// What decides whether a message is charged, taken from its earliest copy.
const FACTS: [&str; 5] = ["org_id", "day", "channel", "relationship_id", "of_consumer"];

/// The counts as the one value `message_rows`: `{charge_no, day, messages}`.
///
/// `rated` are the DARs, which say where a feature was on.
pub(crate) fn charged_messages(
    call_: &Call,
    rated: &Relation,
    charges: &LogicalPlan,
) -> Result<LogicalPlan> {
    let call_ = &narrowed(call_)?;
    let plain = counted(call_, charges, false)?;
    let featured = with_flags(call_, counted(call_, charges, true)?, rated)?;
    let counts = LogicalPlanBuilder::from(plain)
        .project(["charge_no", "day", "messages"].map(column))?
        .union(featured)?
        .aggregate(
            ["charge_no", "day"].map(column),
            vec![exact_sum(column("messages")).alias("messages")],
        )?
        // Counts that are kept take off again what copies have added: of a day, nothing may be left.
        .filter(column("messages").not_eq(lit(0_i64)))?
        .build()?;
    listed(
        &Relation::new("messages", counts),
        "message_rows",
        ["charge_no", "day", "messages"]
            .map(|name| (name, column(name)))
            .into(),
    )
}

/// The call with nothing in its messages but the columns of the design, so that no other gets into our way.
fn narrowed(call_: &Call) -> Result<Call> {
    const COLUMNS: [&str; 9] = [
        "site_id",
        "conversation_id",
        "sent_at",
        "sent_by",
        "consumer_id",
        "message_id",
        "audience",
        "channel",
        "intent_analyzer",
    ];
    let messages = call_.relation("messages")?;
    let columns: Vec<Expr> = COLUMNS
        .into_iter()
        .filter(|name| messages.has_column(name))
        .map(|name| messages.column(name).alias(name))
        .collect();
    let plan = LogicalPlanBuilder::from(messages.plan)
        .project(columns)?
        .build()?;
    Ok(call_.with("messages", plan))
}

/// Messages by charge and what [`with_flags`] needs: `charge_no, feature, day, site_id, relationship_id, of_consumer,
/// messages`.
fn counted(call_: &Call, charges: &LogicalPlan, featured: bool) -> Result<LogicalPlan> {
    let dated = dated(call_)?;
    let sites = unlisted(
        beside(listed_sites(&call_.relation("sites")?)?, charges.clone())?,
        call(
            internal::charged_sites(),
            vec![column("site_rows"), column("charge_rows"), lit(featured)],
        ),
        &["site_id"],
        "charged_sites",
    )?;
    let site = dated.messages.id("site_id", IdKind::Text)?;
    let billable = dated.billable(call_)?;
    let of_payers = LogicalPlanBuilder::from(sites).join_with_expr_keys(
        billable,
        JoinType::RightSemi,
        (vec![of("charged_sites", "site_id")], vec![site]),
        None,
    )?;
    let messages = once(call_, &dated, of_payers.build()?, featured)?;
    let messages = match featured {
        true => messages,
        false => kept(call_, &dated, messages)?,
    };
    let messages = replayed(call_, messages)?;
    let charges = unlisted(
        charges.clone(),
        call(
            internal::message_charges(),
            vec![column("charge_rows"), lit(featured)],
        ),
        &[
            "charge_no",
            "org_id",
            "channel",
            "feature",
            "valid_from",
            "valid_to",
        ],
        "charges",
    )?;
    let message = |name: &str| of("charged", name);
    let charge = |name: &str| of("charges", name);
    let unbounded = |bound: &str, holds: Expr| charge(bound).is_null().or(holds);
    let applies = charge("channel")
        .is_null()
        .or(charge("channel").eq(message("channel")))
        .and(unbounded(
            "valid_from",
            message("day").gt_eq(charge("valid_from")),
        ))
        .and(unbounded("valid_to", message("day").lt(charge("valid_to"))));
    LogicalPlanBuilder::from(charges)
        .join_with_expr_keys(
            LogicalPlanBuilder::from(messages)
                .alias("charged")?
                .build()?,
            JoinType::Inner,
            (vec![charge("org_id")], vec![message("org_id")]),
            Some(applies),
        )?
        .aggregate(
            vec![
                charge("charge_no"),
                charge("feature"),
                message("day"),
                message("site_id"),
                message("relationship_id"),
                message("of_consumer"),
            ],
            vec![exact_sum(message("messages")).alias("messages")],
        )?
        .project(vec![
            charge("charge_no").alias("charge_no"),
            charge("feature").alias("feature"),
            message("day").alias("day"),
            message("site_id").alias("site_id"),
            message("relationship_id").alias("relationship_id"),
            message("of_consumer").alias("of_consumer"),
            column("messages"),
        ])?
        .build()
}

/// Every message once, with the [`FACTS`] of its earliest copy: `site_id`, the facts and `messages`, how many there are.
fn once(call_: &Call, dated: &Dated, messages: LogicalPlan, featured: bool) -> Result<LogicalPlan> {
    // The relationship only matters where the flags of its DAR do.
    let (plan, relationship, of_consumer) = if featured {
        let Related {
            plan,
            relationship,
            of_consumer,
        } = related(call_, dated, messages)?;
        (plan, cast(relationship, DataType::Utf8View), of_consumer)
    } else {
        let own = dated.own_columns(call_.function.name, &[])?.into_iter();
        let dates = [dated.org_id().alias("org_id"), dated.day().alias("day")];
        let plan = LogicalPlanBuilder::from(messages)
            .project(own.chain(dates).collect::<Vec<_>>())?
            .build()?;
        (plan, null(&DataType::Utf8View), lit(false))
    };
    let facts = [
        cast(column("org_id"), DataType::Utf8View),
        column("day"),
        dated.messages.text("channel")?,
        relationship,
        of_consumer,
    ];
    let has_ids = dated.messages.has_column("message_id");
    let id = dated.messages.id("message_id", IdKind::Text)?;
    let rows = LogicalPlanBuilder::from(plan).project(
        facts
            .into_iter()
            .zip(FACTS)
            .map(|(fact, name)| fact.alias(name))
            .chain([
                dated.messages.id("site_id", IdKind::Text)?.alias("site_id"),
                dated
                    .conversation_id(IdKind::Text)?
                    .alias("conversation_id"),
                id.alias("message_id"),
                dated.own("sent_at").alias("sent_at"),
            ])
            .collect::<Vec<_>>(),
    )?;
    let count = count_udaf().call(vec![lit(1_i64)]);
    if !has_ids {
        return rows
            .aggregate(
                FACTS
                    .map(column)
                    .into_iter()
                    .chain([column("site_id")])
                    .collect::<Vec<_>>(),
                vec![count.alias("messages")],
            )?
            .build();
    }
    // A message without an id is no copy of any other: its own facts join the key, and all of its rows count.
    let nameless = |name: &str| -> Result<Expr> {
        let fact = when(column("message_id").is_null(), column(name)).end()?;
        Ok(fact.alias(format!("nameless {name}")))
    };
    let keys = ["site_id", "conversation_id", "message_id"]
        .map(|name| Ok(column(name)))
        .into_iter()
        .chain(FACTS.map(nameless))
        .collect::<Result<Vec<_>>>()?;
    let whole = named_struct().call(
        FACTS
            .iter()
            .flat_map(|name| [lit(*name), column(name)])
            .collect(),
    );
    let first = at_first(whole, column("sent_at")).alias("first");
    let fact = |name: &str| field(column("first"), name).alias(name);
    let messages = when(column("message_id").is_null(), column("rows")).otherwise(lit(1_i64))?;
    rows.aggregate(keys, vec![first, count.alias("rows")])?
        .project(
            FACTS
                .map(fact)
                .into_iter()
                .chain([column("site_id"), messages.alias("messages")])
                .collect::<Vec<_>>(),
        )?
        .build()
}

/// What [`once`] gives without features, from the session's table of DARs where that has the counts.
fn kept(call_: &Call, dated: &Dated, messages: LogicalPlan) -> Result<LogicalPlan> {
    const COUNTED: [&str; 4] = ["org_id", "day", "channel", "messages"];
    let counts = LogicalPlanBuilder::from(messages)
        .project(COUNTED.map(column))?
        .build()?;
    let nothing = || null(&DataType::Utf8View);
    let of_relationship = [
        nothing().alias("site_id"),
        nothing().alias("relationship_id"),
        lit(false).alias("of_consumer"),
    ];
    let columns = COUNTED.map(column).into_iter().chain(of_relationship);
    LogicalPlanBuilder::from(kept_counts(call_, dated, counts)?)
        .project(columns.collect::<Vec<_>>())?
        .build()
}

/// Messages with their days moved by the option `replay_days`.
fn replayed(call_: &Call, messages: LogicalPlan) -> Result<LogicalPlan> {
    let days: i32 = call_
        .option(&REPLAY_DAYS)
        .and_then(|days| days.parse().ok())
        .unwrap_or_default();
    if days == 0 {
        return Ok(messages);
    }
    let later = column("day") + lit(ScalarValue::new_interval_mdn(0, days, 0));
    let columns = messages
        .schema()
        .fields()
        .iter()
        .map(|field| match field.name().as_str() {
            "day" => cast(later.clone(), DataType::Date32).alias("day"),
            name => column(name),
        });
    let columns: Vec<Expr> = columns.collect();
    LogicalPlanBuilder::from(messages).project(columns)?.build()
}

/// Of the messages in [`counted`], those of DARs with the charge's feature: `charge_no, day, messages`.
fn with_flags(call_: &Call, messages: LogicalPlan, rated: &Relation) -> Result<LogicalPlan> {
    let by_consumer = call_.is(&RELATIONSHIP, "consumer")
        && call_.relation("messages")?.has_column("consumer_id")
        && rated.has_column("consumer_id");
    let of_consumer = if by_consumer {
        rated.column("consumer_id").is_not_null()
    } else {
        lit(true)
    };
    let keys = ["site_id", "relationship_id", "day", "of_consumer"];
    // As a number: the engine's `bool_or` is of two minds about whether it can be NULL.
    let flag =
        |name: &str| -> Result<Expr> { Ok(cast(rated.flag(name)?, DataType::Int32).alias(name)) };
    let flags = LogicalPlanBuilder::from(rated.plan.clone())
        .project(vec![
            rated.id("site_id", IdKind::Text)?.alias("site_id"),
            rated
                .id("relationship_id", IdKind::Text)?
                .alias("relationship_id"),
            rated.date("day")?.alias("day"),
            of_consumer.alias("of_consumer"),
            flag("gen_ai")?,
            flag("intent_analyzer")?,
        ])?
        .aggregate(
            keys.map(column),
            ["gen_ai", "intent_analyzer"]
                .map(|name| max_udaf().call(vec![column(name)]).alias(name)),
        )?
        .alias("flags")?
        .build()?;
    let on = |relation: &'static str| keys.map(|name| Column::new(Some(relation), name)).to_vec();
    let is = |feature: &str| {
        let on = of("flags", feature).gt(lit(0_i32));
        of("counted", "feature").eq(text(feature)).and(on)
    };
    LogicalPlanBuilder::from(messages)
        .alias("counted")?
        .join_detailed(
            flags,
            JoinType::Inner,
            (on("counted"), on("flags")),
            Some(is("gen_ai").or(is("intent_analyzer"))),
            NullEquality::NullEqualsNothing,
        )?
        .project(["charge_no", "day", "messages"].map(|name| of("counted", name).alias(name)))?
        .build()
}
