//! What can be typed, as it is typed.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
#[cfg(feature = "delta")]
use jiff::civil::Date;

use super::format::Kind;
use super::generate::GenerateArgs;
use super::import::Import;

const EXAMPLES: &str = "\
First steps:
  dayrate init exports              write a dayrate.toml for the files in a folder
  dayrate doctor                    see whether everything is there that a bill stands on
  dayrate report                    the reports there are
  dayrate report monthly_credits    the credits of each site and month
  dayrate                           a shell: Tab completes, \\? helps, \\q quits

Examples:
  dayrate -c \"SELECT org_id, sum(credits) FROM rated_dars GROUP BY org_id\"
  dayrate -c \"SELECT count(*) FROM dars('exports/messages', 'exports/sites.parquet')\"
  dayrate --format chart -c \"SELECT day, sum(credits) FROM rated_dars GROUP BY day ORDER BY day\"
  dayrate functions dars            all about one function

Files named for one run, and rows into a file:
  dayrate --relation messages=exports/messages --relation sites=exports/sites.parquet \\
          -o credits.csv report monthly_credits

No files yet? `dayrate generate --messages 20000 --out year` invents a year to try everything on.

Rows go to the standard output, words to the standard error. The exit code is 0 if all went
well, 1 after the first failure, 2 if the arguments cannot be understood, 130 after Ctrl-C.";

/// Bills conversational messaging as SQL
///
/// dayrate counts Daily Active Relationships and engagement credits from exports of messages, each message dated in
/// the time zone of its own site, and makes invoices of them. It is Apache DataFusion with the words of that plan: any
/// SELECT works.
#[derive(Debug, Parser)]
#[command(name = "dayrate", version, after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) statements: Statements,
    #[command(flatten)]
    pub(super) session: SessionArguments,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

/// Statements to run.
#[derive(Debug, Args)]
pub(super) struct Statements {
    /// Run these statements, then exit; the first that fails ends the run
    #[arg(
        short = 'c',
        long = "command",
        value_name = "SQL",
        conflicts_with = "file"
    )]
    pub(super) command: Vec<String>,
    /// Run the statements of a file, then exit ('-' is the standard input)
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub(super) file: Vec<String>,
}

impl Statements {
    /// Whether none is given.
    pub(super) fn is_empty(&self) -> bool {
        self.command.is_empty() && self.file.is_empty()
    }
}

/// What the session is made from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What is read, and with what")]
pub(super) struct SessionArguments {
    /// The configuration; without it, the dayrate.toml of this folder or the nearest one above
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
    /// A name for a file, folder, pattern, Delta table or address, beside or in place of those of dayrate.toml (may be repeated)
    #[arg(long = "relation", value_name = "NAME=PATH", global = true, value_parser = relation)]
    pub(super) relations: Vec<(String, String)>,
    /// The folder of the table of DARs, in place of that of dayrate.toml
    #[cfg(feature = "delta")]
    #[arg(long, value_name = "PATH", global = true)]
    pub(super) dar_table: Option<String>,
    /// How many threads work [default: all cores]
    #[arg(long, value_name = "N", global = true)]
    pub(super) threads: Option<NonZeroUsize>,
    /// Memory before intermediate results go to disk, such as 800M or 4G [default: half of the machine's]
    #[arg(long, value_name = "SIZE", global = true, value_parser = size)]
    pub(super) memory_limit: Option<usize>,
    /// Send the work to the scheduler of a cluster, df://HOST:PORT; N of --threads is then the parts of its work
    #[cfg(feature = "cluster")]
    #[arg(long, value_name = "ADDRESS", global = true)]
    pub(super) cluster: Option<crate::cluster::Address>,
}

/// Where rows go, and what is said beside them.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "What is written, and where")]
pub(super) struct OutputArguments {
    /// How rows are written [default: table, or as the ending of -o says]
    #[arg(long, value_enum, value_name = "FORMAT", global = true)]
    pub(super) format: Option<Kind>,
    /// Write the rows to this file or address (s3://…): whole, or not at all
    #[arg(short = 'o', long, value_name = "FILE", global = true)]
    pub(super) output: Option<String>,
    /// Show how far long work is: on a terminal, always, or never
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_default_value = true,
        global = true
    )]
    pub(super) progress: When,
    /// Say nothing but failures beside the rows
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
}

/// When progress shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// On a terminal, for work that takes longer than a second
    #[default]
    Auto,
    /// Everywhere: a line every few seconds where there is no terminal
    Always,
    /// Nowhere
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a report, one that is shipped or any file of SQL; without a name, list them
    Report(Report),
    /// Write a commented dayrate.toml for the files found in a folder
    Init(Init),
    /// Write what a weekly dashboard answers as one self-contained page, for a browser or a mail
    Dashboard(Dashboard),
    /// The reference of the functions
    Functions(Functions),
    /// Bring the table of DARs up to date with the messages, from new files only
    #[cfg(feature = "delta")]
    Refresh(RefreshArguments),
    /// Check everything that a bill stands on: configuration, files, columns, zones, contracts, messages
    Doctor(Doctor),
    Generate(GenerateArgs),
    /// Turn a vendor's history into messages and outcomes
    Import(Import),
    /// Start a process of a cluster, which runs what `--cluster` sends to it
    #[cfg(feature = "cluster")]
    Cluster(super::cluster::Cluster),
    /// What bash, zsh or fish needs to complete the arguments of dayrate
    Completions(Completions),
    /// The manual page, for `man -l`
    Man(Manual),
}

const INIT_NOTES: &str = "\
A file or folder that has the columns of a relation is named as it. One that could have them
under other names (ts or timeL for sent_at, brandId for site_id, role for sent_by) gets a view
as a proposal, commented out, with every guess beside it: look it over, and take the # away.

Examples:
  dayrate init
  dayrate init exports
  dayrate --config exports/dayrate.toml doctor";

const FUNCTIONS_NOTES: &str = "\
Examples:
  dayrate functions
  dayrate functions invoice_lines
  dayrate functions date_trunc          the engine's own functions, too
  dayrate functions --format markdown   the table of the README";

const DOCTOR_NOTES: &str = "\
Each finding says how bad it is, what, where, and what to do. The exit code is 1 if a bill
could not be made, and 0 if there are warnings only.

Examples:
  dayrate doctor
  dayrate --config exports/dayrate.toml doctor
  dayrate doctor --format json";

const COMPLETIONS_NOTES: &str = "\
Examples:
  dayrate completions bash > ~/.local/share/bash-completion/completions/dayrate
  dayrate completions zsh > ~/.zfunc/_dayrate         (with ~/.zfunc in fpath)
  dayrate completions fish > ~/.config/fish/completions/dayrate.fish";

const MANUAL_NOTES: &str = "\
Examples:
  dayrate man | man -l -
  dayrate man report | man -l -
  dayrate man > ~/.local/share/man/man1/dayrate.1";

const REPORT_EXAMPLES: &str = "\
Examples:
  dayrate report
  dayrate report monthly_credits
  dayrate report monthly_credits --describe
  dayrate report monthly_credits from=2026-01-01 to=2026-04-01
  dayrate report my/own.sql customer=acme -o acme.csv

A report is a file of SQL. Lines such as
  -- param as_of DATE = current_date  last day
in its first comment declare what it takes: name, type, perhaps a default, two spaces, what it means.
In the SQL, the value is $as_of.";

/// `dayrate report`.
#[derive(Debug, Args)]
#[command(after_help = REPORT_EXAMPLES)]
pub(super) struct Report {
    /// A shipped report, or a path that ends in .sql
    pub(super) name: Option<String>,
    /// Values for what the report takes
    #[arg(value_name = "KEY=VALUE", value_parser = pair)]
    pub(super) values: Vec<(String, String)>,
    /// Say what the report shows and takes, and do not run it
    #[arg(long)]
    pub(super) describe: bool,
}

/// `dayrate init`.
#[derive(Debug, Args)]
#[command(after_help = INIT_NOTES)]
pub(super) struct Init {
    /// The folder with the files; dayrate.toml is written into it
    #[arg(default_value = ".")]
    pub(super) folder: PathBuf,
}

const DASHBOARD_EXAMPLES: &str = "\
Examples:
  dayrate dashboard -o usage.html
  dayrate dashboard --org org-048 --as-of 2026-01-01 --title 'Acme, 2025' -o acme.html

The page needs no network and no script. What a relation is missing for, it says, and how to add it.";

/// `dayrate dashboard`.
#[derive(Debug, Args)]
#[command(after_help = DASHBOARD_EXAMPLES)]
pub(super) struct Dashboard {
    /// Earlier days than this one count [default: today at UTC-12, when they have ended in every zone]
    #[arg(long, value_name = "DATE")]
    pub(super) as_of: Option<jiff::civil::Date>,
    /// One organization; without it, all of them
    #[arg(long, value_name = "ORG")]
    pub(super) org: Option<String>,
    /// What stands at the top of the page
    #[arg(long, value_name = "TEXT")]
    pub(super) title: Option<String>,
}

/// `dayrate functions`.
#[derive(Debug, Args)]
#[command(after_help = FUNCTIONS_NOTES)]
pub(super) struct Functions {
    /// One function; without it, all that dayrate adds to SQL
    pub(super) name: Option<String>,
}

#[cfg(feature = "delta")]
const REFRESH_EXAMPLES: &str = "\
Examples:
  dayrate refresh
  dayrate refresh --dry-run
  dayrate refresh --format json
  dayrate refresh --since 2026-01-01 --until 2026-02-01
  dayrate refresh --full

The table is the one that dayrate.toml names:
  [dar_table]
  path = \"dars\"

Exit codes: 0 done, 1 failed (the table is as it was), 2 wrong arguments, 3 done, but the messages hold rejected rows.";

/// `dayrate refresh`.
#[cfg(feature = "delta")]
#[derive(Debug, Args)]
#[command(after_help = REFRESH_EXAMPLES)]
pub(super) struct RefreshArguments {
    /// Make the table anew from all messages, of all days
    #[arg(long, conflicts_with_all = ["since", "until"])]
    pub(super) full: bool,
    /// Say what would be done, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Compare the invoices of this day [default: today, when every earlier day has ended everywhere]
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(super) as_of: Option<Date>,
    /// The first local day to refresh; earlier days stay as they are
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(super) since: Option<Date>,
    /// The first local day not to refresh; it and later days stay as they are
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(super) until: Option<Date>,
}

/// `2026-01-31`.
#[cfg(feature = "delta")]
fn date(text: &str) -> Result<Date, String> {
    text.parse()
        .map_err(|_| "write a day such as 2026-01-31".to_owned())
}

/// `dayrate doctor`.
#[derive(Debug, Args)]
#[command(after_help = DOCTOR_NOTES)]
pub(super) struct Doctor {}

/// `dayrate completions`.
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_NOTES)]
pub(super) struct Completions {
    /// The shell that the script is for
    #[arg(value_enum)]
    pub(super) shell: ShellKind,
}

/// A shell of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ShellKind {
    Bash,
    Zsh,
    Fish,
}

/// `dayrate man`.
#[derive(Debug, Args)]
#[command(after_help = MANUAL_NOTES)]
pub(super) struct Manual {
    /// The page of one command; without it, of dayrate itself
    pub(super) command: Option<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write key=value, for example as_of=2026-12-01".to_owned()),
    }
}

fn relation(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.trim().is_empty() && !path.is_empty() => {
            Ok((name.trim().to_owned(), path.to_owned()))
        }
        _ => Err("write NAME=PATH, for example messages=exports/messages".to_owned()),
    }
}

/// `800M`, `4G`, `1500000000`: bytes, in steps of 1024.
fn size(text: &str) -> Result<usize, String> {
    let number = text
        .trim_end_matches(['b', 'B'])
        .trim_end_matches(['i', 'I']);
    let (digits, shift) = match number.as_bytes().last() {
        Some(b'k' | b'K') => (&number[..number.len() - 1], 10),
        Some(b'm' | b'M') => (&number[..number.len() - 1], 20),
        Some(b'g' | b'G') => (&number[..number.len() - 1], 30),
        Some(b't' | b'T') => (&number[..number.len() - 1], 40),
        _ => (number, 0),
    };
    let bytes = digits
        .trim()
        .parse::<usize>()
        .ok()
        .and_then(|count| count.checked_mul(1 << shift));
    match bytes {
        Some(bytes) if bytes > 0 => Ok(bytes),
        _ => Err("write a size such as 800M or 4G".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declaration_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn sizes_are_in_steps_of_1024() {
        assert_eq!(size("1500"), Ok(1500));
        assert_eq!(size("2k"), Ok(2048));
        assert_eq!(size("4GiB"), Ok(4 << 30));
        assert!(size("0").is_err());
        assert!(size("lots").is_err());
        assert!(size("99999999999T").is_err());
    }
}
