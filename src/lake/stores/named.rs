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

/// What a store said, wherever in the layers of an error it is.
pub(crate) fn fault_in(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut layer = Some(cause);
    while let Some(found) = layer {
        if let Some(fault) = found.downcast_ref::<StoreFault>() {
            return Some(fault.0.clone());
        }
        // An error of input and output hides the one that it was made of.
        let within = found
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .map(|within| within as &(dyn std::error::Error + 'static));
        layer = within.or_else(|| found.source());
    }
    None
}

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
    // Whoever asks for a folder need not know that its log is looked for first.
    let what = format!("{store}/{}", path.trim_end_matches("/_delta_log"));
    let why = match &cause {
        Error::Generic { source, .. }
        | Error::NotFound { source, .. }
        | Error::PermissionDenied { source, .. }
        | Error::Unauthenticated { source, .. } => reason(source.as_ref()),
        _ => String::new(),
    };
    let is_refused = matches!(
        cause,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. }
    ) || REFUSALS.iter().any(|refusal| why.starts_with(refusal));
    let text = if why.contains("NoSuchBucket") {
        format!(
            "'{store}': there is no such bucket. Check the name, and the endpoint if there is one"
        )
    } else if is_refused {
        refused(store, &what, &why)
    } else if why.contains("169.254.169.254") {
        format!(
            "there is no key for '{what}': set the variables of the cloud (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY \
             …), or write [stores.\"{store}\"] anonymous = true in dayrate.toml ({why})"
        )
    } else {
        match &cause {
            Error::NotFound { .. } => format!("'{what}' is not there"),
            Error::AlreadyExists { .. } => format!("'{what}' is there already"),
            Error::Precondition { .. } => format!("'{what}' was changed meanwhile. Run it again"),
            Error::Generic { .. } => format!("'{what}' cannot be reached: {why}"),
            _ => return cause,
        }
    };
    let words = Box::new(StoreFault(secret::hide(&text).into_owned()));
    match cause {
        Error::NotFound { path, .. } => Error::NotFound {
            path,
            source: words,
        },
        Error::PermissionDenied { path, .. } => Error::PermissionDenied {
            path,
            source: words,
        },
        Error::Unauthenticated { path, .. } => Error::Unauthenticated {
            path,
            source: words,
        },
        Error::AlreadyExists { path, .. } => Error::AlreadyExists {
            path,
            source: words,
        },
        Error::Precondition { path, .. } => Error::Precondition {
            path,
            source: words,
        },
        Error::Generic { store, .. } => Error::Generic {
            store,
            source: words,
        },
        other => other,
    }
}

/// How the reasons begin that are about keys, whatever kind of failure they come in.
const REFUSALS: [&str; 9] = [
    "AccessDenied",
    "AuthenticationFailed",
    "AuthorizationFailure",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "401",
    "403",
];

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
