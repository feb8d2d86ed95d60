//! The table's log: what it holds at a version, and the one commit that makes the next.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::error::{DataFusionError, Result};
use deltalake::DeltaTable;
use deltalake::DeltaTableError;
use deltalake::kernel::DeletionVectorDescriptor;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake::logstore::LogStoreRef;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::table::state::DeltaTableState;
use futures::TryStreamExt;

use super::actions::{FORMAT, LAYOUT, MANIFEST, actions, milliseconds};
use super::day_rows::is_day_file;
use super::place::Place;
use crate::domain::day::day_of;
use crate::error;
use crate::lake::delta::log_store;
use crate::lake::stores::fault_in;

/// How many milliseconds a file stays after its rows were replaced: a week, as Delta tables do.
const RETENTION: i64 = 7 * 86_400_000;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Log {
    name: String,
    store: LogStoreRef,
}

/// One day's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DayFile {
    /// Below the table.
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) rows: usize,
}

/// What the table holds at a version.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) version: u64,
    /// The path of the manifest, below the table.
    pub(super) manifest: String,
    pub(super) days: BTreeMap<i32, DayFile>,
    /// Files that something else has added.
    pub(super) strangers: Vec<Stranger>,
    pub(super) state: Arc<DeltaTableState>,
}

/// A file that `dayrate refresh` has not added, or not with these rows.
#[derive(Debug, Clone)]
pub(super) struct Stranger {
    /// Below the table.
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) partition: HashMap<String, Option<String>>,
    /// The rows of it that something else has deleted.
    pub(super) deleted: Option<DeletionVectorDescriptor>,
}

/// What a commit changes.
#[derive(Debug, Default)]
pub(super) struct Commit {
    pub(super) added: Vec<(i32, DayFile)>,
    pub(super) removed: Vec<(i32, DayFile)>,
    /// Removed too.
    pub(super) strangers: Vec<Stranger>,
    /// The path of the manifest, below the table.
    pub(super) manifest: String,
    /// What the rows depend on, for people who look at the table.
    pub(super) reading: BTreeMap<String, String>,
}

impl Snapshot {
    /// Checks that every row is one that `dayrate refresh` has written; `table` names the table.
    ///
    /// # Errors
    ///
    /// Something else has written to it.
    pub(super) fn check(&self, table: &str) -> Result<()> {
        match self.strangers.first() {
            None => Ok(()),
            Some(stranger) => Err(error::data(format!(
                "the table '{table}' has a file {}: '{}'. Make the table anew: dayrate refresh --full",
                match stranger.deleted {
                    None => "that 'dayrate refresh' did not write, or two of one day",
                    Some(_) => "of which something else has deleted rows",
                },
                stranger.path
            ))),
        }
    }
}

impl Log {
    /// The log of a table that need not be there.
    pub(super) fn of(place: &Place) -> Result<Self> {
        Ok(Self {
            name: place.name.clone(),
            store: log_store(&place.folder)?,
        })
    }

    /// The newest version; `None` if there is no table.
    ///
    /// # Errors
    ///
    /// A table that something else has made; a log that cannot be read.
    pub(super) async fn newest(&self) -> Result<Option<Snapshot>> {
        let unreadable = |cause| fault(&self.name, "read", cause);
        if !self
            .store
            .is_delta_table_location()
            .await
            .map_err(unreadable)?
        {
            return Ok(None);
        }
        let mut table = DeltaTable::new(Arc::clone(&self.store));
        table.load().await.map_err(unreadable)?;
        let state = table
            .state
            .ok_or_else(|| unreadable(DeltaTableError::NotInitialized))?;
        let configuration = state.metadata().configuration();
        let manifest = match (
            configuration.get(FORMAT).map(String::as_str),
            configuration.get(MANIFEST),
        ) {
            (Some(LAYOUT), Some(manifest)) => manifest.clone(),
            (Some(other), _) if other != LAYOUT => {
                return Err(error::config(format!(
                    "the table '{}' has the layout {other}, and this dayrate knows the layout {LAYOUT}. Use the \
                     version of dayrate that made it, or name another folder",
                    self.name
                )));
            }
            _ => {
                return Err(error::config(format!(
                    "the table '{}' was not made by 'dayrate refresh'. Name another folder in [dar_table]",
                    self.name
                )));
            }
        };
        let (mut days, mut strangers) = (BTreeMap::new(), Vec::new());
        for file in state.log_data().iter() {
            let partition = file.partition_values_map();
            let day = partition.get("day").and_then(Option::as_deref);
            let day = day.and_then(|text| text.parse().ok()).map(day_of);
            let path = file.path().into_owned();
            let size = u64::try_from(file.size()).unwrap_or_default();
            let is_ours = path.rsplit('/').next().is_some_and(is_day_file);
            let deleted = file.deletion_vector_descriptor();
            match (day, file.num_records()) {
                (Some(day), Some(rows))
                    if is_ours && deleted.is_none() && !days.contains_key(&day) =>
                {
                    days.insert(day, DayFile { path, size, rows });
                }
                _ => strangers.push(Stranger {
                    path,
                    size,
                    partition,
                    deleted,
                }),
            }
        }
        Ok(Some(Snapshot {
            version: state.version(),
            manifest,
            days,
            strangers,
            state: Arc::new(state),
        }))
    }

    /// Makes `commit` the version after `base`. Gives that version, or `None` if another writer was there first.
    pub(super) async fn commit(
        &self,
        base: Option<&Snapshot>,
        commit: &Commit,
        schema: &Schema,
    ) -> Result<Option<u64>> {
        let actions = actions(base, commit, schema)?;
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: Some(vec!["day".to_owned()]),
            predicate: None,
        };
        let table = base.map(|base| base.state.as_ref() as &dyn TableReference);
        // Whoever comes second starts again from what the first one has made: nothing is merged by guess.
        let builder = CommitBuilder::from(CommitProperties::default().with_max_retries(0));
        let prepared = builder
            .with_actions(actions)
            .build(table, Arc::clone(&self.store), operation)
            .into_prepared_commit_future()
            .await;
        let committed = match prepared {
            Ok(prepared) => prepared.await,
            Err(cause) => Err(cause),
        };
        match committed {
            Ok(committed) => {
                let version = committed.version;
                // A checkpoint makes the next look at the log faster; the commit stands without it.
                let _ = committed.await;
                Ok(Some(version))
            }
            Err(cause) => self.landed(base, commit, cause).await,
        }
    }

    /// What became of a commit that failed: a store may have taken it and not been able to say so.
    ///
    /// # Errors
    ///
    /// It is not there, or nobody can say.
    async fn landed(
        &self,
        base: Option<&Snapshot>,
        commit: &Commit,
        cause: DeltaTableError,
    ) -> Result<Option<u64>> {
        let version = base.map_or(0, |base| base.version + 1);
        match self.store.read_commit_entry(version).await {
            Ok(Some(entry)) => {
                let needle = commit.manifest.as_bytes();
                let is_ours = entry.windows(needle.len()).any(|window| window == needle);
                Ok(is_ours.then_some(version))
            }
            _ => Err(fault(&self.name, "written", cause)),
        }
    }

    /// The paths of files that are no longer rows of the table, but were until lately: somebody may still be reading the
    /// version that they belong to.
    pub(super) async fn retired(&self, snapshot: &Snapshot) -> Result<Vec<String>> {
        let unneeded = milliseconds() - RETENTION;
        let retired = snapshot.state.all_tombstones(self.store.as_ref());
        let retired = retired.try_filter_map(|file| {
            let is_needed = file
                .deletion_timestamp()
                .is_none_or(|retired| retired > unneeded);
            let path = is_needed.then(|| file.path().into_owned());
            std::future::ready(Ok(path))
        });
        retired
            .try_collect()
            .await
            .map_err(|cause| fault(&self.name, "read", cause))
    }
}

fn fault(name: &str, done: &str, cause: DeltaTableError) -> DataFusionError {
    let what = fault_in(&cause).unwrap_or_else(|| cause.to_string());
    error::data(format!("the table '{name}' cannot be {done}: {what}"))
}
