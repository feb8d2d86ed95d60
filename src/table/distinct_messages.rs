//! `distinct_messages(messages)`: one row for each message, the earliest of its copies.

use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions::core::named_struct;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};

use super::expression::{column, field};
use super::relation::Relation;
use super::{Call, RelationSpec, TableFunction};
use crate::aggregate::at_first;

/// See the module.
pub(crate) static DISTINCT_MESSAGES: TableFunction = TableFunction {
    name: "distinct_messages",
    summary: "One row for each (site_id, conversation_id, message_id), the earliest; columns unchanged. Rows without \
              one of the three all stay.",
    relations: &[RelationSpec {
        name: "messages",
        positional: true,
        required: true,
        columns: "site_id*, conversation_id*, message_id*, sent_at*",
    }],
    options: &[],
    columns: &[("(all columns of messages)", "")],
    example: "SELECT count(*) FROM distinct_messages(messages)",
    plan,
};

const KEY: [&str; 3] = ["site_id", "conversation_id", "message_id"];

fn plan(call: &Call) -> Result<LogicalPlan> {
    let given = call.relation("messages")?;
    given.require(&["site_id", "conversation_id", "message_id", "sent_at"])?;
    let plan = LogicalPlanBuilder::from(given.plan)
        .alias("messages")?
        .build()?;
    let messages = Relation::new("messages", plan);
    messages.instant("sent_at")?;
    let names: Vec<String> = messages
        .column_names()
        .into_iter()
        .map(Into::into)
        .collect();
    let without_key = KEY
        .iter()
        .map(|name| messages.column(name).is_null())
        .reduce(Expr::or)
        .unwrap_or_else(|| lit(false));

    let plain = |name: &String| -> Result<Expr> {
        let value = messages.column(name);
        Ok(match messages.type_of(&value)? {
            DataType::Dictionary(_, of) => cast(value, *of).alias(name),
            _ => value.alias(name),
        })
    };
    let plain = || names.iter().map(plain).collect::<Result<Vec<_>>>();
    let unidentified = LogicalPlanBuilder::from(messages.plan.clone())
        .filter(without_key.clone())?
        .project(plain()?)?
        .build()?;

    // A copy without `sent_at` comes after every copy that has one, and stays if it is alone.
    let whole_row = named_struct().call(
        names
            .iter()
            .flat_map(|name| [lit(name.as_str()), column(name)])
            .collect(),
    );
    let never = cast(lit(i64::MAX), messages.instant_type("sent_at"));
    let identified = LogicalPlanBuilder::from(messages.plan.clone())
        .filter(without_key.is_not_true())?
        .project(plain()?)?
        .aggregate(
            KEY.map(|name| column(name).alias(format!("key {name}"))),
            vec![at_first(whole_row, coalesce(vec![column("sent_at"), never])).alias("first")],
        )?;
    identified
        .project(
            names
                .iter()
                .map(|name| field(column("first"), name.as_str()).alias(name))
                .collect::<Vec<_>>(),
        )?
        .union(unidentified)?
        .build()
}
