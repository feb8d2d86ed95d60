//! `dars` of a session with a table of DARs: from the table where it has the rows, else from the messages.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, project_schema};
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use tokio::sync::OnceCell;

use super::kept_scan::KeptFiles;
use super::log::Log;
use super::manifest::Manifest;
use super::message_files::MessageFiles;
use super::place::Place;
use super::present::Present;
use crate::exec::DaySet;
use crate::table::{DarSource, asked_days, planned};

/// See the module. What it finds when it is scanned first holds for all of its scans, so that a query that reads DARs
/// twice reads the same ones.
pub(super) struct KeptDars {
    pub(super) location: String,
    pub(super) source: DarSource,
    schema: SchemaRef,
    known: OnceCell<Option<Known>>,
}

/// A table that has rows of this source.
#[derive(Debug)]
struct Known {
    files: KeptFiles,
    /// The days of which it has all rows.
    days: DaySet,
}

impl fmt::Debug for KeptDars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptDars").finish_non_exhaustive()
    }
}

impl KeptDars {
    pub(super) fn new(location: String, source: DarSource) -> Self {
        Self {
            location,
            schema: Arc::new(Schema::new(
                source.dars.schema().as_arrow().fields().clone(),
            )),
            source,
            known: OnceCell::new(),
        }
    }

    /// Looks at the table, and at what it would have to stand on.
    async fn look(&self, session: &dyn Session) -> Result<Option<Known>> {
        let place = Place::of(session.runtime_env(), &self.location)?;
        if MessageFiles::of(&self.source.messages).is_err() {
            return Ok(None);
        }
        let Some(snapshot) = Log::of(&place)?.newest().await? else {
            return Ok(None);
        };
        snapshot.check(&place.name)?;
        // What is wrong with the calendar is said when the messages are read.
        let Ok(present) = Present::of(session, &self.source).await else {
            return Ok(None);
        };
        let manifest = Manifest::load(&place, &snapshot.manifest).await?;
        let is_same_reading = manifest.reading == present.reading
            && (self.source.folding.skip_rejected || manifest.has_no_rejected());
        if !is_same_reading {
            return Ok(None);
        }
        let files = (!self.source.stale).then_some(present.files.files.as_slice());
        let days = manifest.current(files, &present.calendar);
        Ok((!days.is_empty()).then(|| Known {
            files: KeptFiles {
                place,
                days: snapshot.days,
                version: Some(snapshot.version),
                schema: Arc::clone(&self.schema),
            },
            days,
        }))
    }
}

#[async_trait]
impl TableProvider for KeptDars {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let pushdown = |filter: &&Expr| match filter.is_volatile() {
            true => TableProviderFilterPushDown::Unsupported,
            false => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(pushdown).collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let known = self.known.get_or_try_init(|| self.look(session)).await?;
        if let Some(known) = known
            && asked_days(filters).without(&known.days).is_empty()
        {
            return known.files.scan(session, projection, filters, limit).await;
        }
        let columns = project_schema(&self.schema, projection)?;
        planned(session, &self.source.dars, filters, &columns).await
    }
}
