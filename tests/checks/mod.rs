//! Every fault in a relation is found under every shape of query: no plan may lose a check.
//!
//! A check that only computes a column is pruned by `count(*)`, runs after cheap filters, or is lost where an outer
//! join becomes an inner one. So each fault meets each shape here, at each step of the ladder.

use datafusion::prelude::SessionContext;

use crate::session::{Layout, block_on, fresh};

/// What `{dars}` stands for is a call with a fault in one relation.
const SHAPES: [&str; 9] = [
    "SELECT * FROM {dars}",
    "SELECT count(*) FROM {dars}",
    "SELECT 1 FROM {dars}",
    "SELECT * FROM {dars} AS d WHERE d.day = DATE '2025-01-01'",
    "SELECT count(*) FROM {dars} AS d WHERE d.day BETWEEN DATE '2025-01-01' AND DATE '2025-01-31' AND d.site_id <> 'tk'",
    "SELECT * FROM {dars} AS d WHERE d.org_id = 'acme'",
    "SELECT count(*) FROM {dars} AS d JOIN good_sites AS s ON d.org_id = s.org_id AND d.site_id = s.site_id",
    "SELECT org_id, sum(messages) FROM {dars} AS d WHERE d.time_zone LIKE 'America/%' GROUP BY org_id",
    "SELECT s.site_id FROM good_sites AS s WHERE EXISTS (SELECT 1 FROM {dars} AS d WHERE d.org_id = s.org_id)",
];

/// The same of a function whose rows are lines of an invoice.
const INVOICE_SHAPES: [&str; 6] = [
    "SELECT * FROM {dars}",
    "SELECT count(*) FROM {dars}",
    "SELECT 1 FROM {dars}",
    "SELECT sum(d.amount) FROM {dars} AS d WHERE d.org_id = 'acme' GROUP BY d.currency",
    "SELECT * FROM {dars} AS d WHERE d.line_type = 'overage' OR d.line_no = 1 LIMIT 1",
    "SELECT s.site_id FROM good_sites AS s WHERE EXISTS (SELECT 1 FROM {dars} AS d WHERE d.org_id = s.org_id)",
];

/// The steps, over relations called as in the faults below.
const STEPS: [&str; 5] = [
    "dars({messages}, {sites}, feature_periods => {switches})",
    "dars({messages}, {sites}, feature_periods => {switches}, relationship => 'conversation', gen_ai_rule => 'day_start')",
    "rated_dars(dars({messages}, {sites}, feature_periods => {switches}), contracts => {contracts})",
    "ledger(rated_dars(dars({messages}, {sites}, feature_periods => {switches}), contracts => {contracts}), {contracts}, price_tiers => {tiers})",
    "invoice_lines(rated_dars(dars({messages}, {sites}, feature_periods => {switches}), contracts => {contracts}), {contracts}, \
     price_tiers => {tiers}, channel_charges => {charges}, messages => {messages}, sites => {sites}, as_of => DATE '2026-01-01')",
];

/// The steps that ask for money; the others take no notice of a price.
const MONEY: [&str; 2] = ["ledger(", "invoice_lines("];

fn shapes(step: &str) -> &'static [&'static str] {
    if step.starts_with("invoice_lines(") {
        &INVOICE_SHAPES
    } else {
        &SHAPES
    }
}

/// The steps that a fault in this relation, with these rows, is a fault of.
fn steps(relation: &str, fault: &str) -> impl Iterator<Item = &'static str> {
    let is_money = fault.contains("money");
    STEPS.into_iter().filter(move |step| {
        step.contains(relation) && (!is_money || MONEY.iter().any(|name| step.starts_with(name)))
    })
}

const GOOD: [(&str, &str); 6] = [
    ("{messages}", "good_messages"),
    ("{sites}", "good_sites"),
    ("{switches}", "good_switches"),
    ("{contracts}", "good_contracts"),
    ("{tiers}", "good_tiers"),
    ("{charges}", "good_charges"),
];

/// The relation, the rows that replace it, and words of the error.
const FAULTS: [(&str, &str, &[&str]); 25] = [
    (
        "{messages}",
        "(SELECT * FROM good_messages UNION ALL SELECT 'ny', 'c2', TIMESTAMPTZ '2025-01-01T12:00:00Z', 'robot', NULL)",
        &["unknown_sender"],
    ),
    (
        "{messages}",
        "(SELECT * FROM good_messages UNION ALL SELECT 'zz', 'c2', TIMESTAMPTZ '2025-01-01T12:00:00Z', 'bot', NULL)",
        &["unknown_site"],
    ),
    (
        "{messages}",
        "(SELECT * FROM good_messages UNION ALL SELECT 'ny', 'c2', TIMESTAMPTZ '2025-01-01T12:00:00Z', 'bot', 'x')",
        &["unknown_audience"],
    ),
    (
        "{messages}",
        "(SELECT * FROM good_messages UNION ALL SELECT 'ny', NULL, TIMESTAMPTZ '2025-01-01T12:00:00Z', 'bot', NULL)",
        &["null_conversation"],
    ),
    (
        "{sites}",
        "(SELECT *, TIMESTAMPTZ '2025-01-01T12:00:01Z' AS valid_from FROM good_sites)",
        &["no_zone_in_force"],
    ),
    (
        "{sites}",
        "(SELECT * FROM good_sites UNION ALL SELECT 'odd', 'o', 'Europe/Roma')",
        &["odd", "Europe/Roma"],
    ),
    (
        "{sites}",
        "(SELECT * FROM good_sites UNION ALL SELECT 'odd', 'o', NULL)",
        &["time_zone"],
    ),
    (
        "{sites}",
        "(SELECT * FROM good_sites UNION ALL SELECT 'odd', NULL, 'UTC')",
        &["org_id"],
    ),
    (
        "{sites}",
        "(SELECT * FROM good_sites UNION ALL SELECT 'tk', 'bolt', 'UTC')",
        &["tk", "at one time"],
    ),
    (
        "{sites}",
        "(SELECT *, CAST(NULL AS TIMESTAMPTZ) AS valid_from, CAST(NULL AS TIMESTAMPTZ) AS valid_to FROM good_sites UNION ALL SELECT 'odd', 'o', 'UTC', TIMESTAMPTZ '2025-02-01T00:00:00Z', TIMESTAMPTZ '2025-01-01T00:00:00Z')",
        &["odd"],
    ),
    (
        "{switches}",
        "(SELECT * FROM good_switches UNION ALL SELECT 'odd', 'genai', NULL, TIMESTAMPTZ '2025-01-01T00:00:00Z', NULL)",
        &["genai"],
    ),
    (
        "{switches}",
        "(SELECT * FROM good_switches UNION ALL SELECT 'odd', 'gen_ai', 'x', TIMESTAMPTZ '2025-01-01T00:00:00Z', NULL)",
        &["gen_ai_scope => 'site'"],
    ),
    (
        "{switches}",
        "(SELECT * FROM good_switches UNION ALL SELECT 'odd', 'gen_ai', NULL, NULL, NULL)",
        &["enabled_from"],
    ),
    (
        "{switches}",
        "(SELECT * FROM good_switches UNION ALL SELECT 'odd', 'gen_ai', NULL, TIMESTAMPTZ '2025-02-01T00:00:00Z', TIMESTAMPTZ '2025-01-01T00:00:00Z')",
        &["odd"],
    ),
    (
        "{contracts}",
        "(SELECT * FROM good_contracts UNION ALL SELECT 'odd', 'o', DATE '2025-02-01', DATE '2025-01-01', 'USD', 1, 1, 1, 1, NULL, NULL)",
        &["odd"],
    ),
    (
        "{contracts}",
        "(SELECT * FROM good_contracts UNION ALL SELECT 'odd', 'bolt', DATE '2025-02-01', DATE '2025-03-01', 'USD', 1, 1, 1, 1, NULL, NULL)",
        &["odd", "bolt"],
    ),
    (
        "{contracts}",
        "(SELECT * FROM good_contracts UNION ALL SELECT 'odd', 'o', DATE '2025-01-01', DATE '2026-01-01', 'USD', -1, 1, 1, 1, NULL, NULL)",
        &["odd", "dar_credits"],
    ),
    (
        "{contracts}",
        "(SELECT * FROM good_contracts UNION ALL SELECT 'odd', 'money', DATE '2025-01-01', DATE '2026-01-01', 'USD', 1, -1, 1, 1, NULL, NULL)",
        &["odd", "committed_credits"],
    ),
    (
        "{contracts}",
        "(SELECT * FROM good_contracts UNION ALL SELECT 'odd', 'money', DATE '2025-01-01', DATE '2026-01-01', 'USD', 1, 1, 1, -1, NULL, NULL)",
        &["odd", "overage_price"],
    ),
    (
        "{contracts}",
        "(SELECT * FROM good_contracts UNION ALL SELECT 'odd', 'money', DATE '2025-01-01', DATE '2026-01-01', 'usd', 1, 1, 1, 1, NULL, NULL)",
        &["odd", "usd"],
    ),
    (
        "{contracts}",
        "(SELECT * FROM good_contracts UNION ALL SELECT 'odd', 'money', DATE '2025-01-01', DATE '2026-01-01', 'USD', 1, 1, 1, 1, 'year', NULL)",
        &["odd", "period", "year"],
    ),
    (
        "{contracts}",
        "(SELECT * FROM good_contracts UNION ALL SELECT 'odd', 'money', DATE '2025-01-01', DATE '2026-01-01', 'USD', 1, 1, 1, 1, NULL, 'up')",
        &["odd", "block_mode", "up"],
    ),
    (
        "{tiers}",
        "(SELECT * FROM good_tiers UNION ALL SELECT 'A', 5, 2)",
        &["A", "from_credits 5"],
    ),
    (
        "{tiers}",
        "(SELECT * FROM good_tiers UNION ALL SELECT 'A', 6, -2)",
        &["A", "price"],
    ),
    (
        "{charges}",
        "(SELECT * FROM good_charges UNION ALL SELECT 'acme', NULL, 'message', 2, 'USD')",
        &["acme", "overlaps"],
    ),
];

const SETUP: [&str; 6] = [
    "CREATE TABLE good_messages(site_id VARCHAR, conversation_id VARCHAR, sent_at TIMESTAMPTZ, sent_by VARCHAR, audience VARCHAR) AS VALUES \
     ('ny', 'c1', '2025-01-01T12:00:00Z', 'bot', NULL), ('tk', 'c1', '2025-01-01T12:00:00Z', 'bot', NULL)",
    "CREATE TABLE good_sites(site_id VARCHAR, org_id VARCHAR, time_zone VARCHAR) AS VALUES \
     ('ny', 'acme', 'America/New_York'), ('tk', 'bolt', 'Asia/Tokyo')",
    "CREATE TABLE good_switches(org_id VARCHAR, feature VARCHAR, site_id VARCHAR, enabled_from TIMESTAMPTZ, enabled_to TIMESTAMPTZ) AS VALUES \
     ('bolt', 'gen_ai', NULL, '2025-01-01T00:00:00Z', NULL)",
    "CREATE TABLE good_contracts(contract_id VARCHAR, org_id VARCHAR, term_start DATE, term_end DATE, currency VARCHAR, dar_credits BIGINT, \
     committed_credits BIGINT, credit_price BIGINT, overage_price BIGINT, period VARCHAR, block_mode VARCHAR) AS VALUES \
     ('A', 'acme', '2025-01-01', '2026-01-01', 'USD', 1, 0, 1, 2, NULL, NULL), ('B', 'bolt', '2025-01-01', '2026-01-01', 'USD', 1, 0, 1, 2, NULL, NULL)",
    "CREATE TABLE good_tiers(contract_id VARCHAR, from_credits BIGINT, price BIGINT) AS VALUES ('A', 5, 1)",
    "CREATE TABLE good_charges(org_id VARCHAR, channel VARCHAR, per VARCHAR, price BIGINT, currency VARCHAR) AS VALUES ('acme', NULL, 'message', 1, 'USD')",
];

async fn outcome(ctx: &SessionContext, sql: &str) -> Result<usize, String> {
    let run = async { dayrate::sql(ctx, sql).await?.collect().await };
    let batches = run.await.map_err(|error| error.to_string())?;
    Ok(batches.iter().map(|batch| batch.num_rows()).sum())
}

async fn session() -> SessionContext {
    let ctx = fresh(&Layout::default());
    for statement in SETUP {
        outcome(&ctx, statement).await.unwrap();
    }
    ctx
}

fn query(shape: &str, step: &str, (relation, rows): (&str, &str)) -> String {
    let mut call = step.replace(relation, rows);
    for (relation, rows) in GOOD {
        call = call.replace(relation, rows);
    }
    shape.replace("{dars}", &call)
}

#[test]
fn no_shape_of_query_loses_a_check() {
    let mut lost = Vec::new();
    block_on(async {
        let ctx = session().await;
        for (relation, rows, words) in FAULTS {
            for step in steps(relation, rows) {
                for shape in shapes(step) {
                    let sql = query(shape, step, (relation, rows));
                    match outcome(&ctx, &sql).await {
                        Ok(rows) => lost.push(format!("no error, {rows} rows: {sql}")),
                        Err(error) if words.iter().all(|word| error.contains(word)) => {}
                        Err(error) => lost.push(format!(
                            "{words:?} is not in the error of: {sql}\n  {error}"
                        )),
                    }
                }
            }
        }
    });
    assert!(
        lost.is_empty(),
        "{} of the checks are lost:\n{}",
        lost.len(),
        lost.join("\n")
    );
}

/// The same shapes over sound relations answer, and EXPLAIN of a faulty one runs no check.
#[test]
fn sound_relations_pass_and_explain_runs_no_check() {
    block_on(async {
        let ctx = session().await;
        for step in STEPS {
            for shape in shapes(step) {
                let sql = query(shape, step, GOOD[0]);
                assert!(
                    outcome(&ctx, &sql).await.is_ok_and(|rows| rows > 0),
                    "{sql}"
                );
            }
        }
        for (relation, rows, _) in FAULTS {
            let sql = format!("EXPLAIN {}", query(SHAPES[1], STEPS[4], (relation, rows)));
            assert_eq!(
                outcome(&ctx, &sql).await.map(|rows| rows > 0),
                Ok(true),
                "{sql}"
            );
        }
    });
}
