//! Pay for use beside pay for seats.

use datafusion::error::Result;

use super::NO_CONTRACTS;
use crate::cli::dashboard::book::Book;
use crate::cli::dashboard::page::{Figure, Missing, Section};
use crate::cli::dashboard::relation;
use crate::cli::dashboard::table::{Cell, Holds, Table};

const NO_SEATS: Missing = Missing {
    relation: "seats",
    what: "What seats cost before, or would cost",
    columns: "org_id, seats, seat_price (a month), currency, valid_from, valid_to",
};

/// See the module.
pub(crate) async fn seats(book: &Book) -> Result<Section> {
    let mut section = Section::new("seats", "Beside pay by seat", String::new());
    if !book.has.contracts {
        section = section.without(NO_CONTRACTS);
    }
    if !book.has.seats {
        section = section.without(NO_SEATS);
    }
    if !section.missing.is_empty() {
        return Ok(section);
    }
    relation::seats(book).await?;
    let answer = book.ask(include_str!("../sql/seats.sql")).await?;
    if answer.is_empty() {
        section.lead = "No seats in a whole month of use.".into();
        return Ok(section);
    }
    let mut table = Table::new(&[
        ("Currency", Holds::Words),
        ("Organizations", Holds::Numbers),
        ("Months", Holds::Numbers),
        ("Seats × months", Holds::Numbers),
        ("Seats cost", Holds::Money),
        ("DARs", Holds::Numbers),
        ("Use cost", Holds::Money),
        ("Use in percent of seats", Holds::Numbers),
    ]);
    for row in answer.rows() {
        let currency = row.text("currency");
        let (seats, used) = (row.amount("seat_cost"), row.amount("use_cost"));
        table.row(vec![
            Cell::word(currency),
            Cell::Number(row.amount("orgs")),
            Cell::Number(row.amount("months")),
            Cell::Number(row.amount("seat_months")),
            Cell::money(Some(seats), currency),
            Cell::Number(row.amount("dars")),
            Cell::money(Some(used), currency),
            Cell::share(used, seats),
        ]);
    }
    let shares = answer.rows().filter_map(|row| {
        let share = row.amount("use_cost").share(row.amount("seat_cost"))?;
        let currency = row.text("currency").unwrap_or_default();
        Some(format!("{}\u{202F}% in {currency}", share.text(1)))
    });
    let shares: Vec<String> = shares.collect();
    section.lead = format!("Of what seats would cost, use costs {}.", shares.join(", "));
    Ok(section.with(Figure::table(
        "seat-costs",
        "By currency",
        "Organizations with seats, whole months; use as the ledger prices it, before unused commitment",
        &table,
    )))
}
