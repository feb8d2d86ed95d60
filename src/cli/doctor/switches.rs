//! Whether the switches of Generative AI and Intent Analyzer reach anybody.

use datafusion::prelude::SessionContext;

use super::finding::Findings;
use super::question::{asked, text};

const CHECK: &str = "switches";

/// Looks at `feature_periods`.
pub(super) async fn check(ctx: &SessionContext, findings: &mut Findings) {
    let before = findings.all().len();
    // What a bill would fail at: an unknown feature, a period that ends before it begins, a site without its scope.
    let query = "SELECT count(*) FROM dars(rejects => 'skip')";
    if asked(ctx, query, findings, CHECK, "feature_periods")
        .await
        .is_none()
    {
        return;
    }
    let query = "SELECT DISTINCT org_id::VARCHAR, feature FROM feature_periods WHERE org_id::VARCHAR NOT IN \
                 (SELECT org_id::VARCHAR FROM sites) ORDER BY 1, 2";
    let rows = asked(ctx, query, findings, CHECK, "feature_periods").await;
    for row in rows.iter().flatten() {
        findings.warning(
            CHECK,
            &text(row, 0),
            format!(
                "{} is switched for an organization that has no site",
                text(row, 1)
            ),
            "compare org_id of feature_periods with that of sites",
        );
    }
    if findings.all().len() == before {
        findings.ok(CHECK, "feature_periods", "every switch reaches a site");
    }
}
