//! What generative AI and Intent Analyzer cost.

use datafusion::error::Result;

use super::NO_CONTRACTS;
use crate::cli::dashboard::book::Book;
use crate::cli::dashboard::chart::{Bars, Chart, Measure};
use crate::cli::dashboard::number::Number;
use crate::cli::dashboard::page::{Figure, Missing, Section};
use crate::cli::dashboard::table::{Cell, Holds, Table};

/// Where no switches are known.
const NO_SWITCHES: Missing = Missing {
    relation: "feature_periods",
    what: "When generative AI and Intent Analyzer were on; without it, generative AI counts as off and only a \
           message's own intent_analyzer is known",
    columns: "org_id, feature (gen_ai | intent_analyzer), enabled_from, enabled_to",
};

/// See the module.
pub(crate) async fn features(book: &Book) -> Result<Section> {
    let totals = book.totals()?;
    let whole = totals.amount("credits");
    let share = |column: &str| {
        totals
            .amount(column)
            .share(whole)
            .unwrap_or(Number::ZERO)
            .text(1)
    };
    let lead = format!(
        "Generative AI takes {}\u{202F}% of all credits, Intent Analyzer {}\u{202F}%.",
        share("gen_ai_credits"),
        share("intent_analyzer_credits"),
    );
    let mut section = Section::new(
        "features",
        "Generative AI and Intent Analyzer",
        lead.clone(),
    );
    let mut table = Table::new(&[
        ("For", Holds::Words),
        ("Credits", Holds::Numbers),
        ("Share", Holds::Numbers),
    ]);
    let parts = [
        ("One credit a DAR", "base_credits", "use"),
        ("Generative AI", "gen_ai_credits", "ai"),
        ("Intent Analyzer", "intent_analyzer_credits", "intent"),
    ];
    let decimals = Number::decimals_of(parts.map(|part| totals.amount(part.1)));
    let mut bars = Vec::new();
    for (name, column, tone) in parts {
        let credits = totals.amount(column);
        table.row(vec![
            Cell::Text(name.into()),
            Cell::Number(credits),
            Cell::share(credits, whole),
        ]);
        bars.push(Measure {
            name,
            text: credits.text(decimals),
            value: credits,
            outlook: None,
            tone,
        });
    }
    table.total(vec![
        Cell::Text("Total".into()),
        Cell::Number(whole),
        Cell::share(whole, whole),
    ]);
    section = section.with(
        Figure::chart(
            "feature-credits",
            "What the credits are for",
            "Engagement credits",
            Chart::Bars(Bars::of(&bars, None)),
            &table,
        )
        .described(lead),
    );
    if book.has.contracts {
        section = section.with(costs(book).await?);
    } else {
        section = section.without(NO_CONTRACTS);
    }
    if !book.has.feature_periods {
        section = section.without(NO_SWITCHES);
    }
    Ok(section)
}

async fn costs(book: &Book) -> Result<Figure> {
    let answer = book.ask(include_str!("../sql/features.sql")).await?;
    let mut table = Table::new(&[
        ("Feature", Holds::Words),
        ("Currency", Holds::Words),
        ("DARs", Holds::Numbers),
        ("Extra credits", Holds::Numbers),
        ("Cost", Holds::Money),
    ]);
    for row in answer.rows() {
        let currency = row.text("currency");
        table.row(vec![
            Cell::word(match row.text("feature") {
                Some("gen_ai") => Some("Generative AI"),
                _ => Some("Intent Analyzer"),
            }),
            Cell::Text(currency.unwrap_or("no contract").to_owned()),
            Cell::Number(row.amount("dars")),
            Cell::Number(row.amount("credits")),
            Cell::money(row.number("cost"), currency),
        ]);
    }
    let mut figure = Figure::table(
        "feature-costs",
        "What the extra credits cost",
        "At the credit price of each contract",
        &table,
    );
    figure.wide = false;
    Ok(figure)
}
