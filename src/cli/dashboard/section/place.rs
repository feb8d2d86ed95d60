//! Use by site, by channel and by day of the week.

use datafusion::error::Result;

use crate::cli::dashboard::answer::{Answer, Row};
use crate::cli::dashboard::book::Book;
use crate::cli::dashboard::chart::{Bars, Chart, Columns, Measure, Pile};
use crate::cli::dashboard::number::Number;
use crate::cli::dashboard::page::{Figure, Section, named};
use crate::cli::dashboard::table::{Cell, Holds, Table};

/// See the module.
pub(crate) async fn places(book: &Book) -> Result<Section> {
    let totals = book.totals()?;
    let sites = book.ask(include_str!("../sql/sites.sql")).await?;
    let channels = book.ask(include_str!("../sql/channels.sql")).await?;
    let lead = match sites.first() {
        Some(first) => {
            let share = first.amount("credits").share(totals.amount("credits"));
            let share = share.unwrap_or(Number::ZERO).text(0);
            let name = named(first.text("site_id").unwrap_or_default());
            match totals.amount("sites") {
                one if one.at_scale(0) == 1 => format!("All credits are those of {name}."),
                sites => format!(
                    "{name} uses {share}\u{202F}% of all credits; {} sites have use.",
                    sites.exact()
                ),
            }
        }
        None => "No site has any use in these days.".to_owned(),
    };
    Ok(Section::new("places", "Where and when", lead)
        .with(largest(
            (
                "sites",
                "Credits by site",
                "The 12 largest sites, and all others",
            ),
            ("Site", "site_id", "other sites"),
            &sites,
            totals,
        ))
        .with(largest(
            (
                "channels",
                "Credits by channel",
                "The channel of each DAR's first message",
            ),
            ("Channel", "channel", "other channels"),
            &channels,
            totals,
        ))
        .with(weekdays(book, totals).await?))
}

fn largest(
    (id, title, unit): (&'static str, &str, &str),
    (head, key, others): (&'static str, &str, &str),
    answer: &Answer,
    totals: Row<'_>,
) -> Figure {
    let mut table = Table::new(&[
        (head, Holds::Words),
        ("DARs", Holds::Numbers),
        ("Messages", Holds::Numbers),
        ("Credits", Holds::Numbers),
        ("Share", Holds::Numbers),
    ]);
    let whole = totals.amount("credits");
    let cells = |name: String, row: Row<'_>| {
        vec![
            Cell::Text(name),
            Cell::Number(row.amount("dars")),
            Cell::Number(row.amount("messages")),
            Cell::Number(row.amount("credits")),
            Cell::share(row.amount("credits"), whole),
        ]
    };
    let names: Vec<String> = answer
        .rows()
        .map(|row| match row.text(key) {
            Some(name) => name.to_owned(),
            None => format!("{} {others}", row.amount("members").exact()),
        })
        .collect();
    let decimals = Number::decimals_of(answer.rows().map(|row| row.amount("credits")));
    let mut bars = Vec::new();
    for (row, name) in answer.rows().zip(&names) {
        table.row(cells(name.clone(), row));
        let credits = row.amount("credits");
        bars.push(Measure {
            name,
            text: credits.text(decimals),
            value: credits,
            outlook: None,
            tone: if row.text(key).is_some() {
                "use"
            } else {
                "rest"
            },
        });
    }
    table.total(cells("Total".into(), totals));
    let description = match bars.first() {
        Some(first) => format!(
            "{} bars; the longest: {}, {} credits.",
            bars.len(),
            first.name,
            first.text
        ),
        None => String::new(),
    };
    Figure::chart(id, title, unit, Chart::Bars(Bars::of(&bars, None)), &table)
        .described(description)
}

const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

async fn weekdays(book: &Book, totals: Row<'_>) -> Result<Figure> {
    let answer = book.ask(include_str!("../sql/weekdays.sql")).await?;
    let mut table = Table::new(&[
        ("Day of the week", Holds::Words),
        ("Days with use", Holds::Numbers),
        ("DARs", Holds::Numbers),
        ("Messages", Holds::Numbers),
        ("Credits", Holds::Numbers),
    ]);
    let mut piles = Vec::new();
    // Monday first.
    for weekday in [1, 2, 3, 4, 5, 6, 0] {
        let name = WEEKDAYS[weekday];
        let row = answer.rows().find(|row| {
            row.number("weekday")
                == Some(Number::new(crate::cli::dashboard::axis::whole(weekday), 0))
        });
        let number = |column| row.map_or(Number::ZERO, |row| row.amount(column));
        table.row(vec![
            Cell::Text(name.to_owned()),
            Cell::Number(number("days")),
            Cell::Number(number("dars")),
            Cell::Number(number("messages")),
            Cell::Number(number("credits")),
        ]);
        piles.push(Pile {
            label: Some(name[..3].to_owned()),
            text: format!("{name}: {} credits", number("credits").exact()),
            parts: vec![("use", number("credits"))],
        });
    }
    table.total(vec![
        Cell::Text("Total".into()),
        Cell::Number(totals.amount("days")),
        Cell::Number(totals.amount("dars")),
        Cell::Number(totals.amount("messages")),
        Cell::Number(totals.amount("credits")),
    ]);
    let texts: Vec<&str> = piles.iter().map(|pile| pile.text.as_str()).collect();
    let figure = Figure::chart(
        "weekdays",
        "Credits by day of the week",
        "Engagement credits, by the local day of each site",
        Chart::Columns(Columns::of(&piles)),
        &table,
    );
    Ok(figure.described(format!("{}.", texts.join("; "))))
}
