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

use std::fs::write;
use std::path::{Path, PathBuf};

use datafusion::error::Result;

use self::messages::MessageFiles;
use self::outcomes::OutcomeFile;
use self::timeline::{Totals, play};
use self::world::{SITES, World};
use super::folder::NewFolder;
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
/// The folder gets its name when everything in it is complete.
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
    let made = NewFolder::start(&args.out)?;
    let folder = made.path();

    let world = World::new(args.seed)?;
    let (totals, outcomes) = write_year(&world, args, folder, progress)?;
    sites::write_sites(&world, folder)?;
    sites::write_feature_periods(&world, folder)?;
    contracts::write_contracts(&totals, args.seed, folder)?;
    charges::write_channel_charges(folder)?;
    charges::write_seats(&totals, folder)?;
    write_config(args, folder)?;

    made.finish()?;
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
