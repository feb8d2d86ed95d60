//! Words for people, on the standard error.

use std::io::Write;

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;

/// Says why the run ends.
pub(super) fn failure(cause: &DataFusionError) {
    note(&format!("error: {}", paragraph(cause)));
}

/// Says something beside the result. Nobody listening is no failure.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
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
        DataFusionError::SQL(inner, _) => {
            let text = inner.to_string();
            let text = text.trim_start_matches("sql parser error: ");
            format!("the SQL cannot be parsed: {text}")
        }
        DataFusionError::External(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(inner) => sentence(inner),
            None => inner.to_string(),
        },
        DataFusionError::ResourcesExhausted(text) => {
            format!("{text}. Give it more memory (--memory-limit) or fewer threads (--threads)")
        }
        DataFusionError::NotImplemented(text) => format!("not supported: {text}"),
        other => other.message().into_owned(),
    }
}

fn arrow_sentence(cause: &ArrowError) -> String {
    match cause {
        ArrowError::ExternalError(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(inner) => sentence(inner),
            None => inner.to_string(),
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
