//! Comma-separated values, by RFC 4180: a header, one record a line, cells with commas or line breaks in quotes, a
//! quote within quotes doubled. A record that is not so is a fault with its line; none is skipped or mended.

use super::kind::Value;
use super::{Cell, Each, Fault};

/// Where the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the first byte of a cell.
    Start,
    Plain,
    Quoted,
    /// Behind a quote within quotes: the end of the cell, or one half of a quote.
    Quote,
    /// Behind a carriage return: a line feed must follow.
    Return,
}

/// Reads records from bytes that come in any pieces.
#[derive(Debug)]
pub(super) struct Csv {
    separator: u8,
    state: State,
    /// The line being read, and the one on which its record began.
    line: u64,
    began: u64,
    record: Vec<u8>,
    ends: Vec<usize>,
    header: Option<Vec<String>>,
    is_first: bool,
}

impl Csv {
    pub(super) fn new(separator: u8) -> Self {
        Self {
            separator,
            state: State::Start,
            line: 1,
            began: 1,
            record: Vec::new(),
            ends: Vec::new(),
            header: None,
            is_first: true,
        }
    }

    /// The columns, once the header has been read.
    pub(super) fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    /// Takes the next bytes and hands out each record that they complete.
    pub(super) fn feed(&mut self, bytes: &[u8], each: Each<'_>) -> Result<(), Fault> {
        let mut bytes = bytes;
        if self.is_first && !bytes.is_empty() {
            // What some programs put in front of UTF-8.
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            self.is_first = false;
        }
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            match self.state {
                State::Plain | State::Start if byte == self.separator => self.end_cell(),
                State::Plain | State::Start if byte == b'\n' => {
                    self.end_cell();
                    self.end_record(each)?;
                }
                State::Plain | State::Start if byte == b'\r' => self.state = State::Return,
                State::Start if byte == b'"' => self.state = State::Quoted,
                State::Start | State::Plain => {
                    // The rest of a plain cell at once.
                    let rest = &bytes[at - 1..];
                    let length = rest
                        .iter()
                        .position(|byte| *byte == self.separator || matches!(byte, b'\n' | b'\r'))
                        .unwrap_or(rest.len());
                    self.record.extend_from_slice(&rest[..length]);
                    at += length - 1;
                    self.state = State::Plain;
                }
                State::Quoted if byte == b'"' => self.state = State::Quote,
                State::Quoted => {
                    self.line += u64::from(byte == b'\n');
                    self.record.push(byte);
                }
                State::Quote if byte == b'"' => {
                    self.record.push(b'"');
                    self.state = State::Quoted;
                }
                State::Quote if byte == self.separator => self.end_cell(),
                State::Quote if byte == b'\n' => {
                    self.end_cell();
                    self.end_record(each)?;
                }
                State::Quote if byte == b'\r' => self.state = State::Return,
                State::Quote => {
                    return Err(self.fault("text follows the closing quote of a cell; a quote within quotes is doubled"));
                }
                State::Return if byte == b'\n' => {
                    self.end_cell();
                    self.end_record(each)?;
                }
                State::Return => {
                    return Err(
                        self.fault("a carriage return stands alone; lines end in \\n or \\r\\n")
                    );
                }
            }
        }
        Ok(())
    }

    /// Hands out the last record, whose line need not have an end.
    pub(super) fn finish(&mut self, each: Each<'_>) -> Result<(), Fault> {
        match self.state {
            State::Quoted => {
                return Err(Fault {
                    line: self.began,
                    text:
                        "a quote that opens in this record is never closed: the file may be cut off"
                            .to_owned(),
                });
            }
            State::Start if self.record.is_empty() && self.ends.is_empty() => {}
            State::Start | State::Plain | State::Quote | State::Return => {
                self.end_cell();
                self.end_record(each)?;
            }
        }
        match self.header {
            Some(_) => Ok(()),
            None => {
                Err(self
                    .fault("the file is empty; a header with the names of the columns is expected"))
            }
        }
    }

    fn end_cell(&mut self) {
        self.ends.push(self.record.len());
        self.state = State::Start;
    }

    fn end_record(&mut self, each: Each<'_>) -> Result<(), Fault> {
        let began = self.began;
        self.line += 1;
        self.began = self.line;
        let text = std::str::from_utf8(&self.record).map_err(|_| Fault {
            line: began,
            text: "the text is not in UTF-8".to_owned(),
        })?;
        let mut start = 0;
        let cells = self.ends.iter().map(|end| {
            let cell = text.get(start..*end).unwrap_or_default();
            start = *end;
            cell
        });
        let outcome = match &self.header {
            None => names(cells, began).map(|header| self.header = Some(header)),
            Some(header) => {
                let is_blank = self.record.is_empty() && self.ends.len() == 1;
                if is_blank && header.len() > 1 {
                    Ok(())
                } else if self.ends.len() != header.len() {
                    Err(Fault {
                        line: began,
                        text: format!(
                            "the record has {} cells and the header has {}; a cell with a comma in it is written in \
                             quotes",
                            self.ends.len(),
                            header.len()
                        ),
                    })
                } else {
                    let cells: Vec<Cell<'_>> = cells
                        .enumerate()
                        .map(|(column, cell)| match cell {
                            "" => (column, Value::Null),
                            cell => (column, Value::Cell(cell)),
                        })
                        .collect();
                    each(began, header, &cells)
                }
            }
        };
        self.record.clear();
        self.ends.clear();
        outcome
    }

    fn fault(&self, text: &str) -> Fault {
        Fault {
            line: self.line,
            text: text.to_owned(),
        }
    }
}

/// The header; a column without a name is called by its place.
fn names<'a>(cells: impl Iterator<Item = &'a str>, line: u64) -> Result<Vec<String>, Fault> {
    let mut names: Vec<String> = Vec::new();
    for (at, cell) in cells.enumerate() {
        let name = match cell {
            "" => format!("column_{}", at + 1),
            name => name.to_owned(),
        };
        if names.contains(&name) {
            return Err(Fault {
                line,
                text: format!("two columns are called '{name}'"),
            });
        }
        names.push(name);
    }
    match names.as_slice() {
        [only] if only.contains([';', '\t', '|']) => Err(Fault {
            line,
            text: format!(
                "the header '{only}' is one cell: cells are separated by commas (in .tsv files by tabs)"
            ),
        }),
        _ => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records, cells joined by `|`, NULL as `~`, and the lines on which they begin.
    fn read(text: &str, piece: usize) -> Result<Vec<String>, String> {
        let mut csv = Csv::new(b',');
        let mut rows = Vec::new();
        let mut each = |line: u64, _: &[String], cells: &[Cell<'_>]| {
            let shown: Vec<&str> = cells
                .iter()
                .map(|(_, value)| match value {
                    Value::Cell(text) => text,
                    _ => "~",
                })
                .collect();
            rows.push(format!("{line}:{}", shown.join("|")));
            Ok(())
        };
        let words = |fault: Fault| format!("{}: {}", fault.line, fault.text);
        for bytes in text.as_bytes().chunks(piece) {
            csv.feed(bytes, &mut each).map_err(words)?;
        }
        csv.finish(&mut each).map_err(words)?;
        Ok(rows)
    }

    #[test]
    fn records_are_the_same_in_any_pieces() {
        let text = "\u{feff}a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n,\n\n5\" disc,ü\n\"\",last";
        let expected = ["2:1|x, \"y\"\nz", "4:~|~", "6:5\" disc|ü", "7:~|last"];
        for piece in 3..text.len() {
            assert_eq!(
                read(text, piece).as_deref(),
                Ok(&expected.map(str::to_owned)[..]),
                "{piece}"
            );
        }
    }

    #[test]
    fn nothing_is_mended() {
        for (text, expected) in [
            (
                "a,b\n1,2\n3\n",
                "3: the record has 1 cells and the header has 2",
            ),
            ("a,b\n1,2,3\n", "2: the record has 3 cells"),
            (
                "a,b\n1,\"x\n3,4\n",
                "2: a quote that opens in this record is never closed",
            ),
            ("a\n\"x\"y\n", "2: text follows the closing quote"),
            ("a\r1\r", "1: a carriage return stands alone"),
            ("a,a\n", "1: two columns are called 'a'"),
            ("a;b\n1;2\n", "1: the header 'a;b' is one cell"),
            ("", "1: the file is empty"),
        ] {
            let said = read(text, 64).err().unwrap_or_default();
            assert!(said.contains(expected), "{text:?}: {said}");
        }
    }

    #[test]
    fn a_blank_line_is_a_row_where_there_is_one_column() {
        assert_eq!(
            read("a\n\n1\n", 64),
            Ok(vec!["2:~".to_owned(), "3:1".to_owned()])
        );
    }
}
