//! What holds in every world.

use chrono::{Days, NaiveDate};
use datafusion::prelude::SessionContext;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

use super::model::{SCENARIOS, contract_on, invoice, ledger};
use super::world::{Overage, World, world};
use crate::model::{Row, cases, rows};
use crate::session::{Layout, block_on, fresh};

/// Rows that come in few batches, and in many.
const LAYOUTS: [Layout; 2] = [
    Layout {
        batch_size: 8192,
        partitions: 2,
        memory: None,
    },
    Layout {
        batch_size: 3,
        partitions: 4,
        memory: None,
    },
];

fn quoted(value: Option<impl ToString>) -> String {
    value.map_or("NULL".to_owned(), |value| {
        format!("'{}'", value.to_string())
    })
}

fn credits(units: i128) -> String {
    format!("{}.{:04}", units / 10_000, units % 10_000)
}

fn price(units: i128) -> String {
    format!("{}.{:06}", units / 1_000_000, units % 1_000_000)
}

/// A relation of `rows`, and where there are none, of no rows.
fn relation(name: &str, columns: &[(&str, &str)], rows: &[String]) -> String {
    let typed: Vec<String> = columns
        .iter()
        .map(|(name, kind)| format!("{name} {kind}"))
        .collect();
    if rows.is_empty() {
        return format!("CREATE TABLE {name}({})", typed.join(", "));
    }
    format!(
        "CREATE TABLE {name}({}) AS VALUES {}",
        typed.join(", "),
        rows.join(", ")
    )
}

fn contracts(world: &World) -> String {
    let mut rows = Vec::new();
    for contract in &world.contracts {
        let (block, mode) = match &contract.overage {
            Overage::Blocks { size, mode } => (Some(credits(*size)), Some(mode)),
            _ => (None, None),
        };
        for (start, end) in &contract.terms {
            rows.push(format!(
                "({}, '{}', 'o{}', '{start}', '{end}', '{}', {}, {}, {}, '{}', {}, {}, '{}')",
                quoted(contract.scenario),
                contract.id(),
                contract.org,
                contract.currency.0,
                credits(contract.committed),
                price(contract.credit_price),
                price(contract.overage_price),
                if contract.monthly { "month" } else { "term" },
                quoted(block.as_ref()),
                quoted(mode),
                if contract.advance {
                    "advance"
                } else {
                    "arrears"
                },
            ));
        }
    }
    let columns = [
        ("scenario", "VARCHAR"),
        ("contract_id", "VARCHAR"),
        ("org_id", "VARCHAR"),
        ("term_start", "DATE"),
        ("term_end", "DATE"),
        ("currency", "VARCHAR"),
        ("committed_credits", "DECIMAL(18,4)"),
        ("credit_price", "DECIMAL(18,6)"),
        ("overage_price", "DECIMAL(18,6)"),
        ("period", "VARCHAR"),
        ("overage_block", "DECIMAL(18,4)"),
        ("block_mode", "VARCHAR"),
        ("collection", "VARCHAR"),
    ];
    relation("contracts", &columns, &rows)
}

fn price_tiers(world: &World) -> String {
    let mut rows = Vec::new();
    for contract in &world.contracts {
        let (mode, tiers) = match &contract.overage {
            Overage::Graduated(tiers) => ("graduated", tiers.as_slice()),
            Overage::Volume(tiers) => ("volume", tiers.as_slice()),
            _ => continue,
        };
        rows.extend(tiers.iter().map(|(from, at)| {
            let (id, from, at) = (contract.id(), credits(*from), price(*at));
            format!("('{id}', {from}, {at}, '{mode}')")
        }));
    }
    let columns = [
        ("contract_id", "VARCHAR"),
        ("from_credits", "DECIMAL(18,4)"),
        ("price", "DECIMAL(18,6)"),
        ("mode", "VARCHAR"),
    ];
    relation("price_tiers", &columns, &rows)
}

fn channel_charges(world: &World) -> String {
    let row = |charge: &super::world::Charge| {
        format!(
            "('o{}', {}, {}, 'dar', {}, '{}', {}, {})",
            charge.org,
            quoted(charge.channel),
            quoted(charge.feature),
            price(charge.price),
            charge.currency.0,
            quoted(charge.valid.0),
            quoted(charge.valid.1),
        )
    };
    let columns = [
        ("org_id", "VARCHAR"),
        ("channel", "VARCHAR"),
        ("feature", "VARCHAR"),
        ("per", "VARCHAR"),
        ("price", "DECIMAL(18,6)"),
        ("currency", "VARCHAR"),
        ("valid_from", "DATE"),
        ("valid_to", "DATE"),
    ];
    let rows: Vec<String> = world.charges.iter().map(row).collect();
    relation("channel_charges", &columns, &rows)
}

fn rated(world: &World) -> String {
    let mut rows = Vec::new();
    for dar in &world.dars {
        for scenario in SCENARIOS {
            let contract = contract_on(world, scenario, dar);
            rows.push(format!(
                "({}, {}, 'o{}', '{}', 'r{}', '{}', '{}T00:00:0{}Z', {}, {}, {}, {})",
                quoted(scenario),
                quoted(contract.map(|contract| contract.id())),
                dar.org,
                dar.site,
                dar.relationship,
                dar.day,
                dar.day,
                dar.first_message,
                quoted(dar.channel),
                dar.gen_ai,
                dar.intent_analyzer,
                credits(dar.credits),
            ));
        }
    }
    let columns = [
        ("scenario", "VARCHAR"),
        ("contract_id", "VARCHAR"),
        ("org_id", "VARCHAR"),
        ("site_id", "VARCHAR"),
        ("relationship_id", "VARCHAR"),
        ("day", "DATE"),
        ("first_message_at", "TIMESTAMPTZ"),
        ("channel", "VARCHAR"),
        ("gen_ai", "BOOLEAN"),
        ("intent_analyzer", "BOOLEAN"),
        ("credits", "DECIMAL(18,4)"),
    ];
    relation("rated", &columns, &rows)
}

async fn session(world: &World, layout: &Layout) -> SessionContext {
    let ctx = fresh(layout);
    for statement in [
        contracts(world),
        price_tiers(world),
        channel_charges(world),
        rated(world),
    ] {
        rows(&ctx, &statement).await.unwrap();
    }
    ctx
}

fn ledger_sql(as_of: NaiveDate) -> String {
    format!(
        "SELECT scenario, relationship_id, contract_id, period_start, period_end, commitment, cumulative_credits, \
         drawn_credits, overage_credits, remaining_credits, amount \
         FROM ledger(rated, contracts, price_tiers => price_tiers, as_of => DATE '{as_of}')"
    )
}

fn lines(as_of: NaiveDate, since: Option<NaiveDate>) -> String {
    let since = since.map_or(String::new(), |since| format!(", since => DATE '{since}'"));
    format!(
        "invoice_lines(rated, contracts, price_tiers => price_tiers, channel_charges => channel_charges, \
         as_of => DATE '{as_of}'{since})"
    )
}

fn holds(few: u32, property: impl Fn(World) -> Result<(), TestCaseError>) {
    if let Err(failure) = TestRunner::new(cases(few)).run(&world(), property) {
        panic!("{failure}");
    }
}

fn same(found: Vec<Row>, expected: Vec<Row>) -> Result<(), TestCaseError> {
    for (found, expected) in found.iter().zip(&expected) {
        prop_assert_eq!(found, expected);
    }
    prop_assert_eq!(found.len(), expected.len());
    Ok(())
}

/// Every row of the ledger and every line of the invoice is that of the model, whatever the layout; committed and
/// overage credits are the credits.
#[test]
fn every_amount_is_that_of_exact_fractions() {
    holds(12, |world| {
        for layout in &LAYOUTS {
            let (rows_of_ledger, rows_of_invoice, unlike) = block_on(async {
                let ctx = session(&world, layout).await;
                let unlike = format!(
                    "SELECT relationship_id FROM ledger(rated, contracts, price_tiers => price_tiers, as_of => DATE '{}') \
                     WHERE drawn_credits + overage_credits <> credits",
                    world.as_of
                );
                (
                    rows(&ctx, &ledger_sql(world.as_of)).await.unwrap(),
                    rows(&ctx, &format!("SELECT * FROM {}", lines(world.as_of, None)))
                        .await
                        .unwrap(),
                    rows(&ctx, &unlike).await.unwrap(),
                )
            });
            same(rows_of_ledger, ledger(&world, world.as_of))?;
            same(rows_of_invoice, invoice(&world, world.as_of))?;
            prop_assert_eq!(unlike, Vec::<Row>::new());
        }
        Ok(())
    });
}

/// The statements of a period, drawn up on any days, bill together what its invoice does; and what a ledger said of
/// earlier days it still says later, unless a price by volume has changed.
#[test]
fn a_term_in_several_runs_is_the_term_in_one() {
    holds(12, |world| {
        let (whole, parts, early, late) = block_on(async {
            let ctx = session(&world, &LAYOUTS[0]).await;
            let total = |from: &str| {
                format!(
                    "SELECT scenario, org_id, contract_id, period_start, line_type, channel, currency, sum(amount) AS billed, \
                     CASE WHEN line_type <> 'overage' THEN sum(dars) END, CASE WHEN line_type <> 'overage' THEN sum(quantity) END \
                     FROM ({from}) GROUP BY scenario, org_id, contract_id, period_start, line_type, channel, currency \
                     HAVING sum(amount) <> 0 OR (line_type <> 'overage' AND sum(quantity) <> 0)"
                )
            };
            let mut since = None;
            let mut statements = Vec::new();
            for as_of in &world.statements {
                statements.push(format!("SELECT * FROM {}", lines(*as_of, since)));
                since = Some(*as_of);
            }
            let whole = total(&format!("SELECT * FROM {}", lines(world.as_of, None)));
            let parts = total(&statements.join(" UNION ALL "));
            let cut = world.statements[0];
            let earlier = format!(
                "SELECT * FROM ({}) WHERE period_start IS NULL OR contract_id NOT IN \
                 (SELECT contract_id FROM price_tiers WHERE mode = 'volume')",
                ledger_sql(cut)
            );
            let before = "relationship_id IN (SELECT relationship_id FROM rated WHERE day < DATE";
            let later = earlier.replace(&ledger_sql(cut), &ledger_sql(world.as_of + Days::new(1)));
            let later = format!("SELECT * FROM ({later}) WHERE {before} '{cut}')");
            (
                rows(&ctx, &whole).await.unwrap(),
                rows(&ctx, &parts).await.unwrap(),
                rows(&ctx, &earlier).await.unwrap(),
                rows(&ctx, &later).await.unwrap(),
            )
        });
        same(parts, whole)?;
        same(early, late)
    });
}
