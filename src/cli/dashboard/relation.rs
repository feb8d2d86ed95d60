//! The relations that the page reads by itself, in one shape whatever columns the files have.

use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use super::book::Book;

/// A column of a view, and what it is where the relation does not have it.
type Column = (&'static str, &'static str);

const CONTRACTS: [Column; 15] = [
    ("contract_id", "VARCHAR"),
    ("org_id", "VARCHAR"),
    ("scenario", "VARCHAR"),
    ("term_start", "DATE"),
    ("term_end", "DATE"),
    ("currency", "VARCHAR"),
    ("committed_credits", "DECIMAL(18, 4)"),
    ("credit_price", "DECIMAL(18, 6)"),
    ("overage_price", "DECIMAL(18, 6)"),
    ("overage_block", "DECIMAL(18, 4)"),
    ("dar_credits", "DECIMAL(18, 4)"),
    ("gen_ai_multiplier", "DECIMAL(18, 4)"),
    ("intent_analyzer_credits", "DECIMAL(18, 4)"),
    ("surcharge_mode", "VARCHAR"),
    ("collection", "VARCHAR"),
];

const SEATS: [Column; 6] = [
    ("org_id", "VARCHAR"),
    ("seats", "DECIMAL(12, 0)"),
    ("seat_price", "DECIMAL(18, 6)"),
    ("currency", "VARCHAR"),
    ("valid_from", "DATE"),
    ("valid_to", "DATE"),
];

/// What a message needs to be counted or not.
const MESSAGES: [&str; 6] = [
    "site_id",
    "conversation_id",
    "sent_at",
    "sent_by",
    "audience",
    "message_id",
];

/// Whether rows of that name were configured or created.
pub(super) fn exists(ctx: &SessionContext, name: &str) -> bool {
    ctx.table_exist(name).unwrap_or(false)
}

/// `page_contracts`: the contracts of the page's scenario and organization.
///
/// # Errors
///
/// If the relation cannot be opened or lacks what every contract has.
pub(super) async fn contracts(book: &Book) -> Result<()> {
    let columns = columns(&book.ctx, "contracts").await?;
    let listed = listed(&CONTRACTS, &columns);
    let period = if columns.iter().any(|column| column == "period") {
        "lower(coalesce(period, 'term'))"
    } else {
        "'term'"
    };
    let view = format!(
        "CREATE VIEW page_contracts AS SELECT * FROM (SELECT {listed}, {period} AS period FROM contracts) \
         WHERE (scenario IS NOT DISTINCT FROM $scenario) AND ($org IS NULL OR org_id = $org)"
    );
    book.ask(&view).await.map(|_| ())
}

/// `page_seats`.
///
/// # Errors
///
/// If the relation cannot be opened.
pub(super) async fn seats(book: &Book) -> Result<()> {
    let listed = listed(&SEATS, &columns(&book.ctx, "seats").await?);
    let view = format!("CREATE VIEW page_seats AS SELECT {listed} FROM seats");
    book.ask(&view).await.map(|_| ())
}

/// `page_messages`: what decides whether a message counts, so that no other column of theirs gets into our way.
///
/// # Errors
///
/// If the relation cannot be opened.
pub(super) async fn messages(book: &Book) -> Result<()> {
    let columns = columns(&book.ctx, "messages").await?;
    let kept = MESSAGES
        .into_iter()
        .filter(|name| columns.iter().any(|column| column == name));
    let kept: Vec<&str> = kept.collect();
    let view = format!(
        "CREATE VIEW page_messages AS SELECT {} FROM messages",
        kept.join(", ")
    );
    book.ask(&view).await.map(|_| ())
}

async fn columns(ctx: &SessionContext, name: &str) -> Result<Vec<String>> {
    let table = ctx.table_provider(name).await?;
    let fields = table.schema().fields().clone();
    Ok(fields.iter().map(|field| field.name().clone()).collect())
}

/// `column::TYPE AS column, NULL::TYPE AS absent, …`
fn listed(wanted: &[Column], there: &[String]) -> String {
    let each = wanted.iter().map(|(name, kind)| {
        let value = match there.iter().any(|column| column == name) {
            true => name,
            false => "NULL",
        };
        format!("{value}::{kind} AS {name}")
    });
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_is_not_there_is_null() {
        let there = ["org_id".to_owned(), "other".to_owned()];
        let listed = listed(&[("org_id", "VARCHAR"), ("valid_to", "DATE")], &there);
        assert_eq!(listed, "org_id::VARCHAR AS org_id, NULL::DATE AS valid_to");
    }
}
