//! Counts of messages of a session with a table of DARs: from beside the table where they are true, else from the messages.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, project_schema};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;

use super::segments::Segment;
use super::{Counts, basis};
use crate::lake::dar_table::kept_scan::{DarTableExec, parquet};
use crate::lake::dar_table::log::Log;
use crate::lake::dar_table::manifest::{Manifest, ReadFile};
use crate::lake::dar_table::message_files::{KnownFile, MessageFiles};
use crate::lake::dar_table::place::Place;
use crate::lake::dar_table::present::rows;
use crate::lake::dar_table::settled_calendar::SettledCalendar;
use crate::table::{CountSource, planned};

/// See the module.
pub(in crate::lake::dar_table) struct KeptCounts {
    location: String,
    source: CountSource,
    schema: SchemaRef,
}

/// Counts that are those of the source.
struct Known {
    place: Place,
    version: u64,
    counts: Counts,
}

impl fmt::Debug for KeptCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptCounts").finish_non_exhaustive()
    }
}

impl KeptCounts {
    pub(in crate::lake::dar_table) fn new(location: String, source: CountSource) -> Self {
        let fields = source.counts.schema().as_arrow().fields().clone();
        Self {
            location,
            schema: Arc::new(Schema::new(fields)),
            source,
        }
    }

    /// Looks at the table, and at what its counts would have to be of.
    async fn look(&self, session: &dyn Session) -> Result<Option<Known>> {
        let CountSource {
            messages,
            kinds,
            zones,
            ..
        } = &self.source;
        let place = Place::of(session.runtime_env(), &self.location)?;
        let Ok(files) = MessageFiles::of(messages) else {
            return Ok(None);
        };
        let Some(snapshot) = Log::of(&place)?.newest().await? else {
            return Ok(None);
        };
        snapshot.check(&place.name)?;
        let manifest = Manifest::load(&place, &snapshot.manifest).await?;
        let Some(counts) = manifest.counts else {
            return Ok(None);
        };
        // What is wrong with the calendar is said when the messages are read.
        let Ok(calendar) = rows(session, &self.source.calendar).await else {
            return Ok(None);
        };
        let known = match self.source.stale {
            true => newest(&manifest.files),
            false => files.files.clone(),
        };
        let are_true = counts.basis == basis(messages, &files, kinds, zones.version())?
            && counts.calendar == SettledCalendar::of_sites(&calendar)?
            && counts.are_of(&known)
            && (self.source.skip_rejected || counts.have_no_rejected());
        Ok(are_true.then_some(Known {
            place,
            version: snapshot.version,
            counts,
        }))
    }
}

impl Known {
    /// The rows of the segments, which add up to the counts.
    async fn scan(
        &self,
        session: &dyn Session,
        schema: &SchemaRef,
        projection: Option<&Vec<usize>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let output = project_schema(schema, projection)?;
        let file = |segment: &Segment| {
            let path = self.place.below(&segment.path).to_string();
            PartitionedFile::new(path, segment.size)
        };
        let files = self.counts.counts.iter().map(file).collect();
        let columns = TableSchema::builder(Arc::clone(schema)).build();
        let input = parquet(session, &self.place, &columns, files, &output, |scan| scan).await?;
        let Self { place, version, .. } = self;
        let title = format!(
            "table={}, version={version}, counts of messages",
            place.name
        );
        Ok(Arc::new(DarTableExec::new(input, title, output)?))
    }
}

/// The files that a table has read, each as it was last.
fn newest(files: &[ReadFile]) -> Vec<KnownFile> {
    files.iter().map(|read| read.file.clone()).collect()
}

#[async_trait]
impl TableProvider for KeptCounts {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(known) = self.look(session).await? {
            return known.scan(session, &self.schema, projection).await;
        }
        let columns = project_schema(&self.schema, projection)?;
        planned(session, &self.source.counts, filters, &columns).await
    }
}
