//! What the template is given: text, places, nothing left to compute.

use serde::Serialize;

use super::chart::Chart;
use super::table::{Shown, Table};

/// The whole page.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    pub(super) title: String,
    pub(super) org: Option<String>,
    /// One line under the title: which days, until when.
    pub(super) about: String,
    /// What must not be overlooked.
    pub(super) notices: Vec<String>,
    pub(super) tiles: Vec<Tile>,
    pub(super) sections: Vec<Section>,
}

/// A figure at the top.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tile {
    pub(super) name: &'static str,
    /// One value, or one a currency.
    pub(super) amounts: Vec<Amount>,
    /// What to make of it.
    pub(super) text: Vec<String>,
    /// How full a bar under it is, in percent of its width, and where it leads to.
    pub(super) meter: Option<(String, String)>,
}

/// A value and its unit.
#[derive(Debug, Serialize)]
pub(super) struct Amount {
    pub(super) value: String,
    pub(super) unit: String,
}

/// One question and its answers.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// The answer in words.
    pub(super) lead: String,
    pub(super) figures: Vec<Figure>,
    pub(super) missing: Vec<Missing>,
}

/// A relation that is not there.
#[derive(Debug, Serialize)]
pub(super) struct Missing {
    pub(super) relation: &'static str,
    /// What it is for.
    pub(super) what: &'static str,
    /// Its columns.
    pub(super) columns: &'static str,
}

/// A chart with its table, or a table alone.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    pub(super) id: &'static str,
    pub(super) title: String,
    /// What is measured, and how.
    pub(super) unit: String,
    pub(super) chart: Option<Chart>,
    /// What the chart shows, for those who cannot see it.
    pub(super) description: String,
    /// Pattern and name of each part.
    pub(super) legend: Vec<(&'static str, &'static str)>,
    pub(super) table: Option<Shown>,
    /// What the closed table under a chart is called.
    pub(super) summary: &'static str,
    /// As wide as the page.
    pub(super) wide: bool,
}

impl Figure {
    /// A table that stands open.
    pub(super) fn table(id: &'static str, title: &str, unit: &str, table: &Table) -> Self {
        Self {
            id,
            title: title.to_owned(),
            unit: unit.to_owned(),
            chart: None,
            description: String::new(),
            legend: Vec::new(),
            table: Some(table.shown()),
            summary: "",
            wide: true,
        }
    }

    /// A chart over its table; without rows, a sentence in its place.
    pub(super) fn chart(
        id: &'static str,
        title: &str,
        unit: &str,
        chart: Chart,
        table: &Table,
    ) -> Self {
        Self {
            chart: (!table.is_empty()).then_some(chart),
            summary: "Table",
            wide: false,
            ..Self::table(id, title, unit, table)
        }
    }

    /// With words for those who cannot see the chart.
    pub(super) fn described(mut self, description: String) -> Self {
        self.description = description;
        self
    }

    /// As wide as the page.
    pub(super) fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    /// With names for its patterns.
    pub(super) fn with_legend(mut self, legend: &[(&'static str, &'static str)]) -> Self {
        self.legend = legend.to_vec();
        self
    }

    /// A table that is closed at first.
    pub(super) fn closed(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }
}

impl Section {
    pub(super) fn new(id: &'static str, title: &'static str, lead: String) -> Self {
        Self {
            id,
            title,
            lead,
            figures: Vec::new(),
            missing: Vec::new(),
        }
    }

    pub(super) fn with(mut self, figure: Figure) -> Self {
        self.figures.push(figure);
        self
    }

    /// Without the relation that it needs.
    pub(super) fn without(mut self, missing: Missing) -> Self {
        self.missing.push(missing);
        self
    }
}

/// A name out of the data within a sentence: its writing direction stays its own.
pub(super) fn named(name: &str) -> String {
    const LONGEST: usize = 60;
    let name = if name.chars().count() > LONGEST {
        let kept: String = name.chars().take(LONGEST - 1).collect();
        format!("{kept}…")
    } else {
        name.to_owned()
    };
    format!("\u{2068}{name}\u{2069}")
}

/// `1 site`, `3 sites`
pub(super) fn counted(number: super::number::Number, one: &str, many: &str) -> String {
    let noun = if number.at_scale(0) == 1 { one } else { many };
    format!("{} {noun}", number.exact())
}
