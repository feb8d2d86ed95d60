//! Relations from files.
use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::execution::SessionState;
use std::sync::Arc;
pub(crate) fn looks_like_path(name: &str) -> bool {
    name.contains('/')
}
pub(crate) async fn open(_s: &SessionState, l: &str) -> Result<Arc<dyn TableProvider>> {
    Err(crate::error::query(l))
}
