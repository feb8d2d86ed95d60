//! The columns of anything that stands behind FROM, with their types as SQL calls them.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use crate::lake;
use crate::sql;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnOf {
    pub(super) name: String,
    pub(super) sql_type: String,
    pub(super) nullable: bool,
}

/// The columns of a relation, a file or a function that can stand alone.
///
/// # Errors
///
/// If there is none of that name, or it cannot be opened.
pub(super) async fn of(ctx: &SessionContext, name: &str) -> Result<Vec<ColumnOf>> {
    let rows = Box::pin(sql::sql(ctx, &query_of(name))).await?;
    let fields = rows.schema().fields().iter();
    Ok(fields
        .map(|field| ColumnOf {
            name: field.name().clone(),
            sql_type: sql_type(field.data_type()),
            nullable: field.is_nullable(),
        })
        .collect())
}

/// A query of everything in `name`, as it was typed.
pub(super) fn query_of(name: &str) -> String {
    if lake::looks_like_path(name) {
        return format!("SELECT * FROM '{}'", name.replace('\'', "''"));
    }
    format!("SELECT * FROM {name}")
}

/// What SQL calls a type of the engine.
fn sql_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "VARCHAR".to_owned(),
        DataType::Dictionary(_, value) => sql_type(value),
        DataType::Int8 => "TINYINT".to_owned(),
        DataType::Int16 => "SMALLINT".to_owned(),
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::UInt8 => "TINYINT UNSIGNED".to_owned(),
        DataType::UInt16 => "SMALLINT UNSIGNED".to_owned(),
        DataType::UInt32 => "INT UNSIGNED".to_owned(),
        DataType::UInt64 => "BIGINT UNSIGNED".to_owned(),
        DataType::Float32 => "FLOAT".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Date32 | DataType::Date64 => "DATE".to_owned(),
        DataType::Timestamp(_, Some(_)) => "TIMESTAMPTZ".to_owned(),
        DataType::Timestamp(_, None) => "TIMESTAMP (no zone)".to_owned(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("DECIMAL({precision},{scale})"),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "BYTEA".to_owned(),
        DataType::List(item) | DataType::LargeList(item) => {
            format!("{}[]", sql_type(item.data_type()))
        }
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| format!("{} {}", field.name(), sql_type(field.data_type())))
                .collect();
            format!("STRUCT({})", fields.join(", "))
        }
        other => other.to_string().to_uppercase(),
    }
}
