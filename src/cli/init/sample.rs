//! The first rows of a file: enough to see what a column holds, never all of it.

use datafusion::arrow::array::Array;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use crate::sql;

/// How many rows are looked at.
pub(super) const ROWS: usize = 100_000;

/// The different values of an expression, in order; `most` of them.
///
/// # Errors
///
/// If the expression fails on one of the rows.
pub(super) async fn values(
    ctx: &SessionContext,
    relation: &str,
    expression: &str,
    most: usize,
) -> Result<Vec<String>> {
    let query = format!(
        "SELECT DISTINCT v FROM (SELECT CAST({expression} AS VARCHAR) AS v FROM {relation} LIMIT {ROWS}) \
         WHERE v IS NOT NULL ORDER BY v LIMIT {most}"
    );
    texts(ctx, &query).await
}

/// The largest value of a column among the first rows, as text.
pub(super) async fn largest(
    ctx: &SessionContext,
    relation: &str,
    column: &str,
) -> Result<Option<String>> {
    let query = format!("SELECT max(v) FROM (SELECT {column} AS v FROM {relation} LIMIT {ROWS})");
    Ok(texts(ctx, &query).await?.into_iter().next())
}

async fn texts(ctx: &SessionContext, query: &str) -> Result<Vec<String>> {
    let batches = Box::pin(sql::sql(ctx, query)).await?.collect().await?;
    let mut texts = Vec::new();
    for batch in &batches {
        let column = batch.column(0);
        let shown = ArrayFormatter::try_new(column.as_ref(), &FormatOptions::default())?;
        for row in (0..batch.num_rows()).filter(|row| !column.is_null(*row)) {
            texts.push(shown.value(row).try_to_string()?);
        }
    }
    Ok(texts)
}
