//! Whether contracts can be billed, whom they miss, and whether an invoice comes out.

use datafusion::prelude::SessionContext;

use super::finding::Findings;
use super::question::{asked, count, text};
use crate::cli::count::grouped;

const CHECK: &str = "contracts";

/// Looks at `contracts`, and at `channel_charges` and `price_tiers` through the invoice.
pub(super) async fn check(ctx: &SessionContext, findings: &mut Findings) {
    let before = findings.all().len();
    // Overlaps, negative prices, unknown modes: the rating itself says which row.
    let query = "SELECT org_id, count(*) AS dars, sum(credits) AS credits, min(day), max(day) \
                 FROM rated_dars(rejects => 'skip') WHERE contract_id IS NULL GROUP BY org_id \
                 ORDER BY credits DESC, org_id";
    let Some(rows) = asked(ctx, query, findings, CHECK, "contracts").await else {
        return;
    };
    for row in &rows {
        findings.warning(
            CHECK,
            &text(row, 0),
            format!(
                "{} DARs ({} credits) between {} and {} fall under no contract",
                grouped(count(row, 1)),
                text(row, 2),
                text(row, 3),
                text(row, 4)
            ),
            "add a row to contracts whose term holds these days, or expect a line `uncontracted` without an amount",
        );
    }
    let query = "SELECT DISTINCT contract_id::VARCHAR, org_id::VARCHAR FROM contracts WHERE org_id::VARCHAR NOT IN \
                 (SELECT org_id::VARCHAR FROM sites) ORDER BY 1";
    let rows = asked(ctx, query, findings, CHECK, "contracts").await;
    for row in rows.iter().flatten() {
        findings.warning(
            CHECK,
            &text(row, 0),
            format!("its organization {} has no site", text(row, 1)),
            "compare org_id of contracts with that of sites",
        );
    }
    let query = "SELECT count(*) FROM invoice_lines(rejects => 'skip')";
    let place = "contracts, price_tiers, channel_charges";
    if asked(ctx, query, findings, "invoice", place)
        .await
        .is_some()
    {
        if findings.all().len() == before {
            findings.ok(CHECK, "contracts", "every DAR falls under one");
        }
        findings.ok("invoice", "", "it can be made as of today");
    }
}
