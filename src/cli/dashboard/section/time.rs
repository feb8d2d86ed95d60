//! Use by week and by month.

use datafusion::error::Result;
use jiff::ToSpan;
use jiff::civil::Date;

use crate::cli::dashboard::answer::Row;
use crate::cli::dashboard::book::Book;
use crate::cli::dashboard::chart::{Chart, Columns, Pile};
use crate::cli::dashboard::number::Number;
use crate::cli::dashboard::page::{Figure, Section, counted};
use crate::cli::dashboard::table::{Cell, Holds, Table, shown_day};

/// Weeks and months with a column of their own; what lies before them is one row of the table.
const WEEKS: usize = 53;
const MONTHS: usize = 25;

/// See the module.
pub(crate) async fn time(book: &Book) -> Result<Section> {
    let totals = book.totals()?;
    let lead = format!(
        "{} of {} in {}.",
        counted(totals.amount("credits"), "credit", "credits"),
        counted(totals.amount("dars"), "DAR", "DARs"),
        counted(totals.amount("days"), "day with use", "days with use"),
    );
    Ok(Section::new("time", "Use over time", lead)
        .with(weeks(book, totals).await?)
        .with(months(book, totals).await?))
}

/// Sums over the rows that are earlier than what has room.
struct Earlier {
    sums: Vec<Number>,
    any: bool,
}

/// Each of the last `most` spans from the first row's to the last row's, with its row if there is one, and the sums of
/// `columns` before them.
fn spans<'a>(
    rows: &[Row<'a>],
    key: &str,
    columns: &[&str],
    next: impl Fn(Date) -> Option<Date>,
    most: usize,
) -> (Earlier, Vec<(Date, Option<Row<'a>>)>) {
    let mut rows = rows.iter().peekable();
    let mut spans = Vec::new();
    let mut at = rows.peek().and_then(|row| row.day(key));
    while let (Some(day), true) = (at, rows.peek().is_some()) {
        let here = rows.next_if(|row| row.day(key) == Some(day)).copied();
        spans.push((day, here));
        at = next(day);
    }
    let kept = spans.split_off(spans.len().saturating_sub(most));
    let mut earlier = Earlier {
        sums: vec![Number::ZERO; columns.len()],
        any: !spans.is_empty(),
    };
    for row in spans.iter().filter_map(|span| span.1) {
        for (sum, column) in earlier.sums.iter_mut().zip(columns) {
            *sum = sum.plus(row.amount(column));
        }
    }
    (earlier, kept)
}

fn numbers(numbers: &[Number]) -> impl Iterator<Item = Cell> {
    numbers.iter().map(|number| Cell::Number(*number))
}

async fn weeks(book: &Book, totals: Row<'_>) -> Result<Figure> {
    const SUMS: [&str; 4] = ["days", "dars", "messages", "credits"];
    let answer = book.ask(include_str!("../sql/weeks.sql")).await?;
    let rows: Vec<Row<'_>> = answer.rows().collect();
    let next = |day: Date| day.checked_add(7.days()).ok();
    let (earlier, weeks) = spans(&rows, "week", &SUMS, next, WEEKS);
    let mut table = Table::new(&[
        ("Week from", Holds::Words),
        ("Days with use", Holds::Numbers),
        ("DARs", Holds::Numbers),
        ("Messages", Holds::Numbers),
        ("Credits", Holds::Numbers),
    ]);
    if earlier.any {
        let cells = std::iter::once(Cell::Text("Earlier".into()));
        table.row(cells.chain(numbers(&earlier.sums)).collect());
    }
    let mut piles = Vec::new();
    let mut month = None;
    for (at, (week, row)) in weeks.iter().enumerate() {
        let sums = SUMS.map(|name| row.map_or(Number::ZERO, |row| row.amount(name)));
        let cells = std::iter::once(Cell::Day(*week));
        table.row(cells.chain(numbers(&sums)).collect());
        // A month is named under its first whole week, every third one where there are many.
        let every = if weeks.len() > 20 { 3 } else { 1 };
        let is_new = month != Some(week.month()) && at + 2 < weeks.len();
        month = Some(week.month());
        let named = is_new && (week.month() - 1) % every == 0;
        let shape = if week.month() == 1 { "%b %Y" } else { "%b" };
        piles.push(Pile {
            label: named.then(|| week.strftime(shape).to_string()),
            text: format!(
                "Week from {}: {} credits",
                shown_day(*week),
                sums[3].exact()
            ),
            parts: vec![("use", sums[3])],
        });
    }
    let sums = ["days", "dars", "messages", "credits"].map(|name| totals.amount(name));
    let cells = std::iter::once(Cell::Text("Total".into()));
    table.total(cells.chain(numbers(&sums)).collect());
    let figure = Figure::chart(
        "weeks",
        "Credits by week",
        "Engagement credits; weeks begin on Monday, days are local to each site, the first and the last may be cut short",
        Chart::Columns(Columns::of(&piles)),
        &table,
    );
    Ok(figure.wide().described(highest(&piles, "weeks")))
}

async fn months(book: &Book, totals: Row<'_>) -> Result<Figure> {
    const SUMS: [&str; 6] = [
        "dars",
        "messages",
        "base_credits",
        "gen_ai_credits",
        "intent_analyzer_credits",
        "credits",
    ];
    let answer = book.ask(include_str!("../sql/months.sql")).await?;
    let rows: Vec<Row<'_>> = answer.rows().collect();
    let next = |day: Date| day.checked_add(1.month()).ok();
    let (earlier, months) = spans(&rows, "month", &SUMS, next, MONTHS);
    let mut table = Table::new(&[
        ("Month", Holds::Words),
        ("DARs", Holds::Numbers),
        ("Messages", Holds::Numbers),
        ("Base credits", Holds::Numbers),
        ("Generative AI", Holds::Numbers),
        ("Intent Analyzer", Holds::Numbers),
        ("Credits", Holds::Numbers),
    ]);
    if earlier.any {
        let cells = std::iter::once(Cell::Text("Earlier".into()));
        table.row(cells.chain(numbers(&earlier.sums)).collect());
    }
    let mut piles = Vec::new();
    for (at, (month, row)) in months.iter().enumerate() {
        let sums = SUMS.map(|name| row.map_or(Number::ZERO, |row| row.amount(name)));
        let name = month.strftime("%b %Y").to_string();
        let cells = std::iter::once(Cell::Text(name.clone()));
        table.row(cells.chain(numbers(&sums)).collect());
        let every = months.len() / 13 + 1;
        let shape = if at == 0 || month.month() == 1 && months.len() > 12 {
            "%b %y"
        } else {
            "%b"
        };
        piles.push(Pile {
            label: at
                .is_multiple_of(every)
                .then(|| month.strftime(shape).to_string()),
            text: format!("{name}: {} credits", sums[5].exact()),
            parts: vec![("use", sums[2]), ("ai", sums[3]), ("intent", sums[4])],
        });
    }
    let sums = SUMS.map(|name| totals.amount(name));
    let cells = std::iter::once(Cell::Text("Total".into()));
    table.total(cells.chain(numbers(&sums)).collect());
    let figure = Figure::chart(
        "months",
        "Credits by month",
        "Engagement credits, and what they are made of",
        Chart::Columns(Columns::of(&piles)),
        &table,
    );
    Ok(figure
        .wide()
        .described(highest(&piles, "months"))
        .with_legend(&[
            ("use", "One credit a DAR"),
            ("ai", "Generative AI"),
            ("intent", "Intent Analyzer"),
        ]))
}

/// The columns in a sentence.
fn highest(piles: &[Pile], what: &str) -> String {
    let sum = |pile: &&Pile| {
        let parts = pile.parts.iter().map(|(_, part)| part.at_scale(4));
        parts.fold(0_i128, i128::saturating_add)
    };
    match piles.iter().max_by_key(sum) {
        Some(pile) => format!("{} {what}; the highest: {}.", piles.len(), pile.text),
        None => String::new(),
    }
}
