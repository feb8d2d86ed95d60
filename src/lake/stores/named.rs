//! A store that knows its own name: what it fails with says which object, why, and what to do, and shows no key.
//!
//! Everything that reads or writes a store goes through here, the engine's readers and Delta's log too; the kind of a
//! failure (not found, exists already) stays what it was, because they decide by it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result, UploadPart,
};
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};

use crate::secret;

/// The store.
pub(super) struct NamedStore {
    name: Arc<str>,
    inner: Arc<dyn ObjectStore>,
}

impl NamedStore {
    /// `inner`, called as its address is.
    pub(super) fn new(name: &str, inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            name: name.into(),
            inner,
        }
    }

    fn words<'a>(&'a self, path: &'a Path) -> impl Fn(Error) -> Error + 'a {
        move |cause| worded(&self.name, path.as_ref(), cause)
    }
}

/// A failure in one sentence.
#[derive(Debug)]
pub(crate) struct StoreFault(String);

impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreFault {}

impl fmt::Debug for NamedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The store within shows its address with the query, and some show their keys.
        f.debug_tuple("NamedStore").field(&self.name).finish()
    }
}

impl fmt::Display for NamedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[async_trait]
impl ObjectStore for NamedStore {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let put = self.inner.put_opts(path, payload, options).await;
        put.map_err(self.words(path))
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.inner.put_multipart_opts(path, options).await;
        Ok(Box::new(NamedUpload {
            name: Arc::clone(&self.name),
            path: path.clone(),
            inner: upload.map_err(self.words(path))?,
        }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let got = self.inner.get_opts(path, options).await;
        let mut got = got.map_err(self.words(path))?;
        if let GetResultPayload::Stream(bytes) = got.payload {
            let (name, path) = (Arc::clone(&self.name), path.clone());
            let bytes = bytes.map_err(move |cause| worded(&name, path.as_ref(), cause));
            got.payload = GetResultPayload::Stream(bytes.boxed());
        }
        Ok(got)
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let name = Arc::clone(&self.name);
        let deleted = self.inner.delete_stream(paths);
        deleted
            .map_err(move |cause| worded(&name, "", cause))
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (name, path) = (Arc::clone(&self.name), prefix.cloned().unwrap_or_default());
        let listed = self.inner.list(prefix);
        listed
            .map_err(move |cause| worded(&name, path.as_ref(), cause))
            .boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (name, path) = (Arc::clone(&self.name), prefix.cloned().unwrap_or_default());
        let listed = self.inner.list_with_offset(prefix, offset);
        listed
            .map_err(move |cause| worded(&name, path.as_ref(), cause))
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let listed = self.inner.list_with_delimiter(prefix).await;
        listed.map_err(|cause| worded(&self.name, prefix.map_or("", Path::as_ref), cause))
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let copied = self.inner.copy_opts(from, to, options).await;
        copied.map_err(self.words(to))
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let renamed = self.inner.rename_opts(from, to, options).await;
        renamed.map_err(self.words(to))
    }
}

/// An upload into a store that knows its name.
struct NamedUpload {
    name: Arc<str>,
    path: Path,
    inner: Box<dyn MultipartUpload>,
}

impl fmt::Debug for NamedUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NamedUpload").field(&self.path).finish()
    }
}

#[async_trait]
impl MultipartUpload for NamedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (name, path) = (Arc::clone(&self.name), self.path.clone());
        let part = self.inner.put_part(data);
        part.map_err(move |cause| worded(&name, path.as_ref(), cause))
            .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let completed = self.inner.complete().await;
        completed.map_err(|cause| worded(&self.name, self.path.as_ref(), cause))
    }

    async fn abort(&mut self) -> Result<()> {
        let aborted = self.inner.abort().await;
        aborted.map_err(|cause| worded(&self.name, self.path.as_ref(), cause))
    }
}

/// The same failure in our words.
fn worded(store: &str, path: &str, cause: Error) -> Error {
    let what = format!("{store}/{path}");
    let source = |why: String| -> Box<dyn std::error::Error + Send + Sync> {
        Box::new(StoreFault(secret::hide(&why).into_owned()))
    };
    match cause {
        Error::NotFound {
            path,
            source: inner,
        } => {
            let why = reason(inner.as_ref());
            let text = if why.contains("NoSuchBucket") {
                format!(
                    "'{store}': there is no such bucket. Check the name, and the endpoint if there is one"
                )
            } else {
                format!("'{what}' is not there")
            };
            Error::NotFound {
                path,
                source: source(text),
            }
        }
        Error::PermissionDenied {
            path,
            source: inner,
        } => Error::PermissionDenied {
            path,
            source: source(refused(store, &what, &reason(inner.as_ref()))),
        },
        Error::Unauthenticated {
            path,
            source: inner,
        } => Error::Unauthenticated {
            path,
            source: source(refused(store, &what, &reason(inner.as_ref()))),
        },
        Error::AlreadyExists { path, .. } => Error::AlreadyExists {
            path,
            source: source(format!("'{what}' is there already")),
        },
        Error::Precondition { path, .. } => Error::Precondition {
            path,
            source: source(format!("'{what}' was changed meanwhile. Run it again")),
        },
        Error::Generic {
            store: kind,
            source: inner,
        } => {
            let why = reason(inner.as_ref());
            let text = if why.contains("169.254.169.254") {
                format!(
                    "there is no key for '{what}': set the variables of the cloud (AWS_ACCESS_KEY_ID and \
                     AWS_SECRET_ACCESS_KEY …), or write [stores.\"{store}\"] anonymous = true in dayrate.toml ({why})"
                )
            } else {
                format!("'{what}' cannot be reached: {why}")
            };
            Error::Generic {
                store: kind,
                source: source(text),
            }
        }
        other => other,
    }
}

fn refused(store: &str, what: &str, why: &str) -> String {
    format!(
        "'{store}' refuses '{what}': {why}. Check the key (the variables of the cloud, or [stores.\"{store}\"] in \
         dayrate.toml) and what it may do"
    )
}

/// Why a request failed, without the layers around it: what the store says, or what the network does.
fn reason(cause: &(dyn std::error::Error + 'static)) -> String {
    let text = cause.to_string();
    if let Some(code) = element(&text, "Code") {
        return match element(&text, "Message") {
            Some(message) if !message.is_empty() => format!("{code} ({message})"),
            _ => code.to_owned(),
        };
    }
    let mut layers = vec![text];
    let mut below = cause.source();
    while let Some(layer) = below {
        layers.push(layer.to_string());
        below = layer.source();
    }
    let last = layers.last().cloned().unwrap_or_default();
    if layers.iter().any(|layer| layer.contains("169.254.169.254")) {
        return layers.swap_remove(0);
    }
    if last.contains("timed out") || last.contains("timeout") {
        return "there is no answer in time. Try again later, or give it more time with connect_timeout and \
                request_timeout (seconds)"
            .to_owned();
    }
    if last.contains("not allowed")
        || layers
            .iter()
            .any(|layer| layer.contains("scheme is not allowed"))
    {
        return "its endpoint is not encrypted. Use https, or allow it with allow_http = true"
            .to_owned();
    }
    // The first layer has the status of an answer, the last one what broke.
    let status = layers
        .iter()
        .find_map(|layer| layer.split_once("status code: "))
        .map(|(_, status)| status.trim_end_matches(": ").to_owned());
    status.unwrap_or(last)
}

/// The text of an element of the store's XML.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.split_once(&format!("</{name}>"))?;
    Some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stores_own_words_are_used() {
        let cause = std::io::Error::other(
            "Error performing GET http://h/b?list-type=2 - 403: <Error><Code>InvalidAccessKeyId</Code>\
             <Message>no such key</Message></Error>",
        );
        let failed = worded(
            "s3://b",
            "x/y.parquet",
            Error::PermissionDenied {
                path: "x/y.parquet".to_owned(),
                source: Box::new(cause),
            },
        );
        let text = failed.to_string();
        assert!(
            text.contains(
                "'s3://b' refuses 's3://b/x/y.parquet': InvalidAccessKeyId (no such key)"
            ),
            "{text}"
        );
        assert!(matches!(failed, Error::PermissionDenied { .. }));
    }
}
