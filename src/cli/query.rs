//! Statements, one after the other: the first that fails ends the run.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, StringArray};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;

use super::args::Statements;
use super::output::Output;
use super::{copy, engine, message, place, read_sql};
use crate::sql::{self, Parameters};
use crate::{error, secret};

/// `dayrate -c` and `dayrate -f`.
pub(super) async fn run(
    ctx: &SessionContext,
    given: &Statements,
    output: &mut Output,
) -> Result<()> {
    let mut texts = Vec::new();
    for text in &given.command {
        texts.push(Text::parsed(ctx, text.clone(), None)?);
    }
    for file in &given.file {
        let place = format!("in the file '{file}'");
        texts.push(Text::parsed(ctx, read_sql(file).await?, Some(place))?);
    }
    if texts.iter().all(|text| text.statements.is_empty()) {
        return Err(error::query(
            "there is no statement in the text given: write one, such as -c \"SELECT 1\"",
        ));
    }
    in_order(ctx, texts, &Parameters::default(), output).await
}

/// SQL and the statements in it.
pub(super) struct Text {
    sql: String,
    pub(super) statements: Vec<Statement>,
    /// "in the file 'x.sql'"
    place: Option<String>,
}

impl Text {
    /// The statements of `sql`.
    ///
    /// # Errors
    ///
    /// If it does not parse: the error shows the place.
    pub(super) fn parsed(ctx: &SessionContext, sql: String, place: Option<String>) -> Result<Self> {
        let parsed = sql::parse(ctx, &sql).map_err(|cause| place::unparsed(&sql, cause));
        let statements = parsed.map_err(|cause| within(place.as_deref(), cause))?;
        Ok(Self {
            sql,
            statements,
            place,
        })
    }
}

fn within(place: Option<&str>, cause: DataFusionError) -> DataFusionError {
    match place {
        Some(place) => cause.context(place),
        None => cause,
    }
}

/// Runs the statements of `texts`, all in the same session.
pub(super) async fn in_order(
    ctx: &SessionContext,
    texts: Vec<Text>,
    parameters: &Parameters,
    output: &mut Output,
) -> Result<()> {
    let statements = texts.iter().flat_map(|text| &text.statements);
    output.expect(
        statements
            .filter(|statement| returns_rows(statement))
            .count(),
    )?;
    for text in texts {
        for (at, statement) in text.statements.into_iter().enumerate() {
            let ran = one(ctx, statement, parameters, output).await;
            ran.map_err(|cause| place::pointed(ctx, &text.sql, at, cause))
                .map_err(|cause| within(text.place.as_deref(), cause))?;
        }
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
        LogicalPlan::Dml(_) => Some(engine::start(rows.clone().collect())?.join().await??),
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
pub(super) fn returns_rows(statement: &Statement) -> bool {
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
