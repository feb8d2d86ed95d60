//! One commitment alone: its credits as they add up, day by day towards its end.

use datafusion::error::Result;
use jiff::civil::Date;

use super::commitment::last_of;
use crate::cli::dashboard::answer::Row;
use crate::cli::dashboard::book::Book;
use crate::cli::dashboard::chart::{Chart, Drawing, Lines};
use crate::cli::dashboard::number::Number;
use crate::cli::dashboard::page::{Figure, counted};
use crate::cli::dashboard::table::{Cell, Holds, Table, shown_day};

/// The credits of one period as they add up, its commitment, and where the rate so far leads.
pub(super) async fn drawdown(book: &Book, period: Row<'_>) -> Result<Figure> {
    let answer = book.ask(include_str!("../sql/cumulative.sql")).await?;
    let (start, end) = (period.day("period_start"), period.day("period_end"));
    let (start, end) = (start.unwrap_or_default(), end.unwrap_or_default());
    let days = |day: Date| {
        let days = day.since(start).map_or(0, |span| span.get_days());
        Number::new(days.into(), 0)
    };
    let mut table = Table::new(&[
        ("Week from", Holds::Words),
        ("Credits", Holds::Numbers),
        ("Credits so far", Holds::Numbers),
    ]);
    let mut sum = Number::ZERO;
    let mut points = vec![(Number::ZERO, Number::ZERO)];
    for row in answer.rows() {
        let credits = row.amount("credits");
        sum = sum.plus(credits);
        table.row(vec![
            Cell::day(row.day("week")),
            Cell::Number(credits),
            Cell::Number(sum),
        ]);
        points.push((days(row.day("until").unwrap_or(start)), sum));
    }
    table.total(vec![
        Cell::Text("Total".into()),
        Cell::Number(period.amount("credits")),
        Cell::Nothing,
    ]);
    let known = days(book.scope.as_of.min(end));
    points.push((known, period.amount("credits")));
    let commitment = period.amount("commitment");
    let outlook = vec![
        (known, period.amount("credits")),
        (days(end), period.amount("at_end")),
    ];
    let run_out = period.day("ran_out_on").or(period.day("runs_out_on"));
    let run_out = run_out.filter(|day| *day < end);
    let marks = run_out.map(|day| ("over", days(day), commitment, shown_day(day)));
    let (from, to) = (shown_day(start), last_of(end));
    let drawing = Drawing {
        lines: vec![
            (
                "commitment",
                vec![(Number::ZERO, commitment), (days(end), commitment)],
            ),
            ("outlook", outlook),
            ("use", points),
        ],
        marks: marks.into_iter().collect(),
        labels: vec![(Number::ZERO, &from), (days(end), &to)],
    };
    let description = format!(
        "{} of {} committed after {} of {} days; {} at the end at the rate so far.",
        counted(period.amount("credits"), "credit", "credits"),
        commitment.exact(),
        known.exact(),
        days(end).exact(),
        period.amount("at_end").exact()
    );
    let figure = Figure::chart(
        "drawdown",
        "Credits of the period as they add up",
        "Engagement credits",
        Chart::Lines(Lines::of(&drawing)),
        &table,
    );
    Ok(figure.wide().described(description).with_legend(&[
        ("use", "Used"),
        ("outlook", "At the rate so far"),
        ("commitment", "Commitment"),
    ]))
}
