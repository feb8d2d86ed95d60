//! `dayrate generate`: a realistic year of messaging, as large as asked, the same on every machine.
//!
//! ```text
//! world (sites, clocks, sizes) ── rhythm (when, where) ── timeline (conversations under way) ┬ messages, a file a month
//!                                                                                            └ outcomes
//! totals of the year ── contracts, price_tiers, seats          world ── sites, feature_periods, channel_charges
//! ```
//!
//! Everything is drawn from one seeded generator in whole numbers (see [`draw`]), so a (count, seed) pair names a data
//! set. Memory holds one row group and the conversations under way, never the year.

mod charges;
mod clock;
mod columns;
mod contracts;
mod conversation;
mod draw;
mod messages;
mod outcomes;
mod rhythm;
mod sites;
mod timeline;
mod world;

use std::fs::{create_dir, create_dir_all, read_dir, remove_dir, rename, write};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use datafusion::error::Result;

use self::messages::MessageFiles;
use self::outcomes::OutcomeFile;
use self::timeline::{Totals, play};
use self::world::{SITES, World};
use crate::error::{config, data};

/// The most that fits: conversations under way are kept in memory, some 3 GB of them at this size.
const MOST_MESSAGES: u64 = 10_000_000_000;

const EXAMPLES: &str = "\
Examples:
  dayrate generate --messages 20000 --out year
  dayrate --config year/dayrate.toml report monthly_credits
  dayrate generate --messages 20M --seed 7 --out large      some 250 MB";

/// Write a year of invented messages with everything needed to bill them
///
/// The folder then holds `messages/month=2025-01/…` and, beside it, sites, feature_periods, contracts, price_tiers,
/// channel_charges, outcomes, seats and a `dayrate.toml` that names them all. The same numbers give the same data on
/// every machine.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GenerateArgs {
    /// How many messages: 20000, 20_000_000 or 20M
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) messages: u64,
    /// Which of the many possible years
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// The folder to make; it must not exist yet, or be empty
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Rows of `messages`, exactly as asked.
    pub(crate) messages: u64,
    /// Conversations that they belong to.
    pub(crate) conversations: u64,
    /// Rows of `outcomes`.
    pub(crate) outcomes: u64,
    /// Sites in `sites`.
    pub(crate) sites: usize,
    /// The folder.
    pub(crate) out: PathBuf,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {} messages of {} conversations at {} sites, {} outcomes",
            self.out.display(),
            self.messages,
            self.conversations,
            self.sites,
            self.outcomes
        )
    }
}

/// Writes the data set; `progress` hears the number of messages done so far, 8760 times in all.
///
/// The folder gets its name when everything in it is complete: a killed run leaves at most a hidden
/// `.NAME.partial…` folder beside it.
///
/// # Errors
///
/// When there is nothing or too much to generate, when the folder has something in it, or when writing fails.
pub(crate) fn generate(args: &GenerateArgs, progress: &mut dyn FnMut(u64)) -> Result<Summary> {
    if args.messages == 0 || args.messages > MOST_MESSAGES {
        return Err(config(format!(
            "cannot generate {} messages: --messages takes a number from 1 to {MOST_MESSAGES}; try --messages 1M",
            args.messages
        )));
    }
    let (parent, name) = place(&args.out)?;
    let partial = tempfile::Builder::new()
        .prefix(&format!(".{name}.partial"))
        .tempdir_in(&parent)
        .map_err(|e| {
            data(format!(
                "cannot write in the folder '{}': {e}; choose another --out",
                parent.display()
            ))
        })?;
    let folder = partial.path().join(&name);
    create_dir(&folder).map_err(|e| {
        data(format!(
            "cannot create the folder '{}': {e}",
            folder.display()
        ))
    })?;

    let world = World::new(args.seed)?;
    let (totals, outcomes) = write_year(&world, args, &folder, progress)?;
    sites::write_sites(&world, &folder)?;
    sites::write_feature_periods(&world, &folder)?;
    contracts::write_contracts(&totals, args.seed, &folder)?;
    charges::write_channel_charges(&folder)?;
    charges::write_seats(&totals, &folder)?;
    write_config(args, &folder)?;

    give_name(&folder, &args.out)?;
    Ok(Summary {
        messages: args.messages,
        conversations: totals.conversations,
        outcomes,
        sites: SITES,
        out: args.out.clone(),
    })
}

/// Plays the year into `messages` and `outcomes.parquet`.
fn write_year(
    world: &World,
    args: &GenerateArgs,
    folder: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<(Totals, u64)> {
    let mut messages = MessageFiles::start(folder)?;
    let mut outcomes = OutcomeFile::start(folder.join("outcomes.parquet"), args.seed);
    let mut stopped = false;
    let played = play(
        world,
        args.seed,
        args.messages,
        |message| {
            stopped = !messages.push(world, message)?;
            if stopped {
                return Err(data("the messages cannot be written"));
            }
            if message.conversation.left == 0 {
                outcomes.push(world, message)
            } else {
                Ok(())
            }
        },
        progress,
    );
    if stopped {
        messages.finish()?;
        return Err(data("the messages cannot be written; report this"));
    }
    let totals = played?;
    messages.finish()?;
    let count = outcomes.count;
    outcomes.finish()?;
    Ok((totals, count))
}

/// The commented configuration beside the data.
fn write_config(args: &GenerateArgs, folder: &Path) -> Result<()> {
    let command = format!(
        "dayrate generate --messages {} --seed {}",
        args.messages, args.seed
    );
    let file = folder.join("dayrate.toml");
    write(
        &file,
        include_str!("dayrate.toml").replace("{command}", &command),
    )
    .map_err(|e| data(format!("cannot write the file '{}': {e}", file.display())))
}

/// The folder to write in, which is made if need be, and the name to give to the result in it.
fn place(out: &Path) -> Result<(PathBuf, String)> {
    let Some(name) = out
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
    else {
        return Err(config(format!(
            "cannot make the folder '{}': it has no name of its own; write --out NAME, or --out PATH/NAME",
            out.display()
        )));
    };
    match read_dir(out) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(config(format!(
                    "the folder '{}' is not empty: generated data and yours would mix; empty it or choose another --out",
                    out.display()
                )));
            }
        }
        Err(e) if e.kind() == ErrorKind::NotFound => (),
        Err(e) => {
            return Err(config(format!(
                "'{}' cannot be the folder to make: {e}; choose another --out",
                out.display()
            )));
        }
    }
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    create_dir_all(&parent).map_err(|e| {
        data(format!(
            "cannot create the folder '{}': {e}; choose another --out",
            parent.display()
        ))
    })?;
    Ok((parent, name))
}

/// Moves the complete folder to where it was asked for, in place of an empty one.
fn give_name(folder: &Path, out: &Path) -> Result<()> {
    match remove_dir(out) {
        Ok(()) => (),
        Err(e) if e.kind() == ErrorKind::NotFound => (),
        Err(e) => {
            return Err(data(format!(
                "cannot replace the folder '{}': {e}",
                out.display()
            )));
        }
    }
    rename(folder, out).map_err(|e| {
        data(format!(
            "cannot name the finished folder '{}': {e}",
            out.display()
        ))
    })
}

/// A number of messages as people write it: `20000`, `20_000`, `20k`, `20M`.
fn count(text: &str) -> std::result::Result<u64, String> {
    let plain = text.replace('_', "");
    let (digits, unit) = match plain.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => match plain.strip_suffix(['m', 'M']) {
            Some(digits) => (digits, 1_000_000),
            None => (plain.as_str(), 1),
        },
    };
    let number = digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit));
    match number {
        Some(number) if (1..=MOST_MESSAGES).contains(&number) => Ok(number),
        Some(_) => Err(format!("a number from 1 to {MOST_MESSAGES} is expected")),
        None => Err("a whole number is expected, such as 20000, 20_000 or 20M".into()),
    }
}

#[cfg(test)]
mod tests;
