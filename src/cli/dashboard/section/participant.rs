//! Bots, agents and consumers: who wrote.

use datafusion::error::Result;

use crate::cli::dashboard::book::Book;
use crate::cli::dashboard::chart::{Bars, Chart, Measure};
use crate::cli::dashboard::number::Number;
use crate::cli::dashboard::page::{Figure, Section};
use crate::cli::dashboard::table::{Cell, Holds, Table};

/// See the module.
pub(crate) async fn participants(book: &Book) -> Result<Section> {
    let totals = book.totals()?;
    let senders = [
        ("Consumers", "consumer_messages", "use"),
        ("Agents", "agent_messages", "ai"),
        ("Bots", "bot_messages", "intent"),
    ];
    let whole = totals.amount("messages");
    let percent = |column: &str| {
        totals
            .amount(column)
            .share(whole)
            .unwrap_or(Number::ZERO)
            .text(0)
    };
    let lead = format!(
        "Consumers write {}\u{202F}% of the messages, agents {}\u{202F}%, bots {}\u{202F}%.",
        percent("consumer_messages"),
        percent("agent_messages"),
        percent("bot_messages"),
    );

    let mut messages = Table::new(&[
        ("Sender", Holds::Words),
        ("Messages", Holds::Numbers),
        ("Share", Holds::Numbers),
    ]);
    let mut bars = Vec::new();
    for (name, column, tone) in senders {
        let count = totals.amount(column);
        messages.row(vec![
            Cell::Text(name.into()),
            Cell::Number(count),
            Cell::share(count, whole),
        ]);
        bars.push(Measure {
            name,
            text: count.exact(),
            value: count,
            outlook: None,
            tone,
        });
    }
    messages.total(vec![
        Cell::Text("Total".into()),
        Cell::Number(whole),
        Cell::share(whole, whole),
    ]);
    let by_sender = Figure::chart(
        "senders",
        "Messages by sender",
        "Messages that count",
        Chart::Bars(Bars::of(&bars, None)),
        &messages,
    )
    .described(lead.clone());
    Ok(Section::new("participants", "Who took part", lead)
        .with(by_sender)
        .with(by_participants(book).await?))
}

async fn by_participants(book: &Book) -> Result<Figure> {
    let totals = book.totals()?;
    let answer = book.ask(include_str!("../sql/participants.sql")).await?;
    let mut table = Table::new(&[
        ("Who wrote", Holds::Words),
        ("DARs", Holds::Numbers),
        ("Messages", Holds::Numbers),
        ("Credits", Holds::Numbers),
        ("Share of DARs", Holds::Numbers),
    ]);
    let whole = totals.amount("dars");
    let mut bars = Vec::new();
    for row in answer.rows() {
        let name = match (row.is("consumer"), row.is("agent"), row.is("bot")) {
            (true, true, true) => "Consumer, agent and bot",
            (true, true, false) => "Consumer and agent",
            (true, false, true) => "Consumer and bot",
            (false, true, true) => "Agent and bot",
            (true, false, false) => "Consumer alone",
            (false, true, false) => "Agent alone",
            (false, false, true) => "Bot alone",
            (false, false, false) => "Nobody",
        };
        let dars = row.amount("dars");
        table.row(vec![
            Cell::Text(name.into()),
            Cell::Number(dars),
            Cell::Number(row.amount("messages")),
            Cell::Number(row.amount("credits")),
            Cell::share(dars, whole),
        ]);
        bars.push(Measure {
            name,
            text: dars.exact(),
            value: dars,
            outlook: None,
            tone: "use",
        });
    }
    table.total(vec![
        Cell::Text("Total".into()),
        Cell::Number(whole),
        Cell::Number(totals.amount("messages")),
        Cell::Number(totals.amount("credits")),
        Cell::share(whole, whole),
    ]);
    let texts: Vec<String> = bars
        .iter()
        .map(|bar| format!("{}: {}", bar.name, bar.text))
        .collect();
    let figure = Figure::chart(
        "participants-dars",
        "DARs by who wrote in them",
        "Daily Active Relationships; one-sided days count",
        Chart::Bars(Bars::of(&bars, None)),
        &table,
    );
    Ok(figure.described(format!("{}.", texts.join("; "))))
}
