//! The messages as Parquet, a folder a month: `messages/month=2025-01/part-0.parquet`.
//!
//! Rows become batches here; a thread of its own encodes and compresses them, which is the larger half of the work.

use std::fs::{File, create_dir_all};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use arrow::array::{
    ArrayRef, BooleanBuilder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use datafusion::error::Result;
use parquet::arrow::ArrowWriter;
use parquet::schema::types::ColumnPath;

use super::clock::month_starts;
use super::conversation::Sender;
use super::timeline::Message;
use super::world::World;
use crate::cli::parquet_file::{cannot_write, open, properties};
use crate::error::data;

/// Rows handed to the writing thread at a time.
const BATCH_ROWS: usize = 32_768;
/// Rows of a row group.
const ROW_GROUP_ROWS: usize = 1_000_000;
/// Ids repeat some eight times within a row group: worth a dictionary, if it may be this large (bytes).
const ID_DICTIONARY: usize = 16 << 20;

/// Takes messages in the order of their instants and writes them.
pub(super) struct MessageFiles {
    rows: Rows,
    /// First instants of the months, and which of them the rows belong to.
    months: Vec<i64>,
    month: usize,
    queue: SyncSender<(usize, RecordBatch)>,
    thread: JoinHandle<Result<()>>,
}

impl MessageFiles {
    /// Files under `folder`/messages.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        // A few batches in the queue keep both threads busy, and memory bounded.
        let (queue, batches) = sync_channel(3);
        let folder = folder.join("messages");
        let thread = std::thread::Builder::new()
            .name("messages".into())
            .spawn(move || encode(&folder, &batches))
            .map_err(|e| data(format!("cannot start the thread that writes messages: {e}")))?;
        Ok(Self {
            rows: Rows::default(),
            months: month_starts()?,
            month: 0,
            queue,
            thread,
        })
    }

    /// Adds a message. `false` when the writing thread has given up: [`MessageFiles::finish`] then says why.
    pub(super) fn push(&mut self, world: &World, message: &Message<'_>) -> Result<bool> {
        let ends = self.months.get(self.month + 1).copied().unwrap_or(i64::MAX);
        if (message.at >= ends || self.rows.count == BATCH_ROWS) && !self.hand_over()? {
            return Ok(false);
        }
        while self
            .months
            .get(self.month + 1)
            .is_some_and(|ends| message.at >= *ends)
        {
            self.month += 1;
        }
        self.rows.push(world, message);
        Ok(true)
    }

    /// Writes what is left and waits for the files to be complete.
    ///
    /// # Errors
    ///
    /// Everything that went wrong while writing.
    pub(super) fn finish(mut self) -> Result<()> {
        self.hand_over()?;
        drop(self.queue);
        match self.thread.join() {
            Ok(result) => result,
            Err(_) => Err(data(
                "the thread that writes messages stopped without a word; report this",
            )),
        }
    }

    fn hand_over(&mut self) -> Result<bool> {
        if self.rows.count == 0 {
            return Ok(true);
        }
        let batch = self.rows.batch()?;
        Ok(self.queue.send((self.month, batch)).is_ok())
    }
}

/// The columns of `messages` under construction.
#[derive(Default)]
struct Rows {
    count: usize,
    site_id: StringBuilder,
    conversation_id: StringBuilder,
    sent_at: TimestampMicrosecondBuilder,
    sent_by: StringBuilder,
    consumer_id: StringBuilder,
    message_id: StringBuilder,
    audience: StringBuilder,
    channel: StringBuilder,
    intent_analyzer: BooleanBuilder,
    queue: StringBuilder,
}

impl Rows {
    fn push(&mut self, world: &World, message: &Message<'_>) {
        let conversation = message.conversation;
        let (sent_by, audience) = match message.sender {
            Sender::Consumer => ("consumer", "ALL"),
            Sender::Agent => ("agent", "ALL"),
            Sender::AgentNote => ("agent", "AGENTS_AND_MANAGERS"),
            Sender::Bot => ("bot", "ALL"),
            Sender::System => ("system", "ALL"),
        };
        let names_consumer =
            message.sender == Sender::Consumer || !conversation.consumer_on_own_rows;
        self.count += 1;
        self.site_id
            .append_value(&world.sites[conversation.site].id);
        self.conversation_id.append_value(&conversation.id);
        self.sent_at.append_value(message.at * 1000);
        self.sent_by.append_value(sent_by);
        self.consumer_id
            .append_option(names_consumer.then_some(&conversation.consumer));
        self.message_id
            .append_value(format!("{:010}", message.number));
        self.audience.append_value(audience);
        self.channel.append_option(conversation.channel);
        self.intent_analyzer.append_option(conversation.listened);
        self.queue.append_option(conversation.queue);
    }

    fn batch(&mut self) -> Result<RecordBatch> {
        let Self {
            count: _,
            mut site_id,
            mut conversation_id,
            mut sent_at,
            mut sent_by,
            mut consumer_id,
            mut message_id,
            mut audience,
            mut channel,
            mut intent_analyzer,
            mut queue,
        } = mem::take(self);
        let columns: [(&str, ArrayRef, bool); 10] = [
            ("site_id", Arc::new(site_id.finish()), false),
            ("conversation_id", Arc::new(conversation_id.finish()), false),
            (
                "sent_at",
                Arc::new(sent_at.finish().with_timezone("UTC")),
                false,
            ),
            ("sent_by", Arc::new(sent_by.finish()), false),
            ("consumer_id", Arc::new(consumer_id.finish()), true),
            ("message_id", Arc::new(message_id.finish()), false),
            ("audience", Arc::new(audience.finish()), false),
            ("channel", Arc::new(channel.finish()), true),
            ("intent_analyzer", Arc::new(intent_analyzer.finish()), true),
            ("queue", Arc::new(queue.finish()), true),
        ];
        Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
    }
}

/// The writing thread: one file after the other, as the months come.
fn encode(folder: &Path, batches: &Receiver<(usize, RecordBatch)>) -> Result<()> {
    let mut current: Option<MonthFile> = None;
    while let Ok((month, batch)) = batches.recv() {
        if current.as_ref().is_none_or(|open| open.month != month)
            && let Some(done) = current.replace(MonthFile::create(folder, month, &batch)?)
        {
            done.close()?;
        }
        if let Some(open) = current.as_mut() {
            open.writer
                .write(&batch)
                .map_err(|e| cannot_write(&open.file, &e))?;
        }
    }
    current.map_or(Ok(()), MonthFile::close)
}

/// The file of one month.
struct MonthFile {
    month: usize,
    file: PathBuf,
    writer: ArrowWriter<File>,
}

impl MonthFile {
    fn create(folder: &Path, month: usize, like: &RecordBatch) -> Result<Self> {
        let folder = folder.join(format!("month=2025-{:02}", month + 1));
        create_dir_all(&folder).map_err(|e| {
            data(format!(
                "cannot create the folder '{}': {e}",
                folder.display()
            ))
        })?;
        let mut properties = properties()
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_column_dictionary_enabled(ColumnPath::from("message_id"), false)
            .set_column_dictionary_enabled(ColumnPath::from("sent_at"), false);
        for id in ["conversation_id", "consumer_id"] {
            properties = properties
                .set_column_dictionary_page_size_limit(ColumnPath::from(id), ID_DICTIONARY);
        }
        let file = folder.join("part-0.parquet");
        let writer = open(&file, like.schema(), properties)?;
        Ok(Self {
            month,
            file,
            writer,
        })
    }

    fn close(self) -> Result<()> {
        self.writer
            .close()
            .map(|_| ())
            .map_err(|e| cannot_write(&self.file, &e))
    }
}
