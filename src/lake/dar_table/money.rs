//! What the contracts came to at a refresh, so that the next one can say what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::MemTable;
use datafusion::common::{TableReference, exec_datafusion_err};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::day::{Day, show_day};
use crate::table::{DARS_ALIKE, ended_everywhere};

/// Whose invoice, and of which period.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Owed {
    pub(crate) scenario: Option<String>,
    pub(crate) org_id: String,
    pub(crate) contract_id: String,
    /// ISO dates.
    pub(crate) period_start: String,
    pub(crate) period_end: String,
    pub(crate) currency: String,
}

/// What became of the amount of one invoice period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MoneyChange {
    pub(crate) owed: Owed,
    /// In the currency's units, as the last refresh saw it; 0 if it did not.
    pub(crate) before: Decimal,
    /// As it is now; 0 if there is no such invoice any more.
    pub(crate) after: Decimal,
}

impl MoneyChange {
    /// How much more is owed now.
    pub(crate) fn difference(&self) -> Decimal {
        self.after - self.before
    }
}

/// The amount of each invoice period, channel charges aside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Money(Vec<(Owed, String)>);

/// The name under which DARs are looked at.
const DARS: &str = "dayrate alike";

impl Money {
    /// What the session's contracts come to over `dars`, as [`super::alike`] has them.
    ///
    /// # Errors
    ///
    /// What is wrong with the contracts.
    pub(super) async fn of(
        ctx: &SessionContext,
        dars: RecordBatch,
        as_of: Option<Day>,
    ) -> Result<Self> {
        let dars = MemTable::try_new(dars.schema(), vec![vec![dars]])?;
        ctx.register_table(TableReference::bare(DARS), Arc::new(dars))?;
        let amounts = Self::amounts(ctx, as_of.unwrap_or_else(ended_everywhere)).await;
        ctx.deregister_table(TableReference::bare(DARS))?;
        amounts
    }

    async fn amounts(ctx: &SessionContext, as_of: Day) -> Result<Self> {
        // In a scenario with few contracts most DARs have none: no line is asked of them.
        let sql = format!(
            "SELECT scenario, org_id, contract_id, period_start, period_end, currency, sum(amount) AS amount \
             FROM invoice_lines((SELECT * FROM rated_dars((SELECT org_id, day, gen_ai, intent_analyzer, \
             \"{DARS_ALIKE}\" FROM \"{DARS}\"), scenario => '*') WHERE contract_id IS NOT NULL), \
             as_of => DATE '{}', channel_charges => NULL) \
             WHERE contract_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6",
            show_day(i64::from(as_of)),
        );
        let rows = crate::sql::sql(ctx, &sql).await?.collect().await?;
        let mut money = Vec::new();
        for batch in &rows {
            let text = |place: usize| -> Result<ArrayRef> {
                let column = batch.columns().get(place);
                let column =
                    column.ok_or_else(|| exec_datafusion_err!("an invoice lacks a column"))?;
                Ok(cast(column, &DataType::Utf8View)?)
            };
            let columns = (0..7).map(text).collect::<Result<Vec<_>>>()?;
            for row in 0..batch.num_rows() {
                let mut values = columns.iter().map(|column| {
                    let texts = column.as_string_view();
                    texts.is_valid(row).then(|| texts.value(row).to_owned())
                });
                let mut next = || values.next().flatten();
                let owed = Owed {
                    scenario: next(),
                    org_id: next().unwrap_or_default(),
                    contract_id: next().unwrap_or_default(),
                    period_start: next().unwrap_or_default(),
                    period_end: next().unwrap_or_default(),
                    currency: next().unwrap_or_default(),
                };
                money.push((owed, next().unwrap_or_default()));
            }
        }
        Ok(Self(money))
    }

    /// Whether nothing is owed, or nothing is known.
    pub(super) fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// What became of each amount that is another now.
    pub(super) fn changes(&self, after: &Self) -> Vec<MoneyChange> {
        let amounts = |money: &Self| -> BTreeMap<Owed, Decimal> {
            let pairs = money.0.iter();
            pairs
                .map(|(owed, amount)| (owed.clone(), amount.parse().unwrap_or_default()))
                .collect()
        };
        let (before, after) = (amounts(self), amounts(after));
        let owed: BTreeSet<&Owed> = before.keys().chain(after.keys()).collect();
        let of = |amounts: &BTreeMap<Owed, Decimal>, owed: &Owed| {
            amounts.get(owed).copied().unwrap_or_default()
        };
        owed.into_iter()
            .map(|owed| MoneyChange {
                owed: owed.clone(),
                before: of(&before, owed),
                after: of(&after, owed),
            })
            .filter(|change| change.before != change.after)
            .collect()
    }
}
