//! Relations from files: a location that an analyst writes becomes a table that can be billed from.
//!
//! A location is a file, a folder (read recursively) or a pattern with `*`. What DataFusion's own listing leaves out
//! or trusts without a word is settled here, because a file that is skipped is money that is lost:
//!
//! * every data file found is read or the location is an error; an empty folder is an error;
//! * the files of one location may differ in how they encode text, times and numbers ([`unify`]), never in what a
//!   column *is*;
//! * `k=v` folders become columns ([`folders`]), text unless they say otherwise;
//! * no order that a file claims for its rows is believed ([`files`]).

#[cfg(all(feature = "cli", feature = "delta"))]
pub(crate) mod dar_table;
mod files;
mod folders;
mod format;
mod listing;
#[cfg(feature = "cli")]
pub(crate) mod relations;
mod unify;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::error::Result;
use datafusion::execution::context::SessionState;
use futures::{StreamExt, TryStreamExt};

use self::files::{DataFile, FilesTable};
pub(crate) use self::format::FileKind;

/// Where a relation's rows are, and what the location alone does not say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    /// A file, a folder or a pattern, as it was written.
    pub(crate) location: String,
    /// The format of every file, if their names do not tell.
    pub(crate) format: Option<FileKind>,
    /// The type of a `k=v` folder column, by name.
    pub(crate) columns: BTreeMap<String, DataType>,
}

/// The table at `location`: a local file, folder or pattern.
///
/// # Errors
///
/// If nothing is there, if no file of it can be read by dayrate, or if its files disagree about what a column is.
pub(crate) async fn open(state: &SessionState, location: &str) -> Result<Arc<dyn TableProvider>> {
    let source = Source {
        location: location.to_owned(),
        ..Source::default()
    };
    open_source(state, &source).await
}

/// The table of a [`Source`].
///
/// # Errors
///
/// As [`open`]; also if `columns` names a column that no folder gives.
pub(crate) async fn open_source(
    state: &SessionState,
    source: &Source,
) -> Result<Arc<dyn TableProvider>> {
    let listing = listing::list(state, source).await?;
    let format = listing.kind.reader(state);
    let store = state.runtime_env().object_store(&listing.store)?;
    let concurrency = state
        .config_options()
        .execution
        .meta_fetch_concurrency
        .get();
    let files: Vec<DataFile> = futures::stream::iter(listing.files)
        .map(|found| DataFile::inspect(state, &format, &store, found))
        .buffered(concurrency)
        .try_collect()
        .await?;
    let file_schema = unify::schema_of(&files)?;
    let folder_columns = folders::columns(&files, &file_schema, &source.columns)?;
    Ok(Arc::new(FilesTable::new(
        format,
        listing.store,
        files,
        file_schema,
        folder_columns,
    )?))
}

/// Whether a quoted name stands for files: it has a separator, a wildcard or the ending of a data file, or is a folder
/// that exists.
pub(crate) fn looks_like_path(name: &str) -> bool {
    name.contains(['/', '\\', '*', '?'])
        || FileKind::is_data_file(name)
        || (!name.is_empty() && std::path::Path::new(name).is_dir())
}

#[cfg(all(test, feature = "cli"))]
mod tests;
