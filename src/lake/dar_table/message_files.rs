//! The files that messages come from, and the same relation over some of them.
//!
//! Only what treats each row by itself can be read file by file: scans, projections, filters, unions. Anything else, a
//! join or an aggregate, may make other rows of old files when a new one comes.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result, TableReference, exec_datafusion_err};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::{
    Expr, Filter, LogicalPlan, LogicalPlanBuilder, TableScan, Volatility, lit,
};
use datafusion::object_store::ObjectMeta;
use serde::{Deserialize, Serialize};

use crate::exec::{FILE, MESSAGE_COLUMNS, MESSAGE_ID};
use crate::lake::delta::{DeltaFile, DeltaRelation};
use crate::lake::files::FilesTable;

/// A file as it was found: another size, version or time of the same path is another file, and so are other words that a
/// Delta table's log says of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct KnownFile {
    /// The store and the path in it.
    pub(super) path: String,
    pub(super) size: u64,
    /// The store's version of it, or its tag, or the time of its last change.
    pub(super) version: String,
}

impl KnownFile {
    fn of_store(store: &str, meta: &ObjectMeta) -> Self {
        let version = meta.version.clone().or_else(|| meta.e_tag.clone());
        Self {
            path: format!("{store}{}", meta.location),
            size: meta.size,
            version: version.unwrap_or_else(|| meta.last_modified.timestamp_micros().to_string()),
        }
    }

    fn of_delta(file: DeltaFile) -> Self {
        Self {
            path: file.address,
            size: file.size,
            version: file.version,
        }
    }
}

/// The files of a scan, if it is one of files.
fn known_files(table: &dyn TableProvider) -> Option<Result<Vec<KnownFile>>> {
    if let Some(table) = table.downcast_ref::<FilesTable>() {
        let store = table.store().as_str();
        let files = table.metas().map(|meta| KnownFile::of_store(store, meta));
        return Some(Ok(files.collect()));
    }
    let files = table.downcast_ref::<DeltaRelation>()?.files();
    Some(files.map(|files| files.into_iter().map(KnownFile::of_delta).collect()))
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
        collect(plan, &mut |found| {
            for file in found {
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

    /// How the relation makes the columns that bills read of those of its files, as text that is another if it makes them
    /// in another way. What else the files hold, or begin to hold, does not matter.
    pub(super) fn definition(&self) -> Result<String> {
        self.defined(&MESSAGE_COLUMNS)
    }

    /// The same with the ids of messages.
    pub(super) fn definition_with_ids(&self) -> Result<String> {
        self.defined(&[&MESSAGE_COLUMNS[..], &[MESSAGE_ID]].concat())
    }

    fn defined(&self, columns: &[&str]) -> Result<String> {
        let columns = columns.iter().map(|name| {
            let field = self
                .plan
                .schema()
                .iter()
                .find(|(_, field)| field.name() == name);
            match field {
                Some((qualifier, _)) => Expr::Column(Column::new(qualifier.cloned(), *name)),
                // A query that leaves out what the files have is not one over files that do not have it.
                None if has_column(&self.plan, name) => lit(format!("without {name}")),
                None => Expr::Column(Column::new_unqualified(*name)),
            }
        });
        described(&self.plan, columns.collect())
    }

    /// The relation over some of the files, each with a number in the column [`FILE`].
    pub(super) fn read(&self, numbers: &HashMap<&str, u32>) -> Result<LogicalPlan> {
        numbered(&self.plan, numbers)
    }
}

/// Whether the files of a plan have a column.
fn has_column(plan: &LogicalPlan, name: &str) -> bool {
    match plan {
        LogicalPlan::TableScan(scan) => scan.source.schema().field_with_name(name).is_ok(),
        other => other
            .inputs()
            .into_iter()
            .any(|input| has_column(input, name)),
    }
}

/// Expressions over a plan, and its filters, as expressions over its files.
fn described(plan: &LogicalPlan, exprs: Vec<Expr>) -> Result<String> {
    let over = |input: &LogicalPlan, place: &dyn Fn(usize) -> Option<Expr>| {
        let moved = exprs.iter().map(|expr| {
            let moved = expr.clone().transform(|expr| {
                let found = match &expr {
                    Expr::Column(column) => {
                        plan.schema().maybe_index_of_column(column).and_then(place)
                    }
                    _ => None,
                };
                Ok(match found {
                    Some(found) => Transformed::new(found, true, TreeNodeRecursion::Jump),
                    None => Transformed::no(expr),
                })
            });
            moved.map(|moved| moved.data)
        });
        described(input, moved.collect::<Result<_>>()?)
    };
    let column = |input: &LogicalPlan, place: usize| {
        let (qualifier, field) = input.schema().iter().nth(place)?;
        Some(Expr::Column(Column::new(qualifier.cloned(), field.name())))
    };
    match plan {
        LogicalPlan::Projection(projection) => over(&projection.input, &|place| {
            projection
                .expr
                .get(place)
                .map(|expr| expr.clone().unalias())
        }),
        LogicalPlan::SubqueryAlias(alias) => {
            over(&alias.input, &|place| column(&alias.input, place))
        }
        LogicalPlan::Filter(filter) => {
            let exprs = exprs.iter().cloned().chain([filter.predicate.clone()]);
            described(&filter.input, exprs.collect())
        }
        LogicalPlan::Union(union) => {
            let inputs = union
                .inputs
                .iter()
                .map(|input| over(input, &|place| column(input, place)));
            Ok(inputs.collect::<Result<Vec<_>>>()?.join(" and "))
        }
        _ => {
            let bare = exprs.iter().map(|expr| {
                let bare = expr.clone().transform(|expr| {
                    Ok(match expr {
                        Expr::Column(column) => {
                            let name = in_files(plan, column.name)?;
                            Transformed::yes(Expr::Column(Column::new_unqualified(name)))
                        }
                        other => Transformed::no(other),
                    })
                });
                bare.map(|bare| bare.data.to_string())
            });
            Ok(bare.collect::<Result<Vec<_>>>()?.join(", "))
        }
    }
}

/// What the files of a scan call a column of it.
fn in_files(plan: &LogicalPlan, column: String) -> Result<String> {
    let LogicalPlan::TableScan(scan) = plan else {
        return Ok(column);
    };
    let table = source_as_provider(&scan.source)?;
    match table.downcast_ref::<DeltaRelation>() {
        Some(table) if scan.source.schema().field_with_name(&column).is_ok() => {
            table.in_files(&column)
        }
        _ => Ok(column),
    }
}

/// The table behind a scan, if that reads all of it.
fn whole_table(scan: &TableScan) -> Option<Arc<dyn TableProvider>> {
    let table = source_as_provider(&scan.source).ok()?;
    let is_whole = scan.projection.is_none() && scan.filters.is_empty() && scan.fetch.is_none();
    is_whole.then_some(table)
}

/// Shows the files of every table in a plan to `see`.
fn collect(
    plan: &LogicalPlan,
    see: &mut impl FnMut(Vec<KnownFile>),
) -> std::result::Result<(), String> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let files = whole_table(scan).and_then(|table| known_files(table.as_ref()));
            let name = &scan.table_name;
            return match files {
                Some(Ok(files)) => {
                    see(files);
                    Ok(())
                }
                Some(Err(cause)) => Err(format!("the files of '{name}' are not known: {cause}")),
                None => Err(format!(
                    "'{name}' is a list of values or something else that is no file"
                )),
            };
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
    plan.inputs()
        .into_iter()
        .try_for_each(|input| collect(input, see))
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
            let table = whole_table(scan);
            let table = table.ok_or_else(|| exec_datafusion_err!("messages are read in part"))?;
            scanned(&scan.table_name, table.as_ref(), numbers)
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

/// A scan of some of the files of a table, with their numbers.
fn scanned(
    name: &TableReference,
    table: &dyn TableProvider,
    numbers: &HashMap<&str, u32>,
) -> Result<LogicalPlan> {
    if let Some(table) = table.downcast_ref::<DeltaRelation>() {
        let files = table.files()?.into_iter().filter_map(|file| {
            let number = *numbers.get(file.address.as_str())?;
            Some((file.address, number))
        });
        return table.numbered(name, files.collect(), FILE);
    }
    let table = table
        .downcast_ref::<FilesTable>()
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
    LogicalPlanBuilder::scan(name.clone(), table, None)?.build()
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
