//! `dayrate dashboard`: one page that answers what a weekly usage dashboard answers, and shows how it was made.
//!
//! ```text
//! scope (until when, of whom) ── book (the DARs, once) ── section/… (SQL → tables, charts) ── page.html (the template)
//! ```
//!
//! The page is one file without script or network: style and charts (SVG) are part of it. What a chart shows stands in
//! a table behind it. All numbers are exact until they become text; places in charts are whole hundredths of a percent.

mod answer;
mod axis;
mod book;
mod chart;
mod fingerprint;
mod number;
mod page;
mod relation;
mod scope;
mod section;
mod table;

use datafusion::error::Result;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use self::book::Book;
use self::page::{Amount, Page, Tile, counted};
use self::scope::Scope;
use self::section::{Commitments, Invoice, Quality};
use self::table::shown_day;
use super::args::{Dashboard, SessionArguments};
use super::config::{self, Discovery};
use super::output::Output;
use super::say;
use crate::error;

/// `dayrate dashboard`
pub(super) async fn run(
    session: &SessionArguments,
    given: &Dashboard,
    output: &mut Output,
) -> Result<()> {
    let ctx = config::session(session, Discovery::On)?;
    let scope = Scope::of(&ctx, given)?;
    let book = Book::open(ctx, scope).await?;
    let page = page(&book).await?;
    say(output, &html(&page)?)
}

/// Everything that the page says.
async fn page(book: &Book) -> Result<Page> {
    let quality = Quality::ask(book).await?;
    let commitments = Commitments::ask(book).await?;
    let invoice = Invoice::ask(book).await?;
    let (risk, forecast) = section::forecast(book, &commitments)?;
    let inputs = fingerprint::fingerprints(book, quality.all()).await?;
    let tiles = vec![
        commitments.tile(book),
        invoice.tile(book),
        risk,
        recent(book, "DARs", "dars")?,
        recent(book, "Messages", "messages")?,
    ];
    let sections = vec![
        commitments.section(book).await?,
        invoice.section(book),
        forecast,
        section::time(book).await?,
        section::places(book).await?,
        section::participants(book).await?,
        section::features(book).await?,
        section::curve(book, &commitments).await?,
        section::engagements(book).await?,
        section::seats(book).await?,
        quality.section(),
        section::rules(book, &commitments, &quality, &inputs).await?,
    ];
    Ok(Page {
        title: book.scope.title.clone(),
        org: book.scope.org.clone(),
        about: about(book)?,
        notices: notices(book, &quality)?,
        tiles,
        sections,
    })
}

/// Which days the page is about.
fn about(book: &Book) -> Result<String> {
    let totals = book.totals()?;
    let days = match (totals.day("first_day"), totals.day("last_day")) {
        (Some(first), Some(last)) => {
            format!("Use from {} to {}", shown_day(first), shown_day(last))
        }
        _ => "No use".to_owned(),
    };
    Ok(format!(
        "{days}, {}, {}; days before {} count.",
        counted(totals.amount("orgs"), "organization", "organizations"),
        counted(totals.amount("sites"), "site", "sites"),
        shown_day(book.scope.as_of),
    ))
}

/// What must not be overlooked.
fn notices(book: &Book, quality: &Quality) -> Result<Vec<String>> {
    const STALE_DAYS: i32 = 7;
    let totals = book.totals()?;
    let mut notices: Vec<String> = quality.notice().into_iter().collect();
    if let Some(last) = totals.day("last_day") {
        let days = book
            .scope
            .last_day()
            .since(last)
            .map_or(0, |span| span.get_days());
        if days > STALE_DAYS {
            notices.push(format!(
                "The last message that counts is of {}, {days} days before the last day of this page: newer ones may be missing.",
                shown_day(last)
            ));
        }
    } else {
        notices.push(format!(
            "No message counts before {}.",
            shown_day(book.scope.as_of)
        ));
    }
    let uncontracted = totals.amount("uncontracted_credits");
    if uncontracted.is_positive() && book.has.contracts {
        notices.push(format!(
            "{} used under no contract: no price is known for them, so they are in no total of money.",
            counted(uncontracted, "credit was", "credits were")
        ));
    }
    Ok(notices)
}

/// A tile of all days, with the last seven beside the seven before.
fn recent(book: &Book, name: &'static str, column: &str) -> Result<Tile> {
    let totals = book.totals()?;
    let this = totals.amount(&format!("{column}_this_week"));
    let last = totals.amount(&format!("{column}_last_week"));
    let change = this.plus(last.negated()).share(last);
    let compared = match change {
        Some(change) if change.units() >= 0 => format!("up {}\u{202F}%", change.text(1)),
        Some(change) => format!("down {}\u{202F}%", change.negated().text(1)),
        None => "none".to_owned(),
    };
    let text = match change {
        Some(_) => format!(
            "{} in the last 7 days, {compared} on the 7 before.",
            this.exact()
        ),
        None => format!(
            "{} in the last 7 days, {compared} in the 7 before.",
            this.exact()
        ),
    };
    Ok(Tile {
        name,
        amounts: vec![Amount {
            value: totals.amount(column).exact(),
            unit: String::new(),
        }],
        text: vec![text],
        meter: None,
    })
}

/// The page as a file. Everything that comes from data is escaped.
fn html(page: &Page) -> Result<String> {
    let wrong = |cause: minijinja::Error| {
        error::config(format!(
            "the page cannot be written: {cause:#}; report this"
        ))
    };
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.set_trim_blocks(true);
    templates.set_lstrip_blocks(true);
    for (name, text) in [
        ("page.html", include_str!("page.html")),
        ("page.css", include_str!("page.css")),
        ("charts.html", include_str!("charts.html")),
        ("rules.html", include_str!("rules.html")),
    ] {
        templates.add_template(name, text).map_err(wrong)?;
    }
    let template = templates.get_template("page.html").map_err(wrong)?;
    template.render(page).map_err(wrong)
}
