//! The two ways in which `dars` are made, beside the model and beside each other.
//!
//! `SET dayrate.fast_path` chooses between operators of the crate's own and the engine's joins and aggregates. It may
//! decide how long an answer takes and never what it is: not for any form of the rows, not for a column that is asked
//! for or left out, not where memory runs out, and not for a message that must fail the bill.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use datafusion::prelude::SessionContext;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::expect::{Dar, dars};
use super::load::{Form, form, session};
use super::properties::{billed, called, holds};
use super::read::{Row, rows};
use super::world::World;
use crate::session::{Layout, block_on, fresh};

fn ask(world: &World, form: &Form, path: &str, sql: &str) -> Result<Vec<Row>, String> {
    block_on(async {
        let ctx = session(world, form);
        set(&ctx, path).await;
        rows(&ctx, sql).await.map_err(|error| error.to_string())
    })
}

async fn set(ctx: &SessionContext, path: &str) {
    let sql = format!("SET dayrate.fast_path = '{path}'");
    dayrate::sql(ctx, &sql).await.unwrap();
}

/// Without carried columns the operators make every column, and make those of the model.
#[test]
fn the_operators_make_the_dars_of_the_model() {
    holds(96, billed(false), |(world, readings, form)| {
        let sql = format!("SELECT * FROM {}", called(&readings, "rejects => 'skip'"));
        let found = ask(&world, &form, "on", &sql).map_err(TestCaseError::fail)?;
        let mut expected: Vec<Row> = dars(&world, &readings)
            .into_iter()
            .map(|Dar { cells, .. }| cells)
            .collect();
        expected.sort();
        prop_assert_eq!(found, expected);
        Ok(())
    });
}

/// Whatever is asked of them, over whichever form: both paths answer the same, and where one fails, so does the other.
#[test]
fn both_paths_give_the_same_rows() {
    let asked = vec![
        "SELECT * FROM {}",
        "SELECT count(*) FROM {}",
        "SELECT relationship_id, consumer_id FROM {}",
        "SELECT consumer_id, channel, day FROM {}",
        "SELECT org_id, day, count(*), sum(messages), max(last_message_at) FROM {} GROUP BY org_id, day",
        "SELECT time_zone, bool_or(gen_ai), bool_and(intent_analyzer) FROM {} GROUP BY time_zone",
        "SELECT site_id, bot_messages FROM {} WHERE day > DATE '2011-12-30' AND channel IS NOT NULL",
        "SELECT relationship_id, messages FROM {} WHERE day IN (DATE '2011-12-31', DATE '2025-03-09', DATE '2025-03-30')",
        "SELECT day, sum(messages) FROM {} WHERE site_id = '7' GROUP BY day",
        "SELECT * FROM {} WHERE site_id IN ('8', '70') AND day BETWEEN DATE '2010-11-06' AND DATE '2025-01-01'",
        "SELECT * FROM {} WHERE site_id = '7' OR day < DATE '2011-12-30'",
        "SELECT count(*), count(channel), count(DISTINCT channel), sum(CASE WHEN gen_ai THEN 3 END), min(day), \
         bool_and(gen_ai), count(*) FILTER (WHERE intent_analyzer), count(1) FROM {}",
        "SELECT DISTINCT org_id, channel FROM {}",
        "SELECT channel, sum(dars), max(dars), count(*) FROM (SELECT channel, day, count(*) AS dars FROM {} \
         WHERE day > DATE '2011-12-30' AND (gen_ai OR channel = 'SMS') GROUP BY channel, day) GROUP BY channel",
        "SELECT rate, count(*) AS dars, sum(rate * CASE WHEN gen_ai THEN 1.5 ELSE 1.25 END) FROM {} AS d LEFT JOIN \
         (VALUES (DATE '2010-11-07', 0.1), (DATE '2025-03-09', 0.2), (DATE '2025-03-30', 0.3), (DATE '2025-03-30', 0.4)) \
         AS r(from_day, rate) ON d.day >= r.from_day GROUP BY rate HAVING count(*) > 1",
        "SELECT a.day, count(*) FROM {} AS a JOIN {} AS b ON a.org_id = b.org_id AND a.day = b.day GROUP BY a.day",
        "SELECT day, count(*) OVER (PARTITION BY org_id) FROM {}",
        "SELECT a.relationship_id, b.day FROM {} AS a JOIN {} AS b ON a.org_id = b.org_id AND a.day = b.day",
    ];
    holds(
        96,
        (
            billed(true),
            form(true),
            prop::sample::select(asked),
            prop::sample::select(vec!["skip", "fail"]),
        ),
        |((world, readings, one), other, asked, rejects)| {
            let dars = called(&readings, &format!("rejects => '{rejects}'"));
            let sql = asked.replace("{}", &dars);
            let fast = ask(&world, &one, "on", &sql);
            let ordinary = ask(&world, &other, "off", &sql);
            match (fast, ordinary) {
                // Which of several rejected messages comes first depends on the form.
                (Err(fast), Err(ordinary)) => {
                    for error in [fast, ordinary] {
                        prop_assert!(error.contains("rejects => 'skip'"), "{}", error);
                    }
                }
                (fast, ordinary) => prop_assert_eq!(fast, ordinary),
            }
            Ok(())
        },
    );
}

/// Conversations that come back after hours, with consumers on some of their messages, in rows that no clock orders.
pub(super) const MANY: &str = "CREATE VIEW messages AS SELECT 's' || (n * 7919 % 11) AS site_id, \
    'conversation-' || (n * 104729 % 9973) AS conversation_id, \
    CASE WHEN n % 5 < 2 THEN 'consumer-' || (n * 104729 % 1009) END AS consumer_id, \
    arrow_cast(1743200000000000 + (n * 15485863 % 864000) * 1000003, 'Timestamp(Microsecond, Some(\"UTC\"))') AS sent_at, \
    CASE n % 3 WHEN 0 THEN 'consumer' WHEN 1 THEN 'agent' ELSE 'bot' END AS sent_by, \
    CASE n % 4 WHEN 0 THEN 'SMS' WHEN 1 THEN 'WEB' END AS channel FROM generate_series(1, 120000) AS t(n)";
pub(super) const SITES: &str = "CREATE VIEW sites AS SELECT 's' || n AS site_id, 'o' || (n % 3) AS org_id, \
    CASE n % 2 WHEN 0 THEN 'America/St_Johns' ELSE 'Europe/Rome' END AS time_zone FROM generate_series(0, 10) AS t(n)";

/// Memory for a part of the parts, or for all of them: the same DARs, and the first time some went to disk.
#[test]
fn a_limit_of_memory_changes_no_dar() {
    for relationship in ["consumer", "conversation"] {
        let sql = format!("SELECT * FROM dars(messages, sites, relationship => '{relationship}')");
        let (ordinary, _) = block_on(answered(None, "off", &sql));
        assert!(ordinary.len() > 20_000, "{}", ordinary.len());
        for (limit, spills) in [(Some(12 << 20), true), (None, false)] {
            let (fast, spilled) = block_on(answered(limit, "on", &sql));
            assert_eq!(spilled, spills, "{relationship}, {limit:?}");
            assert!(fast == ordinary, "{relationship}, {limit:?}: other DARs");
        }
    }
}

/// A limit in which not even one file of parts finds room is an error that names the limit, not a wrong bill.
#[test]
fn a_limit_too_small_is_an_error() {
    let error = block_on(async {
        let ctx = many(Some(64 << 10)).await;
        let frame = dayrate::sql(&ctx, "SELECT * FROM dars(messages, sites)").await;
        frame.unwrap().collect().await.unwrap_err().to_string()
    });
    assert!(error.contains("memory"), "{error}");
}

pub(super) async fn many(memory: Option<usize>) -> SessionContext {
    let ctx = fresh(&Layout {
        memory,
        ..Layout::default()
    });
    for view in [MANY, SITES] {
        dayrate::sql(&ctx, view).await.unwrap();
    }
    ctx
}

/// The rows of a query, sorted, and whether any operator of its plan spilled.
async fn answered(memory: Option<usize>, path: &str, sql: &str) -> (Vec<String>, bool) {
    let ctx = many(memory).await;
    set(&ctx, path).await;
    let (lines, plan) = sorted(&ctx, sql).await;
    (lines, spilled(plan.as_ref()))
}

/// The rows of a query, sorted, and its plan with what it measured.
pub(super) async fn sorted(
    ctx: &SessionContext,
    sql: &str,
) -> (Vec<String>, Arc<dyn ExecutionPlan>) {
    let frame = dayrate::sql(ctx, sql).await.unwrap();
    let context = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await.unwrap();
    let batches: Vec<RecordBatch> = collect(Arc::clone(&plan), context).await.unwrap();
    let text = arrow::util::pretty::pretty_format_batches(&batches)
        .unwrap()
        .to_string();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    (lines, plan)
}

/// What a filter on site and day leaves out is not made into parts either, and the plan says which DARs are asked for.
#[test]
fn only_what_is_asked_for_is_made() {
    let all = "SELECT * FROM dars(messages, sites)";
    let some = format!(
        "{all} WHERE site_id = 's3' AND day >= DATE '2025-03-30' AND day < DATE '2025-04-01'"
    );
    let (of_all, _) = block_on(folded(all));
    let (of_some, shown) = block_on(folded(&some));
    // Two of eleven days, one of eleven sites.
    assert!(
        0 < of_some && of_some * 40 < of_all,
        "{of_some} of {of_all}"
    );
    assert!(
        shown.ends_with(", sites=1, days=2025-03-30..2025-03-31"),
        "{shown}"
    );
}

/// Thousands of DARs that agree in what is asked for come as one row, which counts as all of them; where a column tells
/// them apart, each comes by itself.
#[test]
fn dars_alike_come_as_one_row() {
    let of = |asked: &str| format!("SELECT {asked} FROM dars(messages, sites) GROUP BY org_id");
    let dars = block_on(made("SELECT * FROM dars(messages, sites)")).0;
    for asked in [
        "count(*)",
        "org_id, min(day), sum(CASE WHEN gen_ai THEN 2 ELSE 1 END)",
    ] {
        let (rows, shown) = block_on(made(&of(asked)));
        // Eleven sites, eleven days or twelve, one kind of switches.
        assert!(
            rows < 11 * 13 && rows * 100 < dars,
            "{asked}: {rows} of {dars}"
        );
        assert!(shown.contains("dayrate_alike"), "{shown}");
    }
    for asked in [
        "sum(messages)",
        "array_agg(day)",
        "avg(CASE WHEN gen_ai THEN 2 ELSE 1 END)",
    ] {
        assert_eq!(block_on(made(&of(asked))).0, dars, "{asked}");
    }
}

/// How many rows the operator that settles DARs gave, and how the plan shows it.
async fn made(sql: &str) -> (usize, String) {
    ran(sql, "SettleDarsExec").await
}

/// How many parts were made for a query, and how its plan shows the operator that makes them.
async fn folded(sql: &str) -> (usize, String) {
    ran(sql, "FoldMessagesExec").await
}

/// The rows of an operator in the plan of a query that was run, and how the plan shows it.
async fn ran(sql: &str, operator: &str) -> (usize, String) {
    let ctx = many(None).await;
    let frame = dayrate::sql(&ctx, sql).await.unwrap();
    let context = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await.unwrap();
    collect(Arc::clone(&plan), context).await.unwrap();
    let found = found(&plan, operator).unwrap();
    let shown = displayable(found.as_ref()).one_line().to_string();
    let rows = found.metrics().unwrap().output_rows().unwrap();
    (rows, shown.trim_end().to_owned())
}

fn found(plan: &Arc<dyn ExecutionPlan>, name: &str) -> Option<Arc<dyn ExecutionPlan>> {
    if plan.name() == name {
        return Some(Arc::clone(plan));
    }
    let mut children = plan.children().into_iter();
    children.find_map(|child| found(child, name))
}

fn spilled(plan: &dyn ExecutionPlan) -> bool {
    let own = plan.metrics().and_then(|metrics| metrics.spill_count());
    own.is_some_and(|count| count > 0)
        || plan.children().iter().any(|child| spilled(child.as_ref()))
}
