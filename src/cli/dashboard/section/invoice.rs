//! The invoice so far: its lines, and its totals by currency. Currencies are never added up.

use datafusion::error::Result;

use super::NO_CONTRACTS;
use super::commitment::last_of;
use crate::cli::dashboard::answer::Answer;
use crate::cli::dashboard::axis::whole;
use crate::cli::dashboard::book::{Book, number_constant};
use crate::cli::dashboard::number::Number;
use crate::cli::dashboard::page::{Amount, Figure, Section, Tile};
use crate::cli::dashboard::table::{Cell, Holds, Table};

/// The kinds of line that are money, in the order of an invoice.
const KINDS: [(&str, &str); 5] = [
    ("commitment_fee", "Commitment fee"),
    ("committed_usage", "Commitment used"),
    ("unused_commitment", "Commitment unused"),
    ("overage", "Overage"),
    ("channel_charge", "Channel charges"),
];

/// So many lines have a row of their own.
const LINES: i128 = 600;

/// Currencies that a tile has room for.
const CURRENCIES: usize = 6;

/// See the module.
pub(crate) struct Invoice {
    totals: Answer,
    lines: Answer,
}

impl Invoice {
    /// Asks; nothing without contracts.
    ///
    /// # Errors
    ///
    /// Those of the queries.
    pub(crate) async fn ask(book: &Book) -> Result<Self> {
        if !book.has.contracts {
            return Ok(Self {
                totals: Answer::default(),
                lines: Answer::default(),
            });
        }
        let lines = include_str!("../sql/lines.sql");
        if book.has_use() {
            book.ask(lines).await?;
        } else {
            // Without a DAR to say which contracts are meant, the function rates the messages itself: an unused
            // commitment is owed all the same.
            book.ask(&lines.replace("page_rated, ", "")).await?;
        }
        let totals = book.ask(include_str!("../sql/invoice_totals.sql")).await?;
        let mut invoice = Self {
            totals,
            lines: Answer::default(),
        };
        // However many currencies there are, the page stays one that a mail takes.
        let each = LINES / whole(invoice.currencies().len()).max(1);
        let lines = [("lines", number_constant(each.clamp(20, 150)))];
        invoice.lines = book
            .ask_with(include_str!("../sql/invoice_lines.sql"), &lines)
            .await?;
        Ok(invoice)
    }

    fn currencies(&self) -> Vec<&str> {
        let mut currencies: Vec<&str> = self
            .totals
            .rows()
            .filter_map(|row| row.text("currency"))
            .collect();
        currencies.dedup();
        currencies
    }

    /// The sum of a currency's lines that `take` picks by kind and by whether their period is in force.
    fn sum(&self, currency: &str, take: impl Fn(&str, bool) -> bool) -> Option<Number> {
        let rows = self.totals.rows().filter(|row| {
            row.text("currency") == Some(currency)
                && take(
                    row.text("line_type").unwrap_or_default(),
                    row.is("is_current"),
                )
        });
        rows.map(|row| row.amount("amount")).reduce(Number::plus)
    }

    /// The tile at the top.
    pub(crate) fn tile(&self, book: &Book) -> Tile {
        let name = "Invoice so far";
        if !book.has.contracts {
            return Tile {
                name,
                text: vec!["No contracts are configured, so credits have no price.".into()],
                ..Tile::default()
            };
        }
        let values = self.currencies().into_iter().filter_map(|currency| {
            Some(Amount {
                value: self
                    .sum(currency, |_, current| current)?
                    .money(Some(currency)),
                unit: currency.to_owned(),
            })
        });
        let mut values: Vec<Amount> = values.collect();
        let text = match values.len() {
            0 => "No line yet in the periods in force.".to_owned(),
            all if all > CURRENCIES => format!(
                "Periods in force, before tax, and {} more currencies below.",
                all - CURRENCIES
            ),
            _ => "Periods in force, before tax.".to_owned(),
        };
        values.truncate(CURRENCIES);
        Tile {
            name,
            amounts: values,
            text: vec![text],
            meter: None,
        }
    }

    /// See the module.
    pub(crate) fn section(&self, book: &Book) -> Section {
        const ID: &str = "invoice";
        const TITLE: &str = "Invoice so far";
        if !book.has.contracts {
            return Section::new(ID, TITLE, String::new()).without(NO_CONTRACTS);
        }
        if self.totals.is_empty() {
            return Section::new(ID, TITLE, "No line yet.".into());
        }
        let lead = "The lines of the periods in force, as they would be billed today; each is rounded once, and currencies \
                    are never added up.";
        Section::new(ID, TITLE, lead.to_owned())
            .with(self.by_currency())
            .with(self.by_line())
    }

    fn by_currency(&self) -> Figure {
        // A column of nothing would only take room from the others.
        let occurs = |take: &dyn Fn(&str, bool) -> bool| {
            let mut currencies = self.currencies().into_iter();
            currencies.any(|currency| self.sum(currency, take).is_some())
        };
        let kinds = KINDS
            .into_iter()
            .filter(|(kind, _)| occurs(&|line, current| current && line == *kind));
        let kinds: Vec<(&str, &str)> = kinds.collect();
        let ended = occurs(&|_, current| !current);
        let mut columns = vec![("Currency", Holds::Words)];
        columns.extend(kinds.iter().map(|(_, name)| (*name, Holds::Money)));
        columns.push(("Total in force", Holds::Money));
        columns.extend(ended.then_some(("Ended before", Holds::Money)));
        let mut table = Table::new(&columns);
        for currency in self.currencies() {
            let money = |amount| Cell::money(amount, Some(currency));
            let mut cells = vec![Cell::Text(currency.to_owned())];
            let of_kind = |kind: &str| self.sum(currency, |line, current| current && line == kind);
            cells.extend(kinds.iter().map(|(kind, _)| money(of_kind(kind))));
            cells.push(money(self.sum(currency, |_, current| current)));
            if ended {
                cells.push(money(self.sum(currency, |_, current| !current)));
            }
            table.row(cells);
        }
        Figure::table(
            "invoice-totals",
            "By currency",
            "Money of the periods in force, and of those that have ended before",
            &table,
        )
    }

    fn by_line(&self) -> Figure {
        let mut table = Table::new(&[
            ("Organization", Holds::Words),
            ("Contract", Holds::Words),
            ("From", Holds::Words),
            ("To", Holds::Words),
            ("Line", Holds::Words),
            ("Quantity", Holds::Numbers),
            ("Unit", Holds::Words),
            ("Unit price", Holds::Numbers),
            ("Amount", Holds::Money),
            ("Currency", Holds::Words),
        ]);
        for row in self.lines.rows() {
            let currency = row.text("currency");
            let kind = row.text("line_type");
            let name = KINDS.iter().find(|(known, _)| Some(*known) == kind);
            let line = match (name, row.text("channel")) {
                (Some((_, name)), Some(channel)) => format!("{name}: {channel}"),
                (Some((_, name)), None) => (*name).to_owned(),
                (None, _) => kind.unwrap_or_default().to_owned(),
            };
            let is_one = kind.is_some();
            table.row(vec![
                if is_one {
                    Cell::word(row.text("org_id"))
                } else {
                    Cell::Text(format!("{} smaller lines", row.amount("members").exact()))
                },
                Cell::word(row.text("contract_id")),
                Cell::day(row.day("period_start")),
                Cell::word(row.day("period_end").map(last_of).as_deref()),
                Cell::Text(line),
                Cell::number(row.number("quantity")),
                Cell::word(row.text("unit")),
                Cell::number(row.number("unit_price")),
                Cell::money(row.number("amount"), currency),
                Cell::word(currency),
            ]);
        }
        for currency in self.currencies() {
            if let Some(sum) = self.sum(currency, |_, current| current) {
                let mut cells = vec![Cell::Text("Total".into())];
                cells.extend(std::iter::repeat_n(Cell::Nothing, 7));
                cells.extend([
                    Cell::money(Some(sum), Some(currency)),
                    Cell::Text(currency.to_owned()),
                ]);
                table.total(cells);
            }
        }
        Figure::table(
            "invoice-lines",
            "By line",
            "Periods in force; the dearest lines of each currency first",
            &table,
        )
        .closed("Table")
    }
}
