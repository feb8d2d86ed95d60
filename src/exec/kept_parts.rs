//! From kept rows back to the parts that they were settled of.

use std::collections::HashMap;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, ListArray, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, exec_datafusion_err};

use super::day_scope::DayScope;
use super::held::Bucket;
use super::ids::Ids;
use super::keep::Keep;
use super::kept_schema::{KeptIds, PARTS};
use super::parts::{GEN_AI, LISTENED, Part};

impl Keep {
    /// Adds the parts that kept rows of a day were settled of, but for those of `dropped` and of sites that `sites` does
    /// not have any more.
    ///
    /// # Errors
    ///
    /// Rows that are damaged, or were written by something else.
    pub(crate) fn parts(
        &self,
        day: i32,
        rows: &RecordBatch,
        dropped: &DayScope,
        parts: &mut Bucket,
    ) -> Result<()> {
        let column = |name: &str| {
            let column = rows.column_by_name(name);
            column.ok_or_else(|| exec_datafusion_err!("the table has no column {name}"))
        };
        let sites = cast(column("site_id")?, &self.ids.site)?;
        let sites = cast(&sites, &DataType::Utf8View)?;
        let sites = sites.as_string_view();
        let lists = column(PARTS)?;
        let lists = lists
            .as_list_opt::<i32>()
            .ok_or_else(|| exec_datafusion_err!("the parts are a {}", lists.data_type()))?;
        let columns = ListedColumns::new(lists, &self.ids)?;
        let listed = columns.listed()?;
        let mut numbers: HashMap<&str, Option<u32>> = HashMap::new();
        for (row, ends) in lists.value_offsets().windows(2).enumerate() {
            let (site_id, [start, end]) = (sites.value(row), ends) else {
                continue;
            };
            let number = numbers.entry(site_id);
            let Some(site) = *number.or_insert_with(|| self.calendar.site(site_id)) else {
                continue;
            };
            if dropped.contains(site, day) {
                continue;
            }
            for place in *start..*end {
                let place = usize::try_from(place).unwrap_or(usize::MAX);
                parts.put(&listed.part(place, site, day, self.unit)?);
            }
        }
        Ok(())
    }
}

/// The columns of kept parts, ids in their own types.
struct ListedColumns {
    conversation_id: ArrayRef,
    consumer_id: ArrayRef,
    channel: StringViewArray,
    instants: [(TimestampMicrosecondArray, Int32Array); 2],
    messages: [Int64Array; 3],
    flags: [(BooleanArray, u8); 2],
}

impl ListedColumns {
    fn new(lists: &ListArray, kept: &KeptIds) -> Result<Self> {
        let values = lists
            .values()
            .as_struct_opt()
            .ok_or_else(|| exec_datafusion_err!("the parts are no rows"))?;
        let column = |name: &str, data_type: &DataType| -> Result<ArrayRef> {
            let column = values
                .column_by_name(name)
                .ok_or_else(|| exec_datafusion_err!("the parts have no column {name}"))?;
            Ok(cast(column, data_type)?)
        };
        let fields = kept.part_fields();
        let typed = |name: &str| {
            let (_, field) = fields
                .find(name)
                .ok_or_else(|| exec_datafusion_err!("parts have no column {name}"))?;
            column(name, field.data_type())
        };
        let instants = |name: &str, rest: &str| -> Result<_> {
            let (instant, rest) = (typed(name)?, typed(rest)?);
            Ok((
                instant.as_primitive::<TimestampMicrosecondType>().clone(),
                rest.as_primitive::<Int32Type>().clone(),
            ))
        };
        let count = |name: &str| {
            Ok::<_, datafusion::error::DataFusionError>(
                typed(name)?.as_primitive::<Int64Type>().clone(),
            )
        };
        let flag = |name: &str, flag: u8| {
            Ok::<_, datafusion::error::DataFusionError>((typed(name)?.as_boolean().clone(), flag))
        };
        Ok(Self {
            conversation_id: column("conversation_id", &kept.conversation)?,
            consumer_id: column("consumer_id", &kept.consumer)?,
            channel: typed("channel")?.as_string_view().clone(),
            instants: [
                instants("first_message_at", "first_nanosecond")?,
                instants("last_message_at", "last_nanosecond")?,
            ],
            messages: [
                count("consumer_messages")?,
                count("agent_messages")?,
                count("bot_messages")?,
            ],
            flags: [flag("gen_ai", GEN_AI)?, flag("intent_analyzer", LISTENED)?],
        })
    }

    fn listed(&self) -> Result<Listed<'_>> {
        Ok(Listed {
            conversation_id: Ids::new(&self.conversation_id)?,
            consumer_id: Ids::new(&self.consumer_id)?,
            columns: self,
        })
    }
}

/// Kept parts, read.
struct Listed<'a> {
    conversation_id: Ids<'a>,
    consumer_id: Ids<'a>,
    columns: &'a ListedColumns,
}

impl Listed<'_> {
    fn part(&self, place: usize, site: u32, day: i32, unit: TimeUnit) -> Result<Part<'_>> {
        let columns = self.columns;
        let damaged = || exec_datafusion_err!("a part of a DAR is damaged");
        if place >= columns.channel.len() {
            return Err(damaged());
        }
        let instant = |(micros, rest): &(TimestampMicrosecondArray, Int32Array)| {
            joined(micros.value(place), rest.value(place), unit).ok_or_else(damaged)
        };
        let count = |counts: &Int64Array| u32::try_from(counts.value(place)).map_err(|_| damaged());
        let [first, last] = &columns.instants;
        let [consumer, agent, bot] = &columns.messages;
        let flags = columns.flags.iter();
        let flags = flags.filter(|(flags, _)| flags.value(place));
        Ok(Part {
            site,
            day,
            conversation_id: self.conversation_id.bytes(place).ok_or_else(damaged)?,
            consumer_id: self.consumer_id.bytes(place),
            first: instant(first)?,
            last: instant(last)?,
            messages: [count(consumer)?, count(agent)?, count(bot)?],
            flags: flags.map(|(_, flag)| flag).sum(),
            channel: columns
                .channel
                .is_valid(place)
                .then(|| columns.channel.value(place).as_bytes()),
        })
    }
}

/// An instant as microseconds, and the nanoseconds that are left.
pub(super) fn split(instant: i64, unit: TimeUnit) -> Result<(i64, i32)> {
    let micros = match unit {
        TimeUnit::Second => instant.checked_mul(1_000_000),
        TimeUnit::Millisecond => instant.checked_mul(1_000),
        TimeUnit::Microsecond => Some(instant),
        TimeUnit::Nanosecond => Some(instant.div_euclid(1_000)),
    };
    let micros = micros.ok_or_else(|| exec_datafusion_err!("an instant beyond all years"))?;
    let rest = match unit {
        TimeUnit::Nanosecond => i32::try_from(instant.rem_euclid(1_000)).unwrap_or_default(),
        _ => 0,
    };
    Ok((micros, rest))
}

/// The instant that was [`split`], in a unit that holds it.
fn joined(micros: i64, rest: i32, unit: TimeUnit) -> Option<i64> {
    let whole =
        |per: i64| (micros.rem_euclid(per) == 0 && rest == 0).then(|| micros.div_euclid(per));
    match unit {
        TimeUnit::Second => whole(1_000_000),
        TimeUnit::Millisecond => whole(1_000),
        TimeUnit::Microsecond => whole(1),
        TimeUnit::Nanosecond => micros.checked_mul(1_000)?.checked_add(i64::from(rest)),
    }
}
