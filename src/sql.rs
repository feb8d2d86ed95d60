//! The entry that plans a statement with relations in it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::error::Result;
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{Expr, Value, visit_expressions_mut};

use crate::error;

/// The values of `$name` in a statement.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(BTreeMap<String, Expr>);

impl Parameters {
    /// `$name` is `value`.
    pub(crate) fn insert(&mut self, name: impl Into<String>, value: Expr) {
        self.0.insert(name.into(), value);
    }
}

/// The statements of `text`.
pub(crate) fn parse(_ctx: &SessionContext, text: &str) -> Result<Vec<Statement>> {
    Ok(DFParserBuilder::new(text)
        .build()?
        .parse_statements()?
        .into())
}

/// Plans one statement.
pub(crate) async fn plan(
    ctx: &SessionContext,
    mut statement: Statement,
    parameters: &Parameters,
) -> Result<DataFrame> {
    if let Statement::Statement(inner) = &mut statement {
        let flow = visit_expressions_mut(inner, |expr: &mut Expr| {
            if let Expr::Value(value) = expr
                && let Value::Placeholder(name) = &value.value
            {
                match parameters.0.get(name.trim_start_matches('$')) {
                    Some(bound) => *expr = bound.clone(),
                    None => return ControlFlow::Break(name.clone()),
                }
            }
            ControlFlow::Continue(())
        });
        if let ControlFlow::Break(name) = flow {
            return Err(error::query(format!("the parameter {name} has no value")));
        }
    }
    let plan = ctx.state().statement_to_plan(statement).await?;
    ctx.execute_logical_plan(plan).await
}
