//! The functions in a DataFusion program of one's own: register them once, then any SQL may use them.
//!
//! Run it with `cargo run --example embed`.

use datafusion::error::Result;
use datafusion::prelude::SessionContext;

#[tokio::main]
async fn main() -> Result<()> {
    let ctx = SessionContext::new();
    dayrate::register_all(&ctx)?;

    // Any table of the session will do: these two stand for your own.
    ctx.sql(
        "CREATE VIEW sites AS
         SELECT 'paris' AS site_id, 'acme' AS org_id, 'Europe/Paris' AS time_zone",
    )
    .await?;
    ctx.sql(
        "CREATE VIEW messages AS
         SELECT 'paris' AS site_id, conversation_id, sent_by,
                arrow_cast(sent_at, 'Timestamp(Microsecond, Some(\"UTC\"))') AS sent_at
         FROM (VALUES ('c1', 'consumer', '2026-11-01T22:59:00Z'),
                      ('c1', 'agent',    '2026-11-01T23:01:00Z'),
                      ('c2', 'consumer', '2026-11-02T09:00:00Z')) AS rows (conversation_id, sent_by, sent_at)",
    )
    .await?;

    // The conversation c1 went on past midnight in Paris, so it makes two days.
    let dars = ctx.sql("SELECT site_id, relationship_id, day, messages FROM dars(messages, sites) ORDER BY day, relationship_id");
    dars.await?.show().await
}
