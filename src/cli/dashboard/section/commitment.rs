//! The commitments in force: how far each is used, and the day on which it runs out at the rate so far.

use datafusion::error::Result;
use jiff::civil::Date;

use super::NO_CONTRACTS;
use super::drawdown::drawdown;
use crate::cli::dashboard::answer::{Answer, Row};
use crate::cli::dashboard::axis::{Place, whole};
use crate::cli::dashboard::book::Book;
use crate::cli::dashboard::chart::{Bars, Chart, Measure};
use crate::cli::dashboard::number::Number;
use crate::cli::dashboard::page::{Amount, Figure, Section, Tile, named};
use crate::cli::dashboard::table::{Cell, Holds, Table, shown_day};

/// Bars in a chart, rows in a table.
const BARS: usize = 12;
const ROWS: usize = 150;

/// What `commitments.sql` says, and the sums of it.
pub(crate) struct Commitments {
    answer: Answer,
    pub(crate) credits: Number,
    pub(crate) commitment: Number,
    at_end: Number,
    ran_out: usize,
    will_run_out: usize,
}

impl Commitments {
    /// Asks; nothing without contracts.
    ///
    /// # Errors
    ///
    /// Those of the queries.
    pub(crate) async fn ask(book: &Book) -> Result<Self> {
        let answer = if book.has.contracts {
            book.ask(include_str!("../sql/periods.sql")).await?;
            book.ask(include_str!("../sql/forecast.sql")).await?;
            book.ask(include_str!("../sql/commitments.sql")).await?
        } else {
            Answer::default()
        };
        let sum = |column: &str| {
            let numbers = answer.rows().map(|row| row.amount(column));
            numbers.fold(Number::ZERO, Number::plus)
        };
        let count = |state: State| answer.rows().filter(|row| State::of(*row) == state).count();
        Ok(Self {
            credits: sum("credits"),
            commitment: sum("commitment"),
            at_end: sum("at_end"),
            ran_out: count(State::RanOut),
            will_run_out: count(State::RunsOut),
            answer,
        })
    }

    /// Each commitment in force, those first that will be exceeded the most.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.answer.rows()
    }

    fn only(&self) -> Option<Row<'_>> {
        let mut rows = self.rows();
        rows.next().filter(|_| rows.next().is_none())
    }

    /// The day on which they run out, in words.
    pub(crate) fn run_out(&self) -> String {
        let all = self.rows().count();
        if let Some(row) = self.only() {
            return match (
                State::of(row),
                row.day("ran_out_on"),
                row.day("runs_out_on"),
            ) {
                (State::RanOut, Some(day), _) => format!("ran out on {}", shown_day(day)),
                (State::RunsOut, _, Some(day)) => {
                    format!("runs out on {} at the rate so far", shown_day(day))
                }
                _ => format!(
                    "lasts to the end of its period, {}, at the rate so far",
                    row.day("period_end").map(last_of).unwrap_or_default()
                ),
            };
        }
        let next = self
            .rows()
            .filter(|row| State::of(*row) == State::RunsOut)
            .min_by_key(|row| row.day("runs_out_on"));
        let mut text = format!(
            "{} of {all} have run out, {} more will at the rate so far",
            self.ran_out, self.will_run_out
        );
        if let Some((row, day)) = next.and_then(|row| Some((row, row.day("runs_out_on")?))) {
            text.push_str(&format!(
                "; the next is {} on {}",
                named(row.text("contract_id").unwrap_or_default()),
                shown_day(day)
            ));
        }
        text
    }

    /// The tile at the top.
    pub(crate) fn tile(&self, book: &Book) -> Tile {
        let name = "Credits this period";
        if self.answer.is_empty() {
            let text = if book.has.contracts {
                "No commitment is in force."
            } else {
                "No contracts are configured, so there is no commitment to compare with."
            };
            return Tile {
                name,
                text: vec![text.to_owned()],
                ..Tile::default()
            };
        }
        let percent = self.credits.share(self.commitment);
        let percent =
            percent.map_or_else(String::new, |share| format!(", {}\u{202F}%", share.text(0)));
        let width = |number: Number| {
            let most = self.commitment.at_scale(4).max(1);
            Place::of(number.at_scale(4), most).percent()
        };
        let whose = match self.only() {
            Some(row) => format!(
                "period to {}",
                row.day("period_end").map(last_of).unwrap_or_default()
            ),
            None => format!("{} commitments together", self.rows().count()),
        };
        Tile {
            name,
            amounts: vec![Amount {
                value: self.credits.exact(),
                unit: String::new(),
            }],
            text: vec![
                format!("of {} committed{percent}; {whose}", self.commitment.exact()),
                capitalised(&self.run_out()),
            ],
            meter: Some((width(self.credits), width(self.at_end))),
        }
    }

    /// See the module.
    pub(crate) async fn section(&self, book: &Book) -> Result<Section> {
        const ID: &str = "commitments";
        const TITLE: &str = "Credits and commitments";
        if !book.has.contracts {
            let section = Section::new(ID, TITLE, String::new());
            return Ok(section.without(NO_CONTRACTS));
        }
        if self.answer.is_empty() {
            let lead = format!(
                "No commitment is in force on {}.",
                shown_day(book.scope.last_day())
            );
            return Ok(Section::new(ID, TITLE, lead));
        }
        let lead = match self.only() {
            Some(_) => format!("The commitment {}.", self.run_out()),
            None => format!("Commitments in force: {}.", self.run_out()),
        };
        let mut section = Section::new(ID, TITLE, lead);
        if let Some(row) = self.only() {
            section = section.with(drawdown(book, row).await?);
        }
        Ok(section.with(self.bars()))
    }

    fn bars(&self) -> Figure {
        let mut table = Table::new(&[
            ("Organization", Holds::Words),
            ("Contract", Holds::Words),
            ("From", Holds::Words),
            ("To", Holds::Words),
            ("Commitment", Holds::Numbers),
            ("Used", Holds::Numbers),
            ("Share", Holds::Numbers),
            ("At the end", Holds::Numbers),
            ("Share at the end", Holds::Numbers),
            ("Runs out", Holds::Words),
        ]);
        let cells =
            |name: [Cell; 4], commitment: Number, used: Number, at_end: Number, day: Cell| {
                let mut cells = name.to_vec();
                cells.extend([
                    Cell::Number(commitment),
                    Cell::Number(used),
                    Cell::share(used, commitment),
                    Cell::Number(at_end),
                    Cell::share(at_end, commitment),
                    day,
                ]);
                cells
            };
        let mut others = [Number::ZERO; 3];
        let mut count = 0_usize;
        for (at, row) in self.rows().enumerate() {
            let numbers = ["commitment", "credits", "at_end"].map(|column| row.amount(column));
            if at < ROWS {
                let day = row.day("ran_out_on").or(row.day("runs_out_on"));
                let name = [
                    Cell::word(row.text("org_id")),
                    Cell::word(row.text("contract_id")),
                    Cell::day(row.day("period_start")),
                    Cell::word(row.day("period_end").map(last_of).as_deref()),
                ];
                let day = match (State::of(row), day) {
                    (State::Lasts, _) | (_, None) => Cell::Text("lasts".into()),
                    (_, Some(day)) => Cell::Day(day),
                };
                table.row(cells(name, numbers[0], numbers[1], numbers[2], day));
            } else {
                count += 1;
                others = [0, 1, 2].map(|at| others[at].plus(numbers[at]));
            }
        }
        let spread = |name: String| {
            [
                Cell::Text(name),
                Cell::Nothing,
                Cell::Nothing,
                Cell::Nothing,
            ]
        };
        if count > 0 {
            let name = spread(format!("{count} others"));
            table.row(cells(name, others[0], others[1], others[2], Cell::Nothing));
        }
        table.total(cells(
            spread("Total".into()),
            self.commitment,
            self.credits,
            self.at_end,
            Cell::Nothing,
        ));
        let shares: Vec<(String, Number, Number, &'static str)> = self
            .rows()
            .filter_map(|row| {
                let tone = if State::of(row) == State::Lasts {
                    "use"
                } else {
                    "over"
                };
                let name = label(row);
                Some((
                    name,
                    row.number("percent")?,
                    row.number("percent_at_end")?,
                    tone,
                ))
            })
            .take(BARS)
            .collect();
        let bars: Vec<Measure<'_>> = shares
            .iter()
            .map(|(name, percent, at_end, tone)| Measure {
                name,
                text: format!("{}\u{202F}% → {}\u{202F}%", percent.text(0), at_end.text(0)),
                value: *percent,
                outlook: Some(*at_end),
                tone,
            })
            .collect();
        let title = match self.rows().count() {
            1 => "Use of the commitment".to_owned(),
            all if all > bars.len() => format!(
                "Use of commitments: the {} most exceeded of {all}",
                bars.len()
            ),
            _ => "Use of commitments".to_owned(),
        };
        let description = bars.iter().map(|bar| format!("{}: {}", bar.name, bar.text));
        let description = description.collect::<Vec<_>>().join("; ");
        let line = Some((Number::new(100, 0), "100\u{202F}%"));
        Figure::chart(
            "commitment-bars",
            &title,
            "Used so far → at the end of the period, at the rate so far; in percent of the commitment",
            Chart::Bars(Bars::of(&bars, line)),
            &table,
        )
        .wide()
        .described(description)
        .with_legend(&[
            ("use", "Used, lasts to the end"),
            ("over", "Used, exceeded by the end"),
            ("outlook", "At the end of the period"),
        ])
    }
}

/// Whether a commitment lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    RanOut,
    RunsOut,
    Lasts,
}

impl State {
    fn of(row: Row<'_>) -> Self {
        let ends = row.day("period_end");
        match (row.day("ran_out_on"), row.day("runs_out_on")) {
            (Some(_), _) => Self::RanOut,
            (None, Some(day)) if Some(day) < ends => Self::RunsOut,
            _ => Self::Lasts,
        }
    }
}

/// `org-1 · C-1`
pub(super) fn label(row: Row<'_>) -> String {
    let org = row.text("org_id").unwrap_or_default();
    let contract = row.text("contract_id").unwrap_or_default();
    format!("{} · {}", named(org), named(contract))
}

/// The last day before a period's end.
pub(super) fn last_of(end: Date) -> String {
    shown_day(end.yesterday().unwrap_or(end))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// How many there are, as a number to show.
pub(super) fn count(rows: usize) -> Number {
    Number::new(whole(rows), 0)
}
