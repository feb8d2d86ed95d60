//! Sessions for tests: as the crate's own defaults ask, with the layout that a property varies.

use std::future::Future;
use std::sync::Arc;

use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

/// How the engine cuts the work: nothing here may ever change an answer.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) batch_size: usize,
    pub(crate) partitions: usize,
    /// Bytes before operators spill; no end if not given.
    pub(crate) memory: Option<usize>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            batch_size: 8192,
            partitions: 2,
            memory: None,
        }
    }
}

/// A session with every function of the crate and no relation yet.
pub(crate) fn fresh(layout: &Layout) -> SessionContext {
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .with_batch_size(layout.batch_size)
        .with_target_partitions(layout.partitions);
    config.options_mut().execution.time_zone = Some("UTC".to_owned());
    config.options_mut().sql_parser.parse_float_as_decimal = true;
    // As in the tool's session: under a limit the engine may wait for ever.
    let options = config.options_mut();
    options
        .set("datafusion.execution.max_spill_file_size_bytes", "1")
        .unwrap();
    let mut runtime = RuntimeEnvBuilder::new();
    if let Some(limit) = layout.memory {
        runtime = runtime.with_memory_pool(Arc::new(FairSpillPool::new(limit)));
    }
    let ctx = SessionContext::new_with_config_rt(config, runtime.build_arc().unwrap());
    dayrate::register_all(&ctx).unwrap();
    ctx
}

/// Runs a future to its end on a thread with room for the deep plans of an unoptimised build.
pub(crate) fn block_on<F>(future: F) -> F::Output
where
    F: Future + Send,
    F::Output: Send,
{
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(64 << 20)
            .spawn_scoped(scope, || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(future)
            })
            .unwrap()
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
