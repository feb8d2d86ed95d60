//! `COPY … TO`: its files, too, appear when all is well or not at all. The engine would leave half of them behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::dml::CopyTo;
use datafusion::object_store::path::Path as Key;
use datafusion::physical_plan;
use datafusion::prelude::{DataFrame, SessionContext};

use super::upload::{self, Parcel};
use super::{engine, progress};
use crate::error;
use crate::lake::stores::{self, Address, Service};

/// Runs the statement beside its target and puts what it wrote in place at the end.
///
/// # Errors
///
/// Those of the query; and if the target cannot be written.
pub(super) async fn run(ctx: &SessionContext, copy: CopyTo) -> Result<Vec<RecordBatch>> {
    let written = copy.output_url.clone();
    let address = Address::of(&written)?;
    if address.service != Service::Local {
        return to_store(ctx, copy).await;
    }
    let failed = |cause| error::config(format!("'{written}' cannot be written: {cause}"));
    let target = PathBuf::from(address.path);
    let is_folder = is_folder(&copy) || target.is_dir();
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
    let rows = into(ctx, copy, &place, is_folder).await?;
    if place.exists() {
        put(&place, &target).map_err(failed)?;
    }
    Ok(rows)
}

/// Writes here first, and sends what is finished.
async fn to_store(ctx: &SessionContext, copy: CopyTo) -> Result<Vec<RecordBatch>> {
    let written = copy.output_url.clone();
    let failed = |cause| {
        error::config(format!(
            "'{written}' cannot be written, because there is no room for it here first: {cause}. Set TMPDIR to a folder \
             that has"
        ))
    };
    let target = stores::place(&ctx.runtime_env(), &written)?;
    upload::check(&target, &written)?;
    let is_folder = is_folder(&copy);
    let name = target
        .path
        .filename()
        .map(str::to_owned)
        .filter(|_| !is_folder)
        .unwrap_or_else(|| "rows".to_owned());
    let beside = tempfile::Builder::new()
        .prefix("dayrate-")
        .tempdir()
        .map_err(failed)?;
    let place = beside.path().join(name);
    let rows = into(ctx, copy, &place, is_folder).await?;
    let mut parcels = Vec::new();
    gather(&place, &target.path, &mut parcels).map_err(failed)?;
    upload::send(&target, parcels).await?;
    Ok(rows)
}

/// Every file at or below `from`, and its key at or below `to`.
fn gather(from: &Path, to: &Key, parcels: &mut Vec<Parcel>) -> std::io::Result<()> {
    if !from.is_dir() {
        if from.exists() {
            parcels.push(Parcel {
                file: from.to_owned(),
                path: to.clone(),
            });
        }
        return Ok(());
    }
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        // The engine encodes what a key cannot have.
        let key = Key::parse(format!("{to}/{}", name.to_string_lossy()).trim_start_matches('/'))
            .map_err(std::io::Error::other)?;
        gather(&entry.path(), &key, parcels)?;
    }
    Ok(())
}

/// Whether the target is a folder by how the statement is written.
fn is_folder(copy: &CopyTo) -> bool {
    copy.output_url.ends_with('/')
        || Path::new(&copy.output_url).extension().is_none()
        || !copy.partition_by.is_empty()
}

/// Runs the statement into a path of this machine.
async fn into(
    ctx: &SessionContext,
    mut copy: CopyTo,
    place: &Path,
    is_folder: bool,
) -> Result<Vec<RecordBatch>> {
    copy.output_url = place.to_string_lossy().into_owned();
    if is_folder {
        // The slash tells the engine that this is a folder.
        copy.output_url.push('/');
    }
    collect(ctx, copy).await
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
