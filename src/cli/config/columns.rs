//! Types of columns that a location does not tell: `columns = { site = "BIGINT" }`.

use std::collections::BTreeMap;

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::error::Result;

use super::{File, Value};

impl File<'_> {
    /// The types by the names of their columns.
    pub(super) fn columns(&self, value: &Value<'_>) -> Result<BTreeMap<String, DataType>> {
        let wrong = || {
            self.fault(
                value.span().start,
                "'columns' must be a table of types: { day = \"DATE\" }",
            )
        };
        let table = value.get_ref().as_table().ok_or_else(wrong)?;
        let typed = table.iter().map(|(name, value)| {
            let text = self.text(value)?;
            let wrong = || {
                let known =
                    "TEXT, BIGINT, BOOLEAN, DATE, TIMESTAMPTZ, TIMESTAMP or DECIMAL(digits, scale)";
                self.fault(
                    value.span().start,
                    &format!(
                        "'{text}' is no type for the column '{}': {known} is expected",
                        name.get_ref()
                    ),
                )
            };
            Ok((
                name.get_ref().to_string(),
                column_type(text).ok_or_else(wrong)?,
            ))
        });
        typed.collect()
    }
}

/// The type that SQL calls so, for a column of folders, CSV or JSON.
fn column_type(text: &str) -> Option<DataType> {
    let text = text.to_uppercase();
    match text.trim() {
        "TEXT" | "VARCHAR" | "STRING" => Some(DataType::Utf8View),
        "BIGINT" | "INT" | "INTEGER" => Some(DataType::Int64),
        "BOOLEAN" => Some(DataType::Boolean),
        "DATE" => Some(DataType::Date32),
        "TIMESTAMPTZ" => Some(DataType::Timestamp(
            TimeUnit::Microsecond,
            Some("UTC".into()),
        )),
        "TIMESTAMP" => Some(DataType::Timestamp(TimeUnit::Microsecond, None)),
        decimal => {
            let inner = decimal
                .strip_prefix("DECIMAL")?
                .trim()
                .strip_prefix('(')?
                .strip_suffix(')')?;
            let (precision, scale) = inner.split_once(',').unwrap_or((inner, "0"));
            let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
            let fits = (1..=38).contains(&precision)
                && scale >= 0
                && u8::try_from(scale).ok()? <= precision;
            fits.then_some(DataType::Decimal128(precision, scale))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_in_sql() {
        assert_eq!(
            column_type("decimal(12, 4)"),
            Some(DataType::Decimal128(12, 4))
        );
        assert_eq!(column_type("Date"), Some(DataType::Date32));
        assert_eq!(column_type("DECIMAL(4,9)"), None);
        assert_eq!(column_type("DOUBLE"), None);
    }
}
