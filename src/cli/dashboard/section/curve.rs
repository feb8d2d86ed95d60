//! What each size of commitment would have cost: where the next one should lie.

use datafusion::error::Result;
use jiff::ToSpan;

use super::NO_CONTRACTS;
use super::commitment::Commitments;
use crate::cli::dashboard::answer::Row;
use crate::cli::dashboard::axis::Axis;
use crate::cli::dashboard::book::{Book, day, decimal, text_constant};
use crate::cli::dashboard::chart::{Chart, Drawing, Lines};
use crate::cli::dashboard::number::Number;
use crate::cli::dashboard::page::{Figure, Section, counted, named};
use crate::cli::dashboard::table::{Cell, Holds, Table, shown_day};

const ID: &str = "curve";
const TITLE: &str = "Commitment curve";

/// See the module.
pub(crate) async fn curve(book: &Book, commitments: &Commitments) -> Result<Section> {
    if !book.has.contracts {
        return Ok(Section::new(ID, TITLE, String::new()).without(NO_CONTRACTS));
    }
    let largest = commitments
        .rows()
        .filter(|row| row.text("period") == Some("term") && row.amount("credits").is_positive())
        .max_by_key(|row| row.amount("credits").at_scale(4));
    let Some(contract) = largest else {
        let lead = "No commitment for a term has any use yet. For commitments by the month: dayrate report commitment_sizing.";
        return Ok(Section::new(ID, TITLE, lead.into()));
    };
    of_contract(book, contract).await
}

async fn of_contract(book: &Book, contract: Row<'_>) -> Result<Section> {
    let org = contract.text("org_id").unwrap_or_default();
    // A year back, as long as the function takes.
    let from = book
        .scope
        .as_of
        .checked_sub(365.days())
        .unwrap_or(book.scope.as_of);
    let history = [("curve_org", text_constant(org)), ("from", day(from))];
    let used = book
        .ask_with(include_str!("../sql/history.sql"), &history)
        .await?;
    let Some(used) = used
        .first()
        .filter(|row| row.amount("credits").is_positive())
    else {
        return Ok(Section::new(ID, TITLE, "No use in the last year.".into()));
    };
    let commitment = contract.amount("commitment");
    let most = used.amount("credits").at_scale(4);
    let axis = Axis::up_to((most + most / 4).max(commitment.at_scale(4)), 4);
    let step = Number::new((axis.step() / 4).max(1), 4);
    // A block costs its price however little of it is used; here each credit bears its part.
    let digits = |number: Number, scale: u32| plain(number.at_scale(scale), scale);
    let prices = [
        (
            "credit_price",
            decimal(&digits(contract.amount("credit_price"), 6), 18, 6),
        ),
        (
            "overage_price",
            decimal(&digits(contract.amount("overage_each"), 6), 18, 6),
        ),
        ("commitment", decimal(&digits(commitment, 4), 18, 4)),
        ("used", decimal(&digits(used.amount("credits"), 4), 18, 4)),
        ("step", decimal(&digits(step, 4), 18, 4)),
    ];
    let answer = book
        .ask_with(
            include_str!("../sql/curve.sql"),
            &[&history[..], &prices].concat(),
        )
        .await?;

    let currency = contract.text("currency");
    let mut table = Table::new(&[
        ("Commitment", Holds::Numbers),
        ("Used", Holds::Numbers),
        ("Unused", Holds::Numbers),
        ("Above", Holds::Numbers),
        ("Total", Holds::Money),
        ("Currency", Holds::Words),
        ("", Holds::Words),
    ]);
    let mut points = Vec::new();
    let mut marks = Vec::new();
    let mut best: Option<Row<'_>> = None;
    let mut own = None;
    for row in answer.rows() {
        let size = row.amount("committed_credits");
        let is_own = size.at_scale(4) == commitment.at_scale(4);
        let note = match (row.is("is_best"), is_own) {
            (true, true) => "least, and the commitment now",
            (true, false) => "least",
            (false, true) => "the commitment now",
            (false, false) => "",
        };
        table.row(vec![
            Cell::Number(size),
            Cell::Number(row.amount("used")),
            Cell::Number(row.amount("unused")),
            Cell::Number(row.amount("overage")),
            Cell::money(row.number("total"), currency),
            Cell::word(currency),
            Cell::Text(note.into()),
        ]);
        points.push((size, row.amount("total")));
        if row.is("is_best") && best.is_none() {
            best = Some(row);
        }
        if is_own {
            own = Some(row);
        }
    }
    let money = |row: Row<'_>| {
        let total = row.amount("total").money(currency);
        format!("{} {total}", currency.unwrap_or_default())
    };
    let size = |row: Row<'_>| row.amount("committed_credits");
    if let Some(row) = best {
        marks.push((
            "use",
            size(row),
            row.amount("total"),
            format!("least: {}", size(row).exact()),
        ));
    }
    if let Some(row) = own.filter(|row| !row.is("is_best")) {
        marks.push((
            "over",
            size(row),
            row.amount("total"),
            format!("now: {}", size(row).exact()),
        ));
    }
    let days = used.amount("days");
    let mut lead = match (best, own) {
        (Some(best), Some(own)) if !own.is("is_best") => format!(
            "On the use of {}, a commitment of {} credits would have cost {}, the one in force ({}) {}.",
            named(org),
            size(best).exact(),
            money(best),
            size(own).exact(),
            money(own)
        ),
        (Some(best), _) => format!(
            "On the use of {}, the least dear of these is a commitment of {} credits: {}.",
            named(org),
            size(best).exact(),
            money(best)
        ),
        (None, _) => String::new(),
    };
    if days.at_scale(0) < 365 {
        lead.push_str(&format!(
            " Only {} are known: a whole year needs more.",
            counted(days, "day", "days")
        ));
    }
    if book.scope.org.is_none() {
        lead.push_str(" This is the organization with the most credits; --org shows another.");
    }
    let description = format!("The total cost falls and rises with the commitment; {lead}");
    let drawing = Drawing {
        lines: vec![("use", points)],
        marks,
        labels: Vec::new(),
    };
    let unit = format!(
        "Total cost in {} against committed credits; use from {} to {}, at {} a committed credit and {} above",
        currency.unwrap_or_default(),
        shown_day(from),
        shown_day(book.scope.last_day()),
        contract.amount("credit_price").exact(),
        contract.amount("overage_each").exact(),
    );
    Ok(Section::new(ID, TITLE, lead).with(
        Figure::chart(
            "curve-lines",
            "What each commitment would have cost",
            &unit,
            Chart::Lines(Lines::of(&drawing)),
            &table,
        )
        .wide()
        .described(description),
    ))
}

/// `1234.5000`, as SQL takes it.
fn plain(units: i128, scale: u32) -> String {
    let width = usize::try_from(scale).unwrap_or_default();
    let digits = format!("{:0>least$}", units.unsigned_abs(), least = width + 1);
    let (whole, part) = digits.split_at(digits.len() - width);
    format!("{whole}.{part}")
}
