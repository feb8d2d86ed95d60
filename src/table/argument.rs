//! One argument of a call, as it was written: a relation, or the value of an option.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::sql::sqlparser::ast::{
    Expr as SqlExpr, FunctionArguments, Ident, ObjectName, ObjectNamePart, TableFactor,
    TableFunctionArgs, Value,
};

use super::option::{OptionSpec, Values};
use crate::error;

/// What an argument in the place of a relation turned out to be.
pub(crate) enum Argument {
    /// NULL.
    Without,
    /// The name of a table, or a quoted path.
    Name(ObjectName),
    /// A query or a call.
    Factor(Box<TableFactor>),
    /// No relation.
    Other(Box<SqlExpr>),
}

/// Reads an expression as a relation.
pub(crate) fn as_table_factor(value: SqlExpr) -> Argument {
    match value {
        SqlExpr::Nested(inner) => as_table_factor(*inner),
        SqlExpr::Identifier(identifier) => {
            Argument::Name(ObjectName(vec![ObjectNamePart::Identifier(identifier)]))
        }
        SqlExpr::CompoundIdentifier(parts) => Argument::Name(ObjectName(
            parts.into_iter().map(ObjectNamePart::Identifier).collect(),
        )),
        SqlExpr::Value(value) => match value.value {
            Value::Null => Argument::Without,
            Value::SingleQuotedString(path) => {
                Argument::Name(ObjectName(vec![ObjectNamePart::Identifier(
                    Ident::with_quote('"', path),
                )]))
            }
            _ => Argument::Other(Box::new(SqlExpr::Value(value))),
        },
        SqlExpr::Subquery(query) => Argument::Factor(Box::new(TableFactor::Derived {
            lateral: false,
            subquery: query,
            alias: None,
            sample: None,
        })),
        SqlExpr::Function(function) => match function.args {
            FunctionArguments::List(list) => {
                let args = TableFunctionArgs {
                    args: list.args,
                    settings: None,
                };
                Argument::Factor(Box::new(table_factor(function.name, Some(args))))
            }
            _ => Argument::Other(Box::new(SqlExpr::Function(function))),
        },
        other => Argument::Other(Box::new(other)),
    }
}

/// `FROM name` or `FROM name(args)`.
pub(crate) fn table_factor(name: ObjectName, args: Option<TableFunctionArgs>) -> TableFactor {
    TableFactor::Table {
        name,
        alias: None,
        args,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}

/// The value of an option as checked text; `None` for NULL, which means the default.
pub(super) fn option_value(
    option: &OptionSpec,
    value: SqlExpr,
    context: &mut dyn RelationPlannerContext,
) -> Result<Option<String>> {
    let written = value.to_string();
    let constant = || {
        error::query(format!(
            "{} => {written}: a constant is expected (a parameter is bound by dayrate::sql_with)",
            option.name
        ))
    };
    // A bare word is a column to the engine; most likely its quotes were forgotten.
    if let (SqlExpr::Identifier(word), Values::Choice(_) | Values::Text | Values::Location) =
        (&value, option.values)
    {
        return Err(error::query(format!(
            "{0} => {word}: quotes are missing; write {0} => '{word}'",
            option.name
        )));
    }
    let schema = DFSchema::empty();
    let expr = context.sql_to_expr(value, &schema)?;
    let simplifier = ExprSimplifier::new(
        SimplifyContext::builder()
            .with_schema(Arc::new(schema))
            .with_current_time()
            .build(),
    );
    let scalar = match simplifier.simplify(expr)? {
        Expr::Literal(scalar, _) => scalar,
        _ => return Err(constant()),
    };
    if scalar.is_null() {
        return Ok(None);
    }
    let data_type = scalar.data_type();
    let fits = match option.values {
        Values::Choice(_) | Values::Text | Values::Location => data_type.is_string(),
        Values::Days => data_type.is_integer(),
        Values::Factor => data_type.is_integer() || data_type.is_decimal(),
        Values::Date => matches!(data_type, DataType::Date32 | DataType::Date64),
    };
    if data_type.is_floating() && option.values == Values::Factor {
        return Err(error::query(format!(
            "{0} => {written}: a float is not exact; write {0} => CAST({written} AS DECIMAL(18,6))",
            option.name
        )));
    }
    if !fits {
        let expected = option.expected();
        let remedy = if option.values == Values::Date && data_type.is_string() {
            format!("; write {} => DATE {written}", option.name)
        } else {
            String::new()
        };
        return Err(error::query(format!(
            "{} => {written}: {expected} is expected{remedy}",
            option.name
        )));
    }
    let scalar = match data_type {
        DataType::Date64 => scalar.cast_to(&DataType::Date32)?,
        _ => scalar,
    };
    let text = match scalar.cast_to(&DataType::Utf8)? {
        ScalarValue::Utf8(Some(text)) => text,
        _ => return Err(constant()),
    };
    option.check(&text)?;
    Ok(Some(text))
}
