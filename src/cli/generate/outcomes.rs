//! What came of conversations: sales, and support cases that were solved or not.

use std::fs::File;
use std::mem;
use std::path::PathBuf;

use datafusion::error::Result;
use parquet::arrow::ArrowWriter;

use super::columns::Columns;
use super::draw::{Draw, Purpose};
use super::timeline::Message;
use super::world::{World, currency};
use crate::cli::parquet_file::{cannot_write, open, properties};

/// Rows written at a time.
const BATCH_ROWS: usize = 8192;

/// Takes the last messages of conversations and writes `outcomes.parquet`.
pub(super) struct OutcomeFile {
    file: PathBuf,
    writer: Option<ArrowWriter<File>>,
    draw: Draw,
    rows: Vec<Outcome>,
    /// Outcomes so far.
    pub(super) count: u64,
}

/// One row; money in ten-thousandths.
struct Outcome {
    conversation_id: String,
    kind: &'static str,
    site_id: String,
    outcome_id: String,
    occurred_at: i64,
    currency: &'static str,
    revenue: Option<i128>,
    saving: Option<i128>,
    resolved: bool,
}

impl OutcomeFile {
    /// A file at this path.
    pub(super) fn start(file: PathBuf, seed: u64) -> Self {
        Self {
            file,
            writer: None,
            draw: Draw::new(seed, Purpose::Outcomes),
            rows: vec![],
            count: 0,
        }
    }

    /// Records the outcomes of the conversation whose last message this is.
    pub(super) fn push(&mut self, world: &World, last: &Message<'_>) -> Result<()> {
        let site = &world.sites[last.conversation.site];
        for nth in 0..last.conversation.outcomes {
            self.count += 1;
            let sale = nth > 0 || self.draw.chance(420);
            let resolved = self.draw.chance(if sale { 920 } else { 780 });
            let cents = self
                .draw
                .lognormal(if sale { 6_000 } else { 600 }, if sale { 120 } else { 50 });
            let money = local_money(cents, currency(site.org));
            self.rows.push(Outcome {
                conversation_id: last.conversation.id.clone(),
                kind: if sale { "sales" } else { "support" },
                site_id: site.id.clone(),
                outcome_id: format!("O{:09}", self.count),
                occurred_at: last.at + self.draw.between(60_000, 1_800_000).cast_signed(),
                currency: currency(site.org),
                revenue: (sale && resolved).then_some(money),
                saving: (!sale && resolved).then_some(money),
                resolved,
            });
        }
        if self.rows.len() >= BATCH_ROWS {
            self.write()
        } else {
            Ok(())
        }
    }

    /// Completes the file.
    pub(super) fn finish(mut self) -> Result<()> {
        self.write()?;
        match self.writer {
            Some(writer) => writer
                .close()
                .map(|_| ())
                .map_err(|e| cannot_write(&self.file, &e)),
            None => Ok(()),
        }
    }

    fn write(&mut self) -> Result<()> {
        let rows = mem::take(&mut self.rows);
        let column = |of: fn(&Outcome) -> &str| {
            rows.iter()
                .map(|row| of(row).to_owned())
                .collect::<Vec<_>>()
        };
        let batch = Columns::default()
            .text("conversation_id", column(|row| &row.conversation_id))
            .text("kind", column(|row| row.kind))
            .text("site_id", column(|row| &row.site_id))
            .text("outcome_id", column(|row| &row.outcome_id))
            .instant_or_null(
                "occurred_at",
                rows.iter().map(|row| Some(row.occurred_at)).collect(),
            )
            .text("currency", column(|row| row.currency))
            .credits_or_null("revenue", rows.iter().map(|row| row.revenue).collect())?
            .credits_or_null("saving", rows.iter().map(|row| row.saving).collect())?
            .boolean("resolved", rows.iter().map(|row| row.resolved).collect())
            .batch()?;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(open(&self.file, batch.schema(), properties())?),
        };
        writer
            .write(&batch)
            .map_err(|e| cannot_write(&self.file, &e))
    }
}

/// US cents as about the same money in `currency`, whole in its minor unit; in ten-thousandths.
fn local_money(cents: u64, currency: &str) -> i128 {
    let cents = i128::from(cents);
    match currency {
        "EUR" => cents * 9 / 10 * 100,
        "JPY" => cents * 3 / 2 * 10_000,
        "KWD" => cents * 3 * 10,
        _ => cents * 100,
    }
}
