//! The result: of every copy the newest, in the order of time.

use std::fs::File;
use std::path::{Path, PathBuf};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Column;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::functions_aggregate::expr_fn::{max, min};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, SortExpr};
use datafusion::prelude::{DataFrame, SessionContext};
use futures::StreamExt;
use parquet::arrow::ArrowWriter;

use super::stage;
use crate::cli::folder::make;
use crate::cli::parquet_file::{cannot_write, open, properties};
use crate::error;
use crate::lake;
use crate::lake::liveperson::{Part, newest};

/// Rows of a file of messages.
const FILE_ROWS: u64 = 5_000_000;
/// Rows of a row group.
const ROW_GROUP_ROWS: usize = 250_000;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) messages: u64,
    pub(super) outcomes: u64,
    pub(super) rejects: u64,
    /// Distinct ones.
    pub(super) conversations: u64,
    /// Messages whose copies differ in when they were sent.
    pub(super) conflicts: u64,
}

/// Writes the staged rows to `out`.
///
/// # Errors
///
/// A file that cannot be written, above all when the disk is full; too little memory.
pub(super) async fn settle(ctx: &SessionContext, staging: &Path, out: &Path) -> Result<Settled> {
    let messages = out.join("messages");
    make(&messages)?;
    let copies = |part| stage::folder(staging, part);
    let file = |name: &str| {
        let path = out.join(name);
        move |_: u64| path.clone()
    };

    let by_time = ["sent_at", "site_id", "conversation_id", "seq", "message_id"];
    let rows = kept(ctx, staging, Part::Messages).await?;
    let messages = write(ordered(rows, &by_time)?, |number| {
        messages.join(format!("part-{number}.parquet"))
    })
    .await?;
    let by_time = [
        "occurred_at",
        "site_id",
        "conversation_id",
        "kind",
        "outcome_id",
    ];
    let rows = kept(ctx, staging, Part::Outcomes).await?;
    let outcomes = write(ordered(rows, &by_time)?, file("outcomes.parquet")).await?;
    let by_place = ["file_number", "record", "unit", "message_id", "json"];
    let rows = ordered(open_rows(ctx, &copies(Part::Rejects)).await?, &by_place)?;
    let rows = rows.drop_columns(&["file_number"])?;
    let rejects = write(rows, file("rejects.parquet")).await?;

    let deliveries = open_rows(ctx, &copies(Part::Deliveries)).await?;
    let conversations = counted(deliveries.distinct()?).await?;
    let messages_again = open_rows(ctx, &copies(Part::Messages)).await?;
    let conflicts = counted(conflicts(messages_again)?).await?;
    Ok(Settled {
        messages,
        outcomes,
        rejects,
        conversations,
        conflicts,
    })
}

/// The rows of the Parquet files in a folder.
async fn open_rows(ctx: &SessionContext, folder: &Path) -> Result<DataFrame> {
    let state = ctx.state();
    let table = lake::open(&state, &folder.to_string_lossy()).await?;
    let plan = LogicalPlanBuilder::scan("rows", provider_as_source(table), None)?.build()?;
    Ok(DataFrame::new(state, plan))
}

/// The newest copies of the rows of `part`, in files of their own: so the sort that finds them has given its memory back
/// when they are put in order.
async fn kept(ctx: &SessionContext, staging: &Path, part: Part) -> Result<DataFrame> {
    let folder = staging.join(format!("kept_{part:?}").to_lowercase());
    make(&folder)?;
    let copies = open_rows(ctx, &stage::folder(staging, part)).await?;
    let (state, plan) = copies.into_parts();
    let rows = DataFrame::new(state, newest(part, plan)?);
    write(rows, |number| folder.join(format!("{number}.parquet"))).await?;
    open_rows(ctx, &folder).await
}

fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

fn ordered(rows: DataFrame, by: &[&str]) -> Result<DataFrame> {
    let order: Vec<SortExpr> = by
        .iter()
        .map(|name| column(name).sort(true, false))
        .collect();
    rows.sort(order)
}

/// Messages with copies that differ in when they were sent.
fn conflicts(copies: DataFrame) -> Result<DataFrame> {
    let key = ["site_id", "conversation_id", "message_id", "unnamed"];
    let times = vec![
        min(column("sent_at")).alias("first"),
        max(column("sent_at")).alias("last"),
    ];
    copies
        .aggregate(key.map(column).to_vec(), times)?
        .filter(column("first").not_eq(column("last")))
}

async fn counted(rows: DataFrame) -> Result<u64> {
    Ok(u64::try_from(rows.count().await?).unwrap_or(u64::MAX))
}

/// Writes rows, as they come, to files that `name` names by their number; at least to one.
async fn write(rows: DataFrame, name: impl Fn(u64) -> PathBuf) -> Result<u64> {
    let mut batches = rows.execute_stream().await?;
    let schema = batches.schema();
    let (mut count, mut number, mut in_file) = (0, 0, 0);
    let mut open = ResultFile::create(name(number), &schema)?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        if in_file >= FILE_ROWS {
            number += 1;
            in_file = 0;
            std::mem::replace(&mut open, ResultFile::create(name(number), &schema)?).close()?;
        }
        open.writer
            .write(&batch)
            .map_err(|cause| cannot_write(&open.path, &cause))?;
        let rows = u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
        count += rows;
        in_file += rows;
    }
    open.close()?;
    Ok(count)
}

struct ResultFile {
    path: PathBuf,
    writer: ArrowWriter<File>,
}

impl ResultFile {
    fn create(path: PathBuf, schema: &SchemaRef) -> Result<Self> {
        let properties = properties().set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
        let writer = open(&path, schema.clone(), properties)?;
        Ok(Self { path, writer })
    }

    /// Completes the file, on the disk too: the folder gets its name only when all of it is there.
    fn close(self) -> Result<()> {
        let file = self.writer.into_inner();
        let file = file.map_err(|cause| cannot_write(&self.path, &cause))?;
        file.sync_all().map_err(|cause| {
            error::data(format!(
                "cannot write the file '{}': {cause}",
                self.path.display()
            ))
        })
    }
}
