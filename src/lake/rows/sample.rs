//! What a file says about itself in its first megabytes: its columns, their types and, if that was all of it, its rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::error::Result;
use datafusion::object_store::ObjectStore;
use futures::StreamExt;

use super::bytes::{self, Compression};
use super::kind::{Kind, Mixed, is_id};
use super::{Cell, Fault, RowFormat, Text, ipc, unreadable};
use crate::error;
use crate::lake::listing::Found;

/// Bytes, decompressed, that decide the types of a file.
const SAMPLE: usize = 8 << 20;

/// The columns of a file, and its rows if they are known. `configured` has the types that are given by name.
///
/// # Errors
///
/// A file that cannot be read, with the line that is no row.
pub(in crate::lake) async fn sample(
    store: &Arc<dyn ObjectStore>,
    found: &Found,
    format: RowFormat,
    compression: Compression,
    configured: &BTreeMap<String, DataType>,
) -> Result<(SchemaRef, Precision<usize>)> {
    let mut bytes = bytes::read(Arc::clone(store), found.meta.clone(), compression);
    let Some(mut text) = Text::of(format) else {
        let schema = ipc::schema(&mut bytes, &found.name).await?;
        return Ok((schema, Precision::Absent));
    };
    let mut kinds = Kinds {
        configured,
        kinds: Vec::new(),
        rows: 0,
    };
    let (mut seen, mut is_whole) = (0, false);
    while seen < SAMPLE {
        let Some(piece) = bytes.next().await else {
            is_whole = true;
            break;
        };
        let piece = piece.map_err(|cause| unreadable(&found.name, &cause))?;
        seen += piece.len();
        text.feed(&piece, &mut |line, names, cells| {
            kinds.row(line, names, cells)
        })
        .map_err(|fault| fault.of(&found.name))?;
    }
    if is_whole {
        text.finish(&mut |line, names, cells| kinds.row(line, names, cells))
            .map_err(|fault| fault.of(&found.name))?;
    } else if text.names().is_empty() {
        return Err(error::data(format!(
            "'{}': the first line does not end within {SAMPLE} bytes. It may be of another format",
            found.name
        )));
    }
    let is_csv = matches!(text, Text::Csv(_));
    let mut fields: Vec<Field> = text
        .names()
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let kind = kinds.kinds.get(at).copied().unwrap_or(Kind::Unknown);
            let data_type = match configured.get(name) {
                Some(data_type) => data_type.clone(),
                None if is_csv && is_id(name) => DataType::Utf8View,
                None => kind.data_type(is_whole),
            };
            Field::new(name, data_type, true)
        })
        .collect();
    if !is_csv {
        // A member that is rare is known by its configured type.
        let is_folder = |name: &str| found.folders.iter().any(|(folder, _)| folder == name);
        let rare = configured
            .iter()
            .filter(|(name, _)| !text.names().contains(name) && !is_folder(name));
        fields.extend(rare.map(|(name, data_type)| Field::new(name, data_type.clone(), true)));
    }
    let rows = match is_whole {
        true => Precision::Exact(kinds.rows),
        false => Precision::Absent,
    };
    Ok((Arc::new(Schema::new(fields)), rows))
}

/// The kinds of the columns, by their places.
struct Kinds<'a> {
    configured: &'a BTreeMap<String, DataType>,
    kinds: Vec<Kind>,
    rows: usize,
}

impl Kinds<'_> {
    fn row(&mut self, line: u64, names: &[String], cells: &[Cell<'_>]) -> Result<(), Fault> {
        self.rows += 1;
        self.kinds.resize(names.len(), Kind::Unknown);
        for (place, value) in cells {
            let (Some(kind), Some(name)) = (self.kinds.get_mut(*place), names.get(*place)) else {
                continue;
            };
            match kind.with(*value) {
                Ok(with) => *kind = with,
                Err(_) if self.configured.contains_key(name) => {}
                Err(Mixed(before, here)) => {
                    return Err(Fault {
                        line,
                        text: format!(
                            "'{name}' is {} here and {} in the rows before. Export it as one of them, or name its \
                             type: columns = {{ {name} = \"TEXT\" }}",
                            here.words(),
                            before.words()
                        ),
                    });
                }
            }
        }
        Ok(())
    }
}
