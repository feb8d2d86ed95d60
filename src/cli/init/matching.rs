//! Which file or folder is which relation: by its name and columns, or by its columns alone.

use super::Entry;
use crate::cli::expected::{ExpectedRelation, RELATIONS};

/// For each entry of [`RELATIONS`], the one that is it as it lies.
pub(super) fn matched(entries: &[Entry]) -> Vec<Option<usize>> {
    let mut taken = vec![false; entries.len()];
    let mut matched = vec![None; RELATIONS.len()];
    for by_name in [true, false] {
        for (at, relation) in RELATIONS.iter().enumerate() {
            if matched[at].is_some() {
                continue;
            }
            let mut candidates = (0..entries.len()).filter(|at| {
                !taken[*at]
                    && fits(&entries[*at], relation)
                    && (!by_name || is_called(&entries[*at].path, relation.name))
            });
            // Without a name to go by, two candidates are none: a person decides.
            let (first, second) = (candidates.next(), candidates.next());
            if let Some(entry) = first.filter(|_| by_name || second.is_none()) {
                taken[entry] = true;
                matched[at] = Some(entry);
            }
        }
    }
    matched
}

/// For each entry of [`RELATIONS`] that nothing is, what could become it: its name says so, or more than half of its
/// columns do.
pub(super) fn likely(entries: &[Entry], matched: &[Option<usize>]) -> Vec<Option<usize>> {
    let mut taken: Vec<usize> = matched.iter().flatten().copied().collect();
    let mut likely = vec![None; RELATIONS.len()];
    for (at, relation) in RELATIONS.iter().enumerate() {
        if matched[at].is_some() {
            continue;
        }
        let score = |entry: &Entry| {
            let names = entry.names();
            let found = relation
                .required()
                .filter(|column| !column.candidates(&names).is_empty());
            let found = found.count();
            let all = relation.required().count();
            let called = is_called(&entry.path, relation.name);
            (called || found * 2 > all).then_some((called, found))
        };
        let best = (0..entries.len())
            .filter(|entry| !taken.contains(entry))
            .filter_map(|entry| score(&entries[entry]).map(|score| (score, entry)))
            // The first of those that are equally likely.
            .rev()
            .max_by_key(|(score, _)| *score);
        if let Some((_, entry)) = best {
            taken.push(entry);
            likely[at] = Some(entry);
        }
    }
    likely
}

fn fits(entry: &Entry, relation: &ExpectedRelation) -> bool {
    relation
        .columns
        .iter()
        .all(|column| match entry.schema.field_with_name(column.name) {
            Ok(field) => column.takes(field.data_type()),
            Err(_) => !column.required,
        })
}

/// Whether a path carries the relation's name: `messages/`, `sites.parquet`, `messages_2026.parquet`.
fn is_called(path: &str, relation: &str) -> bool {
    let stem = path
        .trim_end_matches('/')
        .split('.')
        .next()
        .unwrap_or_default()
        .to_lowercase()
        .replace('-', "_");
    stem == relation
        || stem.starts_with(&format!("{relation}_"))
        || stem.ends_with(&format!("_{relation}"))
}
