//! The planner of a client: plans as on one machine, and sends what it planned.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use ballista_core::planner::scans_only_information_schema;
use datafusion::catalog::Session;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::datasource::sink::DataSinkExec;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::analyze::AnalyzeExec;
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};

use super::Address;
use super::codec::Codec;
use super::prepare::prepared;
use super::remote::RemoteExec;
use super::settings::ballista;
use crate::lake::elsewhere::Sender;

/// See the module.
pub(super) struct ClusterPlanner {
    address: Address,
    codec: Arc<Codec>,
}

impl ClusterPlanner {
    pub(super) fn new(address: Address, codec: Arc<Codec>) -> Self {
        Self { address, codec }
    }
}

impl Sender for ClusterPlanner {
    fn sent(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = prepared(plan, &ballista(session.config()))?;
        let session = session.session_id().to_owned();
        let (address, codec) = (self.address.clone(), Arc::clone(&self.codec));
        Ok(Arc::new(RemoteExec::new(plan, address, codec, session)))
    }

    /// Tables plan parts of themselves with it.
    fn alone(&self, state: &SessionState) -> SessionState {
        SessionStateBuilder::new_from_existing(state.clone())
            .with_session_id(state.session_id().to_owned())
            .with_query_planner(Arc::new(OneMachine))
            .build()
    }
}

impl fmt::Debug for ClusterPlanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClusterPlanner")
            .field(&self.address)
            .finish()
    }
}

#[async_trait]
impl QueryPlanner for ClusterPlanner {
    async fn create_physical_plan(
        &self,
        logical: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let state = session
            .as_any()
            .downcast_ref::<SessionState>()
            .ok_or_else(|| exec_datafusion_err!("a cluster needs a session of the engine"))?;
        let plan = OneMachine
            .create_physical_plan(logical, &self.alone(state))
            .await?;
        if is_about_the_session(logical)? {
            return Ok(plan);
        }
        // Rows are written, and counted, where the person is.
        if plan.is::<DataSinkExec>() || plan.is::<AnalyzeExec>() {
            let inputs = plan.children().into_iter();
            let inputs = inputs.map(|input| self.sent(Arc::clone(input), state));
            let inputs = inputs.collect::<Result<_>>()?;
            return plan.replace_children(
                inputs,
                ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
            );
        }
        self.sent(plan, state)
    }
}

/// Whether a plan asks about this session, which no other process knows: its plans, its catalog.
fn is_about_the_session(plan: &LogicalPlan) -> Result<bool> {
    Ok(match plan {
        LogicalPlan::Explain(_) | LogicalPlan::DescribeTable(_) => true,
        plan => scans_only_information_schema(plan)?,
    })
}

/// The engine's own planner.
#[derive(Debug)]
struct OneMachine;

#[async_trait]
impl QueryPlanner for OneMachine {
    async fn create_physical_plan(
        &self,
        logical: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        DefaultPhysicalPlanner::default()
            .create_physical_plan(logical, session)
            .await
    }
}
