//! What a refresh wants of its files, as bytes and back. Most files of a run are wanted alike, so each scope goes once.

use std::sync::Arc;

use datafusion::common::Result;

use super::wire::{NotedFoldNode, ScopeNode, SiteDaysNode};
use crate::error;
use crate::exec::{DayScope, DaySet};

impl NotedFoldNode {
    /// A node without its fold.
    ///
    /// # Errors
    ///
    /// More scopes than can be counted.
    pub(super) fn of(files: &[Arc<DayScope>]) -> Result<Self> {
        let mut scopes: Vec<&DayScope> = Vec::new();
        let mut wanted = Vec::with_capacity(files.len());
        for scope in files {
            let place = scopes.iter().position(|known| *known == scope.as_ref());
            let place = place.unwrap_or_else(|| {
                scopes.push(scope);
                scopes.len() - 1
            });
            wanted.push(u32::try_from(place).map_err(|_| error::query("too many files"))?);
        }
        Ok(Self {
            folding: None,
            scopes: scopes.into_iter().map(ScopeNode::of).collect(),
            wanted,
        })
    }

    /// What is wanted of each file; `None` if a file has a place that no scope has.
    pub(super) fn files(&self) -> Option<Vec<Arc<DayScope>>> {
        let scopes: Vec<Arc<DayScope>> = self
            .scopes
            .iter()
            .map(|scope| Arc::new(scope.scope()))
            .collect();
        let files = self.wanted.iter();
        let files = files.map(|place| scopes.get(*place as usize).map(Arc::clone));
        files.collect()
    }
}

impl ScopeNode {
    fn of(scope: &DayScope) -> Self {
        let by_site = scope.by_site.iter().map(|(site, days)| SiteDaysNode {
            site: *site,
            days: days.ends().collect(),
        });
        Self {
            everywhere: scope.everywhere.ends().collect(),
            by_site: by_site.collect(),
        }
    }

    fn scope(&self) -> DayScope {
        let by_site = self.by_site.iter();
        let by_site = by_site.map(|own| (own.site, DaySet::from_ends(&own.days)));
        DayScope {
            everywhere: DaySet::from_ends(&self.everywhere),
            by_site: by_site.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    /// Scopes come back as they went, file by file, however many are alike.
    #[test]
    fn scopes_come_back_as_they_went() {
        let all = Arc::new(DayScope::of(DaySet::all()));
        let mut some = DayScope::of(DaySet::range(-3..=5));
        some.everywhere.unite(&DaySet::range(9..=9));
        some.by_site.insert(0, DaySet::range(100..=200));
        some.by_site.insert(u32::MAX, DaySet::all());
        let some = Arc::new(some);
        let none = Arc::new(DayScope::default());
        let files = [&all, &some, &all, &none, &some].map(Arc::clone);
        let node = NotedFoldNode::of(&files).unwrap();
        assert_eq!(node.scopes.len(), 3);
        assert_eq!(node.files().unwrap(), files);
        let damaged = NotedFoldNode {
            wanted: vec![3],
            ..node
        };
        assert_eq!(damaged.files(), None);
    }
}
