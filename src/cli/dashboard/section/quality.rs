//! What became of every message.

use datafusion::error::Result;

use crate::cli::dashboard::answer::Answer;
use crate::cli::dashboard::book::Book;
use crate::cli::dashboard::chart::{Bars, Chart, Measure};
use crate::cli::dashboard::number::Number;
use crate::cli::dashboard::page::{Figure, Section, counted};
use crate::cli::dashboard::relation;
use crate::cli::dashboard::table::{Cell, Holds, Table};

/// See the module.
pub(crate) struct Quality {
    answer: Answer,
    all: Number,
    counted: Number,
    rejected: Number,
}

impl Quality {
    /// Asks.
    ///
    /// # Errors
    ///
    /// Those of the query.
    pub(crate) async fn ask(book: &Book) -> Result<Self> {
        relation::messages(book).await?;
        let answer = book.ask(include_str!("../sql/quality.sql")).await?;
        let sum = |disposition: Option<&str>| {
            let rows = answer
                .rows()
                .filter(|row| disposition.is_none() || row.text("disposition") == disposition);
            rows.map(|row| row.amount("messages"))
                .fold(Number::ZERO, Number::plus)
        };
        Ok(Self {
            all: sum(None),
            counted: sum(Some("counted")),
            rejected: sum(Some("rejected")),
            answer,
        })
    }

    /// Rows of the input.
    pub(crate) fn all(&self) -> Number {
        self.all
    }

    /// The instants of the first and the last message, as they were written.
    pub(crate) fn instants(&self) -> (Option<&str>, Option<&str>) {
        let first = self
            .answer
            .rows()
            .filter_map(|row| row.text("first_sent_at"))
            .min();
        let last = self
            .answer
            .rows()
            .filter_map(|row| row.text("last_sent_at"))
            .max();
        (first, last)
    }

    /// What must not be overlooked.
    pub(crate) fn notice(&self) -> Option<String> {
        self.rejected.is_positive().then(|| {
            format!(
                "{} cannot be billed and {} in no figure of use or money: see data quality, and SELECT * FROM rejects.",
                counted(self.rejected, "message", "messages"),
                if self.rejected.at_scale(0) == 1 { "is" } else { "are" }
            )
        })
    }

    /// See the module.
    pub(crate) fn section(&self) -> Section {
        let percent = self.counted.share(self.all).unwrap_or(Number::ZERO);
        let lead = format!(
            "{} of the input: {}\u{202F}% count, {} cannot be billed.",
            counted(self.all, "message", "messages"),
            percent.text(1),
            self.rejected.exact()
        );
        let mut table = Table::new(&[
            ("Disposition", Holds::Words),
            ("Reason", Holds::Words),
            ("Whose", Holds::Words),
            ("Messages", Holds::Numbers),
            ("Share", Holds::Numbers),
        ]);
        let mut names = Vec::new();
        for row in self.answer.rows() {
            let messages = row.amount("messages");
            let (disposition, reason) = (
                row.text("disposition").unwrap_or_default(),
                row.text("reason"),
            );
            let whose = match row.text("place") {
                Some("elsewhere") => "other organizations",
                Some("nowhere") => "no organization",
                _ => "this page",
            };
            table.row(vec![
                Cell::Text(disposition.to_owned()),
                Cell::word(reason),
                Cell::Text(whose.to_owned()),
                Cell::Number(messages),
                Cell::share(messages, self.all),
            ]);
            let name = match reason {
                Some(reason) => format!("{disposition}: {reason}"),
                None => disposition.to_owned(),
            };
            let name = if whose == "this page" {
                name
            } else {
                format!("{name} ({whose})")
            };
            let tone = match disposition {
                "counted" => "use",
                "rejected" => "over",
                _ => "rest",
            };
            names.push((name, messages, tone));
        }
        table.total(vec![
            Cell::Text("Total".into()),
            Cell::Nothing,
            Cell::Nothing,
            Cell::Number(self.all),
            Cell::share(self.all, self.all),
        ]);
        let bars: Vec<Measure<'_>> = names
            .iter()
            .map(|(name, messages, tone)| Measure {
                name,
                text: messages.exact(),
                value: *messages,
                outlook: None,
                tone,
            })
            .collect();
        let texts: Vec<String> = bars
            .iter()
            .map(|bar| format!("{}: {}", bar.name, bar.text))
            .collect();
        Section::new("quality", "Data quality", lead).with(
            Figure::chart(
                "dispositions",
                "What became of every message",
                "Messages of the whole input, also of later days; they add up to it",
                Chart::Bars(Bars::of(&bars, None)),
                &table,
            )
            .wide()
            .described(format!("{}.", texts.join("; "))),
        )
    }
}
