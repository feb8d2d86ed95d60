//! `dayrate_reason` and `dayrate_billable`: the fate of each message, as a column and as the check of a bill.
//!
//! Both read the same seven arguments: `site_id, conversation_id, sent_at, sent_by, audience, in_force, is_test`,
//! where `in_force` is NULL for an unknown site. Internal: table functions plan them, people do not write them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, StringViewArray, StringViewBuilder,
};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::instant::{Instants, instants};
use crate::domain::message::{Audience, Facts, Reason, Sender, reason};
use crate::error;

/// The columns that decide, one batch of them.
struct Messages {
    site_id: ArrayRef,
    conversation_id: ArrayRef,
    sent_at: ArrayRef,
    seconds: Instants,
    sent_by: StringViewArray,
    audience: StringViewArray,
    in_force: BooleanArray,
    is_test: BooleanArray,
}

impl Messages {
    fn new(arguments: [ArrayRef; 7]) -> Result<Self> {
        let [
            site_id,
            conversation_id,
            sent_at,
            sent_by,
            audience,
            in_force,
            is_test,
        ] = arguments;
        let text = |array: &ArrayRef| {
            array.as_string_view_opt().cloned().ok_or_else(|| {
                exec_datafusion_err!("dayrate_reason: text expected, got {}", array.data_type())
            })
        };
        let flag = |array: &ArrayRef| {
            array.as_boolean_opt().cloned().ok_or_else(|| {
                exec_datafusion_err!("dayrate_reason: a flag expected, got {}", array.data_type())
            })
        };
        Ok(Self {
            seconds: instants(&sent_at)?,
            sent_by: text(&sent_by)?,
            audience: text(&audience)?,
            in_force: flag(&in_force)?,
            is_test: flag(&is_test)?,
            site_id,
            conversation_id,
            sent_at,
        })
    }

    fn len(&self) -> usize {
        self.sent_at.len()
    }

    fn reason(&self, row: usize) -> Option<Reason> {
        reason(&Facts {
            has_site: self.site_id.is_valid(row),
            has_conversation: self.conversation_id.is_valid(row),
            // Rounded up, so that a fraction of a second after 1970-01-01T00:00:00Z is possible.
            sent_at: self.sent_at.is_valid(row).then(|| self.seconds.ceil(row)),
            sender: self
                .sent_by
                .is_valid(row)
                .then(|| Sender::parse(self.sent_by.value(row)))
                .flatten(),
            audience: if self.audience.is_valid(row) {
                Audience::parse(self.audience.value(row))
            } else {
                Some(Audience::All)
            },
            in_force: self
                .in_force
                .is_valid(row)
                .then(|| self.in_force.value(row)),
            is_test: self.is_test.is_valid(row) && self.is_test.value(row),
        })
    }

    fn rejection(&self, row: usize, reason: Reason) -> datafusion::error::DataFusionError {
        let ids = [&self.site_id, &self.conversation_id, &self.sent_at];
        rejection(ids, &self.sent_by, row, reason)
    }
}

/// The error that a bill stops with: the reason, the row, and how to see every such row. `ids` are `site_id,
/// conversation_id, sent_at`.
pub(crate) fn rejection(
    ids: [&ArrayRef; 3],
    sent_by: &StringViewArray,
    row: usize,
    reason: Reason,
) -> datafusion::error::DataFusionError {
    let [site_id, conversation_id, sent_at] = ids.map(|array| {
        let options = FormatOptions::default().with_null("NULL");
        ArrayFormatter::try_new(array.as_ref(), &options)
            .map_or_else(|_| "?".into(), |formatter| formatter.value(row).to_string())
    });
    let sent_by = if sent_by.is_valid(row) {
        sent_by.value(row)
    } else {
        "NULL"
    };
    error::data(format!(
        "rejected message ({}): site_id {site_id}, conversation_id {conversation_id}, sent_at {sent_at}, sent_by {sent_by}: {}. \
         `SELECT * FROM rejects(messages, sites)` lists every rejected message; rejects => 'skip' bills without them",
        reason.name(),
        reason.remedy(),
    ))
}

fn seven_arguments(volatility: Volatility) -> Signature {
    Signature::any(7, volatility)
}

/// `dayrate_reason(…)`: text, NULL for a message that counts. Never fails on a row.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessageReason {
    signature: Signature,
}

impl MessageReason {
    pub(crate) fn new() -> Self {
        Self {
            signature: seven_arguments(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for MessageReason {
    fn name(&self) -> &str {
        "dayrate_reason"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let arguments = arrays(self.name(), args.args, rows)?;
        let messages = Messages::new(arguments)?;
        let mut names = StringViewBuilder::with_capacity(rows);
        for row in 0..messages.len() {
            names.append_option(messages.reason(row).map(Reason::name));
        }
        Ok(ColumnarValue::Array(Arc::new(names.finish())))
    }
}

/// `dayrate_billable(…, rejects)`: true for a message that counts, false for one that does not; with `rejects` of
/// `'fail'` a rejected message is an error.
///
/// Volatile, although it is a pure function: a bill stands on this check, and the optimizer may neither drop a
/// volatile filter nor move it below a join.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Billable {
    signature: Signature,
}

impl Billable {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(8, Volatility::Volatile),
        }
    }
}

impl ScalarUDFImpl for Billable {
    fn name(&self) -> &str {
        "dayrate_billable"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let skip = match args.args.pop() {
            Some(ColumnarValue::Scalar(rejects)) => rejects.try_as_str().flatten() == Some("skip"),
            _ => false,
        };
        let messages = Messages::new(arrays(self.name(), args.args, args.number_rows)?)?;
        let mut counts = BooleanBuilder::with_capacity(messages.len());
        for row in 0..messages.len() {
            match messages.reason(row) {
                Some(reason) if reason.is_rejection() && !skip => {
                    return Err(messages.rejection(row, reason));
                }
                reason => counts.append_value(reason.is_none()),
            }
        }
        Ok(ColumnarValue::Array(Arc::new(counts.finish())))
    }
}

fn arrays(name: &str, args: Vec<ColumnarValue>, rows: usize) -> Result<[ArrayRef; 7]> {
    let args = args
        .into_iter()
        .map(|arg| arg.into_array(rows))
        .collect::<Result<Vec<_>>>()?;
    take_function_args(name, args)
}

/// `dayrate_sender(sent_by)`: the one name of a sender, NULL where unknown.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct SenderName {
    signature: Signature,
}

impl SenderName {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for SenderName {
    fn name(&self) -> &str {
        "dayrate_sender"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [sent_by] = take_function_args(self.name(), args.args)?;
        let sent_by = sent_by.into_array(rows)?;
        let names: StringViewArray = sent_by
            .as_string_view()
            .iter()
            .map(|text| text.and_then(Sender::parse).map(Sender::name))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(names)))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    /// Seconds are rounded up only for the check: half a second after the epoch is a possible instant.
    #[test]
    fn the_first_possible_instant() {
        let sent_at: ArrayRef = Arc::new(
            arrow::array::TimestampMillisecondArray::from(vec![-1, 0, 1]).with_timezone("UTC"),
        );
        assert_eq!(
            sent_at.data_type(),
            &DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, Some("UTC".into()))
        );
        let seconds = instants(&sent_at).unwrap();
        assert_eq!(
            [seconds.ceil(0), seconds.ceil(1), seconds.ceil(2)],
            [0, 0, 1]
        );
    }
}
