//! How far long work is, on a terminal: what share of the files is read, how fast, how long it will still take.
//!
//! The plan counts what it reads anyway; a thread of its own looks at the counts five times a second and draws a line.
//! Nothing is drawn for work of less than a second, and the line is gone when the work is done.

use std::io::IsTerminal;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricValue;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};

use super::args::When;
use super::count::{bytes, grouped};
use super::{message, screen};

/// Work that is shorter shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often the line is drawn.
const STEP: Duration = Duration::from_millis(200);

/// How often a line is written where there is no terminal to draw on.
const PLAIN_STEP: Duration = Duration::from_secs(5);

/// What a whole is counted in.
const WHOLE: u64 = 1000;

/// The letters of the bar.
const BAR: u64 = 24;

static WHEN: OnceLock<When> = OnceLock::new();

/// When progress shows in this run.
pub(super) fn show(when: When) {
    // The first word holds: there is one run in a process.
    let _ = WHEN.set(when);
}

/// Whether it shows, and if so, whether it is drawn or written line by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Drawn,
    Written,
}

fn way() -> Option<Way> {
    let person = std::io::stderr().is_terminal();
    match WHEN.get().copied().unwrap_or_default() {
        _ if message::is_quiet() => None,
        When::Never => None,
        When::Auto => person.then_some(Way::Drawn),
        When::Always => Some(if person { Way::Drawn } else { Way::Written }),
    }
}

/// Whether a line may be drawn, over and over, for a person.
pub(super) fn is_drawn() -> bool {
    way() == Some(Way::Drawn)
}

/// Work that is being watched; the line goes away with it.
pub(super) struct Watch(Option<(Sender<()>, JoinHandle<()>)>);

/// Watches a plan that is about to run.
pub(super) fn watch(plan: &Arc<dyn ExecutionPlan>) -> Watch {
    let Some(way) = way() else {
        return Watch(None);
    };
    let mut scans = Vec::new();
    collect(plan, &mut scans);
    let (stop, stopped) = channel();
    let watcher = std::thread::Builder::new()
        .name("progress".to_owned())
        .spawn(move || look(way, &scans, &stopped));
    Watch(watcher.ok().map(|watcher| (stop, watcher)))
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((stop, watcher)) = self.0.take() {
            drop(stop);
            // Nothing may be written before the line is gone.
            let _ = watcher.join();
        }
    }
}

/// Shows the scans until told to stop.
fn look(way: Way, scans: &[Arc<dyn ExecutionPlan>], stopped: &Receiver<()>) {
    let begun = Instant::now();
    let wait = |time| matches!(stopped.recv_timeout(time), Err(RecvTimeoutError::Timeout));
    if !wait(PATIENCE) {
        return;
    }
    let ahead = Seen::ahead(scans);
    match way {
        Way::Drawn => {
            let colour = screen::colours();
            loop {
                let seen = ahead.now(scans);
                message::progress(&format!(
                    "{} {}",
                    bar(seen.share(), colour),
                    seen.words(begun.elapsed())
                ));
                if !wait(STEP) {
                    break;
                }
            }
            message::progress("");
        }
        Way::Written => loop {
            message::note(&ahead.now(scans).words(begun.elapsed()));
            if !wait(PLAIN_STEP) {
                break;
            }
        },
    }
}

/// A line that fills from the left.
fn bar(share: u64, colour: bool) -> String {
    let full = usize::try_from(share * BAR / WHOLE).unwrap_or_default();
    let rest = usize::try_from(BAR).unwrap_or_default() - full;
    let (full, rest) = ("━".repeat(full), "─".repeat(rest));
    match colour {
        true => format!("\x1b[36m{full}\x1b[90m{rest}\x1b[0m"),
        false => format!("{full}{rest}"),
    }
}

/// The leaves of a plan that read files.
fn collect(plan: &Arc<dyn ExecutionPlan>, scans: &mut Vec<Arc<dyn ExecutionPlan>>) {
    if plan.is::<DataSourceExec>() {
        scans.push(Arc::clone(plan));
    }
    for child in plan.children() {
        collect(child, scans);
    }
}

/// What the scans have read so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    rows: u64,
    all_rows: u64,
    bytes: u64,
    pieces: u64,
    all_pieces: u64,
}

impl Seen {
    /// What there is to read; nothing of it is read yet.
    fn ahead(scans: &[Arc<dyn ExecutionPlan>]) -> Self {
        let mut seen = Self::default();
        for scan in scans {
            let statistics =
                StatisticsContext::new().compute(scan.as_ref(), &StatisticsArgs::new());
            if let Ok(statistics) = statistics
                && let Some(rows) = statistics.num_rows.get_value()
            {
                seen.all_rows += number(*rows);
            }
            let config = scan
                .downcast_ref::<DataSourceExec>()
                .and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>());
            if let Some(config) = config {
                let pieces = config.file_groups.iter().map(|group| group.len()).sum();
                seen.all_pieces += number(pieces);
            }
        }
        seen
    }

    /// The same with what is read by now.
    fn now(mut self, scans: &[Arc<dyn ExecutionPlan>]) -> Self {
        for scan in scans {
            for metric in scan.metrics().iter().flat_map(|metrics| metrics.iter()) {
                match metric.value() {
                    MetricValue::OutputRows(count) => self.rows += number(count.value()),
                    MetricValue::Count { name, count } => match name.as_ref() {
                        // Rows that a filter removed while they were read are read as well.
                        "pushdown_rows_pruned" => self.rows += number(count.value()),
                        "bytes_scanned" => self.bytes += number(count.value()),
                        "files_processed" => self.pieces += number(count.value()),
                        _ => {}
                    },
                    _ => {}
                }
            }
        }
        self
    }

    /// Thousandths of the work that are done: of the rows, or of the pieces of files where those are ahead, because
    /// rows that no filter can want are skipped and not counted.
    fn share(self) -> u64 {
        let of = |done: u64, all: u64| (done * WHOLE).checked_div(all).unwrap_or_default();
        of(self.rows, self.all_rows)
            .max(of(self.pieces, self.all_pieces))
            .min(WHOLE)
    }

    fn words(self, elapsed: Duration) -> String {
        if self.all_rows == 0 && self.all_pieces == 0 {
            return format!("{} s", elapsed.as_secs());
        }
        let share = self.share();
        let millis = elapsed.as_millis().max(1);
        let speed = u128::from(self.rows) * 1000 / millis;
        let speed = grouped(u64::try_from(speed).unwrap_or(u64::MAX));
        let left = match share {
            0 => String::new(),
            WHOLE => ", putting it together".to_owned(),
            share => {
                let rest = millis * u128::from(WHOLE - share) / u128::from(share);
                format!(", {} s left", rest.div_ceil(1000))
            }
        };
        format!(
            "{} % of the files read ({}), {speed} rows/s{left}",
            share / 10,
            bytes(self.bytes)
        )
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_say_share_speed_and_time_left() {
        let seen = Seen {
            rows: 2_500,
            all_rows: 10_000,
            bytes: 3 << 20,
            pieces: 0,
            all_pieces: 4,
        };
        assert_eq!(
            seen.words(Duration::from_secs(2)),
            "25 % of the files read (3.0 MiB), 1,250 rows/s, 6 s left"
        );
    }

    #[test]
    fn the_bar_fills_from_the_left() {
        assert_eq!(bar(0, false), "─".repeat(24));
        assert_eq!(
            bar(500, false),
            format!("{}{}", "━".repeat(12), "─".repeat(12))
        );
        assert_eq!(bar(WHOLE, false), "━".repeat(24));
    }

    #[test]
    fn pieces_count_where_rows_are_skipped() {
        let mut seen = Seen {
            rows: 10,
            all_rows: 10_000,
            bytes: 0,
            pieces: 3,
            all_pieces: 4,
        };
        assert_eq!(seen.share(), 750);
        seen.pieces = 4;
        assert!(seen.words(Duration::from_secs(1)).contains("100 %"));
    }
}
