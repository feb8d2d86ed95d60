//! Whether the relations can be opened, and have the columns and types that bills are made from.

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use super::finding::Findings;
use super::question::{asked, count};
use crate::cli::count::grouped;
use crate::cli::expected::{Expected, ExpectedRelation, RELATIONS};
use crate::cli::place;
use crate::{error, sql, table};

const CHECK: &str = "relations";

/// Which relations can be asked.
#[derive(Debug, Default)]
pub(super) struct Stands {
    /// `messages` and `sites`, without which nothing can be counted.
    pub(super) messages: bool,
    pub(super) feature_periods: bool,
    pub(super) contracts: bool,
}

/// Looks at every relation of the session.
pub(super) async fn check(ctx: &SessionContext, findings: &mut Findings) -> Stands {
    let names: Vec<String> = place::relations(ctx)
        .into_iter()
        .filter(|name| table::find(name).is_none())
        .collect();
    let mut well = Vec::new();
    for name in &names {
        match ExpectedRelation::named(name) {
            Some(expected) => {
                if one(ctx, expected, findings).await {
                    well.push(expected.name);
                }
            }
            None => other(ctx, name, &names, findings).await,
        }
    }
    let has = |name: &str| names.iter().any(|known| known == name);
    for name in ["messages", "sites"] {
        if !has(name) {
            let about = ExpectedRelation::named(name).map_or("", |relation| relation.about);
            findings.error(
                CHECK,
                name,
                format!("there is no relation of that name: {about}"),
                "name its files under [relations] of dayrate.toml, or with --relation NAME=PATH; `dayrate init FOLDER` \
                 proposes how",
            );
        }
    }
    if !has("contracts") {
        findings.warning(
            CHECK,
            "contracts",
            "there is no relation of that name, so credits are counted and no money is",
            "name a file of contracts under [relations] to have invoices",
        );
    }
    if !has("feature_periods") {
        findings.warning(
            CHECK,
            "feature_periods",
            "there is no relation of that name, so Generative AI counts as off everywhere",
            "name a file of switches under [relations] if it is on for an organization",
        );
    }
    let is_well = |name: &str| well.contains(&name);
    let messages = is_well("messages") && is_well("sites");
    Stands {
        messages,
        feature_periods: messages && is_well("feature_periods"),
        contracts: messages && is_well("contracts"),
    }
}

async fn schema_of(ctx: &SessionContext, name: &str) -> Result<Schema> {
    let rows = Box::pin(sql::sql(ctx, &format!("SELECT * FROM {}", quoted(name)))).await?;
    Ok(rows.schema().as_arrow().clone())
}

/// Whether a relation of ours can be asked.
async fn one(ctx: &SessionContext, expected: &ExpectedRelation, findings: &mut Findings) -> bool {
    let name = expected.name;
    let schema = match schema_of(ctx, name).await {
        Ok(schema) => schema,
        Err(cause) => {
            findings.failed(CHECK, name, &cause);
            return false;
        }
    };
    let mut is_well = true;
    for column in expected.columns {
        match schema.field_with_name(column.name) {
            Ok(field) if column.takes(field.data_type()) => {}
            Ok(field) => {
                wrong(name, column, field.data_type(), findings);
                is_well = false;
            }
            Err(_) if column.required => {
                missing(name, column, &schema, findings);
                is_well = false;
            }
            Err(_) => {}
        }
    }
    if is_well {
        let query = format!("SELECT count(*) FROM {name}");
        let Some(rows) = asked(ctx, &query, findings, CHECK, name).await else {
            return false;
        };
        let rows = rows.first().map_or(0, |row| count(row, 0));
        let what = format!("{} rows, {} columns", grouped(rows), schema.fields().len());
        match rows {
            0 => findings.warning(CHECK, name, "it has no rows", "look at the export"),
            _ => findings.ok(CHECK, name, what),
        }
    }
    is_well
}

fn wrong(relation: &str, column: &Expected, data_type: &DataType, findings: &mut Findings) {
    findings.error(
        CHECK,
        &format!("{relation}.{}", column.name),
        format!(
            "it is {data_type}, and {} are expected",
            column.holds_words()
        ),
        &format!("in the sql of the relation, {}", column.remedy(data_type)),
    );
}

fn missing(relation: &str, column: &Expected, schema: &Schema, findings: &mut Findings) {
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let likely = column
        .candidates(&names)
        .first()
        .copied()
        .or_else(|| error::nearest(column.name, &names));
    let source = likely.map_or_else(|| "…".to_owned(), quoted);
    findings.error(
        CHECK,
        &format!("{relation}.{}", column.name),
        format!("there is no such column; it has {}", names.join(", ")),
        &format!(
            "give it that name: {relation} = {{ sql = 'SELECT *, {source} AS {} FROM …' }}",
            column.name
        ),
    );
}

/// A relation that no bill reads: perhaps its name is misspelt.
async fn other(ctx: &SessionContext, name: &str, names: &[String], findings: &mut Findings) {
    let known: Vec<&str> = RELATIONS.iter().map(|relation| relation.name).collect();
    let near = error::nearest(name, &known).filter(|near| !names.iter().any(|name| name == near));
    if let Some(near) = near {
        findings.warning(
            CHECK,
            name,
            "no bill reads a relation of that name",
            &format!("did you mean {near}?"),
        );
    }
    if let Err(cause) = schema_of(ctx, name).await {
        findings.failed(CHECK, name, &cause);
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
