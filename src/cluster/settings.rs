//! What a session needs besides to take part in a cluster; `session::open` is the one place that uses it.

use std::sync::Arc;

use ballista_core::config::{BALLISTA_CLIENT_GRPC_MAX_MESSAGE_SIZE, BallistaConfig};
use ballista_core::extension::SessionConfigExt;
use ballista_core::optimizer::with_ballista_optimizer_rules;
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::Address;
use super::codec::Codec;
use super::planner::ClusterPlanner;
use crate::domain::zone::ZoneDatabase;
use crate::lake::elsewhere::Elsewhere;

/// The part that a session has in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Sends its plans to this scheduler.
    Client(Address),
    /// Cuts plans into stages.
    Scheduler,
    /// Runs tasks.
    Executor,
}

impl Part {
    /// What errors call the process.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Client(_) => "this client",
            Self::Scheduler => "the scheduler",
            Self::Executor => "an executor",
        }
    }
}

/// Partitions of a stage if `--threads` does not say, as the engine has it.
const PARTITIONS: usize = 16;

/// The largest message between two processes of a cluster, in bytes: a plan with many files, or a batch of rows.
pub(super) const LARGEST_MESSAGE: u32 = 256 << 20;

/// Settings over those that the engine needs in a cluster.
const OVER_THE_ENGINES: [(&str, &str); 1] = [
    // The tables of sites and contracts are small; sorting every message to join them is not.
    ("datafusion.optimizer.prefer_hash_join", "true"),
];

/// The settings of a session with a part in a cluster.
///
/// # Errors
///
/// A setting that the engine does not know.
pub(crate) fn configured(config: SessionConfig, threads: Option<usize>) -> Result<SessionConfig> {
    let mut config = config
        .with_target_partitions(threads.unwrap_or(PARTITIONS))
        .upgrade_for_ballista();
    let largest = LARGEST_MESSAGE.to_string();
    let options = config.options_mut();
    options.set(BALLISTA_CLIENT_GRPC_MAX_MESSAGE_SIZE, &largest)?;
    for (key, value) in OVER_THE_ENGINES {
        options.set(key, value)?;
    }
    Ok(config)
}

/// Gives a session its part, with the rules of `zones`.
pub(crate) fn join(ctx: &SessionContext, part: &Part, zones: &ZoneDatabase) {
    let codec = Arc::new(Codec::new(part, zones));
    let state = ctx.state_ref();
    let mut state = state.write();
    let config = state
        .config()
        .clone()
        .with_ballista_physical_extension_codec(Arc::clone(&codec) as _);
    let rules = with_ballista_optimizer_rules(state.optimizers());
    let session_id = state.session_id().to_owned();
    let mut builder = SessionStateBuilder::new_from_existing(state.clone())
        .with_session_id(session_id)
        .with_config(config)
        .with_optimizer_rules(rules);
    if let Part::Client(address) = part {
        let planner = Arc::new(ClusterPlanner::new(address.clone(), codec));
        builder = builder.with_query_planner(Arc::clone(&planner) as _);
        let config = builder.config().get_or_insert_default();
        config.set_extension(Arc::new(Elsewhere(planner)));
    }
    *state = builder.build();
}

/// The engine's settings of a session.
pub(super) fn ballista(config: &SessionConfig) -> BallistaConfig {
    config.ballista_config()
}
