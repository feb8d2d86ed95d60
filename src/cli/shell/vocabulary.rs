//! The names that a session knows: relations, their columns, functions.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use datafusion::prelude::SessionContext;
use tokio::runtime::Handle;

use super::columns::{self, ColumnOf};
use crate::cli::functions::first_sentence;
use crate::cli::place;
use crate::table;

/// Nobody waits longer for a suggestion.
const PATIENCE: Duration = Duration::from_millis(700);

/// A function that can be called.
#[derive(Debug, Clone)]
pub(super) struct FunctionName {
    pub(super) name: String,
    pub(super) about: String,
    /// Whether it stands behind FROM.
    pub(super) is_table: bool,
}

/// See the module.
pub(super) struct Vocabulary {
    ctx: SessionContext,
    runtime: Handle,
    /// The columns of what was looked at before: files do not change their columns while a line is typed.
    columns: Mutex<HashMap<String, Vec<ColumnOf>>>,
}

impl Vocabulary {
    /// The names of `ctx`. Called within the runtime; asked from a thread that may wait.
    pub(super) fn new(ctx: &SessionContext) -> Self {
        Self {
            ctx: ctx.clone(),
            runtime: Handle::current(),
            columns: Mutex::default(),
        }
    }

    /// The names of relations, those of functions that can stand alone among them.
    pub(super) fn relations(&self) -> Vec<String> {
        place::relations(&self.ctx)
    }

    /// The columns of a relation, a file or a function; none if it cannot be opened in time.
    pub(super) fn columns(&self, name: &str) -> Vec<ColumnOf> {
        if let Ok(known) = self.columns.lock()
            && let Some(columns) = known.get(name)
        {
            return columns.clone();
        }
        let opened = async { tokio::time::timeout(PATIENCE, columns::of(&self.ctx, name)).await };
        let found = match self.runtime.block_on(opened) {
            Ok(Ok(columns)) => columns,
            // Its relations may be missing, or too slow: the columns of a function are known without them.
            _ => match table::find(name) {
                Some(function) => of_function(function),
                None => return Vec::new(),
            },
        };
        if let Ok(mut known) = self.columns.lock() {
            known.insert(name.to_owned(), found.clone());
        }
        found
    }

    /// Every function: those of dayrate and those of the engine.
    pub(super) fn functions(&self) -> Vec<FunctionName> {
        let state = self.ctx.state();
        let mut functions: Vec<FunctionName> = table::all()
            .iter()
            .map(|function| FunctionName {
                name: function.name.to_owned(),
                about: first_sentence(function.summary).to_owned(),
                is_table: true,
            })
            .collect();
        let scalar =
            |name: &String, about: Option<&datafusion::logical_expr::Documentation>| FunctionName {
                name: name.clone(),
                about: about.map_or_else(String::new, |about| {
                    first_sentence(&about.description).to_owned()
                }),
                is_table: false,
            };
        let scalars = state.scalar_functions().iter();
        functions.extend(scalars.map(|(name, function)| scalar(name, function.documentation())));
        let aggregates = state.aggregate_functions().iter();
        functions.extend(aggregates.map(|(name, function)| scalar(name, function.documentation())));
        let windows = state.window_functions().iter();
        functions.extend(windows.map(|(name, function)| scalar(name, function.documentation())));
        functions.sort_by(|one, other| one.name.cmp(&other.name));
        functions.dedup_by(|one, other| one.name == other.name);
        functions
    }
}

fn of_function(function: &table::TableFunction) -> Vec<ColumnOf> {
    let columns = function.columns.iter();
    columns
        .map(|(name, sql_type)| ColumnOf {
            name: (*name).to_owned(),
            sql_type: (*sql_type).to_owned(),
            nullable: true,
        })
        .collect()
}
