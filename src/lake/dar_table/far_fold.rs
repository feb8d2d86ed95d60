//! The files of a refresh, folded by other processes. What comes back is the parts of their DARs and what was noted of
//! each file; days are settled, written and committed here, by one writer.

use std::sync::Arc;

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::Session;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::physical_plan::ExecutionPlan;

use super::present::Present;
use crate::exec::{FoldedFiles, Folding, NotedFoldExec, Shelves, heard};
use crate::lake::elsewhere::Elsewhere;

/// The parts of `messages`, by day; `files` hears what was noted.
///
/// # Errors
///
/// What is wrong with the messages; executors that do not see them, or do not finish.
pub(super) async fn shelves(
    elsewhere: &Elsewhere,
    session: &dyn Session,
    present: &Present,
    folding: Folding,
    messages: Arc<dyn ExecutionPlan>,
    files: &Arc<FoldedFiles>,
) -> Result<Vec<Shelves>> {
    let rows = present.calendar_rows();
    let schema = rows.first().map(RecordBatch::schema);
    let schema = schema.ok_or_else(|| exec_datafusion_err!("the calendar has no batch"))?;
    let calendar = MemorySourceConfig::try_new_exec(&[rows.to_vec()], schema, None)?;
    let fold = NotedFoldExec::new(folding, files.wanted.clone(), calendar, messages);
    let sent = elsewhere.0.sent(Arc::new(fold), session)?;
    let context = session.task_ctx();
    let rows = sent.execute(0, Arc::clone(&context))?;
    let parts = heard(rows, Arc::clone(files));
    Ok(vec![Shelves::fill(parts, 0, context).await?])
}
