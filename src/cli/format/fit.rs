//! What of a table fits on a screen: which columns, how wide, and how many rows.

use crate::cli::screen::Screen;

/// The fewest letters that a text column is cut to.
const NARROWEST: usize = 12;

/// Lines of the screen that are not for rows: header, rule, the line about what is left out, the prompts.
const AROUND: usize = 6;

/// The fewest rows shown, however small the screen.
const FEWEST_ROWS: usize = 10;

/// A column that would like to be shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// The letters that its cells need.
    pub(super) width: usize,
    /// Whether its cells may be cut: a number that is cut would be another number.
    pub(super) may_be_cut: bool,
}

/// The columns that are shown, each with its width, in order; `None` stands where columns are left out.
pub(super) fn columns(wishes: &[Wish], screen: Screen) -> Vec<Option<(usize, usize)>> {
    let all: Vec<usize> = (0..wishes.len()).collect();
    if let Some(widths) = widths(wishes, &all, screen.width) {
        return all.into_iter().zip(widths).map(Some).collect();
    }
    // Columns go from the middle: what a row is stands first, and what it comes to stands last.
    for shown in (1..wishes.len()).rev() {
        let first = shown.div_ceil(2);
        let last = wishes.len() - (shown - first);
        let kept: Vec<usize> = (0..first).chain(last..wishes.len()).collect();
        // The `…` in their place takes a column of its own.
        if let Some(widths) = widths(wishes, &kept, screen.width.saturating_sub(4)) {
            let mut columns: Vec<_> = kept.into_iter().zip(widths).map(Some).collect();
            columns.insert(first, None);
            return columns;
        }
    }
    let width = wishes.first().map_or(0, |wish| wish.width);
    let gap = (wishes.len() > 1).then_some(None);
    std::iter::once(Some((0, width))).chain(gap).collect()
}

/// The rows that fit.
pub(super) fn rows(screen: Screen) -> usize {
    screen.height.saturating_sub(AROUND).max(FEWEST_ROWS)
}

/// The widths of the columns `kept` such that they fit into `room`, if they can.
fn widths(wishes: &[Wish], kept: &[usize], room: usize) -> Option<Vec<usize>> {
    // Each column has a space before and behind, and a line between it and the next.
    let room = room.checked_sub(kept.len() * 3)? + 1;
    let mut widths: Vec<usize> = kept.iter().map(|at| wishes[*at].width).collect();
    loop {
        let needed: usize = widths.iter().sum();
        let over = needed.saturating_sub(room);
        if over == 0 {
            return Some(widths);
        }
        // The widest text gives way first, down to the next widest.
        let texts = || (0..kept.len()).filter(|at| wishes[kept[*at]].may_be_cut);
        let widest = texts().map(|at| widths[at]).max()?;
        if widest <= NARROWEST {
            return None;
        }
        let at = texts().find(|at| widths[*at] == widest)?;
        let next = texts()
            .map(|at| widths[at])
            .filter(|width| *width < widest)
            .max()
            .unwrap_or(NARROWEST);
        let floor = next.max(NARROWEST).min(widest - 1);
        widths[at] = widest.saturating_sub(over).max(floor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(width: usize) -> Screen {
        Screen {
            width,
            height: 24,
            colour: false,
        }
    }

    fn wish(width: usize, may_be_cut: bool) -> Wish {
        Wish { width, may_be_cut }
    }

    #[test]
    fn what_fits_is_left_alone() {
        let wishes = [wish(10, true), wish(10, false)];
        assert_eq!(columns(&wishes, screen(80)), [Some((0, 10)), Some((1, 10))]);
    }

    #[test]
    fn long_texts_give_way_and_numbers_never_do() {
        let wishes = [wish(60, true), wish(30, true), wish(20, false)];
        let shown = columns(&wishes, screen(80));
        assert_eq!(shown.len(), 3);
        assert_eq!(shown[2], Some((2, 20)));
        let total: usize = shown.iter().flatten().map(|(_, width)| width + 3).sum();
        assert!(total <= 81, "{shown:?}");
    }

    #[test]
    fn columns_are_left_out_of_the_middle() {
        let wishes = [wish(20, false); 9];
        let shown = columns(&wishes, screen(80));
        assert_eq!(shown, [Some((0, 20)), Some((1, 20)), None, Some((8, 20))]);
        // The narrowest screen still shows something.
        assert_eq!(columns(&wishes, screen(5)), [Some((0, 20)), None]);
    }
}
