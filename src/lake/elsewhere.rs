//! A session whose plans run in other processes, as the tables of that session see it.

use std::fmt;
use std::sync::Arc;

use datafusion::catalog::Session;
use datafusion::common::Result;
use datafusion::execution::context::SessionState;
use datafusion::physical_plan::ExecutionPlan;

/// Whoever sends plans to other processes.
pub(crate) trait Sender: fmt::Debug + Send + Sync {
    /// The plan that sends `plan` and gives its rows, in one partition.
    ///
    /// # Errors
    ///
    /// An operator that cannot run in another process: the error names it.
    fn sent(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>>;

    /// The session as it would be if its plans ran here.
    fn alone(&self, state: &SessionState) -> SessionState;
}

/// An extension of the configuration of such a session. A scan in it says what it reads in words that can be sent.
#[derive(Debug, Clone)]
pub(crate) struct Elsewhere(pub(crate) Arc<dyn Sender>);

impl Elsewhere {
    /// Of a session, if its plans run in other processes.
    pub(crate) fn of(session: &dyn Session) -> Option<Arc<Self>> {
        session.config().get_extension()
    }
}
