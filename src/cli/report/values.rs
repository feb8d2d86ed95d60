//! The values of a report's parameters: typed constants, put into the syntax tree and never into text.

use datafusion::arrow::array::Array;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, SelectItem, SetExpr, Statement as Ast, Value,
};

use super::header::{Header, Parameter};
use crate::error;
use crate::sql::{self, Parameters};

/// The parameters of `header`, from `given` and the defaults.
///
/// # Errors
///
/// If a name is unknown, a value is missing or is not of the declared type: the error lists what the report takes.
pub(super) async fn bind(
    ctx: &SessionContext,
    report: &str,
    header: &Header,
    given: &[(String, String)],
) -> Result<Parameters> {
    let fault = |what: String| error::config(format!("{what}.\n{}", header.takes(report)));
    let known: Vec<&str> = header
        .parameters
        .iter()
        .map(|parameter| parameter.name.as_str())
        .collect();
    for (at, (key, _)) in given.iter().enumerate() {
        if !known.contains(&key.as_str()) {
            let nearest =
                error::nearest(key, &known).map(|near| format!(": did you mean '{near}'?"));
            return Err(fault(format!(
                "'{key}' is unknown to it{}",
                nearest.unwrap_or_default()
            )));
        }
        if given[..at].iter().any(|(earlier, _)| earlier == key) {
            return Err(fault(format!("'{key}' is given twice")));
        }
    }
    let mut parameters = Parameters::default();
    for parameter in &header.parameters {
        let value =
            match (
                given.iter().find(|(key, _)| *key == parameter.name),
                &parameter.default,
            ) {
                (Some((_, text)), _) => constant(ctx, parameter, text_literal(text))
                    .await
                    .map_err(|_| {
                        fault(format!(
                            "'{}' must be {}, and '{text}' is not",
                            parameter.name, parameter.data_type
                        ))
                    })?,
                (None, Some(default)) => {
                    constant(ctx, parameter, default.clone())
                        .await
                        .map_err(|cause| {
                            fault(format!(
                                "the default of '{}' has no value: {}",
                                parameter.name,
                                cause.message()
                            ))
                        })?
                }
                (None, None) => return Err(fault(format!("'{}' is missing", parameter.name))),
            };
        parameters.insert(parameter.name.clone(), value);
    }
    Ok(parameters)
}

/// The value of a constant expression as a literal of the parameter's type. It is worked out once, so that
/// `current_date` is the same day everywhere in the report.
async fn constant(ctx: &SessionContext, parameter: &Parameter, expr: Expr) -> Result<Expr> {
    let typed = cast(expr, &parameter.data_type);
    let rows = sql::plan(ctx, select(typed)?, &Parameters::default())
        .await?
        .collect()
        .await?;
    let column = rows
        .first()
        .filter(|batch| batch.num_rows() == 1)
        .map(|batch| batch.column(0).clone());
    let column = column.ok_or_else(|| error::query("a constant has one value"))?;
    if column.is_null(0) {
        return Ok(cast(Expr::Value(Value::Null.into()), &parameter.data_type));
    }
    let text = ArrayFormatter::try_new(column.as_ref(), &FormatOptions::default())?
        .value(0)
        .try_to_string()?;
    Ok(cast(text_literal(&text), &parameter.data_type))
}

/// `SELECT expr`
fn select(expr: Expr) -> Result<Statement> {
    let mut statement = DFParserBuilder::new("SELECT 1")
        .build()?
        .parse_statement()?;
    if let Statement::Statement(inner) = &mut statement
        && let Ast::Query(query) = inner.as_mut()
        && let SetExpr::Select(select) = query.body.as_mut()
    {
        select.projection = vec![SelectItem::UnnamedExpr(expr)];
    }
    Ok(statement)
}

fn text_literal(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).into())
}

fn cast(expr: Expr, data_type: &DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(expr),
        data_type: data_type.clone(),
        array: false,
        format: None,
    }
}
