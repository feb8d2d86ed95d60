//! The foot of the page: the rules and parameters it was made with, and from what.

use datafusion::error::Result;

use super::commitment::{Commitments, last_of};
use super::quality::Quality;
use crate::cli::dashboard::answer::Answer;
use crate::cli::dashboard::book::Book;
use crate::cli::dashboard::fingerprint::Fingerprint;
use crate::cli::dashboard::number::Number;
use crate::cli::dashboard::page::{Figure, Section};
use crate::cli::dashboard::scope::option;
use crate::cli::dashboard::table::{Cell, Holds, Table};
use crate::table::option::{
    GEN_AI_RULE, GEN_AI_SCOPE, GROWTH, OptionSpec, REJECTS, RELATIONSHIP, REPLAY_DAYS,
    SURCHARGE_MODE,
};

/// The readings of the plan that decide what the page shows.
static OPTIONS: [&OptionSpec; 7] = [
    &RELATIONSHIP,
    &GEN_AI_RULE,
    &GEN_AI_SCOPE,
    &SURCHARGE_MODE,
    &REJECTS,
    &REPLAY_DAYS,
    &GROWTH,
];

/// See the module.
pub(crate) async fn rules(
    book: &Book,
    commitments: &Commitments,
    quality: &Quality,
    inputs: &[Fingerprint],
) -> Result<Section> {
    let tzdb = book.ask("SELECT tzdb_version() AS tzdb").await?;
    let tzdb = first_text(&tzdb, "tzdb");
    let lead = format!(
        "Made by dayrate {} with the zone rules of tzdb {tzdb} on {}.",
        env!("CARGO_PKG_VERSION"),
        jiff::Timestamp::now().strftime("%-d %b %Y at %H:%M UTC")
    );
    let mut section = Section::new("rules", "Rules, parameters and input", lead)
        .with(parameters(book))
        .with(input(quality, inputs));
    if commitments.rows().next().is_some() {
        section = section.with(rates(commitments));
    }
    Ok(section)
}

fn first_text(answer: &Answer, column: &str) -> String {
    let text = answer.first().and_then(|row| row.text(column));
    text.unwrap_or_default().to_owned()
}

fn parameters(book: &Book) -> Figure {
    let mut table = Table::new(&[
        ("Parameter", Holds::Words),
        ("Value", Holds::Words),
        ("What it decides", Holds::Words),
    ]);
    let scope = &book.scope;
    let mut row = |name: &str, value: String, decides: &str| {
        table.row(vec![
            Cell::Text(name.to_owned()),
            Cell::Text(value),
            Cell::Text(decides.to_owned()),
        ]);
    };
    row(
        "as_of",
        scope.as_of.to_string(),
        "the start of this day: earlier days count, and a period that ends on it has ended",
    );
    row(
        "org",
        scope.org.clone().unwrap_or_else(|| "all".into()),
        "whose use and money this is",
    );
    row(
        "scenario",
        scope
            .scenario
            .clone()
            .unwrap_or_else(|| "none: the contracts in force".into()),
        "which contracts",
    );
    for spec in OPTIONS {
        let value =
            option(&book.ctx, spec).unwrap_or_else(|| "as each contract says, else 'add'".into());
        let value = if value == spec.default {
            format!("{value} (default)")
        } else {
            value
        };
        row(spec.name, value, spec.description);
    }
    row(
        "cost",
        "amortised".into(),
        "what a credit costs an engagement: its period's average, with the unused commitment of an ended period in it",
    );
    Figure::table(
        "parameters",
        "Parameters",
        "Given on the command line or in [options] of dayrate.toml",
        &table,
    )
    .closed("Table")
}

fn input(quality: &Quality, inputs: &[Fingerprint]) -> Figure {
    let mut table = Table::new(&[
        ("Relation", Holds::Words),
        ("Files", Holds::Numbers),
        ("Bytes", Holds::Numbers),
        ("Rows", Holds::Numbers),
        ("First instant", Holds::Words),
        ("Last instant", Holds::Words),
        ("Digest", Holds::Words),
    ]);
    for input in inputs {
        let (first, last) = if input.relation == "messages" {
            quality.instants()
        } else {
            (None, None)
        };
        table.row(vec![
            Cell::Text(input.relation.to_owned()),
            Cell::Number(input.files),
            Cell::Number(input.bytes),
            Cell::Number(input.rows),
            Cell::word(first),
            Cell::word(last),
            Cell::word(input.digest.as_deref()),
        ]);
    }
    Figure::table(
        "input",
        "Input",
        "The digest is the SHA-256 of the files' own SHA-256 digests (of their ETags in an object store), sorted, one a line",
        &table,
    )
    .closed("Table")
}

fn rates(commitments: &Commitments) -> Figure {
    let mut table = Table::new(&[
        ("Organization", Holds::Words),
        ("Contract", Holds::Words),
        ("From", Holds::Words),
        ("To", Holds::Words),
        ("Credit price", Holds::Numbers),
        ("Overage price", Holds::Numbers),
        ("for a block of", Holds::Numbers),
        ("Currency", Holds::Words),
        ("DAR", Holds::Numbers),
        ("Generative AI ×", Holds::Numbers),
        ("Intent Analyzer +", Holds::Numbers),
        ("Surcharges", Holds::Words),
        ("Collected in", Holds::Words),
    ]);
    for row in commitments.rows().take(150) {
        let rate =
            |column: &str, standard: Number| Cell::Number(row.number(column).unwrap_or(standard));
        table.row(vec![
            Cell::word(row.text("org_id")),
            Cell::word(row.text("contract_id")),
            Cell::day(row.day("period_start")),
            Cell::word(row.day("period_end").map(last_of).as_deref()),
            Cell::number(row.number("credit_price")),
            Cell::number(row.number("overage_price")),
            Cell::number(row.number("overage_block")),
            Cell::word(row.text("currency")),
            rate("dar_credits", Number::new(1, 0)),
            rate("gen_ai_multiplier", Number::new(15, 1)),
            rate("intent_analyzer_credits", Number::new(2, 1)),
            Cell::Text(row.text("surcharge_mode").unwrap_or("add").to_owned()),
            Cell::Text(row.text("collection").unwrap_or("arrears").to_owned()),
        ]);
    }
    Figure::table(
        "rates",
        "Contracts in force",
        "Rates as the contracts give them, or the plan's own; at most 150",
        &table,
    )
    .closed("Table")
}
