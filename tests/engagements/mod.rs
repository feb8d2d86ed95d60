//! The engagements of the generated year, against a model that shares and sums them from the messages and the ledger.
//!
//! The model reads which conversation each counted message belongs to from `message_days`, and what each DAR cost from
//! `ledger`; everything after that it works out by itself, from the sentences of the design. What a period left unused it
//! takes from the invoice.

mod faults;
mod model;

use datafusion::prelude::SessionContext;

use crate::session::{Layout, block_on, fresh};
use model::{Cost, Part, Usage, parts, wholes};

/// One history and the readings to share it by.
struct History {
    /// What stands for the messages.
    messages: &'static str,
    contracts: &'static str,
    /// Whether there must be DARs of several conversations, and periods that ended with credits unused: what the history
    /// is there to show.
    shows: (bool, bool),
    relationship: &'static str,
    as_of: &'static str,
}

/// The year as it is, and the same crowded together: one site, 16 consumers and 256 conversations, so that conversations
/// share DARs, meet several consumers on a day and go on for months, from one currency to the next and over a gap between
/// two contracts.
const HISTORIES: [History; 4] = [
    History {
        messages: "messages",
        contracts: "contracts",
        shows: (true, true),
        relationship: "consumer",
        as_of: "2026-01-01",
    },
    History {
        messages: "messages",
        contracts: "contracts",
        shows: (false, true),
        relationship: "conversation",
        as_of: "2025-07-15",
    },
    History {
        messages: "crowded",
        contracts: "agreed",
        shows: (true, true),
        relationship: "consumer",
        as_of: "2025-12-01",
    },
    History {
        messages: "crowded",
        contracts: "agreed",
        shows: (false, true),
        relationship: "conversation",
        as_of: "2026-01-01",
    },
];

async fn run(ctx: &SessionContext, sql: &str) -> Vec<Vec<Option<String>>> {
    let rows = crate::model::rows(ctx, sql).await;
    rows.unwrap_or_else(|error| panic!("{sql}\n{error}"))
}

async fn session() -> SessionContext {
    let ctx = fresh(&Layout::default());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/generated");
    for name in ["sites", "feature_periods", "contracts", "price_tiers"] {
        let sql = format!("CREATE VIEW {name} AS SELECT * FROM '{folder}/{name}.parquet'");
        run(&ctx, &sql).await;
    }
    let sql = format!("CREATE VIEW messages AS SELECT * FROM '{folder}/messages'");
    run(&ctx, &sql).await;
    run(
        &ctx,
        "CREATE VIEW crowded AS SELECT * REPLACE ('site-048' AS site_id, substr(consumer_id, 1, 1) AS consumer_id, \
         substr(conversation_id, 1, 2) AS conversation_id) FROM messages",
    )
    .await;
    run(
        &ctx,
        "CREATE TABLE agreed(contract_id VARCHAR, org_id VARCHAR, term_start DATE, term_end DATE, currency VARCHAR, \
         committed_credits BIGINT, credit_price DECIMAL(8,4), overage_price DECIMAL(8,4), period VARCHAR, \
         overage_block BIGINT, scenario VARCHAR) AS VALUES \
         ('U', 'org-048', '2025-01-01', '2025-04-01', 'USD', 150, 0.5017, 0.6, 'month', NULL, NULL), \
         ('E', 'org-048', '2025-04-11', '2025-10-01', 'EUR', 5000, 0.41, 0.49, 'term', NULL, NULL), \
         ('J', 'org-048', '2025-10-01', '2026-01-01', 'JPY', 10, 70, 4500, 'month', 100, NULL)",
    )
    .await;
    ctx
}

/// What the model starts from.
async fn usage(ctx: &SessionContext, history: &History) -> Usage {
    let History {
        messages,
        contracts,
        relationship,
        as_of,
        ..
    } = history;
    let counted = format!(
        "SELECT site_id, relationship_id, day, conversation_id, sent_at, channel \
         FROM message_days({messages}, sites, relationship => '{relationship}') \
         WHERE disposition = 'counted' AND day < DATE '{as_of}'"
    );
    let rated = format!(
        "rated_dars(dars({messages}, sites, relationship => '{relationship}', rejects => 'skip'), contracts => {contracts})"
    );
    let ledger = format!(
        "SELECT site_id, relationship_id, day, org_id, consumer_id, credits, currency, contract_id, period_start, \
         cumulative_credits, amount FROM ledger({rated}, {contracts}, as_of => DATE '{as_of}')"
    );
    // The lines of a commitment paid in advance have no price of their own, so it is the contract's.
    let unused = format!(
        "SELECT l.contract_id, l.period_start, CAST(l.quantity * c.credit_price AS DECIMAL(30,10)) \
         FROM invoice_lines({rated}, {contracts}, channel_charges => NULL, as_of => DATE '{as_of}') AS l \
         JOIN {contracts} AS c ON c.contract_id = l.contract_id AND l.period_start >= c.term_start \
         AND l.period_start < c.term_end AND c.scenario IS NULL WHERE l.line_type = 'unused_commitment'"
    );
    Usage::read(
        &run(ctx, &counted).await,
        &run(ctx, &ledger).await,
        &run(ctx, &unused).await,
    )
}

/// Every row of `engagement_days` and `engagements`, each column of it, under each cost and each relationship.
#[test]
fn every_part_and_every_whole_is_that_of_the_model() {
    block_on(async {
        let ctx = session().await;
        for history in &HISTORIES {
            let usage = usage(&ctx, history).await;
            let shared = parts(&usage, Cost::Average).len() > usage.dars();
            assert_eq!((shared, usage.leaves_credits_unused()), history.shows);
            for (name, cost) in [
                ("drawdown", Cost::Drawdown),
                ("average", Cost::Average),
                ("amortised", Cost::Amortised),
            ] {
                let call = format!(
                    "({}, sites, contracts => {}, relationship => '{}', rejects => 'skip', cost => '{name}', as_of => DATE '{}')",
                    history.messages, history.contracts, history.relationship, history.as_of
                );
                let expected = parts(&usage, cost);
                let found = run(&ctx, &format!("SELECT * FROM engagement_days{call}")).await;
                same(&call, found, expected.iter().map(Part::row).collect());
                let found = run(&ctx, &format!("SELECT * FROM engagements{call}")).await;
                same(&call, found, wholes(&expected));
            }
        }
    });
}

fn same(call: &str, found: Vec<Vec<Option<String>>>, mut expected: Vec<Vec<Option<String>>>) {
    expected.sort();
    assert!(!expected.is_empty(), "{call}: nothing to compare");
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "{call}");
    }
    assert_eq!(found.len(), expected.len(), "{call}");
}

/// Sums by DAR are those of the ledger under 'drawdown', and under each cost a period's money is the ledger's, to which
/// 'amortised' adds the unused commitment; asked of the engine, with nothing of the model.
#[test]
fn parts_add_up_to_the_ledger() {
    let history = &HISTORIES[2];
    let options = format!(
        "relationship => '{}', rejects => 'skip'",
        history.relationship
    );
    let days = |cost: &str| {
        format!(
            "engagement_days(crowded, sites, contracts => agreed, {options}, cost => '{cost}', as_of => DATE '{}')",
            history.as_of
        )
    };
    let ledger = format!(
        "ledger(rated_dars(dars(crowded, sites, {options}), contracts => agreed), agreed, as_of => DATE '{}')",
        history.as_of
    );
    block_on(async {
        let ctx = session().await;
        let by_dar = "site_id, relationship_id, consumer_id, day, currency";
        let drawn = run(
            &ctx,
            &format!("SELECT {by_dar}, messages, credits, amount FROM {ledger}"),
        )
        .await;
        let shared = format!(
            "SELECT {by_dar}, sum(messages), CAST(sum(credits) AS DECIMAL(18,4)), CAST(sum(amount) AS DECIMAL(30,10)) \
             FROM {} GROUP BY {by_dar}",
            days("drawdown")
        );
        assert_eq!(run(&ctx, &shared).await, drawn);
        let total = |from: &str| {
            format!("SELECT currency, sum(credits), sum(amount) FROM {from} GROUP BY currency")
        };
        assert_eq!(
            run(&ctx, &total(&days("average"))).await,
            run(&ctx, &total(&ledger)).await
        );
    });
}
