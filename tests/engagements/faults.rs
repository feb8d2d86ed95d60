//! A fault in a relation is found whatever a query asks of the engagements: no plan may lose a check.

use crate::session::{Layout, block_on, fresh};

/// What `{f}` stands for is a call with a fault in one relation.
const SHAPES: [&str; 4] = [
    "SELECT count(*) FROM {f}",
    "SELECT count(*) FROM {f} AS e WHERE e.site_id = 'tk'",
    "SELECT sum(e.credits) FROM {f} AS e WHERE e.org_id = 'bolt' AND e.currency = 'JPY'",
    "SELECT s.site_id FROM sites AS s WHERE EXISTS (SELECT 1 FROM {f} AS e WHERE e.org_id = s.org_id)",
];

/// The first step and the last; the one between is the last one's.
const FUNCTIONS: [&str; 2] = ["engagement_days", "engagement_outcomes"];

const SETUP: [&str; 5] = [
    "CREATE TABLE sites(site_id VARCHAR, org_id VARCHAR, time_zone VARCHAR) AS VALUES \
     ('ny', 'acme', 'America/New_York'), ('tk', 'bolt', 'Asia/Tokyo')",
    "CREATE TABLE messages(site_id VARCHAR, conversation_id VARCHAR, sent_at TIMESTAMPTZ, sent_by VARCHAR, consumer_id VARCHAR) AS VALUES \
     ('ny', 'c1', '2025-01-01T12:00:00Z', 'consumer', 'ann'), ('tk', 'c2', '2025-01-01T12:00:00Z', 'consumer', 'dan')",
    "CREATE TABLE contracts(contract_id VARCHAR, org_id VARCHAR, term_start DATE, term_end DATE, currency VARCHAR, \
     committed_credits BIGINT, credit_price BIGINT, overage_price BIGINT) AS VALUES \
     ('A', 'acme', '2025-01-01', '2026-01-01', 'USD', 10, 1, 2), ('B', 'bolt', '2025-01-01', '2026-01-01', 'JPY', 10, 70, 90)",
    "CREATE TABLE price_tiers(contract_id VARCHAR, from_credits BIGINT, price BIGINT) AS VALUES ('A', 5, 1)",
    "CREATE TABLE outcomes(conversation_id VARCHAR, kind VARCHAR) AS VALUES ('c1', 'sales')",
];

/// The argument that replaces a relation of the session, and words of the error.
const FAULTS: [(&str, &[&str]); 6] = [
    (
        "messages => (SELECT * FROM messages UNION ALL SELECT 'ny', 'c3', TIMESTAMPTZ '2025-01-01T12:00:00Z', 'robot', 'ann')",
        &["unknown_sender"],
    ),
    (
        "sites => (SELECT * FROM sites UNION ALL SELECT 'odd', 'o', 'Europe/Roma')",
        &["odd", "Europe/Roma"],
    ),
    (
        "feature_periods => (SELECT 'odd' AS org_id, 'genai' AS feature, TIMESTAMPTZ '2025-01-01T00:00:00Z' AS enabled_from)",
        &["genai"],
    ),
    (
        "contracts => (SELECT * FROM contracts UNION ALL SELECT 'odd', 'o', DATE '2025-02-01', DATE '2025-01-01', 'USD', 1, 1, 1)",
        &["odd"],
    ),
    (
        "contracts => (SELECT * FROM contracts UNION ALL SELECT 'odd', 'o', DATE '2025-01-01', DATE '2026-01-01', 'USD', 1, -1, 1)",
        &["odd", "credit_price"],
    ),
    (
        "price_tiers => (SELECT * FROM price_tiers UNION ALL SELECT 'A', 5, 2)",
        &["A", "from_credits 5"],
    ),
];

#[test]
fn no_shape_of_query_loses_a_check() {
    let mut lost = Vec::new();
    block_on(async {
        let ctx = fresh(&Layout::default());
        for statement in SETUP {
            super::run(&ctx, statement).await;
        }
        for function in FUNCTIONS {
            for shape in SHAPES {
                let sound = shape.replace("{f}", &format!("{function}()"));
                assert!(!super::run(&ctx, &sound).await.is_empty(), "{sound}");
                for (fault, words) in FAULTS {
                    let sql = shape.replace("{f}", &format!("{function}({fault})"));
                    match crate::model::rows(&ctx, &sql).await {
                        Ok(_) => lost.push(format!("no error: {sql}")),
                        Err(error) => {
                            let error = error.to_string();
                            if !words.iter().all(|word| error.contains(word)) {
                                lost.push(format!("{words:?}: {sql}\n  {error}"));
                            }
                        }
                    }
                }
            }
        }
    });
    assert!(lost.is_empty(), "{}:\n{}", lost.len(), lost.join("\n"));
}
