//! What a check says: how bad it is, what, where, and what to do.

use datafusion::error::DataFusionError;

use crate::cli::message;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// A bill cannot be made.
    Error,
    /// A bill can be made and may not be the one that is wanted.
    Warning,
    /// It was looked at and is in order.
    Ok,
}

impl Severity {
    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Ok => "ok",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    severity: Severity,
    check: &'static str,
    place: String,
    what: String,
    remedy: String,
}

impl Finding {
    /// In the order of the columns that `--format` shows.
    pub(super) fn cells(&self) -> [Option<String>; 5] {
        [
            Some(self.severity.word().to_owned()),
            Some(self.check.to_owned()),
            Some(self.place.clone()),
            Some(self.what.clone()),
            (!self.remedy.is_empty()).then(|| self.remedy.clone()),
        ]
    }
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Something that is in order.
    pub(super) fn ok(&mut self, check: &'static str, place: &str, what: impl Into<String>) {
        self.add(Severity::Ok, check, place, what.into(), "");
    }

    /// Something that a bill survives.
    pub(super) fn warning(
        &mut self,
        check: &'static str,
        place: &str,
        what: impl Into<String>,
        remedy: &str,
    ) {
        self.add(Severity::Warning, check, place, what.into(), remedy);
    }

    /// Something that a bill does not survive.
    pub(super) fn error(
        &mut self,
        check: &'static str,
        place: &str,
        what: impl Into<String>,
        remedy: &str,
    ) {
        self.add(Severity::Error, check, place, what.into(), remedy);
    }

    /// A statement that failed: its error says itself what to do. One fault that several checks meet is said once.
    pub(super) fn failed(&mut self, check: &'static str, place: &str, cause: &DataFusionError) {
        let what = message::paragraph(cause).replace('\n', " ");
        if !self.0.iter().any(|finding| finding.what == what) {
            self.add(Severity::Error, check, place, what, "");
        }
    }

    fn add(
        &mut self,
        severity: Severity,
        check: &'static str,
        place: &str,
        what: String,
        remedy: &str,
    ) {
        self.0.push(Finding {
            severity,
            check,
            place: place.to_owned(),
            what,
            remedy: remedy.to_owned(),
        });
    }

    pub(super) fn all(&self) -> &[Finding] {
        &self.0
    }

    /// Whether a bill could not be made.
    pub(super) fn fails(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    fn count(&self, severity: Severity) -> usize {
        let of = |finding: &&Finding| finding.severity == severity;
        self.0.iter().filter(of).count()
    }

    /// One sentence about all of it.
    pub(super) fn summary(&self) -> String {
        let counted = |count: usize, noun: &str| match count {
            1 => format!("1 {noun}"),
            count => format!("{count} {noun}s"),
        };
        let errors = counted(self.count(Severity::Error), "error");
        let warnings = counted(self.count(Severity::Warning), "warning");
        match self.fails() {
            true => format!("{errors}, {warnings}: billing would fail"),
            false => format!("{warnings}: billing works"),
        }
    }

    /// A paragraph for each finding, the remedy on lines of its own.
    pub(super) fn text(&self, width: usize) -> String {
        let widest = |of: fn(&Finding) -> usize| self.0.iter().map(of).max().unwrap_or_default();
        let checks = widest(|finding| finding.check.chars().count());
        let indent = 7 + 2 + checks + 2;
        let mut text = String::new();
        for finding in &self.0 {
            let what = match finding.place.is_empty() {
                true => finding.what.clone(),
                false => format!("{}: {}", finding.place, finding.what),
            };
            let head = format!(
                "{:<7}  {:<checks$}  ",
                finding.severity.word(),
                finding.check
            );
            push(&mut text, &head, indent, &what, width);
            if !finding.remedy.is_empty() {
                let head = format!("{}→ ", " ".repeat(indent));
                push(&mut text, &head, indent + 2, &finding.remedy, width);
            }
        }
        text
    }
}

/// Words behind a head, on as many lines as they need.
fn push(text: &mut String, head: &str, indent: usize, words: &str, width: usize) {
    let mut line = head.to_owned();
    let mut is_empty = true;
    for word in words.split_whitespace() {
        let fits = line.chars().count() + 1 + word.chars().count() <= width;
        if !is_empty && !fits {
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(indent);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error;

    #[test]
    fn a_fault_is_said_once_and_the_worst_decides() {
        let mut findings = Findings::default();
        findings.warning("zones", "sites", "old rules", "write local_day");
        assert_eq!(findings.summary(), "1 warning: billing works");
        findings.failed("contracts", "contracts", &error::data("overlap"));
        findings.failed("contracts", "ledger", &error::data("overlap"));
        assert_eq!(findings.summary(), "1 error, 1 warning: billing would fail");
        assert!(findings.fails());
    }

    #[test]
    fn long_words_are_broken_between_lines() {
        let mut findings = Findings::default();
        findings.warning("zones", "sites", "a ".repeat(60), "remedy");
        let text = findings.text(60);
        assert!(
            text.lines().all(|line| line.chars().count() <= 60),
            "{text}"
        );
        assert!(text.contains("→ remedy"), "{text}");
    }
}
