//! A column that takes one of a few names.

use super::Fault;

/// The value that `text` names; the first one if there is no text.
///
/// # Errors
///
/// Any other text; the names are listed.
pub(crate) fn named<T: Copy>(
    column: &str,
    text: Option<&str>,
    values: &[(&str, T)],
) -> Result<T, Fault> {
    let value = match text {
        None => values.first(),
        Some(text) => values.iter().find(|(name, _)| *name == text),
    };
    value.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<String> = values.iter().map(|(name, _)| format!("'{name}'")).collect();
        Fault::new(format!(
            "unknown {column} '{}': one of {} is expected",
            text.unwrap_or_default(),
            names.join(", ")
        ))
    })
}
