//! No float stands in any column of ours: a bill that went through one would be exact by luck.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use datafusion::prelude::SessionContext;

use crate::model::rows;
use crate::session::{Layout, block_on, fresh};

const RELATIONS: [&str; 7] = [
    "sites",
    "feature_periods",
    "contracts",
    "price_tiers",
    "channel_charges",
    "outcomes",
    "seats",
];

/// A call of each function whose relations the session does not have under their own names.
const CALLS: [(&str, &str); 6] = [
    (
        "commitment_curve",
        "SELECT * FROM commitment_curve((SELECT * FROM rated_dars() WHERE org_id = 'org-048'), (SELECT 200 AS committed_credits, 0.5 AS credit_price, 0.6 AS overage_price))",
    ),
    (
        "dar_count",
        "SELECT dar_count(site_id, conversation_id, sent_at, 'UTC') FROM messages",
    ),
    (
        "engagement_credits",
        "SELECT engagement_credits(true, true)",
    ),
    (
        "exact_sum",
        "SELECT exact_sum(price), exact_sum(1) FROM channel_charges",
    ),
    (
        "ledger_changes",
        "SELECT * FROM ledger_changes((SELECT * FROM ledger()), (SELECT * FROM ledger()))",
    ),
    ("tzdb_version", "SELECT tzdb_version()"),
];

fn holds_float(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => {
            holds_float(item.data_type())
        }
        DataType::Struct(fields) => fields.iter().any(|field| holds_float(field.data_type())),
        DataType::Dictionary(_, value) => holds_float(value),
        plain => plain.is_floating(),
    }
}

/// What the crate adds to a session, by the engine's own word.
async fn functions() -> Vec<(String, String)> {
    let listed =
        "SELECT routine_name, max(function_type) FROM information_schema.routines GROUP BY 1";
    let names = async |ctx: &SessionContext| rows(ctx, listed).await.unwrap();
    let plain = SessionContext::new_with_config(
        datafusion::prelude::SessionConfig::new().with_information_schema(true),
    );
    let before = names(&plain).await;
    let ours = names(&fresh(&Layout::default())).await;
    ours.into_iter()
        .filter(|row| !before.contains(row))
        .filter_map(|mut row| Some((row.remove(0)?, row.remove(0)?)))
        .collect()
}

/// Every function, called over the generated year: the types of what it gives, as planned and as computed.
#[test]
fn no_output_holds_a_float() {
    block_on(async {
        let ctx = fresh(&Layout::default());
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/generated");
        let files = RELATIONS.map(|name| (name, format!("{folder}/{name}.parquet")));
        for (name, path) in files
            .into_iter()
            .chain([("messages", format!("{folder}/messages"))])
        {
            let view = format!("CREATE VIEW {name} AS SELECT * FROM '{path}'");
            dayrate::sql(&ctx, &view).await.unwrap();
        }
        let calls = BTreeMap::from(CALLS);
        let mut called = 0;
        for (name, kind) in functions().await {
            let sql = match (calls.get(name.as_str()), kind.as_str()) {
                (Some(call), _) => (*call).to_owned(),
                (None, "TABLE") => format!("SELECT * FROM {name}()"),
                // What is left of the scalars are days and instants.
                _ => format!("SELECT {name}(max(sent_at), 'UTC') FROM messages")
                    .replace("_start(max(sent_at)", "_start(max(sent_at)::DATE")
                    .replace("_end(max(sent_at)", "_end(max(sent_at)::DATE"),
            };
            let frame = dayrate::sql(&ctx, &sql).await;
            let frame = frame.unwrap_or_else(|error| panic!("{sql}: {error}"));
            let planned = frame.schema().as_arrow().clone();
            let computed = frame.limit(0, Some(1)).unwrap().collect().await.unwrap();
            let computed = computed.iter().map(|batch| batch.schema());
            for schema in computed.chain([planned.into()]) {
                for field in schema.fields() {
                    let data_type = field.data_type();
                    assert!(!holds_float(data_type), "{name}: {field:?}");
                }
            }
            called += 1;
        }
        assert!(called >= 20, "only {called} functions were found");
    });
}
