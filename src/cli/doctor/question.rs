//! A question to the session, answered in texts.

use datafusion::arrow::array::Array;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use super::finding::Findings;
use crate::cli::engine;
use crate::sql;

/// A row: a text a column, `None` for NULL.
pub(super) type Row = Vec<Option<String>>;

/// The rows that `query` returns.
///
/// # Errors
///
/// Those of the query.
pub(super) async fn ask(ctx: &SessionContext, query: &str) -> Result<Vec<Row>> {
    let rows = Box::pin(sql::sql(ctx, query)).await?;
    let batches = engine::collected(rows).await?;
    let options = FormatOptions::default();
    let mut answer = Vec::new();
    for batch in &batches {
        let columns = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().zip(batch.columns()).map(|(shown, column)| {
                match column.is_null(row) {
                    true => Ok(None),
                    false => shown.value(row).try_to_string().map(Some),
                }
            });
            answer.push(cells.collect::<std::result::Result<Row, _>>()?);
        }
    }
    Ok(answer)
}

/// The rows that `query` returns; `None` if it fails, which is a finding of `check` at `place`.
pub(super) async fn asked(
    ctx: &SessionContext,
    query: &str,
    findings: &mut Findings,
    check: &'static str,
    place: &str,
) -> Option<Vec<Row>> {
    match ask(ctx, query).await {
        Ok(rows) => Some(rows),
        Err(cause) => {
            findings.failed(check, place, &cause);
            None
        }
    }
}

/// The cell at `at`; NULL is empty.
pub(super) fn text(row: &Row, at: usize) -> String {
    row.get(at).cloned().flatten().unwrap_or_default()
}

/// The cell at `at` as a count.
pub(super) fn count(row: &Row, at: usize) -> u64 {
    text(row, at).parse().unwrap_or_default()
}
