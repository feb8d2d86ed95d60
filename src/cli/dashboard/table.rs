//! Tables: exact values in, aligned text out.

use jiff::civil::Date;
use serde::Serialize;

use super::number::Number;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Names and words, at the left.
    Words,
    /// Numbers, at the right, all with the decimals that the longest needs.
    Numbers,
    /// Money, at the right, each with the decimals of its currency.
    Money,
}

/// One cell.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Nothing,
    Text(String),
    Number(Number),
    /// Of a currency, if one is known.
    Money(Number, Option<String>),
    /// With a sign behind it.
    Percent(Number),
    Day(Date),
}

/// A table that is being filled.
#[derive(Debug, Clone)]
pub(super) struct Table {
    columns: Vec<(&'static str, Holds)>,
    rows: Vec<Vec<Cell>>,
    totals: Vec<Vec<Cell>>,
}

/// One that can be shown.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Shown {
    columns: Vec<ShownColumn>,
    rows: Vec<Vec<String>>,
    totals: Vec<Vec<String>>,
}

#[derive(Debug, Clone, Serialize)]
struct ShownColumn {
    name: &'static str,
    number: bool,
}

impl Table {
    pub(super) fn new(columns: &[(&'static str, Holds)]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
            totals: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "{cells:?}");
        self.rows.push(cells);
    }

    /// A row under the line: what the others add up to.
    pub(super) fn total(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "{cells:?}");
        self.totals.push(cells);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn shown(&self) -> Shown {
        let decimals: Vec<u32> = (0..self.columns.len())
            .map(|at| {
                let cells = self.rows.iter().chain(&self.totals).map(|row| row.get(at));
                cells
                    .map(|cell| match cell {
                        Some(Cell::Number(number)) => number.decimals(),
                        _ => 0,
                    })
                    .max()
                    .unwrap_or_default()
            })
            .collect();
        let texts = |rows: &[Vec<Cell>]| {
            rows.iter()
                .map(|row| {
                    row.iter()
                        .zip(&decimals)
                        .map(|(cell, decimals)| cell.text(*decimals))
                        .collect()
                })
                .collect()
        };
        let columns = self.columns.iter().map(|(name, holds)| ShownColumn {
            name,
            number: *holds != Holds::Words,
        });
        Shown {
            columns: columns.collect(),
            rows: texts(&self.rows),
            totals: texts(&self.totals),
        }
    }
}

impl Cell {
    /// A text, or nothing.
    pub(super) fn word(text: Option<&str>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.to_owned()))
    }

    /// A number, or nothing.
    pub(super) fn number(number: Option<Number>) -> Self {
        number.map_or(Self::Nothing, Self::Number)
    }

    /// Money, or nothing.
    pub(super) fn money(amount: Option<Number>, currency: Option<&str>) -> Self {
        amount.map_or(Self::Nothing, |amount| {
            Self::Money(amount, currency.map(str::to_owned))
        })
    }

    /// A part of a whole, to a tenth of a percent.
    pub(super) fn share(part: Number, whole: Number) -> Self {
        part.share(whole).map_or(Self::Nothing, Self::Percent)
    }

    /// A day, or nothing.
    pub(super) fn day(day: Option<Date>) -> Self {
        day.map_or(Self::Nothing, Self::Day)
    }

    fn text(&self, decimals: u32) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.text(decimals),
            Self::Money(amount, currency) => amount.money(currency.as_deref()),
            Self::Percent(number) => format!("{}\u{202F}%", number.text(1)),
            Self::Day(day) => shown_day(*day),
        }
    }
}

/// `1 Feb 2026`
pub(super) fn shown_day(day: Date) -> String {
    day.strftime("%-d %b %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_numbers_has_one_number_of_decimals() {
        let mut table = Table::new(&[("Name", Holds::Words), ("Credits", Holds::Numbers)]);
        table.row(vec![
            Cell::Text("a".into()),
            Cell::Number(Number::new(10_000, 4)),
        ]);
        table.row(vec![Cell::Nothing, Cell::Number(Number::new(12_500, 4))]);
        table.total(vec![
            Cell::Text("Total".into()),
            Cell::Number(Number::new(22_500, 4)),
        ]);
        let shown = table.shown();
        assert_eq!(shown.rows, [["a", "1.00"], ["", "1.25"]]);
        assert_eq!(shown.totals, [["Total", "2.25"]]);
    }

    #[test]
    fn money_is_rounded_by_its_currency() {
        let yen = Cell::money(Some(Number::new(15_000, 4)), Some("JPY"));
        assert_eq!(yen.text(4), "2");
    }
}
