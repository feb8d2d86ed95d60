//! A line over time, drawn in the dots of braille letters: two across and four down in each.

use super::painted;
use super::series::{Point, Series, share};
use crate::cli::format::cells::width;

/// Letters from the bottom to the top.
const HEIGHT: usize = 10;

/// The fewest letters across.
const FEWEST: usize = 20;

/// Which bit of a braille letter is the dot at (column, row from the top).
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// The lines of the picture: the axis with the largest and the smallest number, the line, and the first and last
/// moment under it. Moments stand where they belong, so a gap in them is a gap; a NULL breaks the line.
pub(super) fn draw(series: &Series, wide: usize, colour: bool) -> Vec<String> {
    let mut points: Vec<(i64, &Point)> = series
        .points
        .iter()
        .filter_map(|point| point.place.map(|place| (place, point)))
        .collect();
    points.sort_by_key(|(place, _)| *place);
    let (Some((first, first_point)), Some((last, last_point))) = (points.first(), points.last())
    else {
        return Vec::new();
    };
    let (lowest, highest) = series.range();
    let mut marks = vec![(HEIGHT - 1, series.text(lowest)), (0, series.text(highest))];
    let span = highest.saturating_sub(lowest);
    if lowest < 0 && highest > 0 {
        let up = share(lowest.saturating_neg(), span, HEIGHT * 4 - 1) / 4;
        let row = HEIGHT - 1 - up.min(HEIGHT - 1);
        if row != 0 && row != HEIGHT - 1 {
            marks.push((row, series.text(0)));
        }
    }
    let margin = marks
        .iter()
        .map(|(_, text)| width(text))
        .max()
        .unwrap_or_default();
    let columns = wide.saturating_sub(margin + 3).max(FEWEST);
    let mut canvas = Canvas::new(columns);
    let time = i128::from(*last) - i128::from(*first);
    let mut before = None;
    for (place, point) in &points {
        let Some(value) = point.value else {
            before = None;
            continue;
        };
        let along = i128::from(*place) - i128::from(*first);
        let at = (
            share(along, time, columns * 2 - 1),
            share(value.saturating_sub(lowest), span, HEIGHT * 4 - 1),
        );
        canvas.line(before.unwrap_or(at), at);
        before = Some(at);
    }
    let mut lines: Vec<String> = canvas
        .lines()
        .enumerate()
        .map(|(row, text)| {
            let mark = marks.iter().find(|(at, _)| *at == row);
            let text = painted(&text, colour);
            match mark {
                Some((_, mark)) => {
                    format!("{}{mark} ┤{text}", " ".repeat(margin - width(mark)))
                }
                None => format!("{} │{text}", " ".repeat(margin)),
            }
        })
        .collect();
    let (begin, end) = (&first_point.label, &last_point.label);
    let between = columns.saturating_sub(width(begin) + width(end)).max(1);
    lines.push(format!(
        "{}  {begin}{}{end}",
        " ".repeat(margin),
        " ".repeat(between)
    ));
    lines
}

/// Dots, from the lower left.
struct Canvas {
    columns: usize,
    letters: Vec<u8>,
}

impl Canvas {
    fn new(columns: usize) -> Self {
        Self {
            columns,
            letters: vec![0; columns * HEIGHT],
        }
    }

    fn dot(&mut self, x: usize, y: usize) {
        let from_top = (HEIGHT * 4 - 1).saturating_sub(y);
        let bit = DOTS[x % 2][from_top % 4];
        if let Some(letter) = self
            .letters
            .get_mut(from_top / 4 * self.columns + x / 2)
            .filter(|_| x / 2 < self.columns)
        {
            *letter |= bit;
        }
    }

    /// The dots nearest to the straight line between two.
    fn line(&mut self, from: (usize, usize), to: (usize, usize)) {
        let across = from.0.abs_diff(to.0);
        let steps = across.max(from.1.abs_diff(to.1));
        let between = |a: usize, b: usize, step: usize| {
            let moved = (a.abs_diff(b) * step * 2 + steps).checked_div(steps * 2);
            let moved = moved.unwrap_or_default();
            if b >= a { a + moved } else { a - moved }
        };
        for step in 0..=steps {
            self.dot(between(from.0, to.0, step), between(from.1, to.1, step));
        }
    }

    fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.letters.chunks(self.columns).map(|letters| {
            let text: String = letters
                .iter()
                .map(|dots| match dots {
                    0 => ' ',
                    dots => char::from_u32(0x2800 + u32::from(*dots)).unwrap_or(' '),
                })
                .collect();
            text.trim_end().to_owned()
        })
    }
}
