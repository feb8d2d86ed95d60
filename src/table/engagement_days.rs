//! `engagement_days(messages, sites)`: what each conversation has in each DAR, in messages, credits and money.

use datafusion::common::{Column, Result, UnnestOptions};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};

use arrow::datatypes::DataType;

use super::contracts::{CONTRACTS, PRICE_TIERS};
use super::dars::{DARS, with_conversations};
use super::expression::{call, column, field};
use super::invoice_lines::ended_everywhere;
use super::ledger::{Cost, before, drawdown};
use super::option::{
    AS_OF, COST, GEN_AI_RULE, GEN_AI_SCOPE, GROWTH, OptionSpec, REJECTS, RELATIONSHIP, REPLAY_DAYS,
    SCENARIO, SURCHARGE_MODE,
};
use super::rated_dars::RATED_DARS;
use super::relation::{Relation, null};
use super::relationship::CONVERSATIONS;
use super::{Call, FEATURE_PERIODS, MESSAGES, RelationSpec, SITES, TableFunction};
use crate::error;
use crate::scalar::internal;

/// See the module.
pub(crate) static ENGAGEMENT_DAYS: TableFunction = TableFunction {
    name: "engagement_days",
    summary: "Each conversation's part in each DAR: the DAR's credits and money shared over that day's conversations by \
              their messages, exactly. Without contracts, credits only.",
    relations: &RELATIONS,
    options: &OPTIONS,
    columns: &[
        ("org_id", "text or integer"),
        ("site_id", "text or integer"),
        ("conversation_id", "text or integer"),
        ("relationship_id", "text or integer"),
        ("day", "DATE"),
        ("consumer_id", "text or integer"),
        ("channel", "text"),
        ("messages", "BIGINT"),
        ("credits", "DECIMAL(18,4)"),
        ("amount", "DECIMAL(30,10)"),
        ("currency", "text"),
    ],
    example: "SELECT channel, currency, sum(credits) AS credits, sum(amount) AS amount FROM engagement_days() GROUP BY channel, currency",
    plan,
};

/// The relations of the functions over engagements.
pub(crate) const RELATIONS: [RelationSpec; 5] = [
    MESSAGES,
    SITES,
    FEATURE_PERIODS,
    RelationSpec {
        positional: false,
        required: false,
        ..CONTRACTS
    },
    PRICE_TIERS,
];

/// The options of the functions over engagements.
pub(crate) const OPTIONS: [&OptionSpec; 10] = [
    &COST,
    &AS_OF,
    &SCENARIO,
    &SURCHARGE_MODE,
    &RELATIONSHIP,
    &GEN_AI_RULE,
    &GEN_AI_SCOPE,
    &REJECTS,
    &REPLAY_DAYS,
    &GROWTH,
];

fn plan(call_: &Call) -> Result<LogicalPlan> {
    let columns = ENGAGEMENT_DAYS.columns.iter().map(|(name, _)| column(name));
    LogicalPlanBuilder::from(shared(call_)?)
        .project(columns.collect::<Vec<_>>())?
        .build()
}

/// The rows of the function, and `first_message_at` of each.
pub(crate) fn shared(call_: &Call) -> Result<LogicalPlan> {
    if call_.is(&SCENARIO, "*") {
        return Err(error::query(format!(
            "{}: scenario => '*' would count every engagement once for each scenario; name one",
            call_.function.name
        )));
    }
    let dars = with_conversations(call_)?;
    let by_consumer = Relation::new(DARS.name, dars.clone()).has_column(CONVERSATIONS);
    let call_ = &call_.with(DARS.name, dars);
    let rated = Relation::new(RATED_DARS.name, (RATED_DARS.plan)(call_)?);
    let (rated, amount) = match call_.optional("contracts") {
        Some(_) => {
            let drawn = drawdown(call_, &rated, cost(call_))?;
            (drawn, field(column("drawdown"), "amount"))
        }
        None => {
            let mut plan = LogicalPlanBuilder::from(rated.plan);
            if let Some(as_of) = call_.day(&AS_OF) {
                plan = plan.filter(before(as_of))?;
            }
            (plan.build()?, null(&DataType::Decimal128(30, 10)))
        }
    };
    let of_dar = [
        "org_id",
        "site_id",
        "relationship_id",
        "day",
        "consumer_id",
        "currency",
    ];
    let of_conversation = [
        "conversation_id",
        "channel",
        "first_message_at",
        "messages",
        "credits",
        "amount",
    ];
    let plan = LogicalPlanBuilder::from(rated);
    if !by_consumer {
        let own = of_conversation.map(|name| match name {
            "conversation_id" => column("relationship_id").alias(name),
            "amount" => amount.clone().alias(name),
            name => column(name),
        });
        return plan
            .project(
                of_dar
                    .map(column)
                    .into_iter()
                    .chain(own)
                    .collect::<Vec<_>>(),
            )?
            .build();
    }
    let shares = call(
        internal::shares(),
        vec![column(CONVERSATIONS), column("credits"), amount],
    );
    plan.project(
        of_dar
            .map(column)
            .into_iter()
            .chain([shares.alias("share")])
            .collect::<Vec<_>>(),
    )?
    .unnest_columns_with_options(vec![Column::new_unqualified("share")], UnnestOptions::new())?
    .project(
        of_dar
            .map(column)
            .into_iter()
            .chain(of_conversation.map(|name| field(column("share"), name).alias(name)))
            .collect::<Vec<_>>(),
    )?
    .build()
}

fn cost(call_: &Call) -> Cost {
    match call_.option(&COST).as_deref() {
        Some("drawdown") => Cost::Drawdown,
        Some("amortised") => Cost::Amortised(call_.day(&AS_OF).unwrap_or_else(ended_everywhere)),
        _ => Cost::Average,
    }
}
