//! A relation that a file could become: a view over it, written out for a person to look over, and never in force by
//! itself.

use datafusion::prelude::SessionContext;

use super::Entry;
use super::expression::{self, Expression, quoted};
use crate::cli::expected::{Expected, ExpectedRelation};

/// The lines for the configuration: words behind `# `, what can be taken as it is behind `#` alone.
pub(super) async fn lines(
    ctx: &SessionContext,
    entry: &Entry,
    raw: &str,
    relation: &ExpectedRelation,
) -> String {
    let names = entry.names();
    let mut columns = Vec::new();
    let mut missing = Vec::new();
    for column in relation.columns {
        match best(ctx, entry, raw, column, &names).await {
            Some(found) => columns.push(found),
            None if column.required => missing.push(column.name),
            None => {}
        }
    }
    if !missing.is_empty() {
        let found: Vec<String> = columns
            .iter()
            .map(|column| format!("{} (from {})", column.name, column.source))
            .collect();
        return format!(
            "\n# {} could come from {raw}, which has {}; nothing in it looks like {}.\n# Its columns: {}\n",
            relation.name,
            if found.is_empty() {
                "nothing of it by name".to_owned()
            } else {
                found.join(", ")
            },
            missing.join(", "),
            names.join(", ")
        );
    }
    let mut text = format!(
        "\n# A proposal for {}: {}. Nothing of it is in force. Look it over, and take away\n\
         # the # at the beginning of each line that has no space behind it.\n\
         #{} = {{ sql = \"\"\"\n",
        relation.name, relation.about, relation.name
    );
    for (at, column) in columns.iter().enumerate() {
        // No line begins with a space: behind a # that would mean words.
        let head = if at == 0 { "SELECT " } else { "" };
        let comma = if at + 1 < columns.len() { "," } else { "" };
        let about = column.words();
        let note = if about.is_empty() {
            String::new()
        } else {
            format!("  -- {about}")
        };
        for line in format!(
            "{head}{} AS {}{comma}{note}",
            column.expression.sql, column.name
        )
        .lines()
        {
            text.push_str(&format!("#{}\n", escaped(line)));
        }
    }
    text.push_str(&format!("#FROM {raw}\"\"\" }}\n"));
    text
}

/// A column of ours and where it comes from.
struct Column {
    name: &'static str,
    source: String,
    expression: Expression,
    /// Other columns that could be it.
    others: Vec<String>,
}

impl Column {
    fn words(&self) -> String {
        let mut words = Vec::new();
        if !self.expression.about.is_empty() {
            words.push(self.expression.about.clone());
        }
        if !self.others.is_empty() {
            words.push(format!("or is it {}?", self.others.join(" or ")));
        }
        words.join("; ")
    }
}

/// The likeliest source of a column that can become it. One that needs no change comes before one that does.
async fn best(
    ctx: &SessionContext,
    entry: &Entry,
    raw: &str,
    column: &Expected,
    names: &[&str],
) -> Option<Column> {
    let mut usable = Vec::new();
    for source in column.candidates(names) {
        let field = entry.schema.field_with_name(source).ok()?;
        let found = expression::of(ctx, raw, source, field.data_type(), column).await;
        if let Some(expression) = found {
            usable.push((source.to_owned(), expression));
        }
    }
    // Its own name is its own name, whatever else there is.
    let own = usable.iter().position(|(source, _)| source == column.name);
    let plain = usable
        .iter()
        .position(|(_, expression)| expression.is_plain);
    let chosen = own.or(plain).unwrap_or_default();
    if usable.is_empty() {
        return None;
    }
    let (source, expression) = usable.remove(chosen);
    let others = match own {
        Some(_) => Vec::new(),
        None => usable
            .into_iter()
            .map(|(source, _)| quoted(&source))
            .collect(),
    };
    Some(Column {
        name: column.name,
        source,
        expression,
        others,
    })
}

/// A line inside the triple quotes of TOML, where a backslash would mean something.
fn escaped(line: &str) -> String {
    line.replace('\\', "\\\\").replace("\"\"\"", "\"\"\\\"")
}
