//! Whether a run counts messages.

use datafusion::error::Result;
use datafusion::logical_expr::{col, lit};
use datafusion::prelude::SessionContext;

use crate::lake::dar_table::Refresh;
use crate::lake::dar_table::agreed::relation;
#[cfg(feature = "cluster")]
use crate::lake::elsewhere::Elsewhere;

/// Whether a run counts messages: somebody pays by that, and it is about all days. Executors of a cluster do not count.
pub(in crate::lake::dar_table) async fn counts_messages(
    ctx: &SessionContext,
    asked: &Refresh,
) -> bool {
    #[cfg(feature = "cluster")]
    if Elsewhere::of(&ctx.state()).is_some() {
        return false;
    }
    let is_bounded = asked.since.is_some() || asked.until.is_some();
    // What is wrong with the charges is said by the invoice.
    !asked.dry_run && !is_bounded && pays_by_message(ctx).await.unwrap_or_default()
}

/// Whether there is a charge for every message of a channel, whatever is switched on.
async fn pays_by_message(ctx: &SessionContext) -> Result<bool> {
    let Some(charges) = relation(ctx, "channel_charges").await? else {
        return Ok(false);
    };
    let charges = ctx.execute_logical_plan(charges).await?;
    let mut by_message = col("per").eq(lit("message"));
    if charges.schema().has_column_with_unqualified_name("feature") {
        by_message = by_message.and(col("feature").is_null());
    }
    Ok(charges.filter(by_message)?.count().await? > 0)
}
