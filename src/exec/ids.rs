//! Ids of either kind as bytes that compare as the ids do.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ByteView, Int64Array, MAX_INLINE_VIEW_LEN, StringViewArray,
    StringViewBuilder, UInt64Array,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use datafusion::common::{Result, exec_datafusion_err};

/// A column of ids.
#[derive(Debug)]
pub(super) struct Ids<'a> {
    kind: Kind<'a>,
    nulls: Option<&'a NullBuffer>,
}

#[derive(Debug)]
enum Kind<'a> {
    Text(&'a StringViewArray),
    Number(Vec<[u8; 8]>),
}

/// Turns the sign over, so that the bytes of a negative number come first.
const SIGN: u64 = 1 << 63;

impl<'a> Ids<'a> {
    pub(super) fn new(column: &'a ArrayRef) -> Result<Self> {
        let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
        let kind = match column.data_type() {
            DataType::Utf8View => Kind::Text(column.as_string_view()),
            DataType::Int64 => {
                let numbers = column.as_primitive::<Int64Type>().values().iter();
                let bytes = numbers.map(|number| (number.cast_unsigned() ^ SIGN).to_be_bytes());
                Kind::Number(bytes.collect())
            }
            DataType::UInt64 => {
                let numbers = column.as_primitive::<UInt64Type>().values().iter();
                let bytes = numbers.map(|number| number.to_be_bytes());
                Kind::Number(bytes.collect())
            }
            other => return Err(exec_datafusion_err!("ids of type {other}")),
        };
        Ok(Self { kind, nulls })
    }

    /// The bytes of an id; `None` for NULL.
    #[inline(always)]
    pub(super) fn bytes(&self, row: usize) -> Option<&[u8]> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        match &self.kind {
            Kind::Text(texts) => text(texts, row),
            Kind::Number(numbers) => numbers.get(row).map(<[u8; 8]>::as_slice),
        }
    }
}

/// The bytes of a text: what [`StringViewArray::value`] does, without a call for texts that no view holds itself.
#[inline(always)]
fn text(texts: &StringViewArray, row: usize) -> Option<&[u8]> {
    let view = ByteView::from(*texts.views().get(row)?);
    if view.length <= MAX_INLINE_VIEW_LEN {
        return Some(texts.value(row).as_bytes());
    }
    let buffer = texts.data_buffers().get(view.buffer_index as usize)?;
    let start = view.offset as usize;
    buffer.get(start..start + view.length as usize)
}

/// The ids that such bytes stand for.
pub(super) fn ids<'a>(
    bytes: impl Iterator<Item = Option<&'a [u8]>>,
    data_type: &DataType,
) -> Result<ArrayRef> {
    let damaged = || exec_datafusion_err!("the bytes of an id are damaged");
    let number = |bytes: &[u8]| -> Result<u64> {
        Ok(u64::from_be_bytes(bytes.try_into().map_err(|_| damaged())?))
    };
    Ok(match data_type {
        DataType::Utf8View => {
            let mut texts = StringViewBuilder::with_capacity(bytes.size_hint().0);
            for id in bytes {
                let text = id.map(std::str::from_utf8).transpose();
                texts.append_option(text.map_err(|_| damaged())?);
            }
            Arc::new(texts.finish())
        }
        DataType::Int64 => {
            let numbers = bytes.map(|id| {
                id.map(|id| Ok((number(id)? ^ SIGN).cast_signed()))
                    .transpose()
            });
            Arc::new(numbers.collect::<Result<Int64Array>>()?)
        }
        DataType::UInt64 => {
            let numbers = bytes.map(|id| id.map(number).transpose());
            Arc::new(numbers.collect::<Result<UInt64Array>>()?)
        }
        other => return Err(exec_datafusion_err!("ids of type {other}")),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    /// Bytes come back as the ids they were made of, and sort as those do.
    #[test]
    fn bytes_keep_values_and_order() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![
            Some(""),
            Some("10"),
            Some("9"),
            Some("ä"),
            None,
        ]));
        let signed: ArrayRef = Arc::new(Int64Array::from(vec![
            Some(i64::MIN),
            Some(-1),
            Some(0),
            Some(i64::MAX),
            None,
        ]));
        let unsigned: ArrayRef = Arc::new(UInt64Array::from(vec![
            Some(0),
            Some(9),
            Some(10),
            Some(u64::MAX),
            None,
        ]));
        for column in [texts, signed, unsigned] {
            let read = Ids::new(&column).unwrap();
            let bytes: Vec<Option<Vec<u8>>> = (0..column.len())
                .map(|row| read.bytes(row).map(<[u8]>::to_vec))
                .collect();
            assert!(bytes[..4].is_sorted(), "{bytes:?}");
            let back = ids(bytes.iter().map(Option::as_deref), column.data_type()).unwrap();
            assert_eq!(&back, &column);
        }
    }
}
