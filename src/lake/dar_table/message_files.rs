//! The files that messages come from, and the same relation over some of them.
//!
//! Only what treats each row by itself can be read file by file: scans, projections, filters, unions. Anything else, a
//! join or an aggregate, may make other rows of old files when a new one comes.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result, exec_datafusion_err};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::{
    Expr, Filter, LogicalPlan, LogicalPlanBuilder, TableScan, Volatility,
};
use datafusion::object_store::ObjectMeta;
use serde::{Deserialize, Serialize};

use crate::exec::FILE;
use crate::lake::files::FilesTable;

/// A file as it was found: another size, version or time of the same path is another file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct KnownFile {
    /// The store and the path in it.
    pub(super) path: String,
    pub(super) size: u64,
    /// The store's version of it, or its tag, or the time of its last change.
    pub(super) version: String,
}

impl KnownFile {
    fn of(store: &str, meta: &ObjectMeta) -> Self {
        let version = meta.version.clone().or_else(|| meta.e_tag.clone());
        Self {
            path: format!("{store}{}", meta.location),
            size: meta.size,
            version: version.unwrap_or_else(|| meta.last_modified.timestamp_micros().to_string()),
        }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct MessageFiles {
    plan: LogicalPlan,
    /// The files, each path once, in the order of the plan.
    pub(super) files: Vec<KnownFile>,
}

impl MessageFiles {
    /// The files of `plan`.
    ///
    /// # Errors
    ///
    /// A sentence that says why it cannot be read file by file.
    pub(super) fn of(plan: &LogicalPlan) -> std::result::Result<Self, String> {
        let mut files = Vec::new();
        let mut seen = HashMap::new();
        collect(plan, &mut |table| {
            for meta in table.metas() {
                let file = KnownFile::of(table.store().as_str(), meta);
                if seen.insert(file.path.clone(), files.len()).is_none() {
                    files.push(file);
                }
            }
        })?;
        Ok(Self {
            plan: plan.clone(),
            files,
        })
    }

    /// What the relation is beside its files, as text that says the same of the same.
    pub(super) fn definition(&self) -> String {
        self.plan.display_indent().to_string()
    }

    /// The relation over some of the files, each with a number in the column [`FILE`].
    pub(super) fn read(&self, numbers: &HashMap<&str, u32>) -> Result<LogicalPlan> {
        numbered(&self.plan, numbers)
    }
}

/// The table of files behind a scan.
fn files_table(scan: &TableScan) -> Option<Arc<dyn TableProvider>> {
    let table = source_as_provider(&scan.source).ok()?;
    let is_whole = scan.projection.is_none() && scan.filters.is_empty() && scan.fetch.is_none();
    (is_whole && table.is::<FilesTable>()).then_some(table)
}

/// Shows every table of files in a plan to `see`.
fn collect(
    plan: &LogicalPlan,
    see: &mut impl FnMut(&FilesTable),
) -> std::result::Result<(), String> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let table = files_table(scan);
            let table = table.as_ref().and_then(|table| table.downcast_ref());
            see(table.ok_or_else(|| format!("'{}' is not read from files", scan.table_name))?);
            return Ok(());
        }
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Union(_) => {}
        other => {
            let text = other.display().to_string();
            let step = text.split([':', ' ']).next().unwrap_or_default();
            return Err(format!("its query has a step '{step}'"));
        }
    }
    if let Some(expr) = plan.expressions().iter().find(|expr| !is_of_one_row(expr)) {
        return Err(format!("its query has '{expr}'"));
    }
    plan.inputs().into_iter().try_for_each(|input| collect(input, see))
}

/// Whether an expression has the same value of a row whatever other rows there are, and whenever it is asked.
fn is_of_one_row(expr: &Expr) -> bool {
    let mut is = true;
    // The visitor itself never fails.
    let _ = expr.apply(|expr| {
        is &= match expr {
            Expr::ScalarFunction(function) => {
                function.func.signature().volatility == Volatility::Immutable
            }
            Expr::ScalarSubquery(_)
            | Expr::InSubquery(_)
            | Expr::Exists(_)
            | Expr::SetComparison(_)
            | Expr::OuterReferenceColumn(..)
            | Expr::WindowFunction(_)
            | Expr::AggregateFunction(_)
            | Expr::Placeholder(_)
            | Expr::ScalarVariable(..) => false,
            _ => true,
        };
        Ok(TreeNodeRecursion::Continue)
    });
    is
}

fn numbered(plan: &LogicalPlan, numbers: &HashMap<&str, u32>) -> Result<LogicalPlan> {
    let input = |place: usize| -> Result<LogicalPlan> {
        let inputs = plan.inputs();
        let input = inputs
            .get(place)
            .ok_or_else(|| exec_datafusion_err!("a step of messages reads nothing"))?;
        numbered(input, numbers)
    };
    match plan {
        LogicalPlan::TableScan(scan) => {
            let table = files_table(scan);
            let table: &FilesTable = table
                .as_ref()
                .and_then(|table| table.downcast_ref())
                .ok_or_else(|| exec_datafusion_err!("messages are not read from files"))?;
            let store = table.store().as_str();
            let chosen: Vec<(usize, u32)> = table
                .metas()
                .enumerate()
                .filter_map(|(place, meta)| {
                    let path = format!("{store}{}", meta.location);
                    Some((place, *numbers.get(path.as_str())?))
                })
                .collect();
            let table = provider_as_source(Arc::new(table.numbered(&chosen, FILE)));
            LogicalPlanBuilder::scan(scan.table_name.clone(), table, None)?.build()
        }
        LogicalPlan::Projection(projection) => {
            let input = input(0)?;
            let file = file_column(&input)?;
            let columns = projection.expr.iter().cloned().chain([file]);
            LogicalPlanBuilder::from(input)
                .project(columns.collect::<Vec<_>>())?
                .build()
        }
        LogicalPlan::Filter(filter) => Ok(LogicalPlan::Filter(Filter::try_new(
            filter.predicate.clone(),
            Arc::new(input(0)?),
        )?)),
        LogicalPlan::SubqueryAlias(alias) => LogicalPlanBuilder::from(input(0)?)
            .alias(alias.alias.clone())?
            .build(),
        LogicalPlan::Union(union) => {
            let mut whole = LogicalPlanBuilder::from(input(0)?);
            for place in 1..union.inputs.len() {
                whole = whole.union(input(place)?)?;
            }
            whole.build()
        }
        other => Err(exec_datafusion_err!(
            "messages have a step that cannot be read file by file: {}",
            other.display()
        )),
    }
}

/// The column of the number.
fn file_column(plan: &LogicalPlan) -> Result<Expr> {
    let (qualifier, _) = plan
        .schema()
        .iter()
        .find(|(_, field)| field.name() == FILE)
        .ok_or_else(|| exec_datafusion_err!("messages have lost the number of their file"))?;
    Ok(Expr::Column(Column::new(qualifier.cloned(), FILE)))
}
