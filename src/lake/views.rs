//! Which table functions a statement reads as views: `FROM dars`, not `FROM dars(…)`.
//!
//! The engine looks up every name that stands where a table can, the names of functions that are called among them.
//! Were each one planned as a view, a call with relations of its own would fail for want of the session's, and a view
//! would need itself. So a statement is asked first.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::error::Result;
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::parser::{CopyToSource, Statement};
use datafusion::sql::sqlparser::ast::{self, ObjectName, TableFactor, Visit, Visitor};

use crate::sql::{self, Parameters};

tokio::task_local! {
    /// The names that the statement being planned reads without calling them.
    static READ: BTreeSet<String>;
}

/// [`sql::plan`] in the tool's session, where table functions stand as views too.
///
/// # Errors
///
/// Those of [`sql::plan`].
pub(crate) async fn plan(
    ctx: &SessionContext,
    statement: Statement,
    parameters: &Parameters,
) -> Result<DataFrame> {
    let mut read = Read::default();
    read.statement(&statement);
    READ.scope(read.0, sql::plan(ctx, statement, parameters))
        .await
}

/// Whether the view of a table function is meant by its name. Outside of planning, as when `information_schema` is
/// read, it is.
pub(super) fn is_read(name: &str) -> bool {
    READ.try_with(|names| names.contains(name)).unwrap_or(true)
}

#[derive(Default)]
struct Read(BTreeSet<String>);

impl Read {
    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Statement(inner) => {
                if let ast::Statement::ExplainTable { table_name, .. }
                | ast::Statement::ShowColumns {
                    show_options:
                        ast::ShowStatementOptions {
                            show_in:
                                Some(ast::ShowStatementIn {
                                    parent_name: Some(table_name),
                                    ..
                                }),
                            ..
                        },
                    ..
                } = inner.as_ref()
                {
                    self.name(table_name);
                }
                let _ = inner.visit(self);
            }
            Statement::CopyTo(copy) => match &copy.source {
                CopyToSource::Query(query) => {
                    let _ = query.visit(self);
                }
                CopyToSource::Relation(name) => self.name(name),
            },
            Statement::Explain(explain) => self.statement(&explain.statement),
            Statement::CreateExternalTable(_) | Statement::Reset(_) => {}
        }
    }

    fn name(&mut self, name: &ObjectName) {
        if let Some(last) = name.0.last().and_then(|part| part.as_ident()) {
            self.0.insert(match last.quote_style {
                Some(_) => last.value.clone(),
                None => last.value.to_lowercase(),
            });
        }
    }
}

impl Visitor for Read {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table {
            name, args: None, ..
        } = factor
        {
            self.name(name);
        }
        // A relation of a call may be a name alone: `rated_dars(dars)`.
        if let TableFactor::Table {
            args: Some(args), ..
        } = factor
        {
            for argument in &args.args {
                let (ast::FunctionArg::Named { arg, .. }
                | ast::FunctionArg::ExprNamed { arg, .. }
                | ast::FunctionArg::Unnamed(arg)) = argument;
                if let ast::FunctionArgExpr::Expr(ast::Expr::Identifier(name)) = arg {
                    self.name(&ObjectName::from(vec![name.clone()]));
                }
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    #[test]
    fn a_call_is_not_a_view() {
        let ctx = SessionContext::new();
        for (text, expected) in [
            ("SELECT * FROM Dars JOIN rejects() USING (x)", "dars"),
            ("SELECT * FROM rated_dars(dars, contracts => NULL)", "dars"),
            ("EXPLAIN SELECT 1 IN (SELECT x FROM rejects)", "rejects"),
            ("COPY dars TO 'x.csv'", "dars"),
            ("DESCRIBE dars", "dars"),
            ("SELECT * FROM dars(messages => m) WHERE y", "m"),
        ] {
            let mut read = Read::default();
            read.statement(&sql::parse(&ctx, text).unwrap().pop().unwrap());
            assert_eq!(read.0, BTreeSet::from([expected.to_owned()]), "{text}");
        }
    }
}
