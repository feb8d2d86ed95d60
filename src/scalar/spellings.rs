//! What a text means, looked up once for each spelling and not once for each row.
//!
//! Columns such as `sent_by` repeat few values. A string view names a text by 16 bytes, within a batch or, up to twelve
//! bytes long, everywhere: rows are told apart by those, and only a spelling not seen lately is read.

use std::ops::Range;

use arrow::array::StringViewArray;

/// The longest text that a view holds itself.
const INLINE: u128 = 12;

/// No text is as long as this view says.
const NO_VIEW: u128 = u128::MAX;

/// Meanings by view; the slot is chosen by a few mixed bits, and what lies there is compared whole. There are at most 2^16
/// slots, a power of two; where two spellings share one, both are read again and again.
#[derive(Debug)]
pub(crate) struct Spellings<T, const SLOTS: usize> {
    views: Box<[u128; SLOTS]>,
    meanings: Box<[T; SLOTS]>,
    /// Whether a text lies there that is known only within its batch.
    of_batch: bool,
}

impl<T: Copy + Default, const SLOTS: usize> Spellings<T, SLOTS> {
    pub(crate) fn new() -> Self {
        Self {
            views: Box::new([NO_VIEW; SLOTS]),
            meanings: Box::new([T::default(); SLOTS]),
            of_batch: false,
        }
    }

    /// Forgets what held only for the batch before.
    pub(crate) fn next_batch(&mut self) {
        if std::mem::take(&mut self.of_batch) {
            self.views.fill(NO_VIEW);
        }
    }

    /// The meaning of the text at `row`, which is not NULL.
    #[inline]
    pub(crate) fn of(
        &mut self,
        column: &StringViewArray,
        row: usize,
        meaning: impl FnOnce(&str) -> T,
    ) -> T {
        let view = column.views().get(row).copied().unwrap_or_default();
        self.of_view(view, || meaning(column.value(row)))
    }

    /// The meanings of the texts at some rows; of NULL, that of some text.
    #[inline]
    pub(crate) fn each(
        &mut self,
        column: &StringViewArray,
        rows: Range<usize>,
        meaning: impl Fn(&str) -> T,
    ) -> impl Iterator<Item = T> {
        let views = column.views().get(rows.clone()).unwrap_or_default();
        let views = views.iter().zip(rows);
        views.map(move |(view, row)| self.of_view(*view, || meaning(column.value(row))))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "both halves of a view are mixed"
    )]
    #[inline(always)]
    fn of_view(&mut self, view: u128, meaning: impl FnOnce() -> T) -> T {
        let mixed = (view ^ (view >> 64)) as u64;
        let slot = (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48) as usize % SLOTS;
        if self.views[slot] != view {
            self.meanings[slot] = meaning();
            self.views[slot] = view;
            self.of_batch |= view & 0xFFFF_FFFF > INLINE;
        }
        self.meanings[slot]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that share a slot, a prefix or a view across batches keep their own meaning.
    #[test]
    fn every_text_keeps_its_meaning() {
        let mut spellings = Spellings::<_, 1024>::new();
        for batch in 0..4 {
            let texts: Vec<String> = (0..5_000)
                .map(|n| match n % 3 {
                    0 => format!("s{n}"),
                    1 => format!("a text that no view holds itself {n} {batch}"),
                    _ => format!("{n:012}"),
                })
                .collect();
            let column = StringViewArray::from_iter_values(&texts);
            spellings.next_batch();
            for _ in 0..2 {
                for (row, text) in texts.iter().enumerate() {
                    let found = spellings.of(&column, row, |text| {
                        (
                            text.len(),
                            text.bytes()
                                .map(u64::from)
                                .fold(0, |a, b| a * 31 % 1_000_003 + b),
                        )
                    });
                    let expected = text
                        .bytes()
                        .map(u64::from)
                        .fold(0, |a, b| a * 31 % 1_000_003 + b);
                    assert_eq!(found, (text.len(), expected), "{text}");
                }
            }
        }
    }
}
