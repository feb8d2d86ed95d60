//! What engagements of each kind cost and brought.

use datafusion::error::{DataFusionError, Result};

use super::NO_CONTRACTS;
use crate::cli::dashboard::book::Book;
use crate::cli::dashboard::chart::{Bars, Chart, Measure};
use crate::cli::dashboard::number::Number;
use crate::cli::dashboard::page::{Figure, Missing, Section};
use crate::cli::dashboard::table::{Cell, Holds, Table};
use crate::cli::message;

const NO_OUTCOMES: Missing = Missing {
    relation: "outcomes",
    what: "What conversations brought",
    columns: "conversation_id, kind (sales | support | any), currency, revenue, saving, resolved",
};

/// Bars in the chart.
const BARS: usize = 16;

/// See the module.
pub(crate) async fn engagements(book: &Book) -> Result<Section> {
    let mut section = Section::new("engagements", "Return by kind of engagement", String::new());
    if !book.has.contracts {
        section = section.without(NO_CONTRACTS);
    }
    if !book.has.outcomes {
        section = section.without(NO_OUTCOMES);
    }
    if !section.missing.is_empty() {
        return Ok(section);
    }
    let answer = match book.ask(include_str!("../sql/returns.sql")).await {
        Ok(answer) => answer,
        // Each conversation has to be held for this one question; the others need not wait for a larger machine.
        Err(cause) if matches!(cause.find_root(), DataFusionError::ResourcesExhausted(_)) => {
            let text = "The returns by kind are not on the page: they take more memory than there is. Give more of it \
                        (--memory-limit), or ask for one organization's page (--org)";
            message::note(&format!("note: {text}"));
            section.lead = format!("{text}.");
            return Ok(section);
        }
        Err(cause) => return Err(cause),
    };
    let mut table = Table::new(&[
        ("Kind", Holds::Words),
        ("Currency", Holds::Words),
        ("Engagements", Holds::Numbers),
        ("Outcomes", Holds::Numbers),
        ("Credits", Holds::Numbers),
        ("Cost", Holds::Money),
        ("Revenue", Holds::Money),
        ("Saving", Holds::Money),
        ("Return for each 1 of cost", Holds::Numbers),
    ]);
    let mut totals: Vec<(Option<&str>, [Number; 6])> = Vec::new();
    let mut shown = Vec::new();
    const SUMS: [&str; 6] = [
        "engagements",
        "outcomes",
        "credits",
        "cost",
        "revenue",
        "saving",
    ];
    for row in answer.rows() {
        let (currency, kinds) = (row.text("currency"), row.text("kinds").unwrap_or_default());
        let sums = SUMS.map(|name| row.amount(name));
        let back = times(sums[4].plus(sums[5]), sums[3]);
        table.row(cells(kind(kinds), currency, sums, back));
        match totals.iter_mut().find(|(known, _)| *known == currency) {
            Some((_, known)) => *known = [0, 1, 2, 3, 4, 5].map(|at| known[at].plus(sums[at])),
            None => totals.push((currency, sums)),
        }
        if let Some(back) = back.filter(|_| kinds != "none") {
            shown.push((
                format!("{} · {}", kind(kinds), currency.unwrap_or("no currency")),
                back,
            ));
        }
    }
    for (currency, sums) in &totals {
        let back = times(sums[4].plus(sums[5]), sums[3]);
        table.total(cells("Total".into(), *currency, *sums, back));
    }
    shown.sort_by_key(|(_, back)| std::cmp::Reverse(back.at_scale(2)));
    shown.truncate(BARS);
    let bars: Vec<Measure<'_>> = shown
        .iter()
        .map(|(name, back)| Measure {
            name,
            text: format!("{}\u{202F}×", back.text(2)),
            value: *back,
            outlook: None,
            tone: if back.at_scale(2) < 100 {
                "over"
            } else {
                "use"
            },
        })
        .collect();
    section.lead = match (bars.first(), answer.is_empty()) {
        (Some(first), _) => format!(
            "The best return is that of {}: {} its cost.",
            first.name, first.text
        ),
        (None, false) => {
            "No kind of engagement with an outcome has a cost to compare it with.".into()
        }
        (None, true) => "No engagement yet.".into(),
    };
    let texts: Vec<String> = bars
        .iter()
        .map(|bar| format!("{}: {}", bar.name, bar.text))
        .collect();
    let line = Some((Number::new(1, 0), "its cost"));
    let mut figure = Figure::chart(
        "returns",
        "Revenue and saving for each unit of cost",
        "An ended period's unused commitment is part of the cost; a conversation with several kinds of outcome is one row",
        Chart::Bars(Bars::of(&bars, line)),
        &table,
    )
    .wide()
    .described(format!("{}.", texts.join("; ")));
    if bars.is_empty() {
        figure.chart = None;
    }
    section.figures.push(figure);
    Ok(section)
}

fn cells(
    name: String,
    currency: Option<&str>,
    sums: [Number; 6],
    back: Option<Number>,
) -> Vec<Cell> {
    vec![
        Cell::Text(name),
        Cell::Text(currency.unwrap_or("none").to_owned()),
        Cell::Number(sums[0]),
        Cell::Number(sums[1]),
        Cell::Number(sums[2]),
        Cell::money(Some(sums[3]), currency),
        Cell::money(Some(sums[4]), currency),
        Cell::money(Some(sums[5]), currency),
        Cell::number(back),
    ]
}

fn kind(kinds: &str) -> String {
    match kinds {
        "none" => "without an outcome".to_owned(),
        kinds => kinds.to_owned(),
    }
}

/// How often `cost` goes into what came back, to two decimals.
fn times(back: Number, cost: Number) -> Option<Number> {
    // A share is in hundredths of a percent.
    let percent = back.share(cost).filter(|_| cost.is_positive())?;
    Some(Number::new(percent.at_scale(0), 2))
}
