//! Relations from files: a location that an analyst writes becomes a table that can be billed from.
//!
//! A location is a file, a folder (read recursively), a pattern with `*` or a Delta table, here or in a store
//! ([`stores`]). What DataFusion's own listing leaves out or trusts without a word is settled here, because a file that
//! is skipped is money that is lost:
//!
//! * every data file found is read or the location is an error; an empty folder is an error;
//! * the files of one location may differ in how they encode text, times and numbers ([`unify`]), never in what a
//!   column *is*;
//! * `k=v` folders become columns ([`folders`]), text unless they say otherwise;
//! * no order that a file claims for its rows is believed ([`files`]);
//! * a value of CSV or JSON is exact or an error ([`rows`]);
//! * a Delta table is what its log says, never the files that lie in its folder ([`delta`]); a refresh follows the files
//!   that the log names.

#[cfg(all(feature = "cli", feature = "delta"))]
pub(crate) mod dar_table;
pub(crate) mod delta;
#[cfg(feature = "cluster")]
#[cfg_attr(
    not(feature = "delta"),
    expect(dead_code, reason = "only Delta tables and a refresh ask for it")
)]
pub(crate) mod elsewhere;
mod files;
mod folders;
mod format;
mod listing;
pub(crate) mod liveperson;
#[cfg(feature = "cli")]
pub(crate) mod relations;
mod rows;
pub(crate) mod stores;
mod unify;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::error::Result;
use datafusion::execution::context::SessionState;
use futures::{StreamExt, TryStreamExt};

#[cfg(feature = "cluster")]
pub(crate) use self::delta::DeltaNode;
#[cfg(all(feature = "cluster", feature = "delta"))]
pub(crate) use self::delta::FileNumber;
#[cfg(all(feature = "cluster", feature = "delta"))]
pub(crate) use self::delta::SentDeltaExec;
use self::files::{DataFile, FilesTable};
pub(crate) use self::format::FileKind;
use self::format::Reader;
#[cfg(feature = "cluster")]
pub(crate) use self::liveperson::{HistoryExec, HistoryNode};
use self::rows::RowFormat;
#[cfg(feature = "cluster")]
pub(crate) use self::rows::{RowsExec, RowsNode};

/// How many files of rows are looked into at one time.
const ROWS_AT_ONCE: usize = 4;

/// Where a relation's rows are, and what the location alone does not say.
#[derive(Clone, Default)]
pub(crate) struct Source {
    /// A file, a folder, a pattern or an address, as it was written.
    pub(crate) location: String,
    /// The format of every file, if their names do not tell.
    pub(crate) format: Option<FileKind>,
    /// Whether it must be a Delta table.
    pub(crate) is_delta: bool,
    /// Which state of a Delta table is meant, if not the last.
    pub(crate) moment: Option<delta::Moment>,
    /// The type of a column, by name: one that a `k=v` folder gives, or one of CSV or JSON.
    pub(crate) columns: BTreeMap<String, DataType>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // An address may have a signature in it.
        f.debug_tuple("Source")
            .field(&crate::secret::hide(&self.location))
            .finish()
    }
}

/// The table at `location`: a file, folder, pattern or Delta table of this machine or of a store.
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
/// As [`open`]; also if `columns` names a column that is not there.
pub(crate) async fn open_source(
    state: &SessionState,
    source: &Source,
) -> Result<Arc<dyn TableProvider>> {
    if let Some(place) = delta::found(state, source).await? {
        return delta::open(state, source, &place).await;
    }
    let listing = listing::list(state, source).await?;
    let reader = listing.kind.reader(state);
    let store = state.runtime_env().object_store(&listing.store)?;
    let concurrency = match &reader {
        Reader::Columns(_) => state
            .config_options()
            .execution
            .meta_fetch_concurrency
            .get(),
        // Each reads megabytes and not a footer.
        Reader::Rows(_) => ROWS_AT_ONCE,
    };
    let files: Vec<DataFile> = futures::stream::iter(listing.files)
        .map(|found| DataFile::inspect(state, &reader, &store, found, &source.columns))
        .buffered(concurrency)
        .try_collect()
        .await?;
    let file_schema = unify::schema_of(&files)?;
    let are_typed = matches!(
        reader,
        Reader::Rows(RowFormat::Csv { .. } | RowFormat::Ndjson)
    );
    let folder_columns = folders::columns(&files, &file_schema, &source.columns, are_typed)?;
    Ok(Arc::new(FilesTable::new(
        reader,
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
