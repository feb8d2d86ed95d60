//! `SentDeltaExec` as bytes. Its files are its child, which the engine writes beside.

use datafusion_proto::protobuf::LogicalExprNode;

/// A scan of a Delta table; its columns are those of the envelope.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DeltaNode {
    #[prost(string, tag = "1")]
    location: String,
    #[prost(string, tag = "2")]
    store: String,
    #[prost(string, tag = "3")]
    path: String,
    #[prost(uint64, tag = "4")]
    version: u64,
    /// As Delta's reader writes its settings.
    #[prost(string, tag = "5")]
    config: String,
    #[prost(uint64, repeated, tag = "6")]
    columns: Vec<u64>,
    #[prost(message, repeated, tag = "7")]
    filters: Vec<LogicalExprNode>,
    #[prost(uint64, optional, tag = "8")]
    limit: Option<u64>,
}

#[cfg(feature = "delta")]
mod scan {
    use std::sync::Arc;

    use datafusion::arrow::datatypes::SchemaRef;
    use datafusion::common::exec_datafusion_err;
    use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
    use datafusion::error::{DataFusionError, Result};
    use datafusion::execution::TaskContext;
    use datafusion::execution::object_store::ObjectStoreUrl;
    use datafusion::logical_expr::Expr;
    use datafusion::object_store::path::Path;
    use datafusion::physical_plan::ExecutionPlan;
    use datafusion_proto::logical_plan::DefaultLogicalExtensionCodec;
    use datafusion_proto::logical_plan::from_proto::parse_expr;
    use datafusion_proto::logical_plan::to_proto::serialize_expr;

    use super::super::sent_scan::{Recipe, SentDeltaExec};
    use super::DeltaNode;

    impl DeltaNode {
        /// The bytes of a scan.
        ///
        /// # Errors
        ///
        /// Settings that cannot be written.
        pub(crate) fn of(scan: &SentDeltaExec) -> Result<Self> {
            let recipe = scan.recipe.as_ref();
            let config = serde_json::to_string(&recipe.config).map_err(external)?;
            // What cannot be written is not sent: rows that need not be read are read then.
            let filters = recipe.filters.iter().filter(|filter| is_plain(filter));
            let filters = filters
                .filter_map(|filter| serialize_expr(filter, &DefaultLogicalExtensionCodec {}).ok());
            Ok(Self {
                location: recipe.location.clone(),
                store: recipe.store_url.as_str().to_owned(),
                path: recipe.path.to_string(),
                version: recipe.version,
                config,
                columns: recipe.columns.iter().map(|at| *at as u64).collect(),
                filters: filters.collect(),
                limit: recipe.limit.map(|limit| limit as u64),
            })
        }

        /// The scan of the files that `list` names, under the columns of `schema`.
        ///
        /// # Errors
        ///
        /// Bytes that are no scan.
        pub(crate) fn into_exec(
            self,
            list: &Arc<dyn ExecutionPlan>,
            schema: SchemaRef,
            context: &TaskContext,
        ) -> Result<SentDeltaExec> {
            let columns = self.columns.into_iter().map(usize::try_from);
            let filters = self.filters.iter();
            let filters = filters
                .map(|filter| parse_expr(filter, context, &DefaultLogicalExtensionCodec {}))
                .collect::<std::result::Result<_, _>>();
            let recipe = Recipe {
                location: self.location,
                store_url: ObjectStoreUrl::parse(&self.store)?,
                path: Path::parse(&self.path).map_err(external)?,
                version: self.version,
                config: serde_json::from_str(&self.config).map_err(external)?,
                columns: columns
                    .collect::<std::result::Result<_, _>>()
                    .map_err(external)?,
                filters: filters.map_err(external)?,
                limit: self
                    .limit
                    .map(usize::try_from)
                    .transpose()
                    .map_err(external)?,
            };
            if schema.fields().len() > recipe.columns.len() {
                return Err(exec_datafusion_err!(
                    "a scan of '{}' gives more columns than it reads",
                    recipe.location
                ));
            }
            Ok(SentDeltaExec::new(
                Arc::new(recipe),
                Arc::clone(list),
                schema,
            ))
        }
    }

    fn external(cause: impl std::error::Error + Send + Sync + 'static) -> DataFusionError {
        DataFusionError::External(Box::new(cause))
    }

    /// Whether an expression is made of columns, values and the operators between them.
    fn is_plain(expr: &Expr) -> bool {
        let mut is = true;
        // The visitor itself never fails.
        let _ = expr.apply(|expr| {
            is &= matches!(
                expr,
                Expr::Column(_)
                    | Expr::Literal(..)
                    | Expr::BinaryExpr(_)
                    | Expr::Not(_)
                    | Expr::IsNull(_)
                    | Expr::IsNotNull(_)
                    | Expr::Between(_)
                    | Expr::InList(_)
                    | Expr::Cast(_)
            );
            Ok(TreeNodeRecursion::Continue)
        });
        is
    }
}
