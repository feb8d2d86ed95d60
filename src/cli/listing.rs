//! Rows of words that the tool itself has to say, so that they come in every format that rows come in.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;
use datafusion::prelude::{DataFrame, SessionContext};

/// A table of texts; `None` is NULL.
pub(super) fn listing<const N: usize>(
    ctx: &SessionContext,
    names: [&str; N],
    rows: Vec<[Option<String>; N]>,
) -> Result<DataFrame> {
    let fields: Vec<Field> = names
        .iter()
        .map(|name| Field::new(*name, DataType::Utf8, true))
        .collect();
    let columns = (0..N).map(|at| {
        let texts: StringArray = rows.iter().map(|row| row[at].as_deref()).collect();
        Arc::new(texts) as ArrayRef
    });
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.collect())?;
    ctx.read_batch(batch)
}
