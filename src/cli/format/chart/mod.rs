//! Pictures for a terminal: a chart for each column of numbers, labelled by the columns that are none.
//!
//! A label that is a date or an instant makes a line over time, any other makes bars. The numbers beside them are
//! exact, however coarse the picture. Nothing here is a float: a bar's length is a share of whole numbers.

mod bars;
mod line;
mod series;

use std::io::Write;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};

use self::series::{Point, Series};
use super::{RowWriter, cells, fit, is_number};
use crate::cli::screen::Screen;
use crate::error;

/// Rows that a chart is drawn from, at most: what is held in memory.
const MOST: usize = 20_000;

/// The width of a chart that goes to no screen.
const WIDTH: usize = 80;

/// Points from which on dates make a line: fewer are read more easily as bars.
const FEWEST_OF_A_LINE: usize = 3;

pub(super) struct Chart<W: Write> {
    out: W,
    screen: Option<Screen>,
    labels: Vec<usize>,
    series: Vec<Series>,
    rows: usize,
    shown: usize,
}

impl<W: Write> Chart<W> {
    /// # Errors
    ///
    /// If there is no column of numbers.
    pub(super) fn new(out: W, schema: &SchemaRef, screen: Option<Screen>) -> Result<Self> {
        let fields = schema.fields();
        let (numbers, labels): (Vec<usize>, Vec<usize>) =
            (0..fields.len()).partition(|at| is_number(fields[*at].data_type()));
        if numbers.is_empty() {
            let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
            return Err(error::query(format!(
                "a chart needs a column of numbers, and there is none among {}: select a count, a sum or a number beside \
                 its label",
                names.join(", ")
            )));
        }
        let series = numbers
            .into_iter()
            .map(|at| Series::new(at, fields[at].name(), fields[at].data_type()));
        Ok(Self {
            out,
            screen,
            labels,
            series: series.collect(),
            rows: 0,
            shown: 0,
        })
    }

    fn draw(&mut self) -> std::io::Result<()> {
        let width = self.screen.map_or(WIDTH, |screen| screen.width.max(40));
        let colour = self.screen.is_some_and(|screen| screen.colour);
        self.shown = self.rows;
        for (at, series) in self.series.iter().enumerate() {
            if at > 0 {
                writeln!(self.out)?;
            }
            writeln!(self.out, "{}", series.name)?;
            let over_time = series.points.iter().filter(|point| point.place.is_some());
            let lines = if over_time.count() >= FEWEST_OF_A_LINE {
                line::draw(series, width, colour)
            } else {
                let most = self.screen.map_or(series.points.len(), fit::rows);
                self.shown = self.shown.min(most);
                bars::draw(series, most, width, self.screen.is_some(), colour)
            };
            for line in lines {
                writeln!(self.out, "{}", line.trim_end())?;
            }
        }
        Ok(())
    }
}

impl<W: Write> RowWriter for Chart<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let first = self.rows;
        self.rows += batch.num_rows();
        if self.rows > MOST {
            return Err(error::query(format!(
                "a chart of more than {MOST} rows shows nothing: group them, or add a LIMIT"
            )));
        }
        let texts = cells::rows(batch)?;
        let places = match self.labels.as_slice() {
            [only] => series::places(batch.column(*only))?,
            _ => None,
        };
        for series in &mut self.series {
            let values = series.values(batch.column(series.column))?;
            for (row, (value, cells)) in values.into_iter().zip(&texts).enumerate() {
                let labels = self.labels.iter().filter_map(|at| cells.get(*at));
                let label: Vec<&str> = labels.map(String::as_str).collect();
                series.points.push(Point {
                    label: match label.is_empty() {
                        true => format!("row {}", first + row + 1),
                        false => label.join("  ").replace(['\n', '\r'], " "),
                    },
                    place: places.as_ref().and_then(|places| places[row]),
                    value,
                    text: cells.get(series.column).cloned().unwrap_or_default(),
                });
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.draw().map_err(DataFusionError::IoError)?;
        self.out.flush().map_err(DataFusionError::IoError)
    }

    fn left_out(&self) -> Option<String> {
        (self.shown < self.rows).then(|| format!("{} of {} rows are shown", self.shown, self.rows))
    }
}

/// Text in the colour of the chart.
fn painted(text: &str, colour: bool) -> String {
    if colour && !text.trim().is_empty() {
        format!("\x1b[36m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Whether the values of this type are moments, which have a place on an axis of time.
fn is_time(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)
    )
}

/// The array as another type, NULL where a value does not fit.
fn converted(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    Ok(datafusion::arrow::compute::cast(array, data_type)?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use std::sync::Arc;

    use datafusion::arrow::array::{Array, Date32Array, Decimal128Array, StringArray};
    use datafusion::arrow::datatypes::{Field, Schema};

    use super::*;

    fn drawn(label: ArrayRef, values: Vec<Option<i128>>) -> String {
        let values = Decimal128Array::from(values)
            .with_precision_and_scale(18, 2)
            .unwrap();
        let schema = Arc::new(Schema::new(vec![
            Field::new("label", label.data_type().clone(), true),
            Field::new("credits", Array::data_type(&values).clone(), true),
        ]));
        let batch = RecordBatch::try_new(schema.clone(), vec![label, Arc::new(values)]).unwrap();
        let mut out = Vec::new();
        let mut chart = Chart::new(&mut out, &schema, None).unwrap();
        chart.write(&batch).unwrap();
        chart.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn bars_are_shares_of_the_largest_and_carry_the_exact_number() {
        let labels = Arc::new(StringArray::from(vec![Some("web"), Some("SMS"), None]));
        let text = drawn(labels, vec![Some(40_000), Some(10_000), None]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "credits");
        let blocks = |line: &str| line.matches('█').count();
        assert_eq!(blocks(lines[1]) / 4, blocks(lines[2]));
        assert!(lines[1].starts_with("web ") && lines[1].ends_with(" 400.00"));
        assert!(lines[3].contains("NULL") && blocks(lines[3]) == 0);
    }

    #[test]
    fn what_is_negative_goes_to_the_left() {
        let labels = Arc::new(StringArray::from(vec!["up", "down"]));
        let text = drawn(labels, vec![Some(300), Some(-300)]);
        let lines: Vec<&str> = text.lines().collect();
        let (up, down) = (lines[1], lines[2]);
        let axis = up.chars().position(|letter| letter == '│').unwrap();
        assert_eq!(down.chars().position(|letter| letter == '│').unwrap(), axis);
        assert!(up.find('█').unwrap() > up.find('│').unwrap());
        assert!(down.find('█').unwrap() < down.find('│').unwrap());
        assert!(down.ends_with("-3.00"));
    }

    #[test]
    fn dates_make_a_line_over_time_with_exact_ends() {
        let days = Arc::new(Date32Array::from(vec![20_000, 20_001, 20_010, 20_020]));
        let text = drawn(days, vec![Some(125), Some(-75), Some(900), Some(1_234)]);
        assert!(
            text.contains("12.34 ┤") && text.contains("-0.75 ┤"),
            "{text}"
        );
        assert!(
            text.contains("2024-10-04") && text.contains("2024-10-24"),
            "{text}"
        );
        assert!(
            text.chars()
                .any(|letter| ('\u{2801}'..='\u{28ff}').contains(&letter))
        );
    }

    #[test]
    fn the_largest_decimals_have_bars_too() {
        let most = 99_999_999_999_999_999_999_999_999_999_999_999_999_i128;
        let labels = Arc::new(StringArray::from(vec!["a", "b"]));
        let text = drawn(labels, vec![Some(most), Some(-most)]);
        assert!(text.matches('█').count() > 20, "{text}");
    }
}
