//! DARs of one day by what a bill asks of them, and how many there are of each kind: few rows in place of many, and none
//! that has to be written before a bill can be made of it.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch, StringViewArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::arrow::row::{Row, RowConverter, SortField};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::error::DataFusionError;

/// The column that says how many DARs each row stands for.
pub(super) const DARS_ALIKE: &str = "dayrate dars";

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

/// The rows that [`alike`] makes, of one day, to look at one by one.
pub(super) struct Kinds {
    org_ids: StringViewArray,
    gen_ai: BooleanArray,
    intent_analyzer: BooleanArray,
    dars: Int64Array,
}

/// DARs of one day that are alike.
pub(super) struct Kind<'a> {
    /// As text.
    pub(super) org_id: &'a str,
    pub(super) gen_ai: bool,
    pub(super) intent_analyzer: bool,
    /// How many.
    pub(super) dars: i64,
}

impl Kinds {
    /// Those of `rows`.
    ///
    /// # Errors
    ///
    /// Rows that [`alike`] has not made.
    pub(super) fn new(rows: &RecordBatch) -> Result<Self> {
        let column = |name: &str, data_type: &DataType| -> Result<ArrayRef> {
            let column = rows.column_by_name(name);
            let column = column.ok_or_else(|| exec_datafusion_err!("counts have no {name}"))?;
            match column.null_count() {
                0 => Ok(cast(column, data_type)?),
                _ => Err(exec_datafusion_err!("counts have a {name} that is NULL")),
            }
        };
        let flags =
            |name| Ok::<_, DataFusionError>(column(name, &DataType::Boolean)?.as_boolean().clone());
        Ok(Self {
            org_ids: column("org_id", &DataType::Utf8View)?
                .as_string_view()
                .clone(),
            gen_ai: flags("gen_ai")?,
            intent_analyzer: flags("intent_analyzer")?,
            dars: column(DARS_ALIKE, &DataType::Int64)?
                .as_primitive::<Int64Type>()
                .clone(),
        })
    }

    /// One after the other.
    pub(super) fn iter(&self) -> impl Iterator<Item = Kind<'_>> {
        (0..self.dars.len()).map(|row| Kind {
            org_id: self.org_ids.value(row),
            gen_ai: self.gen_ai.value(row),
            intent_analyzer: self.intent_analyzer.value(row),
            dars: self.dars.value(row),
        })
    }
}
