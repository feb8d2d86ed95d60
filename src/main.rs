//! The `dayrate` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    dayrate::cli::run(std::env::args_os())
}
