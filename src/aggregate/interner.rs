//! Byte strings as small numbers, each stored once: what lets an aggregate keep four bytes a group, not a string.

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

use datafusion::common::{Result, exec_datafusion_err};

/// Byte strings by number, in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    bytes: Vec<u8>,
    /// Where each string ends in `bytes`.
    ends: Vec<usize>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Interner {
    /// The number of `value`, a new one if it is new. Compares the bytes themselves, so equal hashes do no harm.
    ///
    /// # Errors
    ///
    /// More than 2^32 different strings.
    pub(crate) fn intern(&mut self, value: &[u8]) -> Result<u32> {
        let Self {
            bytes,
            ends,
            table,
            hasher,
        } = self;
        let hash = hasher.hash_one(value);
        let same = |code: &u32| slice(bytes, ends, *code) == value;
        let rehash = |code: &u32| hasher.hash_one(slice(bytes, ends, *code));
        match table.entry(hash, same, rehash) {
            Entry::Occupied(entry) => Ok(*entry.get()),
            Entry::Vacant(entry) => {
                let code = u32::try_from(ends.len()).map_err(|_| {
                    exec_datafusion_err!(
                        "more than 4,294,967,295 different values in one aggregate"
                    )
                })?;
                entry.insert(code);
                bytes.extend_from_slice(value);
                ends.push(bytes.len());
                Ok(code)
            }
        }
    }

    /// The string that [`Self::intern`] numbered.
    pub(crate) fn get(&self, code: u32) -> &[u8] {
        slice(&self.bytes, &self.ends, code)
    }

    /// How many strings there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes on the heap.
    pub(crate) fn size(&self) -> usize {
        self.bytes.capacity()
            + self.ends.capacity() * size_of::<usize>()
            + self.table.capacity() * 5
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[usize], code: u32) -> &'a [u8] {
    let code = code as usize;
    let start = if code == 0 {
        0
    } else {
        ends.get(code - 1).copied().unwrap_or_default()
    };
    ends.get(code)
        .and_then(|end| bytes.get(start..*end))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    #[test]
    fn equal_strings_share_a_number_and_come_back() {
        let mut interner = Interner::default();
        let codes: Vec<u32> = ["a", "", "bc", "a", "", "b"]
            .iter()
            .map(|s| interner.intern(s.as_bytes()).unwrap())
            .collect();
        assert_eq!(codes, [0, 1, 2, 0, 1, 3]);
        assert_eq!(interner.get(2), b"bc");
        assert_eq!(interner.get(1), b"");
    }
}
