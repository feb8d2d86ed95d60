//! Counts of messages made those of the files, the sites and the reading of now.

use std::collections::{BTreeMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use datafusion::arrow::array::BooleanArray;
use datafusion::arrow::compute::filter_record_batch;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use hashbrown::HashMap;

use super::copies::{Corrections, corrected};
use super::scan::{Read, Reader, numbered};
use super::segments::{self, Conversation, Count};
use super::{Basis, CountedFile, Counts, basis};
use crate::exec::{Census, Delivered, FileNotes};
use crate::lake::dar_table::attempt::micros;
use crate::lake::dar_table::manifest::ReadFile;
use crate::lake::dar_table::message_files::KnownFile;
use crate::lake::dar_table::place::Place;
use crate::lake::dar_table::settled_calendar::SettledCalendar;

/// The most bytes of new files that are counted at once: of a dozen, the mark of a message is held in memory.
const AT_ONCE: usize = 512 << 20;

/// What is to be done.
pub(in crate::lake::dar_table) struct Update<'a> {
    reader: Reader<'a>,
    /// What is there and stays of use.
    before: Option<Counts>,
    basis: Basis,
    calendar: SettledCalendar,
}

impl<'a> Update<'a> {
    /// What makes the counts `before` those of now; `None` if they are.
    ///
    /// # Errors
    ///
    /// Messages without instants.
    pub(in crate::lake::dar_table) fn plan(
        before: Option<&Counts>,
        reader: Reader<'a>,
    ) -> Result<Option<Self>> {
        let Reader {
            source, present, ..
        } = reader;
        let zones = source.folding.zones.version();
        let basis = basis(&source.messages, &present.files, &source.kinds, zones)?;
        let calendar = present.calendar_of_sites()?;
        let before = before.filter(|before| before.basis == basis);
        let is_done = before.is_some_and(|before| {
            before.calendar == calendar && before.are_of(&present.files.files)
        });
        Ok((!is_done).then(|| Self {
            reader,
            before: before.cloned(),
            basis,
            calendar,
        }))
    }

    /// Whether the files at these places, among those of now, are all that has to be counted.
    pub(in crate::lake::dar_table) fn is_of(&self, places: impl Iterator<Item = usize>) -> bool {
        let files = &self.reader.present.files.files;
        let nothing = Counts::default();
        let before = self.before.as_ref().unwrap_or(&nothing);
        let new = before.uncounted(files);
        before.outdated(files, &self.calendar).is_empty()
            && !new.is_empty()
            && places.filter_map(|place| files.get(place)).eq(new)
    }

    /// Does it, in files of a run; `read` is what was found in the files of [`Self::is_of`], if somebody has read them.
    /// `None`: there is not enough memory, and nothing is known.
    ///
    /// # Errors
    ///
    /// Files that cannot be read or written.
    pub(in crate::lake::dar_table) async fn execute(
        &self,
        place: &Place,
        run: &str,
        read: Option<Read>,
    ) -> Result<Option<Counts>> {
        let done = match self.made_of(self.before.clone(), place, run, read).await {
            // Something is lost: it is all made again.
            Ok(None) => self.made_of(None, place, run, None).await,
            done => done,
        };
        match done {
            Err(cause) if is_out_of_memory(&cause) => Ok(None),
            done => done,
        }
    }

    async fn made_of(
        &self,
        before: Option<Counts>,
        place: &Place,
        run: &str,
        mut read: Option<Read>,
    ) -> Result<Option<Counts>> {
        let mut work = Work {
            reader: self.reader,
            place,
            state: before.unwrap_or_default(),
            counts: Vec::new(),
            conversations: HashMap::new(),
            copies: Vec::new(),
        };
        let paths: HashSet<String> = work.state.paths().cloned().collect();
        let files = &self.reader.present.files.files;
        let outdated = work.state.outdated(files, &self.calendar);
        if !outdated.is_empty() && work.drop_files(&outdated).await?.is_none() {
            return Ok(None);
        }
        let new = work.state.uncounted(files);
        // What was read is of all of them.
        let at_once = match &read {
            Some(_) => u64::MAX,
            None => AT_ONCE.min(self.reader.memory() / 4) as u64,
        };
        for files in portions(&new, at_once) {
            if work.add_files(files, read.take()).await?.is_none() {
                return Ok(None);
            }
        }
        let Some(mut state) = work.written(run).await? else {
            return Ok(None);
        };
        state.basis = self.basis.clone();
        state.calendar = self.calendar.clone();
        let now: HashSet<&String> = state.paths().collect();
        let former = paths.iter().filter(|path| !now.contains(path));
        let mut former: Vec<String> = former.cloned().collect();
        former.sort_unstable();
        state.former = former;
        Ok(Some(state))
    }
}

fn is_out_of_memory(cause: &DataFusionError) -> bool {
    matches!(cause.find_root(), DataFusionError::ResourcesExhausted(_))
}

/// Files in portions of so many bytes, or of one file.
fn portions<'f, 'a>(files: &'f [&'a KnownFile], at_once: u64) -> Vec<&'f [&'a KnownFile]> {
    let mut portions = Vec::new();
    let mut rest = files;
    while !rest.is_empty() {
        let sizes = rest.iter().scan(0_u64, |size, file| {
            *size = size.saturating_add(file.size);
            Some(*size)
        });
        let fit = sizes.take_while(|size| *size <= at_once).count();
        let (portion, others) = rest.split_at(fit.max(1));
        portions.push(portion);
        rest = others;
    }
    portions
}

/// Counts in the making: those that lie in segments, and what comes to them.
struct Work<'a> {
    reader: Reader<'a>,
    place: &'a Place,
    state: Counts,
    counts: Vec<Count>,
    conversations: HashMap<(u32, u64), (i32, i32)>,
    copies: Vec<Delivered>,
}

impl Work<'_> {
    /// Takes files away. `None`: something is lost.
    async fn drop_files(&mut self, gone: &HashSet<u32>) -> Result<Option<()>> {
        let all = std::mem::take(&mut self.state.counts);
        let see = |rows: &_| {
            // Corrections are made anew.
            let counts = segments::counts(rows);
            self.counts
                .extend(counts.filter(|(file, ..)| file.is_some_and(|file| !gone.contains(&file))));
            Ok(())
        };
        let read = segments::read_all(self.place, &all, segments::counts_schema(), see);
        if read.await?.is_none() {
            return Ok(None);
        }
        let all = std::mem::take(&mut self.state.copies);
        let mut copies = Vec::new();
        let see = |rows: &_| {
            copies.extend(segments::copies(rows).filter(|row| !gone.contains(&row.file)));
            Ok(())
        };
        let read = segments::read_all(self.place, &all, segments::copies_schema(), see);
        if read.await?.is_none() {
            return Ok(None);
        }
        let (corrections, copies) = corrected(copies, |_| true);
        self.correct(corrections);
        self.copies = copies;
        self.state.files.retain(|number, _| !gone.contains(number));
        Ok(Some(()))
    }

    /// Adds what belongs to no file.
    fn correct(&mut self, corrections: Corrections) {
        let corrections = corrections.into_iter();
        self.counts
            .extend(corrections.map(|(kind, count)| (None, kind, count)));
    }

    /// Counts new files, if `read` is not what was found in them. `None`: something is lost.
    async fn add_files(&mut self, files: &[&KnownFile], read: Option<Read>) -> Result<Option<()>> {
        let first = self.state.next;
        let files: Vec<(u32, &KnownFile)> = (first..).zip(files.iter().copied()).collect();
        let Read { found, notes } = match read {
            Some(read) => read,
            None => {
                self.reader
                    .read(&files, None, Census::of_all(self.reader.memory()))
                    .await?
            }
        };
        let found = numbered(found, &files);
        let mut marks = found.marks;
        // Of partitions, each of which has them in order.
        marks.sort();
        let Some(sharing) = self.sharing(&found.conversations).await? else {
            return Ok(None);
        };
        let marks = Arc::new(marks);
        let mut rows = self.rows_of(&sharing, &marks).await?;
        let twice = marks.windows(2).filter(|pair| pair.first() == pair.last());
        let twice = twice.filter_map(|pair| pair.first().copied());
        let mut sought: Vec<u64> = rows.iter().map(|row| row.mark).chain(twice).collect();
        sought.sort_unstable();
        sought.dedup();
        if !sought.is_empty() {
            let census = Census::of_marks(Arc::new(sought), self.reader.memory());
            let read = self.reader.read(&files, None, census).await?;
            rows.extend(numbered(read.found, &files).rows);
        }
        let (corrections, copies) = corrected(rows, |row| row.file >= first);
        let counted = found.counts.into_iter();
        self.counts
            .extend(counted.map(|(file, kind, count)| (Some(file), kind, count)));
        self.correct(corrections);
        self.conversations.extend(found.conversations);
        self.copies.extend(copies);
        for ((number, file), notes) in files.iter().zip(&notes) {
            self.state
                .files
                .insert(*number, self.counted_file(file, notes));
            self.state.next = number + 1;
        }
        Ok(Some(()))
    }

    fn counted_file(&self, file: &KnownFile, notes: &FileNotes) -> CountedFile {
        let unit = self.reader.keep.unit;
        let mut read = ReadFile::new(file.clone());
        read.note(notes, true, |instant| micros(instant, unit));
        CountedFile {
            instants: read.instants,
            has_rejected: read.rejected() > 0,
            file: read.file,
        }
    }

    /// The files that were counted and have some of these conversations, too, and the days on which they have them.
    async fn sharing(
        &self,
        new: &HashMap<(u32, u64), (i32, i32)>,
    ) -> Result<Option<BTreeMap<u32, RangeInclusive<i32>>>> {
        let new: hashbrown::HashSet<u64> = new.keys().map(|(_, mark)| *mark).collect();
        let mut sharing: BTreeMap<u32, RangeInclusive<i32>> = BTreeMap::new();
        let mut see = |(file, mark, (first, last)): Conversation| {
            if new.contains(&mark) && self.state.files.contains_key(&file) {
                let days = sharing.entry(file).or_insert(first..=last);
                *days = first.min(*days.start())..=last.max(*days.end());
            }
        };
        for ((file, mark), days) in &self.conversations {
            see((*file, *mark, *days));
        }
        let see = |rows: &_| {
            segments::conversations(rows).for_each(&mut see);
            Ok(())
        };
        let all = &self.state.conversations;
        let schema = segments::conversations_schema();
        let read = segments::read_all(self.place, all, schema, see).await?;
        Ok(read.map(|()| sharing))
    }

    /// The rows of messages of these marks, which are in order, in files that were counted.
    async fn rows_of(
        &self,
        sharing: &BTreeMap<u32, RangeInclusive<i32>>,
        marks: &Arc<Vec<u64>>,
    ) -> Result<Vec<Delivered>> {
        // Those with the same days are read together.
        let mut by_days: BTreeMap<(i32, i32), Vec<(u32, &KnownFile)>> = BTreeMap::new();
        for (number, days) in sharing {
            if let Some(counted) = self.state.files.get(number) {
                let files = by_days.entry(days.clone().into_inner()).or_default();
                files.push((*number, &counted.file));
            }
        }
        let mut rows = Vec::new();
        for ((first, last), files) in by_days {
            let census = Census::of_marks(Arc::clone(marks), self.reader.memory());
            let read = self.reader.read(&files, Some(first..=last), census).await?;
            rows.extend(numbered(read.found, &files).rows);
        }
        Ok(rows)
    }

    /// Writes what has come. `None`: something is lost.
    async fn written(self, run: &str) -> Result<Option<Counts>> {
        let Self {
            place, mut state, ..
        } = self;
        let all = |rows: &datafusion::arrow::array::RecordBatch| Ok(rows.clone());
        let files = &state.files;
        let there = |rows: &_| {
            let there =
                segments::conversations(rows).map(|(file, ..)| Some(files.contains_key(&file)));
            Ok(filter_record_batch(rows, &there.collect::<BooleanArray>())?)
        };
        let counts = segments::of_counts(self.counts)?;
        let noted = self.conversations.into_iter();
        let noted = noted.map(|((file, mark), days)| (file, mark, days));
        let conversations = segments::of_conversations(noted.collect())?;
        let copies = segments::of_copies(&self.copies)?;
        let done = [
            segments::append(place, &mut state.counts, ("counts", run), counts, all).await?,
            segments::append(
                place,
                &mut state.conversations,
                ("conversations", run),
                conversations,
                there,
            )
            .await?,
            segments::append(place, &mut state.copies, ("copies", run), copies, all).await?,
        ];
        Ok(done.into_iter().collect::<Option<()>>().map(|()| state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every file is in one portion, in order; a portion is no larger than it may be, but for a file that is.
    #[test]
    fn portions_hold_what_fits() {
        let sizes_of = |sizes: &[u64]| {
            let files: Vec<KnownFile> = sizes
                .iter()
                .map(|size| KnownFile {
                    path: String::new(),
                    size: *size,
                    version: String::new(),
                })
                .collect();
            let files: Vec<&KnownFile> = files.iter().collect();
            let portions = portions(&files, 6);
            let sizes = |portion: &&[&KnownFile]| portion.iter().map(|file| file.size).collect();
            portions.iter().map(sizes).collect::<Vec<Vec<u64>>>()
        };
        assert_eq!(
            sizes_of(&[3, 3, 5, 2, 10, 1, 5]),
            [vec![3, 3], vec![5], vec![2], vec![10], vec![1, 5]]
        );
        assert!(sizes_of(&[]).is_empty());
    }
}
