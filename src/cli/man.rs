//! `dayrate man`: the manual page, from the same declarations as `--help`.

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use datafusion::error::{DataFusionError, Result};

use super::args::{Arguments, Manual};
use super::output::Output;
use crate::error;

/// Prints the page of dayrate, or of one of its commands.
///
/// # Errors
///
/// If there is no such command.
pub(super) fn run(given: &Manual, output: &mut Output) -> Result<()> {
    let mut whole = Arguments::command();
    whole.build();
    let command = match &given.command {
        None => whole,
        Some(name) => page_of(&whole, name)?,
    };
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(DataFusionError::IoError)?;
    output
        .words(|out| out.write_all(&page))
        .map_err(DataFusionError::IoError)
}

fn page_of(whole: &Command, name: &str) -> Result<Command> {
    let found = whole
        .get_subcommands()
        .find(|command| command.get_name() == name);
    let known = || -> Vec<&str> { whole.get_subcommands().map(Command::get_name).collect() };
    found
        .cloned()
        .map(|command| command.display_name(format!("dayrate-{name}")))
        .ok_or_else(|| error::config(error::unknown("command", name, &known())))
}
