//! Delta tables: what their log says, at its last version, at an earlier one, or as it was at some time.
//!
//! The files in the folder of such a table are not the table: some were removed and are kept for those who still read
//! them. So a folder with a log is always read by the log, and a path into it is refused.
//!
//! In a session whose plans run in other processes a table is sent by its version and its files.

#[cfg(feature = "delta")]
mod relation;
#[cfg(all(feature = "cluster", feature = "delta"))]
pub(super) mod sent;
#[cfg(all(feature = "cluster", feature = "delta"))]
mod sent_scan;
#[cfg(feature = "cluster")]
mod wire;

#[cfg(all(feature = "cluster", feature = "delta"))]
pub(crate) use self::relation::FileNumber;
#[cfg(all(feature = "cli", feature = "delta"))]
pub(super) use self::relation::{DeltaFile, DeltaRelation};
#[cfg(all(feature = "cluster", feature = "delta"))]
pub(crate) use self::sent_scan::SentDeltaExec;
#[cfg(feature = "cluster")]
pub(crate) use self::wire::DeltaNode;

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionState;
use datafusion::object_store::ObjectStore;
use datafusion::object_store::path::Path;
use futures::TryStreamExt;

use super::Source;
use super::stores::{self, Address, Place, Service};
use crate::error;

/// The folder of the log.
const LOG: &str = "_delta_log";

/// Which state of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// After that commit, counted from 0.
    Version(u64),
    /// After the last commit at or before that time.
    At(jiff::Timestamp),
}

/// The place of `source` if it is a Delta table.
///
/// # Errors
///
/// If it must be one and is not; if its store cannot be asked.
pub(super) async fn found(state: &SessionState, source: &Source) -> Result<Option<Place>> {
    let address = Address::of(&source.location)?;
    // A web server cannot be asked for a list; a pattern is about files.
    let may_be = match address.service {
        Service::Web => false,
        Service::Local => std::path::Path::new(address.path).is_dir(),
        _ => !address.path.contains(['*', '?', '[']),
    };
    let must_be = source.is_delta || source.moment.is_some();
    if may_be {
        let place = stores::place(state.runtime_env(), &source.location)?;
        if has_log(&place.store, &place.path).await? {
            return Ok(Some(place));
        }
    }
    if must_be {
        return Err(error::config(format!(
            "'{}' is no Delta table: it has no folder '{LOG}'. Name the folder that has one",
            source.location
        )));
    }
    Ok(None)
}

/// Whether the folder is that of a Delta table.
async fn has_log(store: &Arc<dyn ObjectStore>, folder: &Path) -> Result<bool> {
    let log = folder.clone().join(LOG);
    let mut entries = store.list(Some(&log));
    match entries.try_next().await {
        Ok(entry) => Ok(entry.is_some()),
        Err(datafusion::object_store::Error::NotFound { .. }) => Ok(false),
        Err(cause) => Err(DataFusionError::ObjectStore(Box::new(cause))),
    }
}

/// Refuses a path that leads into a Delta table: its `k=v` folders and its files.
///
/// # Errors
///
/// If it does.
pub(super) async fn refuse_inside(
    store: &Arc<dyn ObjectStore>,
    path: &Path,
    is_file: bool,
    location: &str,
) -> Result<()> {
    if location.starts_with("http") {
        return Ok(());
    }
    let mut segments: Vec<String> = path.parts().map(|part| part.as_ref().to_owned()).collect();
    if is_file {
        segments.pop();
    }
    loop {
        let folder = Path::from_iter(segments.iter().map(String::as_str));
        if has_log(store, &folder).await? {
            return Err(inside(location, folder.as_ref()));
        }
        match segments.pop() {
            Some(last) if last.contains('=') => {}
            _ => return Ok(()),
        }
    }
}

/// The folder of the Delta table to whose log a path belongs, unless that folder is one that is skipped.
pub(super) fn table_of_log(path: &str) -> Option<&str> {
    let at = path.match_indices(LOG).map(|(at, _)| at).find(|at| {
        let begins = *at == 0 || path[..*at].ends_with('/');
        begins && path[at + LOG.len()..].starts_with('/')
    })?;
    let table = path[..at].trim_end_matches('/');
    (!table
        .split('/')
        .any(|segment| segment.starts_with(['_', '.'])))
    .then_some(table)
}

/// The error for files of a Delta table that were asked for one by one.
pub(super) fn inside(location: &str, table: &str) -> DataFusionError {
    error::config(format!(
        "'{location}' reaches into the Delta table '{}', whose files are not its rows: some were removed. Read the table \
         itself, and choose rows with WHERE",
        table.trim_end_matches('/')
    ))
}

/// The table at `place`.
///
/// # Errors
///
/// A version that is not there, a log that cannot be read, a feature of Delta that the reader does not know.
#[cfg(feature = "delta")]
pub(super) async fn open(
    state: &SessionState,
    source: &Source,
    place: &Place,
) -> Result<Arc<dyn TableProvider>> {
    use deltalake::delta_datafusion::DeltaScanConfig;

    use relation::DeltaRelation;

    if !source.columns.is_empty() || source.format.is_some() {
        return Err(error::config(format!(
            "'{}' is a Delta table, which says itself what its columns and files are: leave out 'columns' and 'format', \
             or write format = \"delta\"",
            source.location
        )));
    }
    let failed =
        |cause: deltalake::DeltaTableError| unreadable(&source.location, source.moment, &cause);
    let mut table = deltalake::DeltaTable::new(log_store(place)?);
    match source.moment {
        None => table.load().await.map_err(failed)?,
        Some(Moment::Version(version)) => table.load_version(version).await.map_err(failed)?,
        Some(Moment::At(time)) => {
            let version = version_at(place, time, &source.location).await?;
            table.load_version(version).await.map_err(failed)?;
        }
    }
    let config = DeltaScanConfig::new_from_session(state).with_wrap_partition_values(false);
    let scan = scan(&table, &config, &source.location)?;
    let relation = DeltaRelation::new(&table, scan, config).map_err(failed)?;
    #[cfg(feature = "cluster")]
    if super::elsewhere::Elsewhere::of(state).is_some() {
        let relation = relation.sent(&table, place, &source.location);
        return Ok(Arc::new(relation.map_err(failed)?));
    }
    Ok(Arc::new(relation))
}

/// The rows of the version of a table that was loaded; `location` names the table.
///
/// # Errors
///
/// A feature of Delta that the reader does not know.
#[cfg(feature = "delta")]
fn scan(
    table: &deltalake::DeltaTable,
    config: &deltalake::delta_datafusion::DeltaScanConfig,
    location: &str,
) -> Result<deltalake::delta_datafusion::DeltaScanNext> {
    use deltalake::delta_datafusion::DeltaScanNext;

    let failed = |cause: String| {
        error::data(format!(
            "the Delta table '{location}' cannot be read: {cause}"
        ))
    };
    let snapshot = table
        .snapshot()
        .map_err(|cause| failed(cause.to_string()))?;
    DeltaScanNext::new(snapshot.snapshot().clone(), config.clone())
        .map_err(|cause| failed(cause.to_string()))
}

/// A build without Delta.
#[cfg(not(feature = "delta"))]
pub(super) async fn open(
    _: &SessionState,
    source: &Source,
    _: &Place,
) -> Result<Arc<dyn TableProvider>> {
    Err(error::config(format!(
        "'{}' is a Delta table, and this dayrate was built without them: build it with the feature 'delta'",
        source.location
    )))
}

/// The log of the table at `place`, through the session's own store.
///
/// # Errors
///
/// A place that no address stands for.
#[cfg(feature = "delta")]
pub(crate) fn log_store(place: &Place) -> Result<deltalake::logstore::LogStoreRef> {
    use datafusion::object_store::prefix::PrefixStore;

    let location = format!("{}{}/", place.url.as_str(), place.path);
    let location = url::Url::parse(&location)
        .map_err(|cause| error::config(format!("'{location}' is no address: {cause}")))?;
    let table: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(
        Arc::clone(&place.store),
        place.path.clone(),
    ));
    Ok(deltalake::logstore::default_logstore(
        table,
        Arc::clone(&place.store),
        &location,
        &deltalake::logstore::StorageConfig::default(),
    ))
}

/// The last version committed at or before `time`, by the time that each commit has written down: a file's own time
/// changes whenever a table is copied, and counts only where there is no other.
///
/// # Errors
///
/// If the first commit that is kept is later.
#[cfg(feature = "delta")]
async fn version_at(place: &Place, time: jiff::Timestamp, location: &str) -> Result<u64> {
    use datafusion::object_store::ObjectStoreExt;

    let store_error = |cause| DataFusionError::ObjectStore(Box::new(cause));
    let log = place.path.clone().join(LOG);
    let listed = place.store.list_with_delimiter(Some(&log)).await;
    let mut commits: Vec<_> = listed
        .map_err(store_error)?
        .objects
        .into_iter()
        .filter_map(|meta| {
            let version = meta
                .location
                .filename()?
                .strip_suffix(".json")?
                .parse::<u64>()
                .ok()?;
            Some((version, meta))
        })
        .collect();
    commits.sort_by_key(|(version, _)| *version);
    // Commits before `low` are not later than `time`, those from `high` on are.
    let (mut low, mut high, mut first) = (0, commits.len(), None);
    while low < high {
        let middle = low + (high - low) / 2;
        let Some((_, meta)) = commits.get(middle) else {
            break;
        };
        let bytes = place.store.get(&meta.location).await.map_err(store_error)?;
        let bytes = bytes.bytes().await.map_err(store_error)?;
        let committed = commit_time(&bytes).or_else(|| {
            jiff::Timestamp::from_millisecond(meta.last_modified.timestamp_millis()).ok()
        });
        if committed.is_some_and(|committed| committed <= time) {
            low = middle + 1;
        } else {
            (high, first) = (middle, committed);
        }
    }
    match low.checked_sub(1).and_then(|at| commits.get(at)) {
        Some((version, _)) => Ok(*version),
        None => Err(error::config(format!(
            "the Delta table '{location}' has no state as of {time}: {}",
            first.map_or_else(
                || "its log has no commit".to_owned(),
                |first| format!("its first commit is of {first}")
            )
        ))),
    }
}

/// When a commit says it was made.
#[cfg(feature = "delta")]
fn commit_time(commit: &[u8]) -> Option<jiff::Timestamp> {
    let text = std::str::from_utf8(commit).ok()?;
    text.lines().find_map(|line| {
        let action: serde_json::Value = serde_json::from_str(line).ok()?;
        let info = action.get("commitInfo")?;
        let millis = info
            .get("inCommitTimestamp")
            .or_else(|| info.get("timestamp"))?;
        jiff::Timestamp::from_millisecond(millis.as_i64()?).ok()
    })
}

#[cfg(feature = "delta")]
fn unreadable(
    location: &str,
    moment: Option<Moment>,
    cause: &deltalake::DeltaTableError,
) -> DataFusionError {
    let when = match moment {
        None => String::new(),
        Some(Moment::Version(version)) => format!(" at version {version}"),
        Some(Moment::At(time)) => format!(" as of {time}"),
    };
    let cause = cause.to_string();
    let remedy = match cause.contains("not supported") {
        true => "Have its writer take that feature away, or export its rows as Parquet",
        false => "Old versions go when the table is cleaned up",
    };
    error::data(format!(
        "the Delta table '{location}' cannot be read{when}: {cause}. {remedy}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_found_anywhere_on_the_way() {
        assert_eq!(table_of_log("_delta_log/0.json"), Some(""));
        assert_eq!(table_of_log("a/b/_delta_log/0.json"), Some("a/b"));
        assert_eq!(table_of_log("a/my_delta_log/0.json"), None);
        assert_eq!(table_of_log("a/_delta_logs/0.json"), None);
        assert_eq!(table_of_log("_old/b/_delta_log/0.json"), None);
        assert_eq!(
            table_of_log("my_delta_log/_delta_log/0.json"),
            Some("my_delta_log")
        );
    }
}
