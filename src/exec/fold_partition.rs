//! One partition of [`mod@super::fold`] at work: row by row, messages become parts in a [`Window`].

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::datatypes::{DataType, TimeUnit, UInt32Type};
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::metrics::{BaselineMetrics, RecordOutput};
use futures::StreamExt;

use super::asked::AskedNumbers;
use super::calendar::Calendar;
use super::census::{Counter, MESSAGE_ID};
use super::file_notes::{FILE, NoteTaker};
use super::fold::{Folding, SharedCalendar};
use super::id_hash::IdHash;
use super::ids::Ids;
use super::meanings::{Meanings, Said};
use super::messages::{self, Batch, Texts};
use super::window::{AT_ONCE, Dated, Message, Window};
use crate::domain::message::{Facts, Sender, reason};
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
        let is_watched = self.notes.is_some() || self.counter.is_some() || !asked.is_all();
        let mut said: Vec<Said> = Vec::with_capacity(AT_ONCE);
        let mut dated: Vec<Dated> = Vec::with_capacity(AT_ONCE);
        let rows = batch.sites.len();
        for start in (0..rows).step_by(AT_ONCE) {
            let chunk = start..rows.min(start + AT_ONCE);
            self.meanings
                .read(calendar, &batch, chunk.clone(), &mut said);
            dated.clear();
            for (row, said) in chunk.zip(said.iter().copied()) {
                if let (Some(notes), Some(files)) = (&mut self.notes, files) {
                    notes.message(files.value(row), batch.sent_at(row));
                }
                // Written where it stays, either way: a variable for both would go by way of the stack, for 8 % more time.
                if let Some(message) = self.likely(calendar, &batch, (row, said), clock) {
                    dated.push(message);
                } else if let Some(message) = self.checked(calendar, &batch, row, clock)? {
                    dated.push(message);
                } else {
                    continue;
                }
                if !is_watched {
                    continue;
                }
                if let Some(message) = dated.last()
                    && !self.wants(message, &asked, &batch.texts, files, ids.as_ref())?
                {
                    dated.pop();
                }
            }
            batch.set_flags(&mut dated);
            let messages = dated.iter().map(|dated| {
                let id = batch.texts.conversation_id(dated.row).unwrap_or_default();
                Message {
                    hash: self.hash.of(id, dated.site, dated.day),
                    conversation_id: id,
                    dated,
                }
            });
            let messages: Vec<_> = messages.collect();
            if self.window.is_full() {
                self.drain()?;
            }
            self.window.add(&messages, &batch.texts)?;
        }
        Ok(())
    }

    /// Notes a message that counts; whether its DAR is wanted.
    fn wants(
        &mut self,
        message: &Dated,
        asked: &AskedNumbers,
        texts: &Texts<'_>,
        files: Option<&UInt32Array>,
        ids: Option<&Ids<'_>>,
    ) -> Result<bool> {
        if let (Some(counter), Some(files)) = (&mut self.counter, files) {
            counter.message(files.value(message.row), message, texts, ids)?;
        }
        let is_asked = asked.contains(message.site, message.day);
        Ok(is_asked
            && match &mut self.notes {
                Some(notes) => notes.counted(message.site, message.day),
                None => true,
            })
    }

    /// A message that counts as those around it do; `None` for any other one.
    #[inline(always)]
    fn likely<const PER_SECOND: i64>(
        &mut self,
        calendar: &Calendar,
        batch: &Batch<'_>,
        (row, said): (usize, Said),
        clock: for<'a> fn(&'a Zone) -> Clock<'a, PER_SECOND>,
    ) -> Option<Dated> {
        let (site, sender) = (said.site?, said.sender?);
        let sent_at = batch.instants.count(row);
        let lately = self.meanings.lately(calendar, site, sent_at, clock)?;
        Some(Dated {
            sent_at,
            row,
            site,
            day: lately.day,
            period: lately.period,
            sender: number(sender),
            flags: lately.flags,
        })
    }

    /// A message by the rule itself; `None` for one that does not count.
    #[cold]
    fn checked<const PER_SECOND: i64>(
        &mut self,
        calendar: &Calendar,
        batch: &Batch<'_>,
        row: usize,
        clock: for<'a> fn(&'a Zone) -> Clock<'a, PER_SECOND>,
    ) -> Result<Option<Dated>> {
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
        let has_conversation = batch.texts.conversation_id(row).is_some();
        let reason = reason(&Facts {
            has_site,
            has_conversation,
            sent_at: has_instant.then(|| batch.instants.ceil(row)),
            sender,
            audience: meanings.audience(batch.audiences, row),
            in_force: period.map(|(_, (_, period))| period.in_force),
            is_test: period.is_some_and(|(_, (_, period))| period.is_test),
        });
        if let (Some(notes), Some(reason)) = (&mut self.notes, reason) {
            notes.left_out(reason);
        }
        match (reason, period, sender) {
            (Some(reason), ..) if reason.is_rejection() && !self.folding.skip_rejected => {
                let [site_id, conversation_id, _, sent_at, ..] = batch.columns;
                let ids = [site_id, conversation_id, sent_at];
                Err(rejection(ids, batch.senders, row, reason))
            }
            (None, Some((site, (period_no, period))), Some(sender)) => {
                let zone = period.zone.as_deref();
                let day = zone
                    .and_then(|zone| clock(zone).day(instant))
                    .ok_or_else(|| exec_datafusion_err!("a message that counts has no day"))?;
                let period_no = u32::try_from(period_no)
                    .map_err(|_| exec_datafusion_err!("more than 2^32 periods of sites"))?;
                Ok(Some(Dated {
                    sent_at: instant,
                    row,
                    site,
                    day,
                    period: period_no,
                    sender: number(sender),
                    flags: period.flags(),
                }))
            }
            _ => Ok(None),
        }
    }
}

/// As a message of a window has it; the system's do not count.
#[inline(always)]
fn number(sender: Sender) -> u8 {
    match sender {
        Sender::Consumer => 0,
        Sender::Agent => 1,
        Sender::Bot | Sender::System => 2,
    }
}
