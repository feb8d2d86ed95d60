//! Rows as text: what a person reads in each column.

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::Result;
use unicode_width::UnicodeWidthStr;

/// The cells of each row, NULL shown.
pub(super) fn rows(batch: &RecordBatch) -> Result<Vec<Vec<String>>> {
    let options = FormatOptions::default().with_null("NULL");
    let columns = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let mut rows = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let cells = columns
            .iter()
            .map(|column| column.value(row).try_to_string());
        rows.push(cells.collect::<std::result::Result<Vec<_>, _>>()?);
    }
    Ok(rows)
}

/// Columns of a terminal that the text takes: its longest line.
pub(super) fn width(text: &str) -> usize {
    text.lines()
        .map(UnicodeWidthStr::width)
        .max()
        .unwrap_or_default()
}

/// The text, or as much of it as fits into `most` columns of a terminal with `…` behind it.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut taken = 1;
    for letter in text.chars() {
        taken += unicode_width::UnicodeWidthChar::width(letter).unwrap_or(0);
        if taken > most || letter == '\n' {
            break;
        }
        short.push(letter);
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_what_it_takes_on_a_screen() {
        assert_eq!(shortened("conversation", 12), "conversation");
        assert_eq!(shortened("conversation", 6), "conve…");
        assert_eq!(shortened("日本語です", 6), "日本…");
        assert_eq!(width("日本"), 4);
    }
}
