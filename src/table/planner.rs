//! From syntax to [`Call`]: the engine asks this planner about everything that stands in a `FROM`.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::catalog::{
    CatalogProviderList, TableFunctionArgs as ProviderArgs, TableFunctionImpl, TableProvider,
};
use datafusion::common::{Result, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{
    Expr as SqlExpr, FunctionArg, FunctionArgExpr, Ident, ObjectName, ObjectNamePart, TableAlias,
    TableFactor,
};
use futures::FutureExt;

use super::argument::{Argument, as_table_factor, option_value, table_factor};
use super::dar_source::Keeper;
use super::option::{OptionSpec, SessionDefaults};
use super::{Call, TableFunction, find};
use crate::domain::zone::ZoneDatabase;
use crate::error;

/// Plans the calls of our table functions; everything else goes on to the engine.
#[derive(Debug)]
pub(crate) struct Planner {
    zones: ZoneDatabase,
    /// Where a relation is found that the statement does not name: the engine resolves only those it names.
    catalogs: Arc<dyn CatalogProviderList>,
    keeper: Option<Arc<dyn Keeper>>,
}

/// The arguments of a call as they were written.
struct Written {
    arguments: Vec<FunctionArg>,
    alias: Option<TableAlias>,
}

impl Planner {
    /// A planner for a session with these zone rules and catalogs, and a keeper of DARs if it has one.
    pub(crate) fn new(
        zones: ZoneDatabase,
        catalogs: Arc<dyn CatalogProviderList>,
        keeper: Option<Arc<dyn Keeper>>,
    ) -> Self {
        Self {
            zones,
            catalogs,
            keeper,
        }
    }

    fn call(
        &self,
        function: &'static TableFunction,
        arguments: Vec<FunctionArg>,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<Call> {
        let mut by_place = function.places().into_iter();
        let mut given: Vec<(String, SqlExpr)> = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let (name, value) = named(function, argument, context)?;
            let name = match name {
                Some(name) => name,
                None => by_place.next().map(str::to_owned).ok_or_else(|| {
                    error::query(format!(
                        "{} takes no further argument without a name, got {value}: write {}",
                        function.name,
                        function.syntax()
                    ))
                })?,
            };
            if given.iter().any(|(other, _)| *other == name) {
                return Err(error::query(format!(
                    "{}: {name} is given twice",
                    function.name
                )));
            }
            given.push((name, value));
        }
        let names: Vec<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
        let relation_names = function.relation_names(&names);
        let option_specs = function.option_specs(&names);
        let defaults = context
            .context_provider()
            .options()
            .extensions
            .get::<SessionDefaults>()
            .cloned();
        let mut call = Call {
            function,
            relations: BTreeMap::new(),
            options: BTreeMap::new(),
            defaults: defaults.unwrap_or_default(),
            zones: self.zones.clone(),
            keeper: self.keeper.clone(),
        };
        let mut without = Vec::new();
        for (name, value) in given {
            if let Some(relation) = relation_names
                .iter()
                .copied()
                .find(|relation| *relation == name)
            {
                match self.relation(function, relation, value, context)? {
                    Some(plan) => {
                        call.relations.insert(relation, plan);
                    }
                    None => without.push(relation),
                }
            } else if let Some(option) = option_specs
                .iter()
                .copied()
                .find(|option| option.name == name)
            {
                if let Some(value) = option_value(option, value, context)? {
                    call.options.insert(option.name, value);
                }
            } else {
                return Err(misnamed(function, &name, &relation_names, &option_specs));
            }
        }
        for relation in relation_names {
            // A table function that is left out is called, not looked up.
            if !call.relations.contains_key(relation)
                && !without.contains(&relation)
                && find(relation).is_none()
                && let Some(plan) = self.session_relation(relation, context)?
            {
                call.relations.insert(relation, plan);
            }
        }
        Ok(call)
    }

    /// The plan of an argument that stands for a relation; `None` for NULL: "without".
    fn relation(
        &self,
        function: &TableFunction,
        parameter: &str,
        value: SqlExpr,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<Option<LogicalPlan>> {
        match as_table_factor(value) {
            Argument::Without => Ok(None),
            Argument::Factor(factor) => context.plan(*factor).map(Some),
            Argument::Name(name) => self.table(name, context).map(Some),
            Argument::Other(value) => Err(error::query(format!(
                "{}: {parameter} is {value}, but a relation is expected: a table, a quoted file or folder, another \
                 table function, or a query in parentheses",
                function.name
            ))),
        }
    }

    /// A relation by name: a common table expression, a table the engine has resolved, or one of the catalogs.
    fn table(
        &self,
        name: ObjectName,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<LogicalPlan> {
        let planned = context.plan(table_factor(name.clone(), None));
        planned.or_else(|unknown| {
            let reference = context.object_name_to_table_reference(name)?;
            match self.look_up(&reference, context)? {
                Some(plan) => Ok(plan),
                None => Err(unknown),
            }
        })
    }

    /// The session's own relation of that name, if it has one.
    fn session_relation(
        &self,
        name: &'static str,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<Option<LogicalPlan>> {
        let identifier = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]);
        match context.plan(table_factor(identifier, None)) {
            Ok(plan) => Ok(Some(plan)),
            Err(_) => self.look_up(&TableReference::bare(name), context),
        }
    }

    fn look_up(
        &self,
        reference: &TableReference,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<Option<LogicalPlan>> {
        let catalog = &context.context_provider().options().catalog;
        let full = reference
            .clone()
            .resolve(&catalog.default_catalog, &catalog.default_schema);
        let schema = self
            .catalogs
            .catalog(&full.catalog)
            .and_then(|catalog| catalog.schema(&full.schema));
        let Some(schema) = schema.filter(|schema| schema.table_exist(&full.table)) else {
            return Ok(None);
        };
        match schema.table(&full.table).now_or_never() {
            Some(Ok(Some(provider))) => {
                LogicalPlanBuilder::scan(reference.clone(), provider_as_source(provider), None)?
                    .build()
                    .map(Some)
            }
            Some(Ok(None)) => Ok(None),
            Some(Err(error)) => Err(error),
            None => Err(error::query(format!(
                "{reference} is in a catalog that answers later; write (SELECT * FROM {reference}), or plan with dayrate::sql"
            ))),
        }
    }
}

impl RelationPlanner for Planner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let (function, written) = match our_call(relation) {
            Ok(found) => found,
            Err(other) => return Ok(RelationPlanning::Original(other)),
        };
        let call = self.call(function, written.arguments, context)?;
        let plan = (function.plan)(&call)?;
        let plan = LogicalPlanBuilder::from(plan)
            .alias(function.name)?
            .build()?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(
            plan,
            written.alias,
        ))))
    }
}

/// The function that `relation` calls, or the relation itself if it calls none of ours.
fn our_call(
    relation: TableFactor,
) -> std::result::Result<(&'static TableFunction, Written), Box<TableFactor>> {
    let name = match &relation {
        TableFactor::Table {
            name,
            args: Some(_),
            ..
        }
        | TableFactor::Function { name, .. } => name,
        _ => return Err(Box::new(relation)),
    };
    let Some(function) = function_named(name) else {
        return Err(Box::new(relation));
    };
    match relation {
        TableFactor::Table {
            args: Some(args),
            alias,
            ..
        } => Ok((
            function,
            Written {
                arguments: args.args,
                alias,
            },
        )),
        TableFactor::Function { args, alias, .. } => Ok((
            function,
            Written {
                arguments: args,
                alias,
            },
        )),
        other => Err(Box::new(other)),
    }
}

/// The table function that a name of one part means.
pub(crate) fn function_named(name: &ObjectName) -> Option<&'static TableFunction> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(identifier)] => find(&identifier.value),
        _ => None,
    }
}

fn named(
    function: &TableFunction,
    argument: FunctionArg,
    context: &dyn RelationPlannerContext,
) -> Result<(Option<String>, SqlExpr)> {
    let (name, value) = match argument {
        FunctionArg::Named { name, arg, .. } => (Some(context.normalize_ident(name)), arg),
        FunctionArg::ExprNamed {
            name: SqlExpr::Identifier(name),
            arg,
            ..
        } => (Some(context.normalize_ident(name)), arg),
        FunctionArg::Unnamed(arg) => (None, arg),
        other => {
            return Err(error::query(format!(
                "{}: {other} is no argument",
                function.name
            )));
        }
    };
    match value {
        FunctionArgExpr::Expr(value) => Ok((name, value)),
        other => Err(error::query(format!(
            "{}: {other} is no argument; write a relation, or (SELECT {other} FROM …)",
            function.name
        ))),
    }
}

/// The error for an argument name that the function does not have.
fn misnamed(
    function: &TableFunction,
    name: &str,
    relations: &[&'static str],
    options: &[&'static OptionSpec],
) -> datafusion::error::DataFusionError {
    let upstream = super::all().iter().find(|other| {
        other.options.iter().any(|option| option.name == name)
            || other.relations.iter().any(|relation| relation.name == name)
    });
    if let Some(upstream) =
        upstream.filter(|other| function.relations.iter().any(|r| r.name == other.name))
    {
        return error::query(format!(
            "{}: {name} belongs to {1}, which is given; write it there: {1}(…, {name} => …)",
            function.name, upstream.name
        ));
    }
    let known: Vec<&str> = relations
        .iter()
        .copied()
        .chain(options.iter().map(|option| option.name))
        .collect();
    error::query(format!(
        "{}: {}",
        function.name,
        error::unknown("option", name, &known)
    ))
}

/// What the engine lists in `information_schema.routines`; calls go to [`Planner`].
#[derive(Debug)]
pub(crate) struct TableFunctionEntry(pub(crate) &'static TableFunction);

impl TableFunctionImpl for TableFunctionEntry {
    fn call_with_args(&self, _args: ProviderArgs) -> Result<Arc<dyn TableProvider>> {
        Err(error::query(format!(
            "{} takes relations: call dayrate::register_all on this session, and write {} in FROM",
            self.0.name,
            self.0.syntax()
        )))
    }
}
