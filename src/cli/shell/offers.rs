//! What dayrate itself has to offer at a place: options and their values, reports, files.

use std::path::Path;

use super::candidate::Candidate;
use crate::cli::report;
use crate::lake::FileKind;
use crate::table;
use crate::table::option::{self, OptionSpec, Values};

/// A report, or what the report that stands there takes.
pub(super) fn reports(line: &str) -> Vec<Candidate> {
    let all = report::names();
    let words: Vec<&str> = line.split_whitespace().collect();
    let named = words
        .get(1)
        .filter(|_| words.len() > 2 || line.ends_with(' '));
    match named {
        None => {
            let names = all.iter();
            names
                .map(|(name, _)| Candidate::with_space(*name, ""))
                .collect()
        }
        Some(named) => {
            let found = all.iter().find(|(name, _)| name == named);
            let parameters = found.map_or(&[][..], |(_, parameters)| parameters.as_slice());
            parameters
                .iter()
                .map(|name| Candidate::new(format!("{name}="), ""))
                .collect()
        }
    }
}

/// The options and relations that a table function takes by name.
pub(super) fn arguments(function: &str) -> Vec<Candidate> {
    let Some(function) = table::find(function) else {
        return Vec::new();
    };
    let options = function.option_specs(&[]).into_iter();
    let options = options
        .map(|option| Candidate::with_space(format!("{} =>", option.name), option.description));
    let relations = function.relation_names(&[]).into_iter();
    let relations = relations.map(|name| Candidate::with_space(format!("{name} =>"), "relation"));
    options.chain(relations).collect()
}

/// The values of an option; inside quotes without them.
pub(super) fn values(option: &str, quoted: bool) -> Vec<Candidate> {
    let Some(option) = OptionSpec::find(option) else {
        return Vec::new();
    };
    let written = |value: &str| match quoted {
        true => value.to_owned(),
        false => format!("'{value}'"),
    };
    match option.values {
        Values::Choice(names) => {
            let names = names.iter();
            names
                .map(|name| Candidate::new(written(name), default_mark(option, name)))
                .collect()
        }
        Values::Date if !quoted => {
            vec![Candidate::new("DATE '", "a day such as DATE '2026-01-31'")]
        }
        Values::Text if option.name == "scenario" => {
            vec![Candidate::new(written("*"), "all side by side")]
        }
        _ => Vec::new(),
    }
}

fn default_mark(option: &OptionSpec, value: &str) -> &'static str {
    if option.default == value {
        "default"
    } else {
        ""
    }
}

/// What `SET` may set.
pub(super) fn settings() -> Vec<Candidate> {
    let options = option::all().iter();
    options
        .map(|option| Candidate::with_space(option.name, option.description))
        .collect()
}

/// Folders and data files that a path may go on with.
pub(super) fn files(typed: &str) -> Vec<Candidate> {
    let folder = typed.rsplit_once('/').map_or("", |(folder, _)| folder);
    let (shown, place) = match (folder, typed.starts_with('/')) {
        ("", true) => ("/".to_owned(), Path::new("/")),
        ("", false) => (String::new(), Path::new(".")),
        (folder, _) => (format!("{folder}/"), Path::new(folder)),
    };
    let Ok(entries) = std::fs::read_dir(place) else {
        return Vec::new();
    };
    let mut found: Vec<Candidate> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_folder = entry.path().is_dir();
            if name.starts_with('.') || !is_folder && !FileKind::is_data_file(&name) {
                return None;
            }
            let slash = if is_folder { "/" } else { "" };
            Some(Candidate::new(format!("{shown}{name}{slash}"), ""))
        })
        .collect();
    found.sort_by(|one, other| one.text.cmp(&other.text));
    found
}
