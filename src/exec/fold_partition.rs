//! One partition of [`super::fold`] at work: row by row, messages become parts in a [`Window`].

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::metrics::{BaselineMetrics, RecordOutput};
use futures::StreamExt;

use super::calendar::Calendar;
use super::fold::{Folding, SharedCalendar};
use super::id_hash::IdHash;
use super::ids::Ids;
use super::meanings::{Lately, Meanings};
use super::parts::{GEN_AI, LISTENED};
use super::window::{AT_ONCE, LONGEST_ID, Message, Window};
use crate::domain::message::{Audience, Facts, Sender, reason};
use crate::domain::zone::{Clock, Zone};
use crate::error;
use crate::scalar::internal::{instants, rejection};

/// The places of the columns of messages.
#[derive(Debug, Clone, Copy)]
struct Columns([usize; 8]);

impl Columns {
    fn new(schema: &SchemaRef) -> Result<Self> {
        let mut places = [0; 8];
        let names = [
            "site_id",
            "conversation_id",
            "consumer_id",
            "sent_at",
            "sent_by",
            "audience",
            "intent_analyzer",
            "channel",
        ];
        for (place, name) in places.iter_mut().zip(names) {
            *place = schema.index_of(name)?;
        }
        Ok(Self(places))
    }

    fn of<'a>(&self, batch: &'a RecordBatch) -> [&'a ArrayRef; 8] {
        self.0.map(|place| batch.column(place))
    }
}

/// One partition at work.
pub(super) struct Fold {
    input: SendableRecordBatchStream,
    columns: Columns,
    calendar: SharedCalendar,
    folding: Folding,
    rows: usize,
    window: Window,
    meanings: Meanings,
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
            columns: Columns::new(&input.schema())?,
            input,
            calendar,
            folding,
            rows,
            window: Window::default(),
            meanings: Meanings::new(),
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
        let columns = self.columns.of(batch);
        match columns[3].data_type() {
            DataType::Timestamp(TimeUnit::Second, _) => {
                self.fold::<1>(calendar, columns, Zone::by_second)?;
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                self.fold::<1_000>(calendar, columns, Zone::by_millisecond)?;
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                self.fold::<1_000_000>(calendar, columns, Zone::by_microsecond)?;
            }
            _ => self.fold::<1_000_000_000>(calendar, columns, Zone::by_nanosecond)?,
        }
        // A window that finds no memory is emptied early.
        if self.reservation.try_resize(self.window.size()).is_err() {
            self.drain()?;
            self.window = Window::default();
            self.reservation.free();
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
        clock: for<'a> fn(&'a Zone) -> Clock<'a, PER_SECOND>,
    ) -> Result<()> {
        let [
            site_id,
            conversation,
            consumer,
            sent_at,
            sent_by,
            audience,
            own,
            channel,
        ] = columns;
        let instants = instants(sent_at)?;
        let (conversations, consumers) = (Ids::new(conversation)?, Ids::new(consumer)?);
        let sites: &StringViewArray = site_id.as_string_view();
        let senders: &StringViewArray = sent_by.as_string_view();
        let audiences: &StringViewArray = audience.as_string_view();
        let channels: &StringViewArray = channel.as_string_view();
        let own: &BooleanArray = own.as_boolean();
        let (site_nulls, sender_nulls, instant_nulls) =
            (sites.nulls(), senders.nulls(), sent_at.nulls());
        let (audience_nulls, own_nulls) = (audiences.nulls(), own.nulls());
        // A column without any value is not asked row by row.
        let has_audiences = audiences.null_count() < audiences.len();
        let has_channels = channels.null_count() < channels.len();
        let has_own = own.null_count() < own.len();
        let with_consumers = self.folding.with_consumers && consumer.null_count() < consumer.len();
        self.meanings.next_batch();

        let mut messages: Vec<Message<'_>> = Vec::with_capacity(AT_ONCE);
        for row in 0..sites.len() {
            let meanings = &mut self.meanings;
            let site = match is_valid(site_nulls, row) {
                true => meanings.sites.of(sites, row, |text| calendar.site(text)),
                false => None,
            };
            let sender = match is_valid(sender_nulls, row) {
                true => meanings.senders.of(senders, row, Sender::parse),
                false => None,
            };
            let audience = match has_audiences && is_valid(audience_nulls, row) {
                true => meanings.audiences.of(audiences, row, Audience::parse),
                false => Some(Audience::All),
            };
            let has_instant = is_valid(instant_nulls, row);
            let instant = instants.count(row);
            let lately = match site {
                Some(site) if has_instant => meanings
                    .lately(calendar, site, instant, clock)
                    .map(|lately| (site, lately)),
                _ => None,
            };
            let conversation_id = conversations.bytes(row);
            let (site, lately, conversation_id, sender) = match (lately, conversation_id, sender) {
                (Some((site, lately)), Some(id), Some(sender))
                    if sender != Sender::System && audience == Some(Audience::All) =>
                {
                    (site, lately, id, sender)
                }
                (_, id, sender) => {
                    let period = site
                        .filter(|_| has_instant)
                        .and_then(|site| Some(calendar.period(site, instant)?.1));
                    let reason = reason(&Facts {
                        has_site: sites.is_valid(row),
                        has_conversation: id.is_some(),
                        sent_at: has_instant.then(|| instants.ceil(row)),
                        sender,
                        audience,
                        in_force: period.map(|period| period.in_force),
                        is_test: period.is_some_and(|period| period.is_test),
                    });
                    match (reason, site, period, id, sender) {
                        (Some(reason), ..)
                            if reason.is_rejection() && !self.folding.skip_rejected =>
                        {
                            let ids = [site_id, conversation, sent_at];
                            return Err(rejection(ids, senders, row, reason));
                        }
                        (None, Some(site), Some(period), Some(id), Some(sender)) => {
                            let day = period
                                .zone
                                .as_deref()
                                .and_then(|zone| clock(zone).day(instant))
                                .ok_or_else(|| {
                                    exec_datafusion_err!("a message that counts has no day")
                                })?;
                            let lately = Lately {
                                first: instant,
                                last: instant,
                                day,
                                flags: period.flags(),
                            };
                            (site, lately, id, sender)
                        }
                        _ => continue,
                    }
                }
            };
            let day = lately.day;
            let flags = match has_own && is_valid(own_nulls, row) {
                true => (lately.flags & GEN_AI) | (u8::from(own.values().value(row)) * LISTENED),
                false => lately.flags,
            };
            let consumer_id = match with_consumers {
                true => consumers.bytes(row),
                false => None,
            };
            let channel =
                (has_channels && channels.is_valid(row)).then(|| channels.value(row).as_bytes());
            let texts = [Some(conversation_id), consumer_id, channel];
            if texts.iter().flatten().any(|text| text.len() > LONGEST_ID) {
                return Err(error::data(format!(
                    "a message of site_id '{}' has an id or a channel of more than {LONGEST_ID} bytes; shorten it, or \
                     SET dayrate.fast_path = 'off'",
                    sites.value(row)
                )));
            }
            messages.push(Message {
                hash: self.hash.of(conversation_id, site, day),
                site,
                day,
                conversation_id,
                consumer_id,
                sent_at: instant,
                sender: match sender {
                    Sender::Consumer => 0,
                    Sender::Agent => 1,
                    Sender::Bot | Sender::System => 2,
                },
                flags,
                channel,
            });
            if messages.len() == AT_ONCE {
                count(&mut self.window, &messages, &mut self.ready, self.rows)?;
                messages.clear();
            }
        }
        count(&mut self.window, &messages, &mut self.ready, self.rows)
    }
}

#[inline]
fn is_valid(nulls: Option<&NullBuffer>, row: usize) -> bool {
    nulls.is_none_or(|nulls| nulls.is_valid(row))
}

/// Adds messages to a window, and empties it first if it is full.
fn count(
    window: &mut Window,
    messages: &[Message<'_>],
    ready: &mut VecDeque<RecordBatch>,
    rows: usize,
) -> Result<()> {
    if window.is_full() {
        ready.extend(window.drain(rows)?);
    }
    window.add(messages);
    Ok(())
}
