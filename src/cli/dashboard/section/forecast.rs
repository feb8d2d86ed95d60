//! What the overage will be at the end of each period.

use datafusion::error::Result;

use super::NO_CONTRACTS;
use super::commitment::{Commitments, count, label, last_of};
use crate::cli::dashboard::book::Book;
use crate::cli::dashboard::chart::{Bars, Chart, Measure};
use crate::cli::dashboard::number::Number;
use crate::cli::dashboard::page::{Amount, Figure, Section, Tile, counted};
use crate::cli::dashboard::table::{Cell, Holds, Table};

/// Bars in the chart, rows in the table.
const BARS: usize = 12;
const ROWS: usize = 150;

/// The forecast cost of each currency.
fn costs(commitments: &Commitments) -> Vec<(String, Number, Number)> {
    let mut costs: Vec<(String, Number, Number)> = Vec::new();
    for row in commitments
        .rows()
        .filter(|row| row.amount("overage_at_end").is_positive())
    {
        let currency = row.text("currency").unwrap_or_default();
        let (credits, cost) = (row.amount("overage_at_end"), row.amount("cost"));
        match costs.iter_mut().find(|known| known.0 == currency) {
            Some(known) => {
                known.1 = known.1.plus(credits);
                known.2 = known.2.plus(cost);
            }
            None => costs.push((currency.to_owned(), credits, cost)),
        }
    }
    costs.sort_by(|a, b| a.0.cmp(&b.0));
    costs
}

/// See the module.
pub(crate) fn forecast(book: &Book, commitments: &Commitments) -> Result<(Tile, Section)> {
    const ID: &str = "forecast";
    const TITLE: &str = "Overage forecast";
    let mut tile = Tile {
        name: "Overage risk",
        ..Tile::default()
    };
    if !book.has.contracts {
        tile.text
            .push("No contracts are configured, so there is nothing to exceed.".into());
        return Ok((
            tile,
            Section::new(ID, TITLE, String::new()).without(NO_CONTRACTS),
        ));
    }
    let all = commitments.rows().count();
    let exceeded = commitments
        .rows()
        .filter(|row| row.amount("overage_at_end").is_positive());
    let exceeded: Vec<_> = exceeded.collect();
    let costs = costs(commitments);
    tile.amounts = costs
        .iter()
        .map(|(currency, _, cost)| Amount {
            value: cost.money(Some(currency)),
            unit: currency.clone(),
        })
        .collect();
    tile.text.push(match (exceeded.len(), all) {
        (_, 0) => "No commitment is in force.".into(),
        (0, _) => "No commitment is exceeded at the rate so far.".into(),
        (1, 1) => "The commitment is exceeded by the end of its period, at the rate so far.".into(),
        (some, all) => format!("{some} of {all} commitments are exceeded by the end of their period, at the rate so far."),
    });
    let credits = exceeded.iter().map(|row| row.amount("overage_at_end"));
    let credits = credits.fold(Number::ZERO, Number::plus);
    let lead = if exceeded.is_empty() {
        tile.text.join(" ")
    } else {
        format!(
            "{} above {} by the end of their periods, if use goes on as it has.",
            counted(Number::new(credits.at_scale(1), 1), "credit", "credits"),
            counted(count(exceeded.len()), "commitment", "commitments")
        )
    };
    let mut section = Section::new(ID, TITLE, lead);
    if exceeded.is_empty() {
        return Ok((tile, section));
    }
    let mut table = Table::new(&[
        ("Organization", Holds::Words),
        ("Contract", Holds::Words),
        ("Until", Holds::Words),
        ("Days known", Holds::Numbers),
        ("of", Holds::Numbers),
        ("Commitment", Holds::Numbers),
        ("Credits at the end", Holds::Numbers),
        ("Above", Holds::Numbers),
        ("Currency", Holds::Words),
        ("Cost", Holds::Money),
    ]);
    let mut ranked = exceeded.clone();
    ranked.sort_by_key(|row| std::cmp::Reverse(row.amount("overage_at_end").at_scale(4)));
    for row in ranked.iter().take(ROWS) {
        let currency = row.text("currency");
        table.row(vec![
            Cell::word(row.text("org_id")),
            Cell::word(row.text("contract_id")),
            Cell::word(row.day("period_end").map(last_of).as_deref()),
            Cell::number(row.number("days")),
            Cell::number(row.number("of_days")),
            Cell::number(row.number("commitment")),
            Cell::number(row.number("at_end")),
            Cell::number(row.number("overage_at_end")),
            Cell::word(currency),
            Cell::money(row.number("cost").or(Some(Number::ZERO)), currency),
        ]);
    }
    // One row a currency for those without a row of their own.
    for (currency, _, _) in &costs {
        let rest = ranked
            .iter()
            .skip(ROWS)
            .filter(|row| row.text("currency") == Some(currency));
        let rest: Vec<_> = rest.collect();
        if !rest.is_empty() {
            let sum = |column: &str| {
                rest.iter()
                    .map(|row| row.amount(column))
                    .fold(Number::ZERO, Number::plus)
            };
            let name = format!("{} others", rest.len());
            table.row(summary(name, sum("overage_at_end"), currency, sum("cost")));
        }
    }
    for (currency, credits, cost) in &costs {
        table.total(summary("Total".into(), *credits, currency, *cost));
    }
    let names: Vec<String> = ranked.iter().take(BARS).map(|row| label(*row)).collect();
    let mut bars: Vec<Measure<'_>> = ranked
        .iter()
        .zip(&names)
        .map(|(row, name)| Measure {
            name,
            text: row.amount("overage_at_end").text(1),
            value: row.amount("overage_at_end"),
            outlook: None,
            tone: "over",
        })
        .collect();
    let rest = ranked
        .iter()
        .skip(BARS)
        .map(|row| row.amount("overage_at_end"));
    let rest = rest.fold(Number::ZERO, Number::plus);
    let others = format!("{} others", ranked.len().saturating_sub(BARS));
    if rest.is_positive() {
        bars.push(Measure {
            name: &others,
            text: rest.text(1),
            value: rest,
            outlook: None,
            tone: "rest",
        });
    }
    let description = format!("{} bars; {} credits in all.", bars.len(), credits.exact());
    section = section.with(
        Figure::chart(
            "forecast-bars",
            "Credits above the commitment at the end of the period",
            "Credits so far, divided by the days known and multiplied by the days of the period; priced as the invoice would, \
             blocks and tiers included",
            Chart::Bars(Bars::of(&bars, None)),
            &table,
        )
        .wide()
        .described(description),
    );
    Ok((tile, section))
}

fn summary(name: String, credits: Number, currency: &str, cost: Number) -> Vec<Cell> {
    let mut cells = vec![Cell::Text(name)];
    cells.extend(std::iter::repeat_n(Cell::Nothing, 6));
    cells.extend([
        Cell::Number(credits),
        Cell::Text(currency.to_owned()),
        Cell::money(Some(cost), Some(currency)),
    ]);
    cells
}
