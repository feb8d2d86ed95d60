//! The charts: exact values in, places and labels out. The template draws them as SVG.
//!
//! Places are percentages, so that a chart has the width of its page and its letters keep their size on a phone. What
//! colour says, a pattern and a label say too.

use serde::Serialize;

use super::axis::{Axis, Place};
use super::number::Number;

/// A chart of one kind.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Chart {
    Bars(Bars),
    Columns(Columns),
    Lines(Lines),
}

/// Bars from left to right, the name above each: names may be long.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Bars {
    height: usize,
    bars: Vec<Bar>,
    /// What crosses all of them.
    line: Option<Crossing>,
}

/// A value that all bars are compared with.
#[derive(Debug, Clone, Serialize)]
struct Crossing {
    at: String,
    text: String,
    /// On which side of the line its label has room.
    side: &'static str,
}

/// What [`Bars::of`] takes for one bar.
#[derive(Debug, Clone)]
pub(super) struct Measure<'a> {
    pub(super) name: &'a str,
    /// What stands at the right.
    pub(super) text: String,
    pub(super) value: Number,
    /// A second value, drawn lighter behind the first: where it leads to.
    pub(super) outlook: Option<Number>,
    /// Which pattern.
    pub(super) tone: &'static str,
}

#[derive(Debug, Clone, Serialize)]
struct Bar {
    name: String,
    text: String,
    top: usize,
    width: String,
    outlook: Option<String>,
    tone: &'static str,
}

/// Pixels from one bar to the next.
const BAR_STEP: usize = 38;

/// How many letters of a name fit beside its value on a phone.
const NAME_LETTERS: usize = 34;

/// Decimals that places are computed with.
const SCALE: u32 = 4;

impl Bars {
    /// Bars on one scale; `line` is a value that all are compared with.
    pub(super) fn of(bars: &[Measure<'_>], line: Option<(Number, &str)>) -> Self {
        let values = bars
            .iter()
            .flat_map(|bar| [Some(bar.value), bar.outlook])
            .flatten()
            .chain(line.map(|(value, _)| value));
        let most = values
            .map(|value| value.at_scale(SCALE))
            .max()
            .unwrap_or(1)
            .max(1);
        let width = |value: Number| Place::of(value.at_scale(SCALE), most).percent();
        let drawn = bars.iter().enumerate().map(|(at, bar)| Bar {
            name: shortened(bar.name),
            text: bar.text.clone(),
            top: at * BAR_STEP,
            width: width(bar.value),
            outlook: bar.outlook.map(width),
            tone: bar.tone,
        });
        Self {
            height: bars.len() * BAR_STEP + if line.is_some() { 16 } else { 0 },
            bars: drawn.collect(),
            line: line.map(|(value, name)| Crossing {
                at: width(value),
                text: name.to_owned(),
                side: match Place::of(value.at_scale(SCALE), most).units() {
                    ..1_000 => "start",
                    9_000.. => "end",
                    _ => "middle",
                },
            }),
        }
    }
}

/// A name that fits; the table has the whole.
fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME_LETTERS {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME_LETTERS - 1).collect();
    format!("{}…", kept.trim_end())
}

/// Upright columns over time, each a pile of parts.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Columns {
    ticks: Vec<Tick>,
    columns: Vec<Column>,
    labels: Vec<Tick>,
}

/// A label and where it stands.
#[derive(Debug, Clone, Serialize)]
struct Tick {
    at: String,
    text: String,
}

#[derive(Debug, Clone, Serialize)]
struct Column {
    left: String,
    width: String,
    parts: Vec<Part>,
    text: String,
}

#[derive(Debug, Clone, Serialize)]
struct Part {
    top: String,
    height: String,
    tone: &'static str,
}

/// What [`Columns::of`] takes for one column.
#[derive(Debug, Clone)]
pub(super) struct Pile {
    /// Under it, where there is room.
    pub(super) label: Option<String>,
    /// What a pointer that rests on it shows.
    pub(super) text: String,
    /// From the ground up.
    pub(super) parts: Vec<(&'static str, Number)>,
}

impl Columns {
    pub(super) fn of(piles: &[Pile]) -> Self {
        let heights = piles.iter().map(|pile| {
            let parts = pile.parts.iter().map(|(_, part)| part.at_scale(SCALE));
            parts.fold(0_i128, i128::saturating_add)
        });
        let axis = Axis::up_to(heights.max().unwrap_or_default(), SCALE);
        let columns = piles.iter().enumerate().map(|(at, pile)| {
            let left = Place::in_slots(at, 12, piles.len());
            let mut ground = 0_i128;
            let parts = pile.parts.iter().filter_map(|(tone, part)| {
                let part = part.at_scale(SCALE);
                let below = axis.place(ground);
                ground = ground.saturating_add(part);
                let above = axis.place(ground);
                (part > 0).then(|| Part {
                    top: above.mirrored().percent(),
                    height: below.until(above).percent(),
                    tone,
                })
            });
            Column {
                parts: parts.collect(),
                left: left.percent(),
                width: left.until(Place::in_slots(at, 88, piles.len())).percent(),
                text: pile.text.clone(),
            }
        });
        let labels = piles.iter().enumerate().filter_map(|(at, pile)| {
            let text = pile.label.clone()?;
            let at = Place::in_slots(at, 50, piles.len()).percent();
            Some(Tick { at, text })
        });
        Self {
            ticks: upright(axis),
            columns: columns.collect(),
            labels: labels.collect(),
        }
    }
}

/// The steps of an upright axis, which grows from the ground.
fn upright(axis: Axis) -> Vec<Tick> {
    let ticks = axis.ticks().map(|(place, text)| Tick {
        at: place.mirrored().percent(),
        text,
    });
    ticks.collect()
}

/// Lines through points, and points of note.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Lines {
    ticks: Vec<Tick>,
    labels: Vec<Tick>,
    lines: Vec<Line>,
    marks: Vec<Mark>,
}

#[derive(Debug, Clone, Serialize)]
struct Line {
    tone: &'static str,
    points: String,
}

#[derive(Debug, Clone, Serialize)]
struct Mark {
    x: String,
    y: String,
    text: String,
    /// On which side of the point its label has room.
    side: &'static str,
    tone: &'static str,
}

/// What [`Lines::of`] takes: points of an x and a y axis from nothing up.
#[derive(Debug, Clone, Default)]
pub(super) struct Drawing<'a> {
    pub(super) lines: Vec<(&'static str, Vec<(Number, Number)>)>,
    pub(super) marks: Vec<(&'static str, Number, Number, String)>,
    /// Labels of the x axis; round numbers of its own if there are none.
    pub(super) labels: Vec<(Number, &'a str)>,
}

impl Lines {
    pub(super) fn of(drawing: &Drawing<'_>) -> Self {
        let points = || drawing.lines.iter().flat_map(|(_, points)| points);
        let most = |values: &mut dyn Iterator<Item = Number>| {
            values
                .map(|value| value.at_scale(SCALE))
                .max()
                .unwrap_or_default()
        };
        let wide = most(&mut points().map(|point| point.0));
        let high = most(&mut points().map(|point| point.1));
        let rounded = Axis::up_to(wide, SCALE);
        let upright_axis = Axis::up_to(high, SCALE);
        let (end, labels) = if drawing.labels.is_empty() {
            let ticks = rounded.ticks().map(|(place, text)| Tick {
                at: place.percent(),
                text,
            });
            (rounded.top(), ticks.collect())
        } else {
            let labels = drawing.labels.iter().map(|(value, text)| Tick {
                at: Place::of(value.at_scale(SCALE), wide).percent(),
                text: (*text).to_owned(),
            });
            (wide, labels.collect())
        };
        let x = |value: Number| Place::of(value.at_scale(SCALE), end);
        let y = |value: Number| upright_axis.place(value.at_scale(SCALE)).mirrored();
        let lines = drawing.lines.iter().map(|(tone, points)| {
            let points = points
                .iter()
                .map(|(across, up)| format!("{},{}", x(*across).units(), y(*up).units()));
            Line {
                tone,
                points: points.collect::<Vec<_>>().join(" "),
            }
        });
        let marks = drawing.marks.iter().map(|(tone, across, up, text)| Mark {
            x: x(*across).percent(),
            y: y(*up).percent(),
            text: text.clone(),
            side: if x(*across).units() > 5_500 {
                "end"
            } else {
                "start"
            },
            tone,
        });
        Self {
            ticks: upright(upright_axis),
            labels,
            lines: lines.collect(),
            marks: marks.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, reason = "a test may")]
    use super::*;

    fn number(units: i128) -> Number {
        Number::new(units, 0)
    }

    #[test]
    fn bars_share_one_scale_with_the_line_across_them() {
        let bar = |value, outlook: Option<i128>| Measure {
            name: "a",
            text: String::new(),
            value: number(value),
            outlook: outlook.map(number),
            tone: "use",
        };
        let bars = Bars::of(
            &[bar(50, Some(150)), bar(0, None)],
            Some((number(100), "all")),
        );
        assert_eq!(bars.bars[0].width, "33.33%");
        assert_eq!(bars.bars[0].outlook.as_deref(), Some("100%"));
        assert_eq!(bars.bars[1].width, "0%");
        let line = bars.line.map(|line| (line.at, line.side));
        assert_eq!(line, Some(("66.67%".to_owned(), "middle")));
    }

    #[test]
    fn a_pile_grows_from_the_ground_and_has_no_empty_parts() {
        let pile = Pile {
            label: Some("Jan".into()),
            text: String::new(),
            parts: vec![
                ("use", number(40)),
                ("none", number(0)),
                ("more", number(10)),
            ],
        };
        let columns = Columns::of(&[pile]);
        let parts = &columns.columns[0].parts;
        assert_eq!(parts.len(), 2);
        assert_eq!(
            (parts[0].top.as_str(), parts[0].height.as_str()),
            ("20%", "80%")
        );
        assert_eq!(
            (parts[1].top.as_str(), parts[1].height.as_str()),
            ("0%", "20%")
        );
        assert_eq!(columns.labels[0].at, "50%");
    }

    #[test]
    fn a_line_runs_from_the_lower_left_upwards() {
        let drawing = Drawing {
            lines: vec![("use", vec![(number(0), number(0)), (number(10), number(5))])],
            marks: vec![("use", number(10), number(5), "end".into())],
            labels: Vec::new(),
        };
        let lines = Lines::of(&drawing);
        assert_eq!(lines.lines[0].points, "0,10000 10000,0");
        assert_eq!(lines.marks[0].side, "end");
        let Some(last) = lines.labels.last() else {
            panic!("no labels")
        };
        assert_eq!((last.at.as_str(), last.text.as_str()), ("100%", "10"));
    }

    #[test]
    fn a_long_name_is_shortened_for_the_chart() {
        let name = "x".repeat(300);
        assert_eq!(shortened(&name).chars().count(), NAME_LETTERS);
        assert_eq!(shortened("short"), "short");
    }
}
