//! The engine's workers, apart from the thread that a person talks to.
//!
//! An operator may work for minutes without a pause, and until then nothing stops it. So a query runs on workers of its
//! own; one that is cancelled is left behind with them, and the next query gets new ones.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_plan::collect;
use datafusion::prelude::DataFrame;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use super::progress;

/// Plans of nested views are deep, and without optimisation each step of the planner takes much stack. Only what is
/// used of it takes memory.
pub(super) const STACK: usize = 64 << 20;

struct Engine {
    threads: Option<usize>,
    runtime: Option<Runtime>,
}

static ENGINE: Mutex<Engine> = Mutex::new(Engine {
    threads: None,
    runtime: None,
});

fn engine() -> MutexGuard<'static, Engine> {
    ENGINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many workers there are; all cores if not given.
pub(super) fn set_threads(threads: Option<usize>) {
    engine().threads = threads;
}

/// Leaves the workers to what they do, and to themselves.
pub(super) fn abandon() {
    if let Some(runtime) = engine().runtime.take() {
        runtime.shutdown_background();
    }
}

fn handle() -> Result<Handle> {
    let mut engine = engine();
    if let Some(runtime) = &engine.runtime {
        return Ok(runtime.handle().clone());
    }
    let mut builder = Builder::new_multi_thread();
    if let Some(threads) = engine.threads {
        builder.worker_threads(threads);
    }
    let runtime = builder
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .map_err(DataFusionError::IoError)?;
    let handle = runtime.handle().clone();
    engine.runtime = Some(runtime);
    Ok(handle)
}

/// Work that has begun; it ends with this.
pub(super) struct Work<T>(JoinHandle<T>);

/// Begins work on the engine's workers.
///
/// # Errors
///
/// If there can be no workers.
pub(super) fn start<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<Work<T>> {
    Ok(Work(handle()?.spawn(work)))
}

/// The rows of a planned statement, made on the engine's workers, and watched meanwhile.
///
/// # Errors
///
/// Those of the statement.
pub(super) async fn collected(rows: DataFrame) -> Result<Vec<RecordBatch>> {
    let context = Arc::new(rows.task_ctx());
    // Boxed, because the future of a planned statement is large.
    let plan = Box::pin(rows.create_physical_plan()).await?;
    let _watch = progress::watch(&plan);
    start(collect(plan, context))?.join().await?
}

impl<T> Work<T> {
    /// Waits for the end.
    ///
    /// # Errors
    ///
    /// If the work panicked.
    pub(super) async fn join(mut self) -> Result<T> {
        let joined = (&mut self.0).await;
        joined.map_err(|cause| DataFusionError::ExecutionJoin(Box::new(cause)))
    }
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
