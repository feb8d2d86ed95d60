//! Plans as bytes and back: what comes out is what went in.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::sync::Arc;

use ballista_core::extension::SessionConfigExt;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use datafusion::prelude::SessionContext;
use datafusion_proto::physical_plan::AsExecutionPlan;
use datafusion_proto::protobuf::PhysicalPlanNode;

use super::Part;
use super::prepare::prepared;
use super::settings::ballista;
use crate::session::{self, Settings};

/// A session with that part.
fn open(part: Part) -> SessionContext {
    session::open(Settings {
        threads: Some(2),
        part: Some(part),
        ..Settings::default()
    })
    .unwrap()
}

/// A session with messages and sites in memory.
async fn desk(part: Part) -> SessionContext {
    let ctx = open(part);
    for sql in [
        "CREATE TABLE messages AS SELECT 'here' AS site_id, 'c' AS conversation_id, 'k' AS consumer_id, 'bot' AS sent_by, \
         TIMESTAMPTZ '2025-05-01T12:00:00Z' AS sent_at",
        "CREATE TABLE sites AS SELECT 'here' AS site_id, 'acme' AS org_id, 'Europe/Rome' AS time_zone",
    ] {
        ctx.sql(sql).await.unwrap().collect().await.unwrap();
    }
    ctx
}

async fn plan(ctx: &SessionContext, sql: &str) -> Arc<dyn ExecutionPlan> {
    let rows = crate::sql(ctx, sql).await.unwrap();
    let plan = rows.create_physical_plan().await.unwrap();
    prepared(plan, &ballista(&ctx.copied_config())).unwrap()
}

fn shown(plan: &Arc<dyn ExecutionPlan>) -> String {
    displayable(plan.as_ref()).indent(true).to_string()
}

/// Both operators of the fast path, with every rule of the switches, and the functions of the ordinary plan.
#[tokio::test]
async fn plans_come_back_as_they_went() {
    let ctx = desk(Part::Executor).await;
    let codec = ctx.copied_config().ballista_physical_extension_codec();
    let mut fast = 0;
    for relationship in ["consumer", "conversation"] {
        for rule in ["any", "first_message", "day_start"] {
            for path in ["on", "off"] {
                ctx.sql(&format!("SET dayrate.fast_path = '{path}'"))
                    .await
                    .unwrap();
                let sql = format!(
                    "SELECT * FROM rated_dars(dars(messages, sites, relationship => '{relationship}', gen_ai_rule => '{rule}'))"
                );
                let sent = plan(&ctx, &sql).await;
                let node =
                    PhysicalPlanNode::try_from_physical_plan(Arc::clone(&sent), codec.as_ref())
                        .unwrap();
                let came = node
                    .try_into_physical_plan(&ctx.task_ctx(), codec.as_ref())
                    .unwrap();
                assert_eq!(shown(&came), shown(&sent), "{sql}");
                fast += usize::from(shown(&came).contains("SettleDarsExec"));
                let rows = datafusion::physical_plan::collect(came, ctx.task_ctx())
                    .await
                    .unwrap();
                assert_eq!(
                    rows.iter().map(|batch| batch.num_rows()).sum::<usize>(),
                    1,
                    "{sql}"
                );
            }
        }
    }
    assert_eq!(fast, 6, "the fast path was not among them");
}

/// A scan of a Delta table: the version and the filters go with it, and its rows are those of the files that it names.
#[cfg(feature = "delta")]
#[tokio::test]
async fn scans_of_delta_tables_come_back_as_they_went() {
    let client = Part::Client("df://127.0.0.1:1".parse().unwrap());
    let (client, executor) = (open(client), open(Part::Executor));
    let codec = executor.copied_config().ballista_physical_extension_codec();
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/delta/messages");
    let sql = format!("SELECT sent_at FROM '{table}' WHERE day = DATE '2026-10-31'");
    let rows = crate::sql(&client, &sql).await.unwrap();
    let plan = rows.create_physical_plan().await.unwrap();
    let sent = super::sent(&plan).unwrap();
    let node = PhysicalPlanNode::try_from_physical_plan(Arc::clone(sent), codec.as_ref()).unwrap();
    let came = node
        .try_into_physical_plan(&executor.task_ctx(), codec.as_ref())
        .unwrap();
    assert_eq!(shown(&came), shown(sent));
    let scan = "version=2, filters=[day = ";
    assert!(shown(&came).contains(scan), "{}", shown(&came));
    let rows = datafusion::physical_plan::collect(came, executor.task_ctx())
        .await
        .unwrap();
    // Six messages of that day are in the last version, three of each site.
    assert_eq!(rows.iter().map(|batch| batch.num_rows()).sum::<usize>(), 6);
}
