//! The table functions, one file each: relations and options in, an ordinary logical plan out.
//!
//! `planner` reads the call from the syntax tree and resolves its arguments into a `call`; the function's `plan`
//! turns that into a plan of scans, joins and aggregates, which the optimizer then treats like any view. The ladder
//! `message_days → dars → rated_dars` is built of the same steps, so each level adds up to the one above it.

mod alike;
mod argument;
mod asked;
mod calendar;
mod call;
mod charged_messages;
mod commitment_curve;
mod computed;
mod contracts;
#[cfg_attr(
    not(all(feature = "cli", feature = "delta")),
    expect(dead_code, reason = "only a table of DARs asks for them")
)]
mod dar_source;
mod dars;
mod day_range;
mod dispositions;
mod distinct_messages;
mod engagement_days;
mod engagement_outcomes;
mod engagements;
mod expression;
mod fast_path;
mod focus_rows;
mod invoice_lines;
mod ledger;
mod ledger_changes;
mod liveperson_messages;
mod liveperson_outcomes;
mod liveperson_rejects;
mod message_days;
pub(crate) mod option;
mod planner;
mod rated_dars;
mod rejects;
mod relation;
mod relationship;
mod staying_filters;

use datafusion::common::Result;
use datafusion::logical_expr::LogicalPlan;

pub(crate) use alike::CountAlike;
pub(crate) use argument::{Argument, as_table_factor, table_factor};
#[cfg(all(feature = "cli", feature = "delta"))]
pub(crate) use asked::asked_days;
pub(crate) use call::Call;
#[cfg(all(feature = "cli", feature = "delta"))]
pub(crate) use computed::planned;
#[cfg(all(feature = "cli", feature = "delta"))]
pub(crate) use contracts::listed_agreements;
pub(crate) use dar_source::Keeper;
#[cfg(all(feature = "cli", feature = "delta"))]
pub(crate) use dar_source::{CountSource, DarSource, IdKinds};
pub(crate) use day_range::SentAtRange;
#[cfg(all(feature = "cli", feature = "delta"))]
pub(crate) use invoice_lines::check_dates;
#[cfg(feature = "cli")]
pub(crate) use invoice_lines::ended_everywhere;
pub(crate) use planner::{Planner, TableFunctionEntry, function_named};
#[cfg(all(feature = "cli", feature = "delta"))]
pub(crate) use relation::IdKind;
pub(crate) use staying_filters::StayingFilters;

use option::{OptionSpec, Values};

/// One table function: its call, its documentation, its plan.
#[derive(Debug)]
pub(crate) struct TableFunction {
    /// Its name in SQL.
    pub(crate) name: &'static str,
    /// What it answers, in a sentence or two.
    pub(crate) summary: &'static str,
    /// Its relations: the positional ones first.
    pub(crate) relations: &'static [RelationSpec],
    /// Its options, besides those of an upstream function that is left out.
    pub(crate) options: &'static [&'static OptionSpec],
    /// Its columns and their types, in order, as people read them.
    pub(crate) columns: &'static [(&'static str, &'static str)],
    /// A query to try.
    pub(crate) example: &'static str,
    /// The plan of a call.
    pub(crate) plan: fn(&Call) -> Result<LogicalPlan>,
}

/// A relation that a table function reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RelationSpec {
    /// The parameter; also the session's relation or the table function that stands in when it is left out.
    pub(crate) name: &'static str,
    /// Whether it may be given by place, not only by name.
    pub(crate) positional: bool,
    /// Whether the function cannot do without.
    pub(crate) required: bool,
    /// Its columns, as people read them; `*` marks the required ones.
    pub(crate) columns: &'static str,
}

/// Every table function: the only list.
pub(crate) fn all() -> &'static [&'static TableFunction] {
    static ALL: [&TableFunction; 17] = [
        &message_days::MESSAGE_DAYS,
        &dars::DARS,
        &rated_dars::RATED_DARS,
        &ledger::LEDGER,
        &invoice_lines::INVOICE_LINES,
        &engagement_days::ENGAGEMENT_DAYS,
        &engagements::ENGAGEMENTS,
        &engagement_outcomes::ENGAGEMENT_OUTCOMES,
        &commitment_curve::COMMITMENT_CURVE,
        &ledger_changes::LEDGER_CHANGES,
        &focus_rows::FOCUS_ROWS,
        &distinct_messages::DISTINCT_MESSAGES,
        &rejects::REJECTS,
        &dispositions::DISPOSITIONS,
        &liveperson_messages::LIVEPERSON_MESSAGES,
        &liveperson_outcomes::LIVEPERSON_OUTCOMES,
        &liveperson_rejects::LIVEPERSON_REJECTS,
    ];
    &ALL
}

/// The table function of that name.
pub(crate) fn find(name: &str) -> Option<&'static TableFunction> {
    all()
        .iter()
        .copied()
        .find(|function| function.name.eq_ignore_ascii_case(name))
}

impl TableFunction {
    /// `dars(messages, sites [, feature_periods => …, relationship => …])`
    pub(crate) fn syntax(&self) -> String {
        let by_place = self.places();
        let by_name: Vec<String> = self
            .relations
            .iter()
            .map(|relation| relation.name)
            .chain(self.options.iter().map(|option| option.name))
            .filter(|name| !by_place.contains(name))
            .map(|name| format!("{name} => …"))
            .collect();
        let named = if by_name.is_empty() {
            String::new()
        } else {
            format!(" [, {}]", by_name.join(", "))
        };
        format!("{}({}{named})", self.name, by_place.join(", "))
    }

    /// What may be given by place, in order: relations, or the files that it reads itself.
    pub(crate) fn places(&self) -> Vec<&'static str> {
        let relations = self.relations.iter().filter(|relation| relation.positional);
        relations
            .map(|relation| relation.name)
            .chain(self.locations())
            .collect()
    }

    /// The files that it reads itself: without them there is no call, so it never stands as a view.
    pub(crate) fn locations(&self) -> impl Iterator<Item = &'static str> {
        let options = self.options.iter();
        options
            .filter(|option| option.values == Values::Location)
            .map(|option| option.name)
    }

    /// The relation of that name: this function's own, or one of an upstream function that `given` leaves out.
    pub(crate) fn relation_names(&self, given: &[&str]) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        for relation in self.relations {
            let upstream = find(relation.name).filter(|_| !given.contains(&relation.name));
            let theirs = upstream.map_or_else(Vec::new, |upstream| upstream.relation_names(given));
            // A relation that both read is one argument.
            for name in std::iter::once(relation.name).chain(theirs) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// The options that a call may name: this function's own, and those of an upstream function left out.
    pub(crate) fn option_specs(&self, given: &[&str]) -> Vec<&'static OptionSpec> {
        let mut specs = self.options.to_vec();
        for upstream in self
            .relations
            .iter()
            .filter_map(|relation| find(relation.name))
        {
            if !given.contains(&upstream.name) {
                specs.extend(upstream.option_specs(given));
            }
        }
        let mut seen = Vec::new();
        specs.retain(|spec| {
            let new = !seen.contains(&spec.name);
            seen.push(spec.name);
            new
        });
        specs
    }
}

/// The parameter `messages`, as most functions take it.
const MESSAGES: RelationSpec = RelationSpec {
    name: "messages",
    positional: true,
    required: true,
    columns: "site_id*, conversation_id*, sent_at*, sent_by*, consumer_id, message_id, audience, channel, intent_analyzer",
};

/// The parameter `sites`.
const SITES: RelationSpec = RelationSpec {
    name: "sites",
    positional: true,
    required: true,
    columns: "site_id*, org_id*, time_zone*, valid_from, valid_to, is_test",
};

/// The parameter `feature_periods`.
const FEATURE_PERIODS: RelationSpec = RelationSpec {
    name: "feature_periods",
    positional: false,
    required: false,
    columns: "org_id*, feature* (gen_ai | intent_analyzer), site_id, enabled_from*, enabled_to",
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Every function is documented and its name can be written without quotes, once.
    #[test]
    fn the_list_is_whole() {
        let mut names: Vec<&str> = all().iter().map(|function| function.name).collect();
        for function in all() {
            assert_eq!(function.name, function.name.to_lowercase());
            assert!(
                !function.summary.is_empty() && !function.columns.is_empty(),
                "{}",
                function.name
            );
            assert!(
                function.example.contains(function.name),
                "{}",
                function.name
            );
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().len());
    }
}
