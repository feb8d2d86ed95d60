//! JSON, one object a line. Numbers are taken as they are written, so that no digit of a price is lost; objects and
//! lists within arrive as their JSON text.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::de::IgnoredAny;

use super::kind::Value;
use super::{Cell, Each, Fault};

/// Reads objects from bytes that come in any pieces.
#[derive(Debug, Default)]
pub(super) struct Ndjson {
    line: u64,
    /// The beginning of a line whose end has not come yet.
    held: Vec<u8>,
    names: Vec<String>,
    places: HashMap<String, usize>,
}

impl Ndjson {
    /// The names seen so far, in the order in which they came.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Takes the next bytes and hands out each object that they complete.
    pub(super) fn feed(&mut self, bytes: &[u8], each: Each<'_>) -> Result<(), Fault> {
        let mut bytes = bytes;
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.held.is_empty() {
                self.object(line, each)?;
            } else {
                let mut held = std::mem::take(&mut self.held);
                held.extend_from_slice(line);
                self.object(&held, each)?;
            }
            bytes = rest;
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    /// Hands out the last object, whose line need not have an end.
    pub(super) fn finish(&mut self, each: Each<'_>) -> Result<(), Fault> {
        let held = std::mem::take(&mut self.held);
        self.object(&held, each)
    }

    fn object(&mut self, line: &[u8], each: Each<'_>) -> Result<(), Fault> {
        self.line += 1;
        let number = self.line;
        let fault = |text: String| Fault { line: number, text };
        let line = match number {
            1 => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line),
            _ => line,
        };
        let text = std::str::from_utf8(line)
            .map_err(|_| fault("the text is not in UTF-8".to_owned()))?
            .trim();
        if text.is_empty() {
            return Ok(());
        }
        if !text.starts_with('{') {
            let remedy = if text.starts_with('[') {
                ". A list of objects is taken apart with: jq -c '.[]'"
            } else {
                ""
            };
            return Err(fault(format!(
                "one JSON object is expected on each line{remedy}"
            )));
        }
        serde_json::from_str::<IgnoredAny>(text)
            .map_err(|cause| fault(format!("the line is no JSON object: {cause}")))?;
        let members = members(text);
        let mut texts: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::with_capacity(members.len());
        for (name, raw) in &members {
            let plain = |raw| plain(raw).map_err(|cause| fault(cause.to_string()));
            texts.push((plain(name)?, plain(raw)?));
        }
        let mut cells: Vec<Cell<'_>> = Vec::with_capacity(members.len());
        for ((_, raw), (name, text)) in members.iter().zip(&texts) {
            let place = match self.places.get(name.as_ref()) {
                Some(place) => *place,
                None => {
                    let place = self.names.len();
                    self.names.push(name.to_string());
                    self.places.insert(name.to_string(), place);
                    place
                }
            };
            if cells.iter().any(|(taken, _)| *taken == place) {
                return Err(fault(format!("the object has two members '{name}'")));
            }
            let value = match raw.as_bytes().first() {
                Some(b'"') => Value::Text(text),
                Some(b'n') => Value::Null,
                Some(b't') => Value::Flag(true),
                Some(b'f') => Value::Flag(false),
                Some(b'{' | b'[') => Value::Nested(text),
                _ => Value::Number(text),
            };
            cells.push((place, value));
        }
        each(number, &self.names, &cells)
    }
}

/// The names and values at the first level of an object that is known to be JSON, as they are written.
fn members(object: &str) -> Vec<(&str, &str)> {
    let mut members = Vec::new();
    let mut rest = object.trim_start_matches('{').trim_start();
    while rest.starts_with('"') {
        let (name, after) = rest.split_at(value_end(rest));
        let after = after.trim_start().trim_start_matches(':').trim_start();
        let (value, after) = after.split_at(value_end(after));
        members.push((name, value));
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    members
}

/// Where the value ends that a text begins with.
fn value_end(text: &str) -> usize {
    let (mut depth, mut is_quoted, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if is_quoted {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => is_quoted = false,
                _ => continue,
            }
            if !is_quoted && depth == 0 {
                return at + 1;
            }
            continue;
        }
        match byte {
            b'"' => is_quoted = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return at + 1,
            b'}' | b']' | b',' | b' ' | b'\t' | b'\r' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// A value without quotes and escapes, if it is a text; else as it is written.
fn plain(raw: &str) -> serde_json::Result<Cow<'_, str>> {
    let Some(inner) = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) else {
        return Ok(Cow::Borrowed(raw));
    };
    if inner.contains('\\') {
        return serde_json::from_str(raw).map(Cow::Owned);
    }
    Ok(Cow::Borrowed(inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, piece: usize) -> Result<Vec<String>, String> {
        let mut json = Ndjson::default();
        let mut rows = Vec::new();
        let mut each = |line: u64, _: &[String], cells: &[Cell<'_>]| {
            rows.push(format!("{line}:{cells:?}"));
            Ok(())
        };
        let words = |fault: Fault| format!("{}: {}", fault.line, fault.text);
        for bytes in text.as_bytes().chunks(piece) {
            json.feed(bytes, &mut each).map_err(words)?;
        }
        json.finish(&mut each).map_err(words)?;
        rows.push(json.names().join(","));
        Ok(rows)
    }

    #[test]
    fn objects_are_the_same_in_any_pieces() {
        let text = "{\"a\":0.10,\"b\":\"x\\u00e9\"}\n\n {\"c\" : [1, {\"e\":\"}\\\"]\"}], \"a\":null,\"d\":true}\r\n{}";
        let expected = [
            "1:[(0, Number(\"0.10\")), (1, Text(\"xé\"))]",
            "3:[(2, Nested(\"[1, {\\\"e\\\":\\\"}\\\\\\\"]\\\"}]\")), (0, Null), (3, Flag(true))]",
            "4:[]",
            "a,b,c,d",
        ];
        for piece in 1..text.len() {
            assert_eq!(
                read(text, piece).as_deref(),
                Ok(&expected.map(str::to_owned)[..])
            );
        }
    }

    #[test]
    fn a_line_that_is_no_object_is_named() {
        for (text, expected) in [
            ("{\"a\":1}\n{\"a\":", "2: the line is no JSON object"),
            (
                "[{\"a\":1}]",
                "1: one JSON object is expected on each line. A list",
            ),
            ("{\"a\":1} {\"a\":2}", "1: the line is no JSON object"),
            ("{\"a\":tru}", "1: the line is no JSON object"),
            ("{\"a\":1,\"a\":2}", "1: the object has two members 'a'"),
        ] {
            let said = read(text, 64).err().unwrap_or_default();
            assert!(said.contains(expected), "{said}");
        }
    }
}
