//! The actions of a commit, as Delta's log has them.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::error::Result;
use deltalake::kernel::{Action, Add, Remove};
use serde_json::{Value, json};

use super::log::{Commit, Snapshot};
use crate::domain::day::show_day;
use crate::error;

/// The configuration of a table that is ours; the number is that of the layout.
pub(super) const FORMAT: &str = "dayrate.format";
/// See [`FORMAT`].
pub(super) const LAYOUT: &str = "1";
/// The path of the manifest, below the table.
pub(super) const MANIFEST: &str = "dayrate.manifest";

/// Milliseconds since 1970.
pub(super) fn milliseconds() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn day_value(day: i32) -> HashMap<String, Option<String>> {
    HashMap::from([("day".to_owned(), Some(show(day)))])
}

/// A day as partitions are named.
pub(super) fn show(day: i32) -> String {
    show_day(i64::from(day))
}

/// What `commit` makes of `base`, or a new table.
pub(super) fn actions(
    base: Option<&Snapshot>,
    commit: &Commit,
    schema: &Schema,
) -> Result<Vec<Action>> {
    let now = milliseconds();
    let mut actions = Vec::new();
    let made = |value: Value| {
        serde_json::from_value(value).map_err(|cause| error::data(cause.to_string()))
    };
    let (id, created) = match base {
        Some(base) => (
            base.state.metadata().id().to_owned(),
            base.state.metadata().created_time(),
        ),
        None => {
            actions.push(Action::Protocol(
                serde_json::from_value(json!({ "minReaderVersion": 1, "minWriterVersion": 2 }))
                    .map_err(|cause| error::data(cause.to_string()))?,
            ));
            (super::run_id(), Some(now))
        }
    };
    let mut configuration: BTreeMap<String, String> = commit
        .reading
        .iter()
        .map(|(name, value)| (format!("dayrate.{name}"), value.clone()))
        .collect();
    configuration.insert(FORMAT.to_owned(), LAYOUT.to_owned());
    configuration.insert(MANIFEST.to_owned(), commit.manifest.clone());
    configuration.insert("delta.checkpointInterval".to_owned(), "10".to_owned());
    actions.push(Action::Metadata(made(json!({
        "id": id,
        "name": "dars",
        "description": "Daily Active Relationships, kept by 'dayrate refresh'; the column 'parts' is what each was made of",
        "format": { "provider": "parquet", "options": {} },
        "schemaString": schema_json(schema)?.to_string(),
        "partitionColumns": ["day"],
        "configuration": configuration,
        "createdTime": created,
    }))?));
    let removed = commit
        .removed
        .iter()
        .map(|(day, file)| (&file.path, file.size, day_value(*day), None));
    let strangers = commit.strangers.iter().map(|file| {
        (
            &file.path,
            file.size,
            file.partition.clone(),
            file.deleted.clone(),
        )
    });
    for (path, size, partition, deletion_vector) in removed.chain(strangers) {
        actions.push(Action::Remove(Remove {
            path: path.clone(),
            data_change: true,
            deletion_timestamp: Some(now),
            extended_file_metadata: Some(true),
            partition_values: Some(partition),
            size: Some(i64::try_from(size).unwrap_or(i64::MAX)),
            deletion_vector,
            ..Remove::default()
        }));
    }
    for (day, file) in &commit.added {
        actions.push(Action::Add(Add {
            path: file.path.clone(),
            partition_values: day_value(*day),
            size: i64::try_from(file.size).unwrap_or(i64::MAX),
            modification_time: now,
            data_change: true,
            stats: Some(json!({ "numRecords": file.rows }).to_string()),
            ..Add::default()
        }));
    }
    Ok(actions)
}

/// A schema as the log writes it.
fn schema_json(schema: &Schema) -> Result<Value> {
    let fields = schema
        .fields()
        .iter()
        .map(|field| field_json(field.name(), field.data_type()));
    Ok(json!({ "type": "struct", "fields": fields.collect::<Result<Vec<_>>>()? }))
}

fn field_json(name: &str, data_type: &DataType) -> Result<Value> {
    Ok(json!({ "name": name, "type": type_json(data_type)?, "nullable": true, "metadata": {} }))
}

fn type_json(data_type: &DataType) -> Result<Value> {
    Ok(match data_type {
        DataType::Utf8View => json!("string"),
        DataType::Int64 => json!("long"),
        DataType::Int32 => json!("integer"),
        DataType::Boolean => json!("boolean"),
        DataType::Date32 => json!("date"),
        DataType::Timestamp(_, Some(_)) => json!("timestamp"),
        DataType::Decimal128(precision, scale) => json!(format!("decimal({precision},{scale})")),
        DataType::List(element) => json!({
            "type": "array",
            "elementType": type_json(element.data_type())?,
            "containsNull": true,
        }),
        DataType::Struct(fields) => {
            let fields = fields
                .iter()
                .map(|field| field_json(field.name(), field.data_type()));
            json!({ "type": "struct", "fields": fields.collect::<Result<Vec<_>>>()? })
        }
        other => {
            return Err(error::data(format!(
                "a table cannot keep a column of type {other}"
            )));
        }
    })
}
