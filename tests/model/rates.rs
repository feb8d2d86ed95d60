//! Credits against exact arithmetic: integers of a ten-thousandth of a credit, and products of them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

use super::cases;
use super::read::{Row, rows};
use crate::session::{Layout, block_on, fresh};

/// One in units of the fourth decimal.
const ONE: i128 = 10_000;

/// A contract's rates in ten-thousandths, and the switches of the one DAR that it rates.
#[derive(Debug, Clone)]
struct Rated {
    dar: i128,
    multiplier: i128,
    analyzer: i128,
    multiply: bool,
    gen_ai: bool,
    listened: bool,
}

fn rated() -> impl Strategy<Value = Rated> {
    let small = || {
        prop_oneof![
            Just(0_i128),
            1..20_i128,
            0..60_000_i128,
            Just(ONE),
            Just(2_000)
        ]
    };
    (small(), small(), small(), any::<[bool; 3]>()).prop_map(
        |(dar, multiplier, analyzer, flags)| Rated {
            dar,
            multiplier,
            analyzer,
            multiply: flags[0],
            gen_ai: flags[1],
            listened: flags[2],
        },
    )
}

impl Rated {
    /// The credits at `growth`, rounded once, half up; parts in ten-thousandths.
    fn credits(&self, growth: i128) -> i128 {
        let factor = if self.gen_ai { self.multiplier } else { ONE };
        let extra = if self.listened { self.analyzer } else { 0 };
        let exact = if self.multiply {
            (self.dar + extra) * factor
        } else {
            self.dar * factor + extra * ONE
        };
        rounded(exact * growth, ONE * ONE)
    }

    /// Intent Analyzer's own part rounded down; the rules round only the total, so either neighbour is right.
    fn analyzer_floor(&self) -> i128 {
        match (self.listened, self.multiply && self.gen_ai) {
            (false, _) => 0,
            (true, false) => self.analyzer,
            (true, true) => self.analyzer * self.multiplier / ONE,
        }
    }

    /// Whether that part is exact at four decimals, and so leaves no choice.
    fn analyzer_is_exact(&self) -> bool {
        !(self.listened && self.multiply && self.gen_ai)
            || self.analyzer * self.multiplier % ONE == 0
    }
}

/// A quotient of numbers that are not negative, half up.
fn rounded(dividend: i128, divisor: i128) -> i128 {
    (dividend + divisor / 2) / divisor
}

fn decimal(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{:04}", value.abs() / ONE, value.abs() % ONE)
}

/// The relations for one organization, site, contract and message each, and the query over them.
fn script(all: &[Rated]) -> Vec<String> {
    let list = |row: &dyn Fn(usize, &Rated) -> String| {
        all.iter()
            .enumerate()
            .map(|(n, rated)| row(n, rated))
            .collect::<Vec<_>>()
            .join(", ")
    };
    vec![
        format!(
            "CREATE TABLE sites(site_id VARCHAR, org_id VARCHAR, time_zone VARCHAR) AS VALUES {}",
            list(&|n, _| format!("('s{n}', 'o{n}', 'UTC')"))
        ),
        format!(
            "CREATE TABLE messages(site_id VARCHAR, conversation_id VARCHAR, sent_at TIMESTAMPTZ, sent_by VARCHAR, intent_analyzer BOOLEAN) AS VALUES {}",
            list(&|n, rated| format!(
                "('s{n}', 'c{n}', '2025-01-01T12:00:00Z', 'bot', {})",
                rated.listened
            ))
        ),
        format!(
            "CREATE TABLE feature_periods(org_id VARCHAR, feature VARCHAR, enabled_from TIMESTAMPTZ) AS VALUES {}, ('none', 'gen_ai', '2020-01-01T00:00:00Z')",
            list(&|n, rated| format!(
                "('{}{n}', 'gen_ai', '2020-01-01T00:00:00Z')",
                if rated.gen_ai { "o" } else { "not-o" }
            ))
        ),
        format!(
            "CREATE TABLE contracts(contract_id VARCHAR, org_id VARCHAR, term_start DATE, term_end DATE, currency VARCHAR, dar_credits DECIMAL(18,4), \
             gen_ai_multiplier DECIMAL(18,4), intent_analyzer_credits DECIMAL(18,4), surcharge_mode VARCHAR, gen_ai BOOLEAN, listened BOOLEAN) AS VALUES {}",
            list(&|n, rated| format!(
                "('{n}', 'o{n}', '2025-01-01', '2026-01-01', 'USD', {}, {}, {}, '{}', {}, {})",
                decimal(rated.dar),
                decimal(rated.multiplier),
                decimal(rated.analyzer),
                if rated.multiply { "multiply" } else { "add" },
                rated.gen_ai,
                rated.listened
            ))
        ),
    ]
}

fn ask(all: &[Rated], sql: &str) -> Result<Vec<Row>, String> {
    block_on(async {
        let ctx = fresh(&Layout::default());
        for statement in script(all) {
            let done = async { dayrate::sql(&ctx, &statement).await?.collect().await };
            done.await.map_err(|error| error.to_string())?;
        }
        rows(&ctx, sql).await.map_err(|error| error.to_string())
    })
}

fn holds<S: Strategy>(worlds: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>)
where
    S::Value: std::fmt::Debug,
{
    if let Err(failure) = TestRunner::new(cases(16)).run(&worlds, property) {
        panic!("{failure}");
    }
}

/// Base and total are those of exact arithmetic, the analyzer's part is within a ten-thousandth of its own (and equal
/// where four decimals hold it), and GenAI takes the rest: the parts add up to the total.
#[test]
fn parts_are_exact_and_add_up() {
    holds(vec(rated(), 1..30), |all| {
        let found = ask(
            &all,
            "SELECT contract_id, base_credits, gen_ai_credits, intent_analyzer_credits, credits FROM rated_dars()",
        )
        .map_err(TestCaseError::fail)?;
        prop_assert_eq!(found.len(), all.len());
        for row in found {
            let rated = &all[row[0].as_ref().unwrap().parse::<usize>().unwrap()];
            let total = rated.credits(ONE);
            let floor = rated.analyzer_floor();
            let ceiling = if rated.analyzer_is_exact() {
                floor
            } else {
                floor + 1
            };
            let right = [floor, ceiling].map(|analyzer| {
                [rated.dar, total - rated.dar - analyzer, analyzer, total]
                    .map(|part| Some(decimal(part)))
            });
            prop_assert!(
                right.iter().any(|parts| row[1..] == parts[..]),
                "{:?} gave {:?}, not {:?}",
                rated,
                row,
                right
            );
        }
        Ok(())
    });
}

/// Growth scales the exact credits and rounds once; the parts still add up, and what is off stays zero without growth.
#[test]
fn growth_rounds_once() {
    holds((vec(rated(), 1..30), 0..40_000_i128), |(all, growth)| {
        let found = ask(
            &all,
            &format!(
                "SELECT contract_id, credits, base_credits + gen_ai_credits + intent_analyzer_credits = credits \
                 FROM rated_dars(growth => {})",
                decimal(growth)
            ),
        );
        let mut expected: Vec<Row> = all
            .iter()
            .enumerate()
            .map(|(n, rated)| {
                vec![
                    Some(n.to_string()),
                    Some(decimal(rated.credits(growth))),
                    Some("true".to_owned()),
                ]
            })
            .collect();
        expected.sort();
        prop_assert_eq!(found, Ok(expected));
        Ok(())
    });
}

/// The scalar function and the table function know the same rates.
#[test]
fn engagement_credits_is_exact_too() {
    holds(vec(rated(), 1..30), |all| {
        let found = ask(
            &all,
            "SELECT contract_id, engagement_credits(gen_ai, listened, dar_credits, gen_ai_multiplier, \
             intent_analyzer_credits, surcharge_mode) FROM contracts",
        );
        let mut expected: Vec<Row> = all
            .iter()
            .enumerate()
            .map(|(n, rated)| vec![Some(n.to_string()), Some(decimal(rated.credits(ONE)))])
            .collect();
        expected.sort();
        prop_assert_eq!(found, Ok(expected));
        Ok(())
    });
}
