//! The fast path of `dars`: the same rows, from two operators of our own instead of a join and three aggregates.
//!
//! The step that makes DARs of messages becomes a table whose scan is planned below the optimizer's level. It knows the
//! ordinary plan too and falls back on it for whatever it does not do itself: carried columns,
//! ids of two kinds. `SET dayrate.fast_path = 'off'` leaves only the ordinary plan.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue, project_schema};
use datafusion::datasource::TableType;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, lit,
};
use datafusion::physical_plan::ExecutionPlan;

use super::Call;
use super::asked::asked;
use super::calendar::Dated;
use super::computed::{planned, scanned};
use super::day_range::sent_at_range;
use super::expression::call;
use super::option::{FAST_PATH, GEN_AI_RULE, REJECTS, RELATIONSHIP};
use super::relation::{IdKind, Relation};
use crate::exec::{self, ALIKE, Asked, COMMON, Folding, GenAiRule};
use crate::scalar::internal;

/// The columns that the operators make.
const MADE: [&str; 16] = [
    "site_id",
    "relationship_id",
    "has_consumer",
    "consumer_id",
    "day",
    "org_id",
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

/// The plan of the fast path over `ordinary`, the step that gives one row a DAR; `ordinary` itself where it is off or
/// does not fit. `by_consumer` is the kind of the consumers.
pub(super) fn faster(
    call: &Call,
    dated: &Dated,
    by_consumer: Option<IdKind>,
    ordinary: LogicalPlan,
) -> Result<LogicalPlan> {
    let one_kind = by_consumer.is_none_or(|consumer| consumer == dated.conversation_kind());
    if !call.is(&FAST_PATH, "on") || !one_kind || has_placeholder(&[&ordinary])? {
        return Ok(ordinary);
    }
    let step = DarStep {
        schema: Arc::new(Schema::new(ordinary.schema().as_arrow().fields().clone())),
        folding: folding(call, dated, by_consumer.is_some(), by_consumer.is_some()),
        gen_ai_rule: gen_ai_rule(call),
        calendar: dated.calendar.clone(),
        messages: dated.messages.clone(),
        site: dated.site_kind(),
        conversation: dated.conversation_kind(),
        consumer: dated
            .consumer_kind()
            .filter(|_| call.is(&RELATIONSHIP, "conversation") || by_consumer.is_some()),
        ordinary,
    };
    scanned("dar_step", Arc::new(step))
}

/// How messages are folded.
pub(super) fn folding(
    call: &Call,
    dated: &Dated,
    by_consumer: bool,
    with_consumers: bool,
) -> Folding {
    Folding {
        by_consumer,
        with_consumers,
        skip_rejected: call.is(&REJECTS, "skip"),
        ids: (dated.site_kind().data_type(), dated.org_kind().data_type()),
        zones: call.zones.clone(),
        asked: Asked::all(),
        files: None,
        census: None,
    }
}

/// The option `gen_ai_rule`.
pub(super) fn gen_ai_rule(call: &Call) -> GenAiRule {
    match call.option(&GEN_AI_RULE).as_deref() {
        Some("first_message") => GenAiRule::FirstMessage,
        Some("day_start") => GenAiRule::DayStart,
        _ => GenAiRule::Any,
    }
}

/// Whether a value is still to be bound: below the optimizer's level nobody would.
pub(super) fn has_placeholder(plans: &[&LogicalPlan]) -> Result<bool> {
    let mut found = false;
    for plan in plans {
        plan.apply_with_subqueries(|node| {
            node.apply_expressions(|expr| {
                expr.apply(|expr| {
                    found |= matches!(expr, Expr::Placeholder(_) | Expr::OuterReferenceColumn(..));
                    Ok(TreeNodeRecursion::Continue)
                })
            })
        })?;
    }
    Ok(found)
}

/// One row a DAR: a table that is computed when it is scanned.
#[derive(Clone)]
pub(super) struct DarStep {
    schema: SchemaRef,
    folding: Folding,
    gen_ai_rule: GenAiRule,
    calendar: LogicalPlan,
    messages: Relation,
    site: IdKind,
    conversation: IdKind,
    /// `None` if there is no such column.
    consumer: Option<IdKind>,
    ordinary: LogicalPlan,
}

impl fmt::Debug for DarStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DarStep").finish_non_exhaustive()
    }
}

impl DarStep {
    /// The same table with these columns alone and [`ALIKE`], for how many DARs a row stands; `None` if DARs are not
    /// alike in one of the columns.
    pub(super) fn counted(&self, columns: SchemaRef) -> Option<Self> {
        let is_common = |field: &&FieldRef| COMMON.contains(&field.name().as_str());
        if !columns.fields().iter().all(|field| is_common(&field)) {
            return None;
        }
        let alike: FieldRef = Arc::new(Field::new(ALIKE, DataType::Int64, false));
        let fields = columns.fields().iter().cloned().chain([alike]);
        Some(Self {
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            ..self.clone()
        })
    }

    /// What the operators read of each message; a column that no measure needs is NULL, and not read.
    fn messages(&self, columns: &[&str], filters: &[Expr]) -> Result<LogicalPlan> {
        let messages = &self.messages;
        let sent_at = messages.column("sent_at");
        let mut plan = LogicalPlanBuilder::from(messages.plan.clone());
        let sent_at_type = messages.type_of(&sent_at)?;
        for range in self.ranges(filters, &sent_at, &sent_at_type)? {
            plan = plan.filter(range)?;
        }
        for of_sites in self.of_sites(filters)? {
            plan = plan.filter(of_sites)?;
        }
        let needs = |name: &str| columns.contains(&name);
        let with_consumers = self.with_consumers(columns);
        let columns = Columns {
            conversation: self.conversation,
            consumer: self.consumer,
            with_consumers,
            // Of messages at one instant, the one that is first by channel says who a conversation is with.
            with_channels: needs("channel") || (with_consumers && !self.folding.by_consumer),
            with_listened: needs("intent_analyzer"),
        };
        plan.project(columns.of(messages)?)?.build()
    }

    /// Whether the consumers of messages matter to these columns.
    fn with_consumers(&self, columns: &[&str]) -> bool {
        let is_asked = self.folding.by_consumer || columns.contains(&"consumer_id");
        is_asked && self.consumer.is_some()
    }

    /// The filters on the site alone, which leave out messages before any check, as they do in the ordinary plan.
    fn of_sites(&self, filters: &[Expr]) -> Result<Vec<Expr>> {
        let site = self.messages.id("site_id", self.site)?;
        let is_of_site = |filter: &&Expr| {
            let columns = filter.column_refs();
            columns.iter().all(|column| column.name == "site_id")
        };
        let of_message = |filter| with_column(filter, "site_id", &site);
        filters.iter().filter(is_of_site).map(of_message).collect()
    }

    /// The stretch of `sent_at` that filters on `day` leave.
    fn ranges(&self, filters: &[Expr], sent_at: &Expr, data_type: &DataType) -> Result<Vec<Expr>> {
        let day = call(
            internal::day(&self.folding.zones),
            vec![sent_at.clone(), lit("UTC")],
        );
        let mut ranges = Vec::new();
        for filter in filters {
            let of_message = with_column(filter, "day", &day)?;
            ranges.extend(sent_at_range(&of_message, data_type));
        }
        Ok(ranges)
    }
}

/// A filter on DARs as one on messages: of a column, `value`.
fn with_column(filter: &Expr, name: &str, value: &Expr) -> Result<Expr> {
    let replaced = filter.clone().transform(|expr| {
        Ok(match &expr {
            Expr::Column(column) if column.name == name => {
                Transformed::new(value.clone(), true, TreeNodeRecursion::Jump)
            }
            _ => Transformed::no(expr),
        })
    });
    Ok(replaced?.data)
}

/// Which columns of messages the fold is to read.
pub(super) struct Columns {
    pub(super) conversation: IdKind,
    /// `None` if there is no such column.
    pub(super) consumer: Option<IdKind>,
    pub(super) with_consumers: bool,
    pub(super) with_channels: bool,
    pub(super) with_listened: bool,
}

impl Columns {
    /// The columns; one that is not needed is NULL, and not read.
    pub(super) fn of(&self, messages: &Relation) -> Result<Vec<Expr>> {
        let of = |name: &str, value: Result<Expr>, is_needed: bool| -> Result<Expr> {
            // Of no type, so that no array of NULLs is made for each batch.
            let value = if is_needed {
                value?
            } else {
                lit(ScalarValue::Null)
            };
            Ok(value.alias(name))
        };
        Ok(vec![
            messages.id("site_id", IdKind::Text)?.alias("site_id"),
            messages
                .id("conversation_id", self.conversation)?
                .alias("conversation_id"),
            of(
                "consumer_id",
                messages.id("consumer_id", self.consumer.unwrap_or(IdKind::Text)),
                self.with_consumers,
            )?,
            messages.column("sent_at").alias("sent_at"),
            messages.text("sent_by")?.alias("sent_by"),
            messages.text("audience")?.alias("audience"),
            of(
                "intent_analyzer",
                messages.flag("intent_analyzer"),
                self.with_listened,
            )?,
            of("channel", messages.text("channel"), self.with_channels)?,
        ])
    }
}

#[async_trait]
impl TableProvider for DarStep {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let of_key = |filter: &&Expr| {
            let columns = filter.column_refs();
            let mut names = columns.iter().map(|column| column.name.as_str());
            match names.all(|name| ["site_id", "day"].contains(&name)) && !filter.is_volatile() {
                true => TableProviderFilterPushDown::Inexact,
                false => TableProviderFilterPushDown::Unsupported,
            }
        };
        Ok(filters.iter().map(of_key).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = project_schema(&self.schema, projection)?;
        let columns: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        if columns
            .iter()
            .any(|name| !MADE.contains(name) && *name != ALIKE)
        {
            return planned(state, &self.ordinary, filters, &schema).await;
        }
        let messages = self.messages(&columns, filters)?;
        let messages = state.create_physical_plan(&messages).await?;
        let calendar = state.create_physical_plan(&self.calendar).await?;
        let folding = Folding {
            with_consumers: self.with_consumers(&columns),
            asked: asked(filters),
            ..self.folding.clone()
        };
        Ok(exec::dars(
            folding,
            self.gen_ai_rule,
            calendar,
            messages,
            schema,
        ))
    }
}
