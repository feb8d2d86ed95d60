//! What the engine's processes say, on the standard error.

use clap::ValueEnum;
use log::{LevelFilter, Log, Metadata, Record};

use crate::cli::message;

/// How much is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Level {
    /// What went wrong
    Error,
    /// And what may go wrong
    #[default]
    Warn,
    /// And what is done
    Info,
    /// And how
    Debug,
}

impl Level {
    fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::Error,
            Self::Warn => LevelFilter::Warn,
            Self::Info => LevelFilter::Info,
            Self::Debug => LevelFilter::Debug,
        }
    }
}

/// From now on the engine's words are heard.
pub(super) fn begin(level: Level) {
    // The first call of a process holds.
    if log::set_logger(&Words).is_ok() {
        log::set_max_level(level.filter());
    }
}

struct Words;

impl Log for Words {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        about.level() <= log::max_level()
    }

    fn log(&self, said: &Record<'_>) {
        if self.enabled(said.metadata()) {
            let level = said.level().as_str().to_lowercase();
            message::note(&format!("{level}: {}", said.args()));
        }
    }

    fn flush(&self) {}
}
