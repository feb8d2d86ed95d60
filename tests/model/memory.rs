//! A limit of memory decides how long an answer takes, and never what it is.

use datafusion::physical_plan::ExecutionPlan;

use super::paths::{MANY, SITES, sorted};
use crate::session::{Layout, block_on, fresh};

const CONTRACTS: &str = "CREATE VIEW contracts AS SELECT 'contract-' || n AS contract_id, 'o' || n AS org_id, \
    DATE '2025-01-01' AS term_start, DATE '2026-01-01' AS term_end, 'USD' AS currency, 3000.0 AS committed_credits, \
    1.0 AS credit_price, 1.5 AS overage_price FROM generate_series(0, 1) AS t(n) \
    UNION ALL SELECT 'then', 'o2', DATE '2025-01-01', DATE '2025-04-01', 'EUR', 10.0, 1.0, 1.5 \
    UNION ALL SELECT 'now', 'o2', DATE '2025-04-01', DATE '2026-01-01', 'USD', 10.0, 1.0, 1.5";

/// The order of the drawdown comes from files on disk, and from no more of them than there is reason for: a sort knows
/// what its rows take.
#[test]
fn a_limit_of_memory_changes_no_ledger() {
    let sql = "SELECT * FROM ledger(rated_dars(dars(messages, sites)), contracts)";
    let (whole, none) = block_on(answered(None, 2, sql));
    assert!(whole.len() > 20_000, "{}", whole.len());
    assert_eq!(none.sorts, 0);
    let (limited, spilled) = block_on(answered(Some(32 << 20), 2, sql));
    assert!(limited == whole, "another ledger");
    assert!((1..=40).contains(&spilled.sorts), "{spilled:?}");
}

/// Conversations of two currencies among them; what an aggregate left on disk is put together in the room that it had.
#[test]
fn a_limit_of_memory_changes_no_engagement() {
    let sql = "SELECT * FROM engagements(messages, sites, contracts => contracts)";
    let (whole, none) = block_on(answered(None, 1, sql));
    assert!(whole.len() > 9_973, "{}", whole.len());
    assert_eq!(none.aggregates, 0);
    let (limited, spilled) = block_on(answered(Some(96 << 20), 1, sql));
    assert!(limited == whole, "other engagements");
    assert!(spilled.aggregates > 0, "{spilled:?}");
}

/// How many files operators left on disk.
#[derive(Debug, Default)]
struct Spilled {
    sorts: usize,
    aggregates: usize,
}

/// The rows of a query, sorted, and what went to disk for them.
async fn answered(memory: Option<usize>, partitions: usize, sql: &str) -> (Vec<String>, Spilled) {
    let ctx = fresh(&Layout {
        batch_size: 1024,
        partitions,
        memory,
    });
    for view in [MANY, SITES, CONTRACTS] {
        dayrate::sql(&ctx, view).await.unwrap();
    }
    let (lines, plan) = sorted(&ctx, sql).await;
    let mut spilled = Spilled::default();
    count(plan.as_ref(), &mut spilled);
    (lines, spilled)
}

fn count(plan: &dyn ExecutionPlan, spilled: &mut Spilled) {
    let files = plan.metrics().and_then(|metrics| metrics.spill_count());
    match plan.name() {
        "SortExec" => spilled.sorts += files.unwrap_or_default(),
        "AggregateExec" => spilled.aggregates += files.unwrap_or_default(),
        _ => {}
    }
    for child in plan.children() {
        count(child.as_ref(), spilled);
    }
}
