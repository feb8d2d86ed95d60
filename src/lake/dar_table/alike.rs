//! DARs of one day by what a bill asks of them, and how many there are of each kind: few rows in place of many, and none
//! that has to be written before a bill can be made of it.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::row::{Row, RowConverter, SortField};
use datafusion::common::{Result, exec_datafusion_err};

use crate::table::DARS_ALIKE;

/// What a bill asks of a DAR, beside its day.
pub(super) const ASKED: [&str; 3] = ["org_id", "gen_ai", "intent_analyzer"];

/// The columns of [`alike`] for DARs of these columns.
pub(super) fn schema(dars: &Schema) -> Result<SchemaRef> {
    of_type(dars.field_with_name("org_id")?.data_type())
}

fn of_type(org: &DataType) -> Result<SchemaRef> {
    Ok(Arc::new(Schema::new(vec![
        Field::new("org_id", org.clone(), true),
        Field::new("gen_ai", DataType::Boolean, true),
        Field::new("intent_analyzer", DataType::Boolean, true),
        Field::new("day", DataType::Date32, true),
        Field::new(DARS_ALIKE, DataType::Int64, true),
    ])))
}

/// See the module; `org` is the type of `org_id` in `dars`.
///
/// # Errors
///
/// Rows that are none of DARs.
pub(super) fn alike(day: i32, dars: &RecordBatch, org: &DataType) -> Result<RecordBatch> {
    let schema = of_type(org)?;
    let asked = ASKED.iter().zip(schema.fields()).map(|(name, field)| {
        let column = dars
            .column_by_name(name)
            .ok_or_else(|| exec_datafusion_err!("DARs have no column {name}"))?;
        Ok(cast(column, field.data_type())?)
    });
    let asked = asked.collect::<Result<Vec<ArrayRef>>>()?;
    let sorts = asked.iter().map(|c| SortField::new(c.data_type().clone()));
    let converter = RowConverter::new(sorts.collect())?;
    let rows = converter.convert_columns(&asked)?;
    let mut counts: HashMap<Row<'_>, i64> = HashMap::new();
    for row in &rows {
        *counts.entry(row).or_default() += 1;
    }
    let mut counts: Vec<(Row<'_>, i64)> = counts.into_iter().collect();
    counts.sort_unstable_by_key(|(kind, _)| *kind);
    let (kinds, counts): (Vec<Row<'_>>, Vec<i64>) = counts.into_iter().unzip();
    let mut columns = converter.convert_rows(kinds)?;
    columns.push(Arc::new(Date32Array::from_value(day, counts.len())));
    columns.push(Arc::new(Int64Array::from(counts)));
    Ok(RecordBatch::try_new(schema, columns)?)
}
