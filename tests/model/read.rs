//! Answers of the engine as text, so that they compare with the model's whatever their encoding.

use arrow::array::{Array, ArrayRef};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;

pub(crate) type Row = Vec<Option<String>>;

/// The rows of a query, sorted; instants as microseconds.
pub(crate) async fn rows(ctx: &SessionContext, sql: &str) -> Result<Vec<Row>, DataFusionError> {
    let batches = dayrate::sql(ctx, sql).await?.collect().await?;
    let mut rows = Vec::new();
    for batch in &batches {
        let columns: Vec<Row> = batch.columns().iter().map(texts).collect();
        rows.extend(
            (0..batch.num_rows())
                .map(|row| columns.iter().map(|column| column[row].clone()).collect()),
        );
    }
    rows.sort();
    Ok(rows)
}

fn texts(column: &ArrayRef) -> Row {
    let column = match column.data_type() {
        DataType::Timestamp(unit, label) => {
            assert_eq!(
                (unit, label.as_deref()),
                (&TimeUnit::Microsecond, Some("UTC")),
                "instants are UTC microseconds"
            );
            cast(column, &DataType::Int64).unwrap()
        }
        _ => column.clone(),
    };
    let options = FormatOptions::default();
    let shown = ArrayFormatter::try_new(column.as_ref(), &options).unwrap();
    // A dictionary's NULL may be in its values.
    let nulls = column.logical_nulls();
    let is_null = |row| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
    (0..column.len())
        .map(|row| (!is_null(row)).then(|| shown.value(row).to_string()))
        .collect()
}
