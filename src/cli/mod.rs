//! The command-line tool: the only folder that prints.

mod generate;
