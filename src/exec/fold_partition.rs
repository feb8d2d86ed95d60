//! One partition of [`mod@super::fold`] at work: row by row, messages become parts in a [`Window`].

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, TimeUnit, UInt32Type};
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::metrics::{BaselineMetrics, RecordOutput};
use futures::StreamExt;

use super::asked::AskedNumbers;
use super::calendar::{Calendar, SiteNumber};
use super::census::{Counter, MESSAGE_ID};
use super::file_notes::{FILE, NoteTaker};
use super::fold::{Folding, SharedCalendar};
use super::id_hash::IdHash;
use super::ids::Ids;
use super::meanings::Meanings;
use super::messages::{self, Batch};
use super::window::{AT_ONCE, Message, Window};
use crate::domain::message::{Audience, Facts, Sender, reason};
use crate::domain::zone::{Clock, Zone};
use crate::scalar::internal::rejection;

/// What a batch says of the files of its messages, and of their ids.
#[derive(Clone, Copy, Default)]
struct Files<'a> {
    numbers: Option<&'a ArrayRef>,
    message_ids: Option<&'a ArrayRef>,
}

/// One partition at work.
pub(super) struct Fold {
    input: SendableRecordBatchStream,
    columns: [usize; 8],
    calendar: SharedCalendar,
    folding: Folding,
    rows: usize,
    window: Window,
    meanings: Meanings,
    /// Known with the calendar.
    asked: Option<Arc<AskedNumbers>>,
    notes: Option<NoteTaker>,
    /// Where a census is asked for, and the calendar known.
    counter: Option<Counter>,
    hash: IdHash,
    ready: VecDeque<RecordBatch>,
    is_done: bool,
    reservation: MemoryReservation,
    metrics: BaselineMetrics,
}

impl Fold {
    /// `rows` is about how many a batch of parts has.
    pub(super) fn new(
        folding: Folding,
        calendar: SharedCalendar,
        input: SendableRecordBatchStream,
        rows: usize,
        reservation: MemoryReservation,
        metrics: BaselineMetrics,
    ) -> Result<Self> {
        Ok(Self {
            columns: messages::places(&input.schema())?,
            input,
            calendar,
            notes: folding.files.clone().map(NoteTaker::new),
            folding,
            rows,
            window: Window::default(),
            meanings: Meanings::new(),
            asked: None,
            counter: None,
            hash: IdHash::default(),
            ready: VecDeque::new(),
            is_done: false,
            reservation,
            metrics,
        })
    }

    /// The next batch of parts, and what is left to do.
    pub(super) async fn step(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                let batch = batch.record_output(&self.metrics);
                return Ok(Some((batch, self)));
            }
            if self.is_done {
                return Ok(None);
            }
            match self.input.next().await.transpose()? {
                Some(batch) => self.take_in(&batch)?,
                None => {
                    self.is_done = true;
                    self.drain()?;
                    if let Some(counter) = &mut self.counter {
                        counter.finish()?;
                    }
                }
            }
        }
    }

    fn take_in(&mut self, batch: &RecordBatch) -> Result<()> {
        let timer = self.metrics.elapsed_compute().clone();
        let _timer = timer.timer();
        let calendar = Arc::clone(&self.calendar);
        let calendar = calendar
            .get()
            .ok_or_else(|| exec_datafusion_err!("the calendar is read before any message"))?;
        if let (None, Some(census)) = (&self.counter, &self.folding.census) {
            let reservation = self.reservation.new_empty();
            self.counter = Some(Counter::new(Arc::clone(census), calendar, reservation)?);
        }
        let columns = self.columns.map(|place| batch.column(place));
        let files = match &self.notes {
            Some(_) => Files {
                numbers: batch.column_by_name(FILE),
                message_ids: batch.column_by_name(MESSAGE_ID),
            },
            None => Files::default(),
        };
        match columns[3].data_type() {
            DataType::Timestamp(TimeUnit::Second, _) => {
                self.fold::<1>(calendar, columns, files, Zone::by_second)?;
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                self.fold::<1_000>(calendar, columns, files, Zone::by_millisecond)?;
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                self.fold::<1_000_000>(calendar, columns, files, Zone::by_microsecond)?;
            }
            _ => self.fold::<1_000_000_000>(calendar, columns, files, Zone::by_nanosecond)?,
        }
        // A window that finds no memory is emptied early.
        let size = self.window.size() + self.meanings.size();
        if self.reservation.try_resize(size).is_err() {
            self.drain()?;
            self.window = Window::default();
            self.reservation.free();
        }
        if let Some(counter) = &mut self.counter {
            counter.reserve();
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<()> {
        self.ready.extend(self.window.drain(self.rows)?);
        Ok(())
    }

    fn fold<const PER_SECOND: i64>(
        &mut self,
        calendar: &Calendar,
        columns: [&ArrayRef; 8],
        files: Files<'_>,
        clock: for<'a> fn(&'a Zone) -> Clock<'a, PER_SECOND>,
    ) -> Result<()> {
        let batch = Batch::new(columns, self.folding.with_consumers)?;
        let ids = match &self.counter {
            Some(_) => files.message_ids.map(Ids::new).transpose()?,
            None => None,
        };
        let files = files
            .numbers
            .map(|files| files.as_primitive::<UInt32Type>());
        self.meanings.next_batch();
        let asked = self
            .asked
            .get_or_insert_with(|| Arc::new(AskedNumbers::new(&self.folding.asked, calendar)));
        let asked = Arc::clone(asked);
        let mut messages: Vec<Message> = Vec::with_capacity(AT_ONCE);
        let rows = batch.sites.len();
        for start in (0..rows).step_by(AT_ONCE) {
            messages.clear();
            for row in start..rows.min(start + AT_ONCE) {
                if let (Some(notes), Some(files)) = (&mut self.notes, files) {
                    notes.message(files.value(row), batch.sent_at(row));
                }
                let message = match self.likely(calendar, &batch, row, clock) {
                    Some(message) => message,
                    None => match self.checked(calendar, &batch, row, clock)? {
                        Some(message) => message,
                        None => continue,
                    },
                };
                if let (Some(counter), Some(files)) = (&mut self.counter, files) {
                    let file = files.value(row);
                    counter.message(file, &message, &batch.texts, ids.as_ref())?;
                }
                if !asked.contains(message.site, message.day) {
                    continue;
                }
                if let Some(notes) = &mut self.notes
                    && !notes.counted(message.site, message.day)
                {
                    continue;
                }
                messages.push(message);
            }
            if self.window.is_full() {
                self.drain()?;
            }
            self.window.add(&messages, &batch.texts)?;
        }
        Ok(())
    }

    /// A message that counts as those around it do; `None` for any other one.
    #[inline(always)]
    fn likely<const PER_SECOND: i64>(
        &mut self,
        calendar: &Calendar,
        batch: &Batch<'_>,
        row: usize,
        clock: for<'a> fn(&'a Zone) -> Clock<'a, PER_SECOND>,
    ) -> Option<Message> {
        let meanings = &mut self.meanings;
        if !batch.has_every_value(row) {
            return None;
        }
        let sender = meanings.senders.of(batch.senders, row, Sender::parse)?;
        if sender == Sender::System
            || meanings.audience(batch.audiences, row) != Some(Audience::All)
        {
            return None;
        }
        let site = meanings
            .sites
            .of(batch.sites, row, |text| calendar.site(text))?;
        let instant = batch.instants.count(row);
        let lately = meanings.lately(calendar, site, instant, clock)?;
        let id = batch.texts.conversation_id(row)?;
        let of = (site, lately.day, id);
        let period = (lately.period, lately.flags);
        Some(self.message(batch, row, of, sender, period))
    }

    /// A message of a site, a day and a conversation; of its period the number and the flags.
    #[inline(always)]
    fn message(
        &self,
        batch: &Batch<'_>,
        row: usize,
        (site, day, conversation_id): (SiteNumber, i32, &[u8]),
        sender: Sender,
        (period, flags): (u32, u8),
    ) -> Message {
        Message {
            hash: self.hash.of(conversation_id, site, day),
            sent_at: batch.instants.count(row),
            site,
            day,
            period,
            row,
            sender: match sender {
                Sender::Consumer => 0,
                Sender::Agent => 1,
                Sender::Bot | Sender::System => 2,
            },
            flags: batch.flags(row, flags),
        }
    }

    /// A message by the rule itself; `None` for one that does not count.
    #[cold]
    fn checked<const PER_SECOND: i64>(
        &mut self,
        calendar: &Calendar,
        batch: &Batch<'_>,
        row: usize,
        clock: for<'a> fn(&'a Zone) -> Clock<'a, PER_SECOND>,
    ) -> Result<Option<Message>> {
        let meanings = &mut self.meanings;
        let has_site = batch.sites.is_valid(row);
        let site = match has_site {
            true => meanings
                .sites
                .of(batch.sites, row, |text| calendar.site(text)),
            false => None,
        };
        let sender = match batch.senders.is_valid(row) {
            true => meanings.senders.of(batch.senders, row, Sender::parse),
            false => None,
        };
        let has_instant = batch.sent_at(row).is_some();
        let instant = batch.instants.count(row);
        let period = site
            .filter(|_| has_instant)
            .and_then(|site| Some((site, calendar.period(site, instant)?)));
        let id = batch.texts.conversation_id(row);
        let reason = reason(&Facts {
            has_site,
            has_conversation: id.is_some(),
            sent_at: has_instant.then(|| batch.instants.ceil(row)),
            sender,
            audience: meanings.audience(batch.audiences, row),
            in_force: period.map(|(_, (_, period))| period.in_force),
            is_test: period.is_some_and(|(_, (_, period))| period.is_test),
        });
        if let (Some(notes), Some(reason)) = (&mut self.notes, reason) {
            notes.left_out(reason);
        }
        match (reason, period, id, sender) {
            (Some(reason), ..) if reason.is_rejection() && !self.folding.skip_rejected => {
                let [site_id, conversation_id, _, sent_at, ..] = batch.columns;
                let ids = [site_id, conversation_id, sent_at];
                Err(rejection(ids, batch.senders, row, reason))
            }
            (None, Some((site, (number, period))), Some(id), Some(sender)) => {
                let zone = period.zone.as_deref();
                let day = zone
                    .and_then(|zone| clock(zone).day(instant))
                    .ok_or_else(|| exec_datafusion_err!("a message that counts has no day"))?;
                let number = u32::try_from(number)
                    .map_err(|_| exec_datafusion_err!("more than 2^32 periods of sites"))?;
                let (of, period) = ((site, day, id), (number, period.flags()));
                Ok(Some(self.message(batch, row, of, sender, period)))
            }
            _ => Ok(None),
        }
    }
}
