//! The one place that makes the tool's session: its settings, its memory, its zones, its functions, its relations.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::aggregate::exact_sum;
#[cfg(feature = "cluster")]
use crate::cluster;
use crate::domain::zone::ZoneDatabase;
use crate::error;
#[cfg(feature = "delta")]
use crate::lake::dar_table::DarTable;
use crate::lake::relations::{Relation, Relations};
#[cfg(feature = "stores")]
use crate::lake::stores::{StoreOptions, Stores};
use crate::table::Keeper;

/// What a session is made from.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// Partitions that work at once; all cores if not given.
    pub(crate) threads: Option<usize>,
    /// Bytes that operators may hold before they spill to disk; half of the machine's memory if not given.
    pub(crate) memory_limit: Option<usize>,
    /// Names that stand for rows.
    pub(crate) relations: Vec<(String, Relation)>,
    /// Session defaults of the options of table functions, without their prefix.
    pub(crate) options: Vec<(String, String)>,
    /// A folder of compiled zone files in place of the bundled ones.
    pub(crate) zone_folder: Option<PathBuf>,
    /// Where DARs are kept.
    pub(crate) dar_table: Option<String>,
    /// Stores and schemes, with the options to open them with.
    #[cfg(feature = "stores")]
    pub(crate) stores: Vec<(String, StoreOptions)>,
    /// Its part in a cluster, if it has one.
    #[cfg(feature = "cluster")]
    pub(crate) part: Option<cluster::Part>,
}

/// The settings that every statement stands on. Each one is here because its default would change a bill, lose rows or
/// wrap a number, or would let a statement wait for ever.
const DEFAULTS: [(&str, &str); 8] = [
    // `TIMESTAMPTZ '…Z'` and `now()` are instants; unset they lose their zone.
    ("datafusion.execution.time_zone", "UTC"),
    // `1.5` is a decimal.
    ("datafusion.sql_parser.parse_float_as_decimal", "true"),
    // Filters on time and site skip pages and rows while they are read.
    ("datafusion.execution.parquet.pushdown_filters", "true"),
    // Spark's INT96 is an instant.
    ("datafusion.execution.parquet.coerce_int96", "us"),
    ("datafusion.execution.parquet.coerce_int96_tz", "UTC"),
    // `CREATE EXTERNAL TABLE` would believe the order that a file claims for its rows, were it to collect statistics.
    ("datafusion.execution.collect_statistics", "false"),
    // `CREATE EXTERNAL TABLE` reads folders within folders too.
    (
        "datafusion.execution.listing_table_ignore_subdirectory",
        "false",
    ),
    // With no room for a batch on its way between two operators, the engine leaves it in a file; this ends each file after
    // one batch. Two that are open at once, and the reader may wait for the wrong one, and everybody for the reader
    // (https://github.com/apache/datafusion/issues/24883).
    ("datafusion.execution.max_spill_file_size_bytes", "1"),
];

/// Under a smaller limit than this many bytes, rows travel in batches of [`FEW_ROWS`]: the engine merges what a sort left on
/// disk with some batches of each file in memory, and whatever comes after the sort needs some too.
const LITTLE_MEMORY: usize = 4 << 30;

/// See [`LITTLE_MEMORY`].
const FEW_ROWS: usize = 2048;

/// The bytes that a merge of sorted files may take for each row of a batch of one file. The engine counts four batches;
/// there are the keys of two of them besides, about as long as the rows, and the buffers that it reads into are up to twice
/// as large as what is in them: some eight batches, here of rows of 250 bytes, as those of a ledger.
const MERGED_ROW: usize = 2 << 10;

/// Fewer files than these are never merged at once: each time would read and write everything again.
const FEWEST_MERGED: usize = 8;

/// A session with everything registered; nothing is opened yet. On one machine or as any part of a cluster, this is the
/// one way to get one.
///
/// # Errors
///
/// If an option is unknown or has no such value, or the zone folder cannot be read.
pub(crate) fn open(settings: Settings) -> Result<SessionContext> {
    let mut config = SessionConfig::new().with_information_schema(true);
    if let Some(threads) = settings.threads {
        config = config.with_target_partitions(threads);
    }
    if settings
        .memory_limit
        .is_some_and(|limit| limit < LITTLE_MEMORY)
    {
        config = config.with_batch_size(FEW_ROWS);
    }
    #[cfg(feature = "cluster")]
    if settings.part.is_some() {
        config = cluster::configured(config, settings.threads)?;
    }
    for (key, value) in DEFAULTS {
        config.options_mut().set(key, value)?;
    }
    let limit = settings.memory_limit.unwrap_or_else(default_memory);
    let runtime = runtime(limit).with_max_spill_merge_fan_in(merged_at_once(limit, &config));
    #[cfg(feature = "stores")]
    let runtime = runtime.with_object_store_registry(Arc::new(Stores::new(settings.stores)));
    let ctx = SessionContext::new_with_config_rt(config, runtime.build_arc()?);
    let zones = match &settings.zone_folder {
        None => ZoneDatabase::bundled(),
        Some(folder) => {
            ZoneDatabase::from_folder(folder).map_err(|fault| error::config(fault.to_string()))?
        }
    };
    crate::register_all_with(&ctx, &zones, keeper(settings.dar_table))?;
    // A sum that does not fit fails; DataFusion's own would wrap.
    ctx.register_udaf(exact_sum::sum());
    #[cfg(feature = "cluster")]
    if let Some(part) = &settings.part {
        cluster::join(&ctx, part, &zones);
    }
    let options = ctx.state_ref();
    for (key, value) in &settings.options {
        options
            .write()
            .config_mut()
            .options_mut()
            .set(&format!("dayrate.{key}"), value)?;
    }
    let relations = Relations::new(&ctx, settings.relations);
    let (catalog, schema) = {
        let state = ctx.state();
        let catalog = &state.config_options().catalog;
        (
            catalog.default_catalog.clone(),
            catalog.default_schema.clone(),
        )
    };
    let catalog = ctx
        .catalog(&catalog)
        .ok_or_else(|| error::config("the session has no catalog"))?;
    catalog.register_schema(&schema, Arc::new(relations))?;
    Ok(ctx)
}

/// Whoever keeps DARs in the table of that name.
fn keeper(location: Option<String>) -> Option<Arc<dyn Keeper>> {
    #[cfg(feature = "delta")]
    {
        location.map(|location| Arc::new(DarTable { location }) as Arc<dyn Keeper>)
    }
    #[cfg(not(feature = "delta"))]
    {
        // The configuration refuses one.
        let _ = location;
        None
    }
}

/// How many sorted files are merged at once, so that as many merges as there are partitions keep within the limit.
fn merged_at_once(limit: usize, config: &SessionConfig) -> usize {
    let file = config.batch_size().saturating_mul(MERGED_ROW);
    let all = limit.checked_div(file).unwrap_or(limit);
    all.checked_div(config.target_partitions())
        .unwrap_or(all)
        .max(FEWEST_MERGED)
}

fn runtime(limit: usize) -> RuntimeEnvBuilder {
    let largest = NonZeroUsize::new(5).unwrap_or(NonZeroUsize::MIN);
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(TrackConsumersPool::new(
            FairSpillPool::new(limit),
            largest,
        )))
        // A file that arrives while a shell is open must be seen.
        .with_object_list_cache_limit(0)
}

/// The bytes that operators may hold if nobody says: half of the machine's.
pub(crate) fn default_memory() -> usize {
    machine_memory() / 2
}

/// The bytes of memory that this process may count on; 8 GiB where the system does not say.
fn machine_memory() -> usize {
    const UNKNOWN: usize = 8 << 30;
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| number(&text));
    let machine = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("MemTotal:"))?;
            number(line.trim_end_matches("kB"))?.checked_mul(1024)
        });
    match (group, machine) {
        (Some(group), Some(machine)) => group.min(machine),
        (group, machine) => group.or(machine).unwrap_or(UNKNOWN),
    }
}
