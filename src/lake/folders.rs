//! Columns from `k=v` folders, the layout that Hive began and Spark, DuckDB and pyarrow write.
//!
//! A value is text, so that the site `007` stays itself; `day` and `date` in ISO form are dates; any other type is
//! named in the configuration. A column that the files have themselves is taken from the files.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::files::DataFile;
use crate::error;

/// What writers put in place of NULL.
const NULL_FOLDER: &str = "__HIVE_DEFAULT_PARTITION__";

/// A column whose value is the same in all rows of a file.
#[derive(Debug)]
pub(super) struct FolderColumn {
    pub(super) field: FieldRef,
    /// One value a file, in the order of the files.
    pub(super) values: Vec<ScalarValue>,
}

/// The `k=v` folders of a path; the last segment is a file's name unless `ends_in_file` is false.
pub(super) fn of_path(path: &str, ends_in_file: bool) -> Vec<(String, Option<String>)> {
    let mut segments: Vec<&str> = path.split('/').collect();
    if ends_in_file {
        segments.pop();
    }
    segments
        .into_iter()
        .filter_map(|segment| segment.split_once('='))
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (decode(key), (value != NULL_FOLDER).then(|| decode(value))))
        .collect()
}

/// The folder columns of `files`, in the order in which their paths first name them.
///
/// # Errors
///
/// If a configured type does not fit a value, or is given for a column that is no folder, unless the files are of a
/// format whose columns are `typed` by the configuration too; if only some files have the column themselves.
pub(super) fn columns(
    files: &[DataFile],
    file_schema: &Schema,
    types: &BTreeMap<String, DataType>,
    typed: bool,
) -> Result<Vec<FolderColumn>> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in files.iter().flat_map(|file| &file.found.folders) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let is_typed = |name: &str| typed && file_schema.field_with_name(name).is_ok();
    let is_stray = |name: &&String| !names.contains(&name.as_str()) && !is_typed(name);
    if let Some(stray) = types.keys().find(is_stray) {
        if typed {
            let columns = file_schema
                .fields()
                .iter()
                .map(|field| field.name().as_str());
            let known: Vec<&str> = columns.chain(names).collect();
            return Err(error::config(format!(
                "a type is configured for a column that the files do not have: {}",
                error::unknown("column", stray, &known)
            )));
        }
        return Err(error::config(format!(
            "a type is configured for the column '{stray}', which no folder of this relation gives ({}). A column of \
             the files themselves is cast in SQL: {{ sql = \"SELECT … CAST({stray} AS …) …\" }}",
            if names.is_empty() {
                "it has no 'name=value' folders".to_owned()
            } else {
                format!("they give {}", error::quoted(&names))
            }
        )));
    }
    let mut columns = Vec::new();
    for name in names {
        if file_schema.field_with_name(name).is_ok() {
            in_every_file(files, name)?;
            continue;
        }
        columns.push(column(files, name, types.get(name))?);
    }
    Ok(columns)
}

fn in_every_file(files: &[DataFile], name: &str) -> Result<()> {
    match files
        .iter()
        .find(|file| file.schema.field_with_name(name).is_err())
    {
        None => Ok(()),
        Some(without) => Err(error::data(format!(
            "the column '{name}' is in some of the files themselves and only a folder '{name}=…' for '{}'. Write it \
             in all files or in none",
            without.found.name
        ))),
    }
}

fn column(files: &[DataFile], name: &str, configured: Option<&DataType>) -> Result<FolderColumn> {
    let texts: Vec<Option<&str>> = files
        .iter()
        .map(|file| {
            file.found
                .folders
                .iter()
                .rev()
                .find(|(key, _)| key == name)
                .and_then(|(_, value)| value.as_deref())
        })
        .collect();
    let dated = matches!(name, "day" | "date")
        && texts.iter().flatten().next().is_some()
        && texts.iter().flatten().all(|text| is_iso_date(text));
    let data_type = match configured {
        Some(data_type) => data_type.clone(),
        None if dated => DataType::Date32,
        None => DataType::Utf8View,
    };
    let mut values = Vec::with_capacity(files.len());
    for (file, text) in files.iter().zip(texts) {
        values.push(match text {
            None => ScalarValue::try_from(&data_type)?,
            Some(text) => ScalarValue::try_from_string(text.to_owned(), &data_type).map_err(|_| {
                error::data(format!(
                    "the folder '{name}={text}' of '{}' is not of the type {data_type} that is configured for '{name}'",
                    file.found.name
                ))
            })?,
        });
    }
    Ok(FolderColumn {
        field: Arc::new(Field::new(name, data_type, true)),
        values,
    })
}

/// `2026-11-01`: the only form that is taken for a date unasked.
fn is_iso_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// Undoes the `%3A` that writers put for letters that a folder's name cannot have.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = text
            .get(at + 1..at + 3)
            .filter(|_| byte == b'%')
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(code.unwrap_or(byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_read_from_the_first_one_written() {
        let folders = of_path(
            "out/site=007/day=2026-11-01/a%3Db=x%20y/k=__HIVE_DEFAULT_PARTITION__/p.parquet",
            true,
        );
        let folders: Vec<(&str, Option<&str>)> = folders
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_deref()))
            .collect();
        assert_eq!(
            folders,
            [
                ("site", Some("007")),
                ("day", Some("2026-11-01")),
                ("a=b", Some("x y")),
                ("k", None)
            ]
        );
    }

    #[test]
    fn a_percent_sign_that_codes_nothing_stays() {
        assert_eq!(decode("50%"), "50%");
        assert_eq!(decode("%zz%C3%BC"), "%zzü");
    }

    #[test]
    fn only_the_iso_form_is_a_date() {
        assert!(is_iso_date("2026-11-01"));
        assert!(!is_iso_date("2026-11-31"));
        assert!(!is_iso_date("20261101"));
        assert!(!is_iso_date("01/11/2026"));
    }
}
