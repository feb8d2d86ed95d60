//! Bars: a line for each label, its bar as long as its share of the largest number, and the number.

use super::painted;
use super::series::{Point, Series, share};
use crate::cli::format::cells::{shortened, width};

/// The ends of bars: nothing to seven eighths of a letter.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// The widest label on a screen.
const WIDEST_LABEL: usize = 32;

/// The fewest letters that bars get.
const FEWEST: usize = 10;

/// The lines of the first `most` points.
pub(super) fn draw(
    series: &Series,
    most: usize,
    wide: usize,
    on_screen: bool,
    colour: bool,
) -> Vec<String> {
    let points: Vec<&Point> = series.points.iter().take(most).collect();
    let label = |point: &Point| match on_screen {
        true => shortened(&point.label, WIDEST_LABEL),
        false => point.label.clone(),
    };
    let labels: Vec<String> = points.iter().map(|point| label(point)).collect();
    let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default();
    let label_width = widest(&mut labels.iter().map(|label| width(label)));
    let text_width = widest(&mut points.iter().map(|point| width(&point.text)));
    // A label, a space, the axis, the bars, a space, the number.
    let room = wide
        .saturating_sub(label_width + text_width + 3)
        .max(FEWEST);
    let (lowest, highest) = series.range();
    let span = highest.saturating_sub(lowest);
    let left = match lowest < 0 {
        true => share(lowest.saturating_neg(), span, room).max(1),
        false => 0,
    };
    let right = room.saturating_sub(left);
    let lines = labels.iter().zip(points).map(|(label, point)| {
        let value = point.value.unwrap_or_default();
        let (below, above) = match value < 0 {
            true => (
                leftward(value.saturating_neg(), span, room, left),
                String::new(),
            ),
            false => (String::new(), rightward(value, span, room, right)),
        };
        let label_gap = " ".repeat(label_width - width(label));
        let below_gap = " ".repeat(left.saturating_sub(width(&below)));
        let above_gap = " ".repeat(right.saturating_sub(width(&above)));
        let text_gap = " ".repeat(text_width - width(&point.text));
        format!(
            "{label}{label_gap} {below_gap}{}│{}{above_gap} {text_gap}{}",
            painted(&below, colour),
            painted(&above, colour),
            point.text
        )
    });
    lines.collect()
}

/// A bar to the right of the axis; one that is not nothing can be seen.
fn rightward(value: i128, span: i128, room: usize, most: usize) -> String {
    let eighths = share(value, span, room * 8).min(most * 8);
    let eighths = eighths.max(usize::from(value > 0));
    let end = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    format!("{}{end}", "█".repeat(eighths / 8))
}

/// A bar to its left, in halves: letters that are filled from the right know no eighths.
fn leftward(size: i128, span: i128, room: usize, most: usize) -> String {
    let halves = share(size, span, room * 2).clamp(1, most * 2);
    let end = if halves % 2 == 1 { "▐" } else { "" };
    format!("{end}{}", "█".repeat(halves / 2))
}
