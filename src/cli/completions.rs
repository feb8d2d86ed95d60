//! `dayrate completions`: what a shell of the system needs to complete the arguments of dayrate.

use clap::CommandFactory;
use clap_complete::{Shell, generate};
use datafusion::error::{DataFusionError, Result};

use super::args::{Arguments, Completions, ShellKind};
use super::output::Output;

/// Prints the script.
///
/// # Errors
///
/// If it cannot be written.
pub(super) fn run(given: &Completions, output: &mut Output) -> Result<()> {
    let shell = match given.shell {
        ShellKind::Bash => Shell::Bash,
        ShellKind::Zsh => Shell::Zsh,
        ShellKind::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut Arguments::command(), "dayrate", &mut script);
    output
        .words(|out| out.write_all(&script))
        .map_err(DataFusionError::IoError)
}
