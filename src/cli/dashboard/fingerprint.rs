//! What the page was made from: files, sizes, rows and a digest of each relation.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;
use std::sync::Arc;

use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::object_store::{GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt};
use datafusion::physical_plan::ExecutionPlan;
use futures::TryStreamExt;
use sha2::{Digest, Sha256};

use super::axis::whole;
use super::book::Book;
use super::number::Number;
use super::relation;

/// The relations that a page may be made from.
const RELATIONS: [&str; 8] = [
    "messages",
    "sites",
    "feature_periods",
    "contracts",
    "price_tiers",
    "channel_charges",
    "outcomes",
    "seats",
];

/// See the module.
#[derive(Debug)]
pub(super) struct Fingerprint {
    pub(super) relation: &'static str,
    pub(super) files: Number,
    pub(super) bytes: Number,
    pub(super) rows: Number,
    /// Of the files, in hexadecimal; `None` if there are none.
    pub(super) digest: Option<String>,
}

/// The fingerprints of every relation there is; `messages` are so many rows.
///
/// # Errors
///
/// A file that cannot be read.
pub(super) async fn fingerprints(book: &Book, messages: Number) -> Result<Vec<Fingerprint>> {
    let mut inputs = Vec::new();
    for relation in RELATIONS {
        if relation::exists(&book.ctx, relation) {
            inputs.push(of(book, relation, messages).await?);
        }
    }
    Ok(inputs)
}

async fn of(book: &Book, relation: &'static str, messages: Number) -> Result<Fingerprint> {
    let plan = book
        .ctx
        .table(relation)
        .await?
        .create_physical_plan()
        .await?;
    let mut files = BTreeMap::new();
    collect(&plan, &mut files);
    let mut digests = Vec::new();
    let mut bytes = 0_i128;
    for (store, file) in files.values() {
        bytes += i128::from(file.size);
        let store = book.ctx.runtime_env().object_store(store)?;
        digests.push(digest(&store, file).await?);
    }
    digests.sort();
    let rows = match relation {
        "messages" => messages,
        _ => {
            let counted = book
                .ask(&format!("SELECT count(*) AS n FROM {relation}"))
                .await?;
            counted.first().map_or(Number::ZERO, |row| row.amount("n"))
        }
    };
    let lines = digests.iter().map(|digest| format!("{digest}\n"));
    Ok(Fingerprint {
        relation,
        files: Number::new(whole(files.len()), 0),
        bytes: Number::new(bytes, 0),
        rows,
        digest: (!digests.is_empty()).then(|| hex(&Sha256::digest(lines.collect::<String>()))),
    })
}

/// Every file that a plan reads, once, whichever parts of it.
fn collect(
    plan: &Arc<dyn ExecutionPlan>,
    files: &mut BTreeMap<String, (ObjectStoreUrl, ObjectMeta)>,
) {
    let scan = plan
        .downcast_ref::<DataSourceExec>()
        .and_then(|source| source.data_source().downcast_ref::<FileScanConfig>());
    if let Some(scan) = scan {
        for file in scan.file_groups.iter().flat_map(|group| group.iter()) {
            let store = scan.object_store_url.clone();
            let key = format!("{}{}", store.as_str(), file.object_meta.location);
            files.insert(key, (store, file.object_meta.clone()));
        }
    }
    for child in plan.children() {
        collect(child, files);
    }
    #[cfg(feature = "cluster")]
    if let Some(sent) = crate::cluster::sent(plan) {
        collect(sent, files);
    }
}

/// The SHA-256 of a local file, as `sha256sum` prints it. A file in a store is not fetched again: the store's own tag
/// names its content.
async fn digest(store: &Arc<dyn ObjectStore>, file: &ObjectMeta) -> Result<String> {
    let found = store
        .get(&file.location)
        .await
        .map_err(DataFusionError::from)?;
    let tag = file.e_tag.clone().or(found.meta.e_tag.clone());
    match found.payload {
        GetResultPayload::File(mut content, _) => {
            let read = tokio::task::spawn_blocking(move || {
                let (mut digest, mut part) = (Sha256::new(), vec![0; 1 << 20]);
                loop {
                    let length = content.read(&mut part)?;
                    match part.get(..length) {
                        None | Some([]) => return Ok::<_, std::io::Error>(hex(&digest.finalize())),
                        Some(part) => digest.update(part),
                    }
                }
            });
            let read = read
                .await
                .map_err(|cause| DataFusionError::External(Box::new(cause)))?;
            read.map_err(DataFusionError::IoError)
        }
        GetResultPayload::Stream(mut content) => match tag {
            Some(tag) => Ok(tag.trim_matches('"').to_owned()),
            None => {
                let mut digest = Sha256::new();
                while let Some(part) = content.try_next().await.map_err(DataFusionError::from)? {
                    digest.update(&part);
                }
                Ok(hex(&digest.finalize()))
            }
        },
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
