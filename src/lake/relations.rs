//! The default schema of the tool's session: every name that stands for rows.
//!
//! A name is looked up in this order: what the session created (`CREATE VIEW`, `CREATE TABLE`), what the configuration
//! names, the table functions (`SELECT * FROM dars` is `SELECT * FROM dars()`), and last the files that a quoted name
//! points to. Nothing is opened before a statement uses it, and files are looked at anew for each statement.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::common::plan_err;
use datafusion::datasource::{TableType, ViewTable};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;

use super::{Source, looks_like_path, open, open_source};
use crate::sql::{self, Parameters};
use crate::{error, secret, table};

/// What the configuration says about one name.
#[derive(Debug, Clone)]
pub(crate) enum Relation {
    /// Rows in files.
    Files(Source),
    /// Rows of a query.
    Query(String),
}

/// Where the rows of a name come from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// This session created it.
    Created,
    /// The configuration names files.
    Files(String),
    /// The configuration has a query.
    Query(String),
    /// It is a table function, called without arguments.
    Function(&'static table::TableFunction),
}

/// The names of a session.
pub(crate) struct Relations {
    configured: Vec<(String, Relation)>,
    created: MemorySchemaProvider,
    state: Box<dyn Fn() -> Option<SessionState> + Send + Sync>,
}

tokio::task_local! {
    /// The relations that are being planned, outermost first: a relation that needs itself would never end.
    static PLANNING: Vec<String>;
}

impl Relations {
    /// The names of `configured`, for the session that `ctx` belongs to.
    pub(crate) fn new(ctx: &SessionContext, configured: Vec<(String, Relation)>) -> Self {
        let state = ctx.state_weak_ref();
        Self {
            configured,
            created: MemorySchemaProvider::new(),
            state: Box::new(move || state.upgrade().map(|state| state.read().clone())),
        }
    }

    /// Where the rows of `name` come from; `None` if there is no such name.
    pub(crate) fn origin(&self, name: &str) -> Option<Origin> {
        if self.created.table_exist(name) {
            return Some(Origin::Created);
        }
        match self.configured(name) {
            Some(Relation::Files(source)) => Some(Origin::Files(source.location.clone())),
            Some(Relation::Query(query)) => Some(Origin::Query(query.clone())),
            None => table::find(name).map(Origin::Function),
        }
    }

    fn configured(&self, name: &str) -> Option<&Relation> {
        self.configured
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, relation)| relation)
    }

    fn state(&self) -> Result<SessionState> {
        (self.state)().ok_or_else(|| error::config("the session has ended"))
    }

    /// A view of `query`, which stands for `name`.
    async fn view(&self, name: &str, query: &str) -> Result<Arc<dyn TableProvider>> {
        let mut path = PLANNING.try_with(Clone::clone).unwrap_or_default();
        if let Some(at) = path.iter().position(|planning| planning == name) {
            let circle = [&path[at..], &[name.to_owned()]].concat().join(" → ");
            return Err(error::config(format!(
                "the relation '{name}' needs itself: {circle}. Give the rows it starts from another name"
            )));
        }
        path.push(name.to_owned());
        let plan = PLANNING.scope(path, self.planned(name, query)).await?;
        let definition = secret::hide(query).into_owned();
        Ok(Arc::new(ViewTable::new(plan, Some(definition))))
    }

    async fn planned(&self, name: &str, query: &str) -> Result<LogicalPlan> {
        let ctx = SessionContext::new_with_state(self.state()?);
        let mut statements = sql::parse(&ctx, query).map_err(|cause| in_relation(name, cause))?;
        let (Some(statement), true) = (statements.pop().filter(is_query), statements.is_empty())
        else {
            return Err(error::config(format!(
                "the sql of the relation '{name}' must be one SELECT statement"
            )));
        };
        let planned = sql::plan(&ctx, statement, &Parameters::default()).await;
        // What is wrong with a function says so itself.
        let planned = planned.map_err(|cause| match self.configured(name) {
            Some(_) => in_relation(name, cause),
            None => cause,
        });
        Ok(planned?.into_unoptimized_plan())
    }

    /// Whether the table function `name` can stand as a view: all that it requires is there.
    fn stands(&self, name: &str, depth: usize) -> bool {
        self.table_exist(name)
            || depth > 0
                && table::find(name).is_some_and(|function| {
                    let mut required = function
                        .relations
                        .iter()
                        .filter(|relation| relation.required);
                    function.locations().next().is_none()
                        && required.all(|relation| self.stands(relation.name, depth - 1))
                })
    }
}

/// An error inside a configured relation says which one; one that already does stays as it is.
fn in_relation(name: &str, cause: DataFusionError) -> DataFusionError {
    cause.context(format!("in the relation '{name}'"))
}

/// Anything else would change the session whenever the relation is looked at.
fn is_query(statement: &Statement) -> bool {
    matches!(statement, Statement::Statement(inner) if matches!(inner.as_ref(), ast::Statement::Query(_)))
}

#[async_trait]
impl SchemaProvider for Relations {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.created.table_names();
        names.extend(self.configured.iter().map(|(name, _)| name.clone()));
        let functions = table::all().iter().map(|function| function.name);
        names.extend(
            functions
                .filter(|name| self.stands(name, table::all().len()))
                .map(str::to_owned),
        );
        names.sort();
        names.dedup();
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(created) = self.created.table(name).await? {
            return Ok(Some(created));
        }
        match self.configured(name) {
            Some(Relation::Files(source)) => {
                let opened = open_source(&self.state()?, source).await;
                return Ok(Some(opened.map_err(|cause| in_relation(name, cause))?));
            }
            Some(Relation::Query(query)) => return Ok(Some(self.view(name, query).await?)),
            None => {}
        }
        if table::find(name).is_some() {
            return Ok(Some(
                self.view(name, &format!("SELECT * FROM {name}()")).await?,
            ));
        }
        if looks_like_path(name) {
            return Ok(Some(open(&self.state()?, name).await?));
        }
        Ok(None)
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        if let Some(created) = self.created.table_type(name).await? {
            return Ok(Some(created));
        }
        Ok(match self.configured(name) {
            Some(Relation::Files(_)) => Some(TableType::Base),
            Some(Relation::Query(_)) => Some(TableType::View),
            None => table::find(name).is_some().then_some(TableType::View),
        })
    }

    fn register_table(
        &self,
        name: String,
        table: Arc<dyn TableProvider>,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        self.created.register_table(name, table)
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if !self.created.table_exist(name) && self.configured(name).is_some() {
            return plan_err!(
                "'{name}' comes from the configuration and cannot be dropped here: edit dayrate.toml"
            );
        }
        self.created.deregister_table(name)
    }

    /// Whether rows of that name were created or configured. The views of table functions do not count: an upstream
    /// function that is left out is called with its options, not read through its view.
    fn table_exist(&self, name: &str) -> bool {
        self.created.table_exist(name) || self.configured(name).is_some()
    }
}

impl std::fmt::Debug for Relations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relations")
            .field("configured", &self.configured)
            .finish_non_exhaustive()
    }
}
