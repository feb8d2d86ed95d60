//! The entry that plans a statement with relations in it.
//!
//! The engine finds only the tables that a statement names where it expects tables. Here the parsed statement is
//! rewritten first, in its syntax tree and never as text: every relation among the arguments of a table function
//! becomes a query, so that catalogs which answer later are asked in time; a relation that is left out is filled in
//! from the session; and parameters become the constants bound to them, as option values too. Quoted paths become
//! tables for the time of the planning.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{
    CatalogProviderList, DynamicFileCatalog, SchemaProvider, TableProvider, UrlTableFactory,
};
use datafusion::common::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::parser::{CopyToSource, Statement};
use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArgOperator, GroupByExpr, Ident, ObjectName,
    ObjectNamePart, Query, Select, SelectFlavor, SelectItem, SetExpr, TableFactor, TableWithJoins,
    Value, VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use crate::error;
use crate::lake;
use crate::table::{Argument, as_table_factor, find, function_named, table_factor};

/// Constants for the `$name` parameters of a statement.
#[derive(Debug, Clone, Default)]
pub struct Parameters(BTreeMap<String, Expr>);

impl Parameters {
    /// Binds `$name` to a constant SQL expression.
    pub fn insert(&mut self, name: impl Into<String>, value: Expr) {
        self.0.insert(name.into(), value);
    }
}

/// Plans one SQL statement on `ctx`, on which [`crate::register_all`] has been called.
///
/// Beside what `SessionContext::sql` understands: quoted paths as tables and as relations of table functions, tables of
/// catalogs that answer later, and relations left out, which are the session's of that name.
///
/// # Errors
///
/// Text that does not parse or holds several statements; an unknown table or path; wrong use of a function.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> datafusion::error::Result<()> {
/// use datafusion::prelude::SessionContext;
///
/// let ctx = SessionContext::new();
/// dayrate::register_all(&ctx)?;
/// let days = dayrate::sql(&ctx, "SELECT local_day(to_timestamp(0) AT TIME ZONE 'UTC', 'Asia/Tokyo') AS day").await?;
/// assert_eq!(days.collect().await?[0].num_rows(), 1);
/// # Ok(())
/// # }
/// ```
pub async fn sql(ctx: &SessionContext, text: &str) -> Result<DataFrame> {
    sql_with(ctx, text, &Parameters::default()).await
}

/// [`sql()`] with parameters: each `$name` of the statement is the constant bound to it, also as the value of an option.
///
/// # Errors
///
/// Those of [`sql()`].
pub async fn sql_with(
    ctx: &SessionContext,
    text: &str,
    parameters: &Parameters,
) -> Result<DataFrame> {
    let mut statements = parse(ctx, text)?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => plan(ctx, statement, parameters).await,
        (None, _) => Err(error::query("there is no SQL statement in the text")),
        (Some(_), false) => Err(error::query(
            "one SQL statement is expected; plan several one by one",
        )),
    }
}

/// The statements of a text, split by the SQL parser.
///
/// # Errors
///
/// Text that does not parse.
pub(crate) fn parse(ctx: &SessionContext, text: &str) -> Result<Vec<Statement>> {
    let state = ctx.state();
    let options = &state.config().options().sql_parser;
    let dialect = datafusion::sql::sqlparser::dialect::dialect_from_str(options.dialect)
        .ok_or_else(|| error::config(format!("unknown SQL dialect {}", options.dialect)))?;
    let mut parser = datafusion::sql::parser::DFParserBuilder::new(text)
        .with_dialect(dialect.as_ref())
        .with_recursion_limit(options.recursion_limit.get())
        .build()?;
    Ok(parser.parse_statements()?.into())
}

/// Plans one parsed statement.
///
/// # Errors
///
/// Those of [`sql()`].
pub(crate) async fn plan(
    ctx: &SessionContext,
    mut statement: Statement,
    parameters: &Parameters,
) -> Result<DataFrame> {
    let state = ctx.state();
    let mut rewrite = Rewrite {
        parameters,
        has_relation: &|name| exists(ctx, name),
    };
    rewrite_statement(&mut statement, &mut rewrite)?;
    let state = if finds_files(ctx) {
        state
    } else {
        let catalog = Arc::clone(state.catalog_list());
        let files = DynamicFileCatalog::new(catalog, Arc::new(Files { ctx: ctx.clone() }));
        let session_id = state.session_id().to_string();
        SessionStateBuilder::new_from_existing(state)
            .with_session_id(session_id)
            .with_catalog_list(Arc::new(files) as Arc<dyn CatalogProviderList>)
            .build()
    };
    let plan = state.statement_to_plan(statement).await?;
    ctx.execute_logical_plan(plan).await
}

/// Whether names that are paths are found without help. The tool's own schema finds them; around it, the engine's
/// wrapper would open every relation only to list the names (`SHOW TABLES`).
fn finds_files(ctx: &SessionContext) -> bool {
    #[cfg(feature = "cli")]
    {
        default_schema(ctx).is_some_and(|schema| schema.is::<lake::relations::Relations>())
    }
    #[cfg(not(feature = "cli"))]
    {
        let _ = ctx;
        false
    }
}

/// Whether the session has a relation of that name where unqualified names are looked up.
pub(crate) fn exists(ctx: &SessionContext, name: &str) -> bool {
    default_schema(ctx).is_some_and(|schema| schema.table_exist(name))
}

fn default_schema(ctx: &SessionContext) -> Option<Arc<dyn SchemaProvider>> {
    let state = ctx.state();
    let options = &state.config().options().catalog;
    let catalog = state.catalog_list().catalog(&options.default_catalog)?;
    catalog.schema(&options.default_schema)
}

/// Tables for names that are paths.
struct Files {
    ctx: SessionContext,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Files")
    }
}

#[async_trait]
impl UrlTableFactory for Files {
    async fn try_new(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if !lake::looks_like_path(name) {
            return Ok(None);
        }
        lake::open(&self.ctx.state(), name).await.map(Some)
    }
}

fn rewrite_statement(statement: &mut Statement, rewrite: &mut Rewrite) -> Result<()> {
    let visited = match statement {
        Statement::Statement(statement) => statement.visit(rewrite),
        Statement::CopyTo(copy) => match &mut copy.source {
            CopyToSource::Query(query) => query.visit(rewrite),
            CopyToSource::Relation(_) => ControlFlow::Continue(()),
        },
        Statement::Explain(explain) => return rewrite_statement(&mut explain.statement, rewrite),
        Statement::CreateExternalTable(_) | Statement::Reset(_) => ControlFlow::Continue(()),
    };
    match visited {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// The changes to the syntax tree: see the module.
struct Rewrite<'a> {
    parameters: &'a Parameters,
    has_relation: &'a (dyn Fn(&str) -> bool + Sync),
}

impl VisitorMut for Rewrite<'_> {
    type Break = datafusion::error::DataFusionError;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        let Some(function) = as_call(factor) else {
            return ControlFlow::Continue(());
        };
        let TableFactor::Function {
            args: arguments, ..
        } = factor
        else {
            return ControlFlow::Continue(());
        };
        let relations = relation_places(function, arguments);
        for (argument, is_relation) in arguments.iter_mut().zip(&relations.places) {
            if *is_relation {
                as_query(argument);
            }
        }
        for name in relations.left_out {
            if (self.has_relation)(name) {
                arguments.push(FunctionArg::Named {
                    name: Ident::new(name),
                    arg: FunctionArgExpr::Expr(Expr::Subquery(Box::new(select_all(table_factor(
                        ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]),
                        None,
                    ))))),
                    operator: FunctionArgOperator::RightArrow,
                });
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let Expr::Value(value) = expr else {
            return ControlFlow::Continue(());
        };
        let Value::Placeholder(name) = &value.value else {
            return ControlFlow::Continue(());
        };
        if let Some(constant) = name
            .strip_prefix('$')
            .and_then(|name| self.parameters.0.get(name))
        {
            *expr = Expr::Nested(Box::new(constant.clone()));
        }
        ControlFlow::Continue(())
    }
}

/// The table function of ours that `factor` calls; the call gets the form in which the engine does not take its name
/// for that of a table to resolve.
fn as_call(factor: &mut TableFactor) -> Option<&'static crate::table::TableFunction> {
    if let TableFactor::Table {
        name,
        args: Some(args),
        alias,
        ..
    } = factor
    {
        let function = function_named(name)?;
        *factor = TableFactor::Function {
            lateral: false,
            name: name.clone(),
            args: std::mem::take(&mut args.args),
            with_ordinality: false,
            alias: alias.take(),
        };
        return Some(function);
    }
    match factor {
        TableFactor::Function { name, .. } => function_named(name),
        _ => None,
    }
}

/// Which arguments of a call stand for relations, and which relations it leaves out.
struct Relations {
    places: Vec<bool>,
    left_out: Vec<&'static str>,
}

fn relation_places(
    function: &'static crate::table::TableFunction,
    arguments: &[FunctionArg],
) -> Relations {
    let mut by_place = function.relations.iter().map(|relation| relation.name);
    let names: Vec<Option<String>> = arguments
        .iter()
        .map(|argument| match argument {
            FunctionArg::Named { name, .. }
            | FunctionArg::ExprNamed {
                name: Expr::Identifier(name),
                ..
            } => Some(name.value.to_lowercase()),
            FunctionArg::ExprNamed { .. } => None,
            FunctionArg::Unnamed(_) => by_place.next().map(Into::into),
        })
        .collect();
    let given: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
    let relations = function.relation_names(&given);
    Relations {
        places: names
            .iter()
            .map(|name| {
                name.as_deref()
                    .is_some_and(|name| relations.contains(&name))
            })
            .collect(),
        left_out: relations
            .into_iter()
            .filter(|name| !given.contains(name) && find(name).is_none())
            .collect(),
    }
}

/// Turns an argument that stands for a relation into a query over it.
fn as_query(argument: &mut FunctionArg) {
    let value = match argument {
        FunctionArg::Named { arg, .. }
        | FunctionArg::ExprNamed { arg, .. }
        | FunctionArg::Unnamed(arg) => arg,
    };
    let FunctionArgExpr::Expr(expr) = value else {
        return;
    };
    let factor = match as_table_factor(expr.clone()) {
        Argument::Name(name) => table_factor(name, None),
        Argument::Factor(factor) if !matches!(*factor, TableFactor::Derived { .. }) => *factor,
        _ => return,
    };
    *expr = Expr::Subquery(Box::new(select_all(factor)));
}

/// `SELECT * FROM factor`
fn select_all(factor: TableFactor) -> Query {
    let select = Select {
        select_token: AttachedToken::empty(),
        optimizer_hints: Vec::new(),
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection: vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())],
        exclude: None,
        into: None,
        from: vec![TableWithJoins {
            relation: factor,
            joins: Vec::new(),
        }],
        lateral_views: Vec::new(),
        prewhere: None,
        selection: None,
        connect_by: Vec::new(),
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        cluster_by: Vec::new(),
        distribute_by: Vec::new(),
        sort_by: Vec::new(),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: SelectFlavor::Standard,
    };
    Query {
        with: None,
        body: Box::new(SetExpr::Select(Box::new(select))),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}
