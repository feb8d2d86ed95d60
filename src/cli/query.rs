//! Statements, one after the other: the first that fails ends the run.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, StringArray};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;

use super::args::Statements;
use super::output::Output;
use super::{copy, message, read_sql};
use crate::sql::{self, Parameters};
use crate::{error, secret};

/// `dayrate -c` and `dayrate -f`.
pub(super) async fn run(
    ctx: &SessionContext,
    given: &Statements,
    output: &mut Output,
) -> Result<()> {
    let mut statements = Vec::new();
    for text in &given.command {
        statements.extend(sql::parse(ctx, text)?);
    }
    for file in &given.file {
        let parsed = sql::parse(ctx, &read_sql(file).await?);
        statements.extend(parsed.map_err(|cause| cause.context(format!("in the file '{file}'")))?);
    }
    if statements.is_empty() {
        return Err(error::query(
            "there is no statement in the text given: write one, such as -c \"SELECT 1\"",
        ));
    }
    statements_in_order(ctx, statements, &Parameters::default(), output).await
}

/// Runs `statements`, all in the same session.
pub(super) async fn statements_in_order(
    ctx: &SessionContext,
    statements: Vec<Statement>,
    parameters: &Parameters,
    output: &mut Output,
) -> Result<()> {
    output.expect(
        statements
            .iter()
            .filter(|statement| returns_rows(statement))
            .count(),
    )?;
    for statement in statements {
        one(ctx, statement, parameters, output).await?;
    }
    Ok(())
}

/// Runs one statement; returns the number of rows it returned, if it is one that does.
pub(super) async fn one(
    ctx: &SessionContext,
    statement: Statement,
    parameters: &Parameters,
    output: &mut Output,
) -> Result<Option<usize>> {
    // Boxed, because the future of a planned statement is large and a shell keeps it on its stack.
    let rows = Box::pin(sql::plan(ctx, statement, parameters)).await?;
    if matches!(
        rows.logical_plan(),
        LogicalPlan::Explain(_) | LogicalPlan::Analyze(_)
    ) {
        let shown = without_secrets(rows.collect().await?)?;
        return output.rows(ctx.read_batches(shown)?).await.map(Some);
    }
    let counted = match rows.logical_plan() {
        LogicalPlan::Copy(copy) => Some(copy::run(ctx, copy.clone()).await?),
        LogicalPlan::Dml(_) => Some(rows.clone().collect().await?),
        _ => None,
    };
    if let Some(counted) = counted {
        for batch in counted
            .iter()
            .filter(|batch| batch.num_rows() > 0 && batch.num_columns() > 0)
        {
            let count =
                ArrayFormatter::try_new(batch.column(0).as_ref(), &FormatOptions::default())?;
            message::note(&format!("{} rows written", count.value(0)));
        }
        return Ok(None);
    }
    if rows.schema().fields().is_empty() {
        rows.collect().await?;
        return Ok(None);
    }
    output.rows(rows).await.map(Some)
}

/// A plan as it may be seen: a table in it is called by its address, which may have a signature.
fn without_secrets(batches: Vec<RecordBatch>) -> Result<Vec<RecordBatch>> {
    let shown = |column: &ArrayRef| -> ArrayRef {
        match column.as_string_opt::<i32>() {
            Some(texts) => Arc::new(StringArray::from_iter(
                texts.iter().map(|text| text.map(secret::hide)),
            )),
            None => Arc::clone(column),
        }
    };
    batches
        .into_iter()
        .map(|batch| {
            let columns = batch.columns().iter().map(shown).collect();
            Ok(RecordBatch::try_new(batch.schema(), columns)?)
        })
        .collect()
}

/// Whether a statement is a question: what it returns goes to the output.
fn returns_rows(statement: &Statement) -> bool {
    match statement {
        Statement::Explain(_) => true,
        Statement::Statement(inner) => matches!(
            inner.as_ref(),
            ast::Statement::Query(_)
                | ast::Statement::Execute { .. }
                | ast::Statement::Explain { .. }
                | ast::Statement::ExplainTable { .. }
                | ast::Statement::ShowColumns { .. }
                | ast::Statement::ShowCreate { .. }
                | ast::Statement::ShowFunctions { .. }
                | ast::Statement::ShowTables { .. }
                | ast::Statement::ShowVariable { .. }
        ),
        _ => false,
    }
}
