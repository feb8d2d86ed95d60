//! One record after the other, from a stream of bytes.
//!
//! Only brackets and quotes are followed here, without recursion, to find where a record ends; whether there is JSON
//! between them is seen when it is read. So a record that is no JSON spoils no other one, and nothing but the record
//! itself is ever held. What holds the records may be a page (an object with `conversationHistoryRecords`), a list,
//! nothing at all (one record or page a line, or one directly behind the other), or lists of pages.

use std::io::{self, BufRead};

/// One record.
#[derive(Debug)]
pub(super) struct Record<'a> {
    /// Its number in the file, from 1.
    pub(super) number: i64,
    /// Where it begins, in bytes of the uncompressed file.
    pub(super) offset: u64,
    /// Its JSON; only the beginning if it is too large.
    pub(super) json: &'a [u8],
    /// How many bytes it has, if it is too large to be read.
    pub(super) too_large: Option<u64>,
}

/// Why a file cannot be read on.
#[derive(Debug)]
pub(super) enum Broken {
    /// The system, or the compression, says so.
    Io(io::Error),
    /// The file ends within what began at this byte.
    Truncated {
        /// The first byte of it.
        since: u64,
    },
    /// Something else than JSON.
    Unexpected {
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: u8,
    },
}

impl From<io::Error> for Broken {
    fn from(cause: io::Error) -> Self {
        Broken::Io(cause)
    }
}

type Step<T> = Result<T, Broken>;

/// The key of a page that holds its records.
const RECORDS: &[u8] = b"\"conversationHistoryRecords\"";

/// The most bytes that a record may have: what is larger is no conversation.
const LARGEST: usize = 256 << 20;

/// What is kept of a record that is larger.
const BEGINNING: usize = 128 << 10;

/// How deep lists and pages may hold one another.
const DEEPEST: usize = 16;

/// What the next byte is within, and the byte at which that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// A list, before its first entry or behind one.
    List { since: u64, is_first: bool },
    /// A page, behind its records.
    Page { since: u64 },
}

/// See the module.
pub(super) struct Records<R> {
    input: R,
    offset: u64,
    holders: Vec<Holder>,
    kept: Kept,
    number: i64,
    /// Nothing but space has been found.
    is_blank: bool,
}

impl<R: BufRead> Records<R> {
    /// The records of an uncompressed stream.
    pub(super) fn new(input: R) -> Self {
        Self::with_largest(input, LARGEST)
    }

    fn with_largest(input: R, largest: usize) -> Self {
        Self {
            input,
            offset: 0,
            holders: Vec::new(),
            kept: Kept {
                bytes: Vec::new(),
                length: 0,
                is_on: false,
                largest,
            },
            number: 0,
            is_blank: true,
        }
    }

    /// Whether there is nothing but space, as far as has been read.
    pub(super) fn is_blank(&self) -> bool {
        self.is_blank
    }

    /// How many bytes have been read.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record; `None` at the end.
    pub(super) fn next(&mut self) -> Step<Option<Record<'_>>> {
        if self.offset == 0 {
            self.byte_order_mark()?;
        }
        loop {
            self.kept.stop();
            let byte = self.letter()?;
            let offset = match (self.holders.last().copied(), byte) {
                (None, None) => return Ok(None),
                (Some(Holder::List { since, .. } | Holder::Page { since }), None) => {
                    return Err(Broken::Truncated { since });
                }
                (None, Some(b'{' | b'[')) => self.offset,
                (None, Some(found)) => {
                    let expected = "a conversation history in JSON, which begins with '{' or '[',";
                    return Err(Broken::Unexpected { expected, found });
                }
                (Some(Holder::Page { since }), Some(_)) => {
                    if self.members(since)? {
                        self.holders.pop();
                    }
                    continue;
                }
                (Some(Holder::List { .. }), Some(b']')) => {
                    self.take()?;
                    self.holders.pop();
                    continue;
                }
                (Some(Holder::List { since, is_first }), Some(found)) => {
                    if is_first {
                        self.holders.pop();
                        self.holders.push(Holder::List {
                            since,
                            is_first: false,
                        });
                    } else if found == b',' {
                        self.take()?;
                    } else {
                        let expected = "a ',' between the entries of a list, or its ']',";
                        return Err(Broken::Unexpected { expected, found });
                    }
                    self.letter()?.ok_or(Broken::Truncated { since })?;
                    self.offset
                }
            };
            if self.value(offset)? {
                self.number += 1;
                return Ok(Some(Record {
                    number: self.number,
                    offset,
                    json: &self.kept.bytes,
                    too_large: self.kept.too_large(),
                }));
            }
        }
    }

    /// Reads what begins here: `true` if it was a record, `false` if it holds records, the first of which comes next.
    fn value(&mut self, since: u64) -> Step<bool> {
        match self.letter()? {
            None => Err(Broken::Truncated { since }),
            Some(b'[') => {
                self.take()?;
                self.enter_list(since)?;
                Ok(false)
            }
            Some(b'{') => {
                self.kept.start();
                self.take()?;
                self.members(since)
            }
            Some(found @ (b',' | b']' | b'}' | b':')) => {
                let expected = "an entry of the list";
                Err(Broken::Unexpected { expected, found })
            }
            // No record either, but that is for the reader to say.
            Some(_) => {
                self.kept.start();
                self.skip(since)?;
                Ok(true)
            }
        }
    }

    /// Reads the members of an object up to its end: `true`; or up to the records that show it to be a page: `false`.
    ///
    /// What stands between members is not looked at: a record in which it is wrong is no JSON when it is read.
    fn members(&mut self, since: u64) -> Step<bool> {
        loop {
            match self.letter()?.ok_or(Broken::Truncated { since })? {
                b'}' => {
                    self.take()?;
                    return Ok(true);
                }
                b'"' => {
                    let is_records = self.key(since)?;
                    if self.letter()? != Some(b':') {
                        continue;
                    }
                    self.take()?;
                    match self.letter()?.ok_or(Broken::Truncated { since })? {
                        b'[' if is_records => {
                            self.kept.stop();
                            if !matches!(self.holders.last(), Some(Holder::Page { since: page }) if *page == since)
                            {
                                self.enter(Holder::Page { since }, b'{')?;
                            }
                            let since = self.offset;
                            self.take()?;
                            self.enter_list(since)?;
                            return Ok(false);
                        }
                        _ => self.skip(since)?,
                    }
                }
                _ => self.take()?,
            }
        }
    }

    fn enter(&mut self, holder: Holder, found: u8) -> Step<()> {
        if self.holders.len() == DEEPEST {
            let expected = "a conversation, and not a list of lists of lists,";
            return Err(Broken::Unexpected { expected, found });
        }
        self.holders.push(holder);
        Ok(())
    }

    fn enter_list(&mut self, since: u64) -> Step<()> {
        let is_first = true;
        self.enter(Holder::List { since, is_first }, b'[')
    }

    /// Reads a text in quotes: `true` if it is the key of the records.
    fn key(&mut self, since: u64) -> Step<bool> {
        let mut place = 0;
        let mut is_records = true;
        let mut is_escaped = false;
        loop {
            let byte = self.peek()?.ok_or(Broken::Truncated { since })?;
            self.take()?;
            is_records &= RECORDS.get(place) == Some(&byte);
            place += 1;
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' if place > 1 => return Ok(is_records && place == RECORDS.len()),
                _ => {}
            }
        }
    }

    /// Reads one value of any kind.
    fn skip(&mut self, since: u64) -> Step<()> {
        match self.peek()? {
            Some(b'"') => self.key(since).map(|_| ()),
            Some(b'{' | b'[') => self.brackets(since),
            _ => loop {
                match self.peek()? {
                    None | Some(b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n') => return Ok(()),
                    Some(_) => self.take()?,
                }
            },
        }
    }

    /// Reads up to the bracket that closes the one here.
    fn brackets(&mut self, since: u64) -> Step<()> {
        let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Err(Broken::Truncated { since });
            }
            let mut end = None;
            for (place, byte) in bytes.iter().enumerate() {
                match byte {
                    _ if is_escaped => is_escaped = false,
                    b'\\' if is_text => is_escaped = true,
                    b'"' => is_text = !is_text,
                    _ if is_text => {}
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            end = Some(place + 1);
                            break;
                        }
                    }
                    _ => {}
                }
            }
            let count = end.unwrap_or(bytes.len());
            self.kept.add(&bytes[..count]);
            self.input.consume(count);
            self.offset += u64::try_from(count).unwrap_or(u64::MAX);
            if end.is_some() {
                return Ok(());
            }
        }
    }

    /// The next byte that is no space, not taken.
    fn letter(&mut self) -> Step<Option<u8>> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.take()?,
                other => {
                    self.is_blank &= other.is_none();
                    return Ok(other);
                }
            }
        }
    }

    fn peek(&mut self) -> Step<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn take(&mut self) -> Step<()> {
        if let Some(byte) = self.input.fill_buf()?.first() {
            self.kept.add(&[*byte]);
            self.input.consume(1);
            self.offset += 1;
        }
        Ok(())
    }

    /// Some tools begin a text in UTF-8 with a mark.
    fn byte_order_mark(&mut self) -> Step<()> {
        for expected in *b"\xEF\xBB\xBF" {
            if self.peek()? != Some(expected) {
                break;
            }
            self.take()?;
        }
        Ok(())
    }
}

/// The bytes of the record that is being read.
struct Kept {
    bytes: Vec<u8>,
    length: u64,
    is_on: bool,
    largest: usize,
}

impl Kept {
    fn start(&mut self) {
        self.stop();
        self.is_on = true;
    }

    fn stop(&mut self) {
        self.bytes.clear();
        // One large record must not hold its memory through all the small ones.
        self.bytes.shrink_to(1 << 20);
        self.length = 0;
        self.is_on = false;
    }

    fn add(&mut self, bytes: &[u8]) {
        if !self.is_on {
            return;
        }
        self.length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.too_large().is_none() {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.bytes.truncate(BEGINNING);
        }
    }

    fn too_large(&self) -> Option<u64> {
        let largest = u64::try_from(self.largest).unwrap_or(u64::MAX);
        (self.length > largest).then_some(self.length)
    }
}

#[cfg(test)]
mod tests;
