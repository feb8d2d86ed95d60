//! Words for people, on the standard error.

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use super::place::Pointed;
use crate::error;
use crate::lake::stores::fault_in;
use crate::secret;

/// Whether only failures are said.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on only failures are said (`--quiet`).
pub(super) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether only failures are said.
pub(super) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Says why the run ends.
pub(super) fn failure(cause: &DataFusionError) {
    let text = paragraph(cause);
    let _ = writeln!(std::io::stderr(), "error: {}", secret::hide(&text));
}

/// Says something beside the result. Nobody listening is no failure.
pub(crate) fn note(text: &str) {
    if !is_quiet() {
        let _ = writeln!(std::io::stderr(), "{}", secret::hide(text));
    }
}

/// Shows how far long work is, on a terminal's current line; nothing clears the line.
pub(super) fn progress(text: &str) {
    let mut err = std::io::stderr();
    let _ = write!(err, "\r\x1b[K{text}");
    let _ = err.flush();
}

/// What the last panic said.
static PANICKED: Mutex<String> = Mutex::new(String::new());

/// Keeps what a panic says for the one paragraph at the end, in place of a trace on the screen.
pub(super) fn catch_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or("no reason is given");
        let place = panic
            .location()
            .map(|place| format!(" ({}:{})", file_name(place.file()), place.line()));
        if let Ok(mut kept) = PANICKED.lock() {
            *kept = format!("{text}{}", place.unwrap_or_default());
        }
    }));
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The words for a run that ended in a panic.
pub(super) fn panicked() -> String {
    let text = PANICKED.lock().map(|text| text.clone()).unwrap_or_default();
    format!(
        "the engine gave up: {text}. This is a fault of the program and not of your data; please report the statement. \
         Writing the condition in another way may help"
    )
}

/// One readable paragraph: what the error says, without the engine's words around it.
pub(super) fn paragraph(cause: &DataFusionError) -> String {
    let text = sentence(cause);
    let text = text.split("\n\nbacktrace:").next().unwrap_or_default();
    let text = text.trim();
    if text.is_empty() {
        "the engine gives no reason".to_owned()
    } else {
        text.to_owned()
    }
}

fn sentence(cause: &DataFusionError) -> String {
    match cause {
        DataFusionError::Context(place, inner) if place.starts_with("in the ") => {
            format!("{place}: {}", sentence(inner))
        }
        // The engine's own contexts name its passes ("type_coercion"), which help nobody.
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            sentence(inner)
        }
        DataFusionError::Shared(inner) => sentence(inner),
        DataFusionError::Collection(several) => {
            several.iter().map(sentence).collect::<Vec<_>>().join("; ")
        }
        DataFusionError::ArrowError(inner, _) => arrow_sentence(inner),
        DataFusionError::ObjectStore(inner) => store_sentence(inner.as_ref()),
        DataFusionError::ParquetError(inner) => store_sentence(inner.as_ref()),
        DataFusionError::IoError(inner) => store_sentence(inner),
        DataFusionError::SQL(inner, _) => {
            let text = inner.to_string();
            let text = text.trim_start_matches("sql parser error: ");
            format!("the SQL cannot be parsed: {text}")
        }
        DataFusionError::External(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(inner) => sentence(inner),
            None => match inner.downcast_ref::<Pointed>() {
                Some(pointed) => format!("{}\n{}", sentence(&pointed.cause), pointed.excerpt),
                None => store_sentence(inner.as_ref()),
            },
        },
        DataFusionError::SchemaError(inner, _) => schema_sentence(inner),
        DataFusionError::ResourcesExhausted(text) => {
            format!("{text}. Give it more memory (--memory-limit) or fewer threads (--threads)")
        }
        DataFusionError::ExecutionJoin(join) if join.is_panic() => panicked(),
        DataFusionError::NotImplemented(text) => format!("not supported: {text}"),
        other => other.message().into_owned(),
    }
}

/// What a store says about itself, wherever it is in the chain; else the whole error.
fn store_sentence(cause: &(dyn std::error::Error + 'static)) -> String {
    fault_in(cause).unwrap_or_else(|| cause.to_string())
}

/// An unknown column: the nearest one and all of them, in one line.
fn schema_sentence(cause: &SchemaError) -> String {
    let SchemaError::FieldNotFound {
        field,
        valid_fields,
    } = cause
    else {
        return cause.to_string();
    };
    let mut text = format!("there is no column '{}'", field.flat_name());
    let known: Vec<&str> = valid_fields
        .iter()
        .map(|known| known.name.as_str())
        .collect();
    let cased = known
        .iter()
        .find(|known| known.eq_ignore_ascii_case(&field.name) && **known != field.name);
    match (cased, error::nearest(&field.name, &known)) {
        (Some(cased), _) => text.push_str(&format!(
            ": write \"{cased}\", in double quotes, because its name has capital letters"
        )),
        (None, Some(near)) => text.push_str(&format!(": did you mean '{near}'?")),
        (None, None) => text.push('.'),
    }
    if !known.is_empty() {
        let mut listed: Vec<&str> = Vec::new();
        for name in known {
            if !listed.contains(&name) {
                listed.push(name);
            }
        }
        text.push_str(&format!(" The columns are {}", listed.join(", ")));
    }
    text
}

fn arrow_sentence(cause: &ArrowError) -> String {
    match cause {
        ArrowError::ExternalError(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(inner) => sentence(inner),
            None => store_sentence(inner.as_ref()),
        },
        ArrowError::CastError(text)
        | ArrowError::ComputeError(text)
        | ArrowError::InvalidArgumentError(text)
        | ArrowError::NotYetImplemented(text)
        | ArrowError::ParseError(text)
        | ArrowError::SchemaError(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error;

    #[test]
    fn the_engine_adds_no_words() {
        let cause = error::query("no column 'x'")
            .context("type_coercion")
            .context("Optimizer rule");
        assert_eq!(paragraph(&cause), "no column 'x'");
        let cause = DataFusionError::Shared(Arc::new(error::data("row 7 is bad")));
        let cause = ArrowError::ExternalError(Box::new(cause));
        assert_eq!(
            paragraph(&DataFusionError::ArrowError(Box::new(cause), None)),
            "row 7 is bad"
        );
    }

    #[test]
    fn the_relation_stays() {
        let cause = error::data("no file")
            .context("in the relation 'sites'")
            .context("Optimizer rule");
        assert_eq!(paragraph(&cause), "in the relation 'sites': no file");
    }
}
