//! A world as relations of a session, laid out in one of the many ways in which exports come.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use proptest::prelude::*;

use super::world::{Id, Message, World};
use crate::session;

/// How rows are cut, ordered and encoded. None of it may change a DAR.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) session: session::Layout,
    rows_per_batch: usize,
    files: usize,
    text: DataType,
    unit: TimeUnit,
    label: &'static str,
    order: u64,
    sites_as_text: bool,
}

/// `whole`: every instant of the world fits a second, so any unit can hold it.
pub(super) fn form(whole: bool) -> impl Strategy<Value = Form> {
    let units = if whole {
        vec![
            TimeUnit::Second,
            TimeUnit::Millisecond,
            TimeUnit::Microsecond,
            TimeUnit::Nanosecond,
        ]
    } else {
        vec![TimeUnit::Nanosecond]
    };
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let texts = vec![
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        dictionary,
    ];
    (
        prop::sample::select(vec![1, 2, 8192]),
        1..5_usize,
        prop::sample::select(vec![1, 2, 8192]),
        1..4_usize,
        prop::sample::select(texts),
        prop::sample::select(units),
        prop::sample::select(vec!["UTC", "+00:00", "America/St_Johns", "-08:00"]),
        any::<u64>(),
        any::<bool>(),
    )
        .prop_map(
            |(
                batch_size,
                partitions,
                rows_per_batch,
                files,
                text,
                unit,
                label,
                order,
                sites_as_text,
            )| Form {
                session: session::Layout {
                    batch_size,
                    partitions,
                    memory: None,
                },
                rows_per_batch,
                files,
                text,
                unit,
                label,
                order,
                sites_as_text,
            },
        )
}

/// A session with the relations `messages` (its rows numbered by `n`), `sites` and `switches`.
pub(super) fn session(world: &World, form: &Form) -> SessionContext {
    let ctx = session::fresh(&form.session);
    let rows: Vec<(usize, &Message)> =
        shuffled(world.messages.iter().enumerate().collect(), form.order);
    let take = |get: &dyn Fn(&Message) -> Option<String>| {
        form.texts(rows.iter().map(|(_, row)| get(row)).collect())
    };
    let ids = |get: &dyn Fn(&Message) -> Option<Id>| {
        form.ids(rows.iter().map(|(_, row)| get(row)).collect(), false)
    };
    let numbers: Int64Array = rows
        .iter()
        .map(|(n, _)| i64::try_from(*n).unwrap())
        .collect();
    let listened: BooleanArray = rows.iter().map(|(_, row)| row.listened).collect();
    form.register(
        &ctx,
        "messages",
        vec![
            ("queue", take(&|row| row.queue.clone())),
            ("site_id", ids(&|row| row.site.clone())),
            ("n", Arc::new(numbers)),
            ("conversation_id", ids(&|row| row.conversation.clone())),
            (
                "sent_at",
                form.instants(rows.iter().map(|(_, row)| row.at).collect()),
            ),
            ("sent_by", take(&|row| row.by.clone())),
            ("consumer_id", ids(&|row| row.consumer.clone())),
            ("audience", take(&|row| row.audience.clone())),
            ("channel", take(&|row| row.channel.clone())),
            ("intent_analyzer", Arc::new(listened)),
        ],
    );

    let sites = shuffled(world.sites.iter().collect(), form.order);
    let tests: BooleanArray = sites.iter().map(|row| row.is_test).collect();
    form.register(
        &ctx,
        "sites",
        vec![
            (
                "site_id",
                form.ids(
                    sites.iter().map(|row| Some(row.site.clone())).collect(),
                    form.sites_as_text,
                ),
            ),
            (
                "org_id",
                form.texts(sites.iter().map(|row| Some(row.org.clone())).collect()),
            ),
            (
                "time_zone",
                form.texts(sites.iter().map(|row| Some(row.zone.clone())).collect()),
            ),
            (
                "valid_from",
                form.instants(sites.iter().map(|row| row.from).collect()),
            ),
            (
                "valid_to",
                form.instants(sites.iter().map(|row| row.to).collect()),
            ),
            ("is_test", Arc::new(tests)),
        ],
    );

    let switches = shuffled(world.switches.iter().collect(), form.order);
    form.register(
        &ctx,
        "switches",
        vec![
            (
                "org_id",
                form.texts(switches.iter().map(|row| Some(row.org.clone())).collect()),
            ),
            (
                "feature",
                form.texts(
                    switches
                        .iter()
                        .map(|row| Some(row.feature.clone()))
                        .collect(),
                ),
            ),
            (
                "site_id",
                form.ids(switches.iter().map(|row| row.site.clone()).collect(), false),
            ),
            (
                "enabled_from",
                form.instants(switches.iter().map(|row| Some(row.from)).collect()),
            ),
            (
                "enabled_to",
                form.instants(switches.iter().map(|row| row.to).collect()),
            ),
        ],
    );
    ctx
}

impl Form {
    fn texts(&self, values: Vec<Option<String>>) -> ArrayRef {
        cast(&StringArray::from(values), &self.text).unwrap()
    }

    fn ids(&self, values: Vec<Option<Id>>, as_text: bool) -> ArrayRef {
        let number = |id: &Option<Id>| match id {
            Some(Id::Number(number)) => Some(*number),
            _ => None,
        };
        if !as_text && values.iter().any(|id| number(id).is_some()) {
            Arc::new(values.iter().map(number).collect::<Int64Array>())
        } else {
            self.texts(
                values
                    .into_iter()
                    .map(|id| id.map(|id| id.to_string()))
                    .collect(),
            )
        }
    }

    fn instants(&self, nanoseconds: Vec<Option<i64>>) -> ArrayRef {
        let per_unit = match self.unit {
            TimeUnit::Second => 1_000_000_000,
            TimeUnit::Millisecond => 1_000_000,
            TimeUnit::Microsecond => 1000,
            TimeUnit::Nanosecond => 1,
        };
        let ticks: Int64Array = nanoseconds
            .into_iter()
            .map(|at| at.map(|at| at / per_unit))
            .collect();
        let naive = cast(&ticks, &DataType::Timestamp(self.unit, Some("UTC".into()))).unwrap();
        cast(
            &naive,
            &DataType::Timestamp(self.unit, Some(self.label.into())),
        )
        .unwrap()
    }

    fn register(&self, ctx: &SessionContext, name: &str, columns: Vec<(&str, ArrayRef)>) {
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let whole = RecordBatch::try_new(
            schema.clone(),
            columns.into_iter().map(|(_, column)| column).collect(),
        )
        .unwrap();
        let mut files = vec![Vec::new(); self.files];
        for (place, start) in (0..whole.num_rows())
            .step_by(self.rows_per_batch)
            .enumerate()
        {
            let length = self.rows_per_batch.min(whole.num_rows() - start);
            files[place % self.files].push(whole.slice(start, length));
        }
        ctx.register_table(name, Arc::new(MemTable::try_new(schema, files).unwrap()))
            .unwrap();
    }
}

/// The rows in an order that depends on `seed` alone.
fn shuffled<T>(mut rows: Vec<T>, seed: u64) -> Vec<T> {
    let mut state = seed | 1;
    for last in (1..rows.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let pick = usize::try_from(state >> 33).unwrap() % (last + 1);
        rows.swap(last, pick);
    }
    rows
}
