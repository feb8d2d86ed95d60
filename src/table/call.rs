//! A call of a table function after its arguments are resolved: plans by relation, values by option.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::logical_expr::LogicalPlan;
use jiff::civil::Date;

use super::TableFunction;
use super::dar_source::Keeper;
use super::option::{OptionSpec, SessionDefaults};
use super::relation::Relation;
use crate::domain::day::{Day, day_of};
use crate::domain::zone::ZoneDatabase;
use crate::error;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The function called.
    pub(crate) function: &'static TableFunction,
    /// The relations at hand: given, or the session's of that name.
    pub(crate) relations: BTreeMap<&'static str, LogicalPlan>,
    /// The options given, checked.
    pub(crate) options: BTreeMap<&'static str, String>,
    /// Where an option is not given.
    pub(crate) defaults: SessionDefaults,
    /// The zone rules of this session.
    pub(crate) zones: ZoneDatabase,
    /// Who keeps DARs for this session.
    pub(crate) keeper: Option<Arc<dyn Keeper>>,
}

impl Call {
    /// A relation that the function cannot do without.
    ///
    /// # Errors
    ///
    /// It was neither given nor does the session have one of that name.
    pub(crate) fn relation(&self, name: &'static str) -> Result<Relation> {
        self.optional(name).ok_or_else(|| {
            error::query(format!(
                "{} needs the relation {name}, and the session has none of that name: write {}",
                self.function.name,
                self.function.syntax(),
            ))
        })
    }

    /// A relation that may be left out.
    pub(crate) fn optional(&self, name: &'static str) -> Option<Relation> {
        self.relations
            .get(name)
            .map(|plan| Relation::new(name, plan.clone()))
    }

    /// This call with another relation in the place of one it has.
    pub(crate) fn with(&self, name: &'static str, plan: LogicalPlan) -> Self {
        let mut call = self.clone();
        call.relations.insert(name, plan);
        call
    }

    /// The relation given as `function.name`, or else that function called with what belongs to it of this call.
    pub(crate) fn upstream(&self, function: &'static TableFunction) -> Result<Relation> {
        let plan = match self.relations.get(function.name) {
            Some(plan) => plan.clone(),
            None => (function.plan)(self)?,
        };
        Ok(Relation::new(function.name, plan))
    }

    /// The value of an option: given, or the session's, or its default; `None` if that is empty.
    pub(crate) fn option(&self, option: &OptionSpec) -> Option<String> {
        self.options
            .get(option.name)
            .cloned()
            .or_else(|| self.defaults.get(option))
    }

    /// The value of an option that takes a day.
    pub(crate) fn day(&self, option: &OptionSpec) -> Option<Day> {
        let date: Date = self.option(option)?.parse().ok()?;
        Some(day_of(date))
    }

    /// Whether an option has this value.
    pub(crate) fn is(&self, option: &OptionSpec, value: &str) -> bool {
        self.option(option).as_deref() == Some(value)
    }
}
