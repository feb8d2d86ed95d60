//! The distinct keys of a count of DARs: what [`super::dar_count`] counts.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, ListArray, StringViewArray,
    StringViewBuilder, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::{Accumulator, ColumnarValue, EmitTo, GroupsAccumulator};
use hashbrown::HashSet;

use super::interner::Interner;
use crate::domain::zone::ZoneDatabase;
use crate::scalar::local_day::{OutOfRange, local_days};
use crate::scalar::spellings::Spellings;

/// The columns of one key in the partial state.
fn key_fields() -> Fields {
    Fields::from(vec![
        Field::new("site_id", DataType::Utf8View, true),
        Field::new("relationship_id", DataType::Utf8View, true),
        Field::new("day", DataType::Date32, true),
    ])
}

/// The type of the elements of a partial state.
pub(super) fn item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Struct(key_fields()), true))
}

/// A group, and the numbers of a site and a relationship, and a day.
type Key = (u32, u32, u32, i32);

/// The distinct keys of every group. Ids are compared as the text they are, never as hashes.
pub(super) struct Days {
    zones: ZoneDatabase,
    sites: Interner,
    relationships: Interner,
    keys: HashSet<Key>,
    counts: Vec<i64>,
    /// The key last seen of each relationship: the next message mostly has it too.
    last: Vec<Option<Key>>,
    /// The numbers of sites, by spelling.
    spelled: Spellings<u32, 1024>,
}

impl Days {
    /// No keys yet, dated by these rules.
    pub(super) fn new(zones: ZoneDatabase) -> Self {
        Self {
            zones,
            sites: Interner::default(),
            relationships: Interner::default(),
            keys: HashSet::new(),
            counts: Vec::new(),
            last: Vec::new(),
            spelled: Spellings::new(),
        }
    }

    fn insert(&mut self, group: usize, site: u32, relationship_id: &str, day: i32) -> Result<()> {
        let number = u32::try_from(group)
            .map_err(|_| exec_datafusion_err!("dar_count: more than 2^32 groups"))?;
        let relationship = self.relationships.intern(relationship_id.as_bytes())?;
        let key = (number, site, relationship, day);
        if self.last.len() <= relationship as usize {
            self.last.resize(relationship as usize + 1, None);
        }
        if let Some(last) = self.last.get_mut(relationship as usize)
            && last.replace(key) == Some(key)
        {
            return Ok(());
        }
        if self.keys.insert(key)
            && let Some(count) = self.counts.get_mut(group)
        {
            *count += 1;
        }
        Ok(())
    }

    fn each_row(
        zones: &ZoneDatabase,
        values: &[ArrayRef],
        mut found: impl FnMut(usize, &StringViewArray, &str, i32) -> Result<()>,
    ) -> Result<()> {
        let [site_id, relationship_id, ts, zone] = values else {
            return Err(exec_datafusion_err!("dar_count takes four columns"));
        };
        let days = local_days(
            ts,
            &ColumnarValue::Array(Arc::clone(zone)),
            zones,
            OutOfRange::Fail,
        )?;
        let days = days.as_primitive::<Date32Type>();
        let (site_id, relationship_id) =
            (site_id.as_string_view(), relationship_id.as_string_view());
        for row in 0..ts.len() {
            if site_id.is_valid(row) && relationship_id.is_valid(row) && days.is_valid(row) {
                found(row, site_id, relationship_id.value(row), days.value(row))?;
            }
        }
        Ok(())
    }

    fn update(
        &mut self,
        values: &[ArrayRef],
        group: impl Fn(usize) -> Option<usize>,
    ) -> Result<()> {
        let zones = self.zones.clone();
        self.spelled.next_batch();
        Self::each_row(&zones, values, |row, sites, relationship_id, day| {
            let Some(group) = group(row) else {
                return Ok(());
            };
            let Self { sites: known, .. } = self;
            let mut fault = None;
            let site = self.spelled.of(sites, row, |text| {
                known.intern(text.as_bytes()).unwrap_or_else(|error| {
                    fault = Some(error);
                    u32::MAX
                })
            });
            match fault {
                Some(fault) => Err(fault),
                None => self.insert(group, site, relationship_id, day),
            }
        })
    }

    fn merge(&mut self, states: &[ArrayRef], group: impl Fn(usize) -> usize) -> Result<()> {
        let lists = states
            .first()
            .and_then(|state| state.as_list_opt::<i32>())
            .ok_or_else(|| exec_datafusion_err!("dar_count: a list of keys is expected"))?;
        for row in 0..lists.len() {
            if lists.is_null(row) {
                continue;
            }
            let keys = lists.value(row);
            let [site_id, relationship_id, day] = keys.as_struct().columns() else {
                continue;
            };
            let (site_id, relationship_id) =
                (site_id.as_string_view(), relationship_id.as_string_view());
            let day = day.as_primitive::<Date32Type>();
            for key in 0..keys.len() {
                let site = self.sites.intern(site_id.value(key).as_bytes())?;
                self.insert(group(row), site, relationship_id.value(key), day.value(key))?;
            }
        }
        Ok(())
    }

    /// Takes the keys of the first `groups` groups out, as one list a group; the others move to the front.
    fn take(&mut self, groups: usize) -> Result<ArrayRef> {
        let cut = u32::try_from(groups).unwrap_or(u32::MAX);
        self.last.clear();
        let mut taken: Vec<Key> = self.keys.extract_if(|key| key.0 < cut).collect();
        taken.sort_unstable_by_key(|key| key.0);
        if cut > 0 {
            self.keys = self
                .keys
                .drain()
                .map(|(group, s, r, day)| (group - cut, s, r, day))
                .collect();
        }
        let mut lengths = vec![0; groups];
        for key in &taken {
            if let Some(length) = lengths.get_mut(key.0 as usize) {
                *length += 1;
            }
        }
        let texts = |interner: &Interner, code: fn(&Key) -> u32| -> Result<ArrayRef> {
            let mut texts = StringViewBuilder::with_capacity(taken.len());
            for key in &taken {
                let text = std::str::from_utf8(interner.get(code(key)));
                texts.append_value(
                    text.map_err(|_| exec_datafusion_err!("dar_count: an id is not UTF-8"))?,
                );
            }
            Ok(Arc::new(texts.finish()))
        };
        let days: Date32Array = taken.iter().map(|key| Some(key.3)).collect();
        let columns = vec![
            texts(&self.sites, |key| key.1)?,
            texts(&self.relationships, |key| key.2)?,
            Arc::new(days) as ArrayRef,
        ];
        let keys = StructArray::try_new(key_fields(), columns, None)?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(ListArray::try_new(
            item(),
            offsets,
            Arc::new(keys),
            None,
        )?))
    }

    fn emitted(&self, emit_to: EmitTo) -> usize {
        match emit_to {
            EmitTo::All => self.counts.len(),
            EmitTo::First(groups) => groups,
        }
    }
}

impl GroupsAccumulator for Days {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.counts.resize(total_num_groups, 0);
        self.update(values, |row| {
            let wanted = opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if wanted {
                group_indices.get(row).copied()
            } else {
                None
            }
        })
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = self.emitted(emit_to);
        if matches!(emit_to, EmitTo::All) {
            self.keys.clear();
            self.last.clear();
        } else {
            self.take(groups)?;
        }
        Ok(Arc::new(Int64Array::from(
            emit_to.take_needed(&mut self.counts),
        )))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let keys = self.take(self.emitted(emit_to))?;
        emit_to.take_needed(&mut self.counts);
        if self.counts.is_empty() {
            (self.sites, self.relationships) = (Interner::default(), Interner::default());
            self.spelled = Spellings::new();
        }
        Ok(vec![keys])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.counts.resize(total_num_groups, 0);
        self.merge(values, |row| {
            group_indices.get(row).copied().unwrap_or_default()
        })
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, Array::len);
        let mut lengths = vec![0; rows];
        let (mut sites, mut relationships, mut days) = (Vec::new(), Vec::new(), Vec::new());
        Self::each_row(&self.zones, values, |row, site, relationship_id, day| {
            let wanted = opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if wanted && let Some(length) = lengths.get_mut(row) {
                *length = 1;
                sites.push(site.value(row).to_owned());
                relationships.push(relationship_id.to_owned());
                days.push(day);
            }
            Ok(())
        })?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(sites.iter().map(Some).collect::<StringViewArray>()),
            Arc::new(relationships.iter().map(Some).collect::<StringViewArray>()),
            Arc::new(Date32Array::from(days)),
        ];
        let keys = StructArray::try_new(key_fields(), columns, None)?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(vec![Arc::new(ListArray::try_new(
            item(),
            offsets,
            Arc::new(keys),
            None,
        )?)])
    }

    fn size(&self) -> usize {
        self.sites.size()
            + self.relationships.size()
            + self.keys.capacity() * (size_of::<Key>() + 1)
            + self.counts.capacity() * size_of::<i64>()
            + self.last.capacity() * size_of::<Option<Key>>()
    }
}

/// One count, without groups; a window may ask for it again and again.
pub(super) struct OneCount(Days);

impl OneCount {
    /// A count of no keys yet.
    pub(super) fn new(days: Days) -> Self {
        Self(days)
    }
}

impl std::fmt::Debug for OneCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OneCount")
            .field("keys", &self.0.keys.len())
            .finish()
    }
}

impl Accumulator for OneCount {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update(values, |_| Some(0))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let count = i64::try_from(self.0.keys.len())
            .map_err(|_| exec_datafusion_err!("dar_count: too many keys"))?;
        Ok(ScalarValue::Int64(Some(count)))
    }

    fn size(&self) -> usize {
        GroupsAccumulator::size(&self.0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::try_from_array(&self.0.take(1)?, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge(states, |_| 0)
    }
}
