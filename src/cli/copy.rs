//! `COPY … TO`: its files, too, appear when all is well or not at all. The engine would leave half of them behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::dml::CopyTo;
use datafusion::physical_plan;
use datafusion::prelude::{DataFrame, SessionContext};

use super::{engine, progress};
use crate::error;

/// Runs the statement beside its target and puts what it wrote in place at the end.
///
/// # Errors
///
/// Those of the query; and if the target cannot be written.
pub(super) async fn run(ctx: &SessionContext, mut copy: CopyTo) -> Result<Vec<RecordBatch>> {
    if copy.output_url.contains("://") {
        return collect(ctx, copy).await;
    }
    let written = copy.output_url.clone();
    let failed = |cause| error::config(format!("'{written}' cannot be written: {cause}"));
    let target = PathBuf::from(&written);
    let is_folder = written.ends_with('/')
        || target.is_dir()
        || target.extension().is_none()
        || !copy.partition_by.is_empty();
    let parent = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(failed)?;
    let beside = tempfile::Builder::new()
        .prefix(".dayrate-")
        .suffix(".part")
        .tempdir_in(parent)
        .map_err(failed)?;
    let name = target
        .file_name()
        .ok_or_else(|| error::config(format!("'{written}' names no file or folder")))?;
    let place = beside.path().join(name);
    copy.output_url = place.to_string_lossy().into_owned();
    if is_folder {
        // The slash tells the engine that this is a folder.
        copy.output_url.push('/');
    }
    let rows = collect(ctx, copy).await?;
    if place.exists() {
        put(&place, &target).map_err(failed)?;
    }
    Ok(rows)
}

async fn collect(ctx: &SessionContext, copy: CopyTo) -> Result<Vec<RecordBatch>> {
    let rows = DataFrame::new(ctx.state(), LogicalPlan::Copy(copy));
    let context = Arc::new(rows.task_ctx());
    let plan = rows.create_physical_plan().await?;
    let _watch = progress::watch(&plan);
    engine::start(physical_plan::collect(plan, context))?
        .join()
        .await?
}

/// Moves a file, or the files of a folder to those already there: their names are the engine's, and new.
fn put(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() || !to.exists() {
        return std::fs::rename(from, to);
    }
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        put(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
