//! A part of a history as a table.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;

use super::inputs::Input;
use super::part::Part;
use super::scan::{HistoryExec, Scan};

/// A part of a history as a table: every copy of every row, read while the query runs.
#[derive(Debug)]
pub(crate) struct HistoryTable {
    part: Part,
    inputs: Arc<[Input]>,
    fails: bool,
}

impl HistoryTable {
    /// The table of `part` in these files. If it `fails`, what cannot be used ends the query.
    pub(crate) fn new(part: Part, inputs: Vec<Input>, fails: bool) -> Self {
        Self {
            part,
            inputs: inputs.into(),
            fails,
        }
    }

    /// The files for each of at most `most` threads, of about the same size together.
    fn shares(&self, most: usize) -> Vec<Vec<usize>> {
        let count = most.clamp(1, self.inputs.len().max(1));
        let mut shares = vec![(0_u64, Vec::new()); count];
        let mut by_size: Vec<usize> = (0..self.inputs.len()).collect();
        let bytes = |place: &usize| self.inputs.get(*place).map_or(0, |input| input.bytes);
        by_size.sort_by_key(|place| std::cmp::Reverse(bytes(place)));
        for place in by_size {
            if let Some((total, share)) = shares.iter_mut().min_by_key(|(total, _)| *total) {
                *total += bytes(&place);
                share.push(place);
            }
        }
        shares.into_iter().map(|(_, share)| share).collect()
    }
}

#[async_trait]
impl TableProvider for HistoryTable {
    fn schema(&self) -> SchemaRef {
        self.part.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let shares = self.shares(session.config().target_partitions());
        let scan = Scan {
            part: self.part,
            inputs: Arc::clone(&self.inputs),
            fails: self.fails,
            projection: projection.cloned(),
        };
        Ok(Arc::new(HistoryExec::new(scan, shares)))
    }
}
