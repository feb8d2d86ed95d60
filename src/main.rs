//! The `dayrate` command.

fn main() {}
