//! Our operators and functions as bytes, and the engine's by its own codec.
//!
//! A tag says whose operator it is. Every operator carries the rules that its plan was made with ([`Guard`]): a client or a
//! scheduler refuses a plan with others, and an executor puts in its place what fails with the reason.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use ballista_core::serde::BallistaPhysicalExtensionCodec;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use prost::Message;

use super::guard::Guard;
use super::refused::RefusedExec;
use super::same_columns::SameColumnsExec;
use super::same_rules::SameRulesExec;
use super::seen_files::SeenFilesExec;
use super::settings::Part;
#[cfg(feature = "delta")]
use super::wire::NotedFoldNode;
use super::wire::{
    Envelope, FoldNode, Node, SameColumnsNode, SameRulesNode, SeenFilesNode, SettleNode, SitesNode,
};
use crate::domain::zone::ZoneDatabase;
#[cfg(feature = "delta")]
use crate::exec::NotedFoldExec;
use crate::exec::{Asked, DaySet, FoldMessagesExec, Folding, GenAiRule, SettleDarsExec};
#[cfg(feature = "delta")]
use crate::lake::{DeltaNode, FileNumber, SentDeltaExec};
use crate::lake::{HistoryExec, HistoryNode, RowsExec, RowsNode};
use crate::{aggregate, error, scalar};

/// See the module.
#[derive(Debug)]
pub(crate) struct Codec {
    part: Part,
    guard: Guard,
    zones: ZoneDatabase,
    ballista: BallistaPhysicalExtensionCodec,
    /// The functions that plans use and people do not write, by name.
    scalars: HashMap<String, Arc<ScalarUDF>>,
    aggregates: HashMap<String, Arc<AggregateUDF>>,
}

impl Codec {
    /// The codec of a process with this part and these rules.
    pub(super) fn new(part: &Part, zones: &ZoneDatabase) -> Self {
        let scalars = scalar::internal::all(zones).into_iter();
        let aggregates = aggregate::internal().into_iter();
        Self {
            part: part.clone(),
            guard: Guard::of(zones),
            zones: zones.clone(),
            ballista: BallistaPhysicalExtensionCodec::default(),
            scalars: scalars
                .map(|function| (function.name().to_owned(), Arc::new(function)))
                .collect(),
            aggregates: aggregates
                .map(|function| (function.name().to_owned(), Arc::new(function)))
                .collect(),
        }
    }

    fn node(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Node> {
        if let Some(fold) = plan.downcast_ref::<FoldMessagesExec>() {
            return Ok(Node::Fold(folding_node(fold.folding())?));
        }
        if let Some(settle) = plan.downcast_ref::<SettleDarsExec>() {
            return Ok(Node::Settle(SettleNode {
                folding: Some(folding_node(settle.folding())?),
                gen_ai_rule: settle.gen_ai_rule().name().to_owned(),
            }));
        }
        if let Some(rows) = plan.downcast_ref::<RowsExec>() {
            return Ok(Node::Rows(RowsNode::of(rows)?));
        }
        if let Some(history) = plan.downcast_ref::<HistoryExec>() {
            return Ok(Node::History(HistoryNode::of(history)));
        }
        #[cfg(feature = "delta")]
        if let Some(scan) = plan.downcast_ref::<SentDeltaExec>() {
            return Ok(Node::Delta(DeltaNode::of(scan)?));
        }
        #[cfg(feature = "delta")]
        if let Some(fold) = plan.downcast_ref::<NotedFoldExec>() {
            return Ok(Node::NotedFold(NotedFoldNode {
                folding: Some(folding_node(fold.folding())?),
                ..NotedFoldNode::of(fold.wanted())?
            }));
        }
        if plan.is::<SeenFilesExec>() {
            return Ok(Node::SeenFiles(SeenFilesNode {}));
        }
        if plan.is::<SameColumnsExec>() {
            return Ok(Node::SameColumns(SameColumnsNode {}));
        }
        if plan.is::<SameRulesExec>() {
            return Ok(Node::SameRules(SameRulesNode {}));
        }
        let mut bytes = Vec::new();
        self.ballista
            .try_encode(Arc::clone(plan), &mut bytes, converter)?;
        Ok(Node::Ballista(bytes))
    }

    /// The operator of a node of ours.
    fn plan(
        &self,
        node: Node,
        schema: SchemaRef,
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(match (node, inputs) {
            (Node::Fold(fold), [calendar, messages]) => Arc::new(FoldMessagesExec::alone(
                self.folding(fold)?,
                Arc::clone(calendar),
                Arc::clone(messages),
            )),
            (Node::Settle(settle), [parts, calendar]) => Arc::new(SettleDarsExec::alone(
                self.folding(settle.folding.ok_or_else(unreadable)?)?,
                Arc::clone(parts),
                Arc::clone(calendar),
                GenAiRule::named(&settle.gen_ai_rule).ok_or_else(unreadable)?,
                schema,
            )),
            (Node::Rows(rows), []) => Arc::new(rows.into_exec(context)?),
            (Node::History(history), []) => Arc::new(history.into_exec()?),
            #[cfg(feature = "delta")]
            (Node::Delta(delta), [files]) => Arc::new(delta.into_exec(files, schema, context)?),
            #[cfg(feature = "delta")]
            (Node::NotedFold(fold), [calendar, messages]) => {
                let wanted = fold.files().ok_or_else(unreadable)?;
                let folding = self.folding(fold.folding.ok_or_else(unreadable)?)?;
                let (calendar, messages) = (Arc::clone(calendar), Arc::clone(messages));
                Arc::new(NotedFoldExec::new(folding, wanted, calendar, messages))
            }
            (Node::SeenFiles(_), [scan]) => Arc::new(SeenFilesExec::new(Arc::clone(scan))),
            (Node::SameColumns(_), [input]) => {
                Arc::new(SameColumnsExec::new(Arc::clone(input), schema))
            }
            (Node::SameRules(_), [input]) => Arc::new(SameRulesExec::new(Arc::clone(input))),
            _ => return Err(unreadable()),
        })
    }

    fn folding(&self, node: FoldNode) -> Result<Folding> {
        let ids = Schema::try_from(&node.ids.ok_or_else(unreadable)?)?;
        let [site, org] = ids.fields().as_ref() else {
            return Err(unreadable());
        };
        Ok(Folding {
            by_consumer: node.by_consumer,
            with_consumers: node.with_consumers,
            skip_rejected: node.skip_rejected,
            ids: (site.data_type().clone(), org.data_type().clone()),
            zones: self.zones.clone(),
            asked: Asked {
                days: DaySet::from_ends(&node.days),
                sites: node.sites.map(|sites| sites.ids.into_iter().collect()),
            },
            files: None,
            census: None,
        })
    }

    /// What stands in the place of an operator that must not run here.
    fn refused(
        &self,
        node: Node,
        schema: SchemaRef,
        inputs: &[Arc<dyn ExecutionPlan>],
        reason: &str,
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match node {
            // The engine expects its own at the top of a task.
            Node::Ballista(bytes) => {
                let refused: Vec<_> = inputs
                    .iter()
                    .map(|input| RefusedExec::instead_of(input, reason))
                    .collect();
                self.ballista
                    .try_decode(&bytes, &refused, context, converter)
            }
            _ => {
                let partitions = inputs.last().map_or(1, |input| {
                    input.properties().output_partitioning().partition_count()
                });
                Ok(Arc::new(RefusedExec::new(
                    reason.to_owned(),
                    schema,
                    partitions,
                )))
            }
        }
    }
}

impl PhysicalExtensionCodec for Codec {
    fn try_encode(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let envelope = Envelope {
            guard: Some(self.guard.clone()),
            schema: Some(plan.schema().as_ref().try_into()?),
            node: Some(self.node(&plan, converter)?),
        };
        envelope
            .encode(bytes)
            .map_err(|cause| DataFusionError::External(Box::new(cause)))
    }

    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let envelope = Envelope::decode(bytes).map_err(|cause| {
            error::config(format!(
                "{} was sent a plan that it cannot read: {cause}. Start every process of the cluster with the same dayrate",
                self.part.name()
            ))
        })?;
        let node = envelope.node.ok_or_else(unreadable)?;
        let schema = envelope.schema.ok_or_else(unreadable)?;
        let schema = Arc::new(Schema::try_from(&schema)?);
        let checked = self.guard.check(envelope.guard.as_ref(), self.part.name());
        match (checked, node) {
            (Ok(()), Node::Ballista(bytes)) => {
                self.ballista.try_decode(&bytes, inputs, context, converter)
            }
            (Ok(()), node) => self.plan(node, schema, inputs, context),
            (Err(fault), node) if self.part == Part::Executor => {
                let reason = fault.strip_backtrace();
                self.refused(node, schema, inputs, &reason, context, converter)
            }
            (Err(fault), _) => Err(fault),
        }
    }

    /// A function is known by its name, but for one that has the numbers of files in it.
    #[cfg_attr(
        not(feature = "delta"),
        expect(
            unused_variables,
            reason = "only files of Delta tables are numbered so"
        )
    )]
    fn try_encode_udf(&self, function: &ScalarUDF, bytes: &mut Vec<u8>) -> Result<()> {
        #[cfg(feature = "delta")]
        if let Some(numbers) = function.inner().downcast_ref::<FileNumber>() {
            return numbers.write(bytes);
        }
        Ok(())
    }

    #[cfg_attr(
        not(feature = "delta"),
        expect(
            unused_variables,
            reason = "only files of Delta tables are numbered so"
        )
    )]
    fn try_decode_udf(&self, name: &str, bytes: &[u8]) -> Result<Arc<ScalarUDF>> {
        #[cfg(feature = "delta")]
        if name == FileNumber::NAME {
            return Ok(Arc::new(FileNumber::read(bytes)?.into()));
        }
        let known = self.scalars.get(name).map(Arc::clone);
        known.ok_or_else(|| self.unknown(name))
    }

    fn try_decode_udaf(&self, name: &str, _bytes: &[u8]) -> Result<Arc<AggregateUDF>> {
        let known = self.aggregates.get(name).map(Arc::clone);
        known.ok_or_else(|| self.unknown(name))
    }
}

impl Codec {
    fn unknown(&self, function: &str) -> DataFusionError {
        error::config(format!(
            "{} does not know the function '{function}'. Start every process of the cluster with the same dayrate",
            self.part.name()
        ))
    }
}

fn folding_node(folding: &Folding) -> Result<FoldNode> {
    if folding.files.is_some() {
        return Err(error::query(
            "what a fold notes of each file is known in its own process alone",
        ));
    }
    let field = |name: &str, data_type: &DataType| Field::new(name, data_type.clone(), true);
    let (site, org) = &folding.ids;
    let ids = Schema::new(vec![field("site_id", site), field("org_id", org)]);
    Ok(FoldNode {
        by_consumer: folding.by_consumer,
        with_consumers: folding.with_consumers,
        skip_rejected: folding.skip_rejected,
        ids: Some((&ids).try_into()?),
        days: folding.asked.days.ends().collect(),
        sites: folding.asked.sites.as_ref().map(|ids| SitesNode {
            ids: ids.iter().cloned().collect(),
        }),
    })
}

fn unreadable() -> DataFusionError {
    exec_datafusion_err!("an operator arrived in pieces that do not fit")
}
