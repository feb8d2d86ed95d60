//! How a column of an export becomes one of ours: the SQL, and what was taken for granted in it.

use datafusion::arrow::datatypes::DataType;
use datafusion::prelude::SessionContext;

use super::meanings::Meanings;
use super::sample;
use crate::cli::expected::{Expected, Holds};

/// An expression, and the words beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) sql: String,
    pub(super) about: String,
    /// Whether nothing had to be guessed beyond the name.
    pub(super) is_plain: bool,
}

/// The most values that are written out one by one.
const MOST_VALUES: usize = 20;

/// How `source` of `relation` becomes `column`; `None` if it cannot.
pub(super) async fn of(
    ctx: &SessionContext,
    relation: &str,
    source: &str,
    data_type: &DataType,
    column: &Expected,
) -> Option<Expression> {
    let name = quoted(source);
    let data_type = match data_type {
        DataType::Dictionary(_, value) => value.as_ref(),
        other => other,
    };
    match column.holds {
        Holds::Instant => instant(ctx, relation, &name, data_type).await,
        Holds::Text if data_type.is_string() => text(ctx, relation, &name, column).await,
        _ if column.takes(data_type) => Some(plain(name)),
        Holds::Id | Holds::Text => Some(cast(&name, data_type, "VARCHAR")),
        Holds::Day if data_type.is_string() || matches!(data_type, DataType::Timestamp(..)) => {
            checked(ctx, relation, cast(&name, data_type, "DATE")).await
        }
        Holds::Flag if data_type.is_string() || data_type.is_integer() => {
            checked(ctx, relation, cast(&name, data_type, "BOOLEAN")).await
        }
        Holds::Exact if data_type.is_string() || data_type.is_floating() => {
            checked(ctx, relation, cast(&name, data_type, "DECIMAL(18, 6)")).await
        }
        _ => None,
    }
}

fn plain(name: String) -> Expression {
    Expression {
        sql: name,
        about: String::new(),
        is_plain: true,
    }
}

fn cast(name: &str, data_type: &DataType, target: &str) -> Expression {
    Expression {
        sql: format!("CAST({name} AS {target})"),
        about: format!("it is {data_type} in the file"),
        is_plain: false,
    }
}

/// The expression, if it can be worked out for the first rows.
async fn checked(
    ctx: &SessionContext,
    relation: &str,
    expression: Expression,
) -> Option<Expression> {
    let worked = sample::values(ctx, relation, &expression.sql, 1).await;
    worked.ok().map(|_| expression)
}

async fn instant(
    ctx: &SessionContext,
    relation: &str,
    name: &str,
    data_type: &DataType,
) -> Option<Expression> {
    let in_utc = |sql: String, about: &str| Expression {
        sql: format!("{sql} AT TIME ZONE 'UTC'"),
        about: about.to_owned(),
        is_plain: false,
    };
    match data_type {
        DataType::Timestamp(_, Some(_)) => Some(plain(name.to_owned())),
        DataType::Timestamp(_, None) => Some(in_utc(
            name.to_owned(),
            "the file has no zone, and UTC is assumed: is it?",
        )),
        integer if integer.is_integer() => {
            let largest = sample::largest(ctx, relation, name).await.ok()??;
            let (function, unit) = epoch(largest.parse().ok()?);
            let about = format!("{unit} since 1970, by its size ({largest})");
            Some(in_utc(format!("{function}({name})"), &about))
        }
        text if text.is_string() => {
            let about = "text; where it names no zone, UTC is assumed";
            checked(
                ctx,
                relation,
                in_utc(format!("to_timestamp({name})"), about),
            )
            .await
        }
        _ => None,
    }
}

/// The unit of a count since 1970: the largest number tells it, for every moment from 1973 on.
fn epoch(largest: i64) -> (&'static str, &'static str) {
    match largest {
        100_000_000_000_000_000.. => ("to_timestamp_nanos", "nanoseconds"),
        100_000_000_000_000.. => ("to_timestamp_micros", "microseconds"),
        100_000_000_000.. => ("to_timestamp_millis", "milliseconds"),
        _ => ("to_timestamp_seconds", "seconds"),
    }
}

/// A text; where only certain values are known, the others are translated one by one.
async fn text(
    ctx: &SessionContext,
    relation: &str,
    name: &str,
    column: &Expected,
) -> Option<Expression> {
    let Some(meanings) = Meanings::of(column.name) else {
        return Some(plain(name.to_owned()));
    };
    let found = sample::values(ctx, relation, name, MOST_VALUES + 1)
        .await
        .ok()?;
    // So many different values are no kinds of anything.
    if found.len() > MOST_VALUES {
        return None;
    }
    let others: Vec<&String> = found
        .iter()
        .filter(|value| !meanings.takes(value))
        .collect();
    if others.is_empty() {
        let about = format!("its values: {}", found.join(", "));
        return Some(Expression {
            about,
            ..plain(name.to_owned())
        });
    }
    let mut sql = format!("CASE {name}");
    let mut unknown = Vec::new();
    for value in &others {
        match meanings.meaning(value) {
            Some(meaning) => {
                sql.push_str(&format!("\nWHEN {} THEN '{meaning}'", literal(value)));
            }
            None => unknown.push(value.as_str()),
        }
    }
    let about = match unknown.is_empty() {
        true => "a guess by the words: does each one mean that?".to_owned(),
        false => format!(
            "a guess by the words; nothing is known of {}, so such rows would be rejected: say what they are",
            unknown.join(", ")
        ),
    };
    if unknown.len() == others.len() {
        return Some(Expression {
            sql: name.to_owned(),
            about,
            is_plain: false,
        });
    }
    sql.push_str(&format!("\nELSE {name} END"));
    Some(Expression {
        sql,
        about,
        is_plain: false,
    })
}

/// A name as SQL needs it: in quotes, whatever its letters.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_count_tells_its_unit() {
        // 2016-08-29 in each unit.
        assert_eq!(epoch(1_472_483_714).1, "seconds");
        assert_eq!(epoch(1_472_483_714_569).1, "milliseconds");
        assert_eq!(epoch(1_472_483_714_569_000).1, "microseconds");
        assert_eq!(epoch(1_472_483_714_569_000_000).1, "nanoseconds");
    }

    #[test]
    fn values_and_names_keep_their_quotes() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
