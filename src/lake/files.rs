//! A table over a fixed list of files.
//!
//! DataFusion's `ListingTable` lists again at every scan, leaves out files that do not fit the folder layout or are
//! empty, and believes the sort order that a Parquet file claims for itself. This table reads exactly the files that
//! were found when it was opened, believes no order, and knows each file's number of rows, so `count(*)` stays free.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{AsArray, BooleanArray};
#[cfg(all(feature = "cli", feature = "delta"))]
use datafusion::arrow::datatypes::Field;
use datafusion::arrow::datatypes::{DataType, FieldRef, Fields, Schema, SchemaRef};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, ScalarValue, Statistics, project_schema};
use datafusion::datasource::TableType;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::listing::helpers::expr_applicable_for_cols;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::object_store::ObjectStore;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

use super::folders::FolderColumn;
use super::format::{self, Reader};
use super::listing::Found;
use super::rows::{self, RowFormat, RowsExec, RowsFile, RowsScan};
use super::stores;
use crate::error;

/// A file that has said what it holds.
#[derive(Debug)]
pub(super) struct DataFile {
    pub(super) found: Found,
    pub(super) schema: SchemaRef,
    rows: Precision<usize>,
}

impl DataFile {
    /// Reads what the file says about itself: its footer or its first rows. `types` are those that the configuration gives.
    pub(super) async fn inspect(
        session: &dyn Session,
        reader: &Reader,
        store: &Arc<dyn ObjectStore>,
        found: Found,
        types: &BTreeMap<String, DataType>,
    ) -> Result<Self> {
        let (schema, rows) = match reader {
            Reader::Columns(format) => footer(session, format, store, &found).await?,
            Reader::Rows(format) => {
                let compression = format::compression(&found.name);
                rows::sample(store, &found, *format, compression, types).await?
            }
        };
        Ok(Self {
            found,
            schema,
            rows,
        })
    }
}

async fn footer(
    session: &dyn Session,
    format: &Arc<dyn FileFormat>,
    store: &Arc<dyn ObjectStore>,
    found: &Found,
) -> Result<(SchemaRef, Precision<usize>)> {
    let unreadable = |cause: DataFusionError| match stores::fault_in(&cause) {
        // What the store says is about the store.
        Some(fault) => error::data(fault),
        None => error::data(format!(
            "'{}' cannot be read as a {} file ({} bytes): {cause}. It may be half-written or of another format",
            found.name,
            format.get_ext(),
            found.meta.size
        )),
    };
    let schema = format
        .infer_schema(session, store, std::slice::from_ref(&found.meta))
        .await
        .map_err(unreadable)?;
    // Only the number of rows is asked for: it needs no column, and no claim about values has to be converted.
    let statistics = format
        .infer_stats(session, store, Arc::new(Schema::empty()), &found.meta)
        .await
        .map_err(unreadable)?;
    Ok((schema, statistics.num_rows))
}

/// The table of [`super::open`].
#[derive(Debug)]
pub(super) struct FilesTable {
    reader: Reader,
    store: ObjectStoreUrl,
    schema: TableSchema,
    files: Vec<PartitionedFile>,
    /// How people find each file.
    names: Vec<String>,
    rows: Vec<Precision<usize>>,
}

impl FilesTable {
    pub(super) fn new(
        reader: Reader,
        store: ObjectStoreUrl,
        files: Vec<DataFile>,
        file_schema: SchemaRef,
        folders: Vec<FolderColumn>,
    ) -> Result<Self> {
        let rows = files.iter().map(|file| file.rows).collect();
        let names = files.iter().map(|file| file.found.name.clone()).collect();
        let files = files
            .into_iter()
            .enumerate()
            .map(|(at, file)| {
                let values = folders
                    .iter()
                    .filter_map(|column| column.values.get(at).cloned())
                    .collect();
                PartitionedFile::from(file.found.meta).with_partition_values(values)
            })
            .collect();
        let fields: Vec<FieldRef> = folders.into_iter().map(|column| column.field).collect();
        Ok(Self {
            reader,
            store,
            schema: TableSchema::builder(file_schema)
                .with_table_partition_cols(fields)
                .build(),
            files,
            names,
            rows,
        })
    }

    fn folder_fields(&self) -> &Fields {
        self.schema.table_partition_cols()
    }

    /// Whether a filter speaks of folder columns alone, so that it holds for all rows of a file or for none.
    fn decides_files(&self, filter: &Expr) -> bool {
        let names: Vec<&str> = self
            .folder_fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        !names.is_empty()
            && !filter.column_refs().is_empty()
            && expr_applicable_for_cols(&names, filter)
    }

    /// For each file, whether its folders pass `filters`.
    fn chosen(&self, session: &dyn Session, filters: &[Expr]) -> Result<Vec<bool>> {
        let mut chosen = vec![true; self.files.len()];
        if filters.is_empty() {
            return Ok(chosen);
        }
        let schema = Arc::new(Schema::new(self.folder_fields().clone()));
        let columns = (0..schema.fields().len())
            .map(|at| {
                ScalarValue::iter_to_array(
                    self.files
                        .iter()
                        .map(|file| file.partition_values[at].clone()),
                )
            })
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.files.len()));
        let folders = RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options)?;
        let schema = DFSchema::try_from(schema)?;
        for filter in filters {
            let values = session
                .create_physical_expr(filter.clone(), &schema)?
                .evaluate(&folders)?
                .into_array(self.files.len())?;
            let passes: &BooleanArray = values.as_boolean();
            for (chosen, passes) in chosen.iter_mut().zip(passes) {
                *chosen &= passes == Some(true);
            }
        }
        Ok(chosen)
    }

    /// A scan of the chosen files, row after row.
    fn scan_rows(
        &self,
        session: &dyn Session,
        format: RowFormat,
        chosen: &[bool],
        projection: Option<&Vec<usize>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files: Vec<RowsFile> = (0..self.files.len())
            .filter(|at| chosen.get(*at) == Some(&true))
            .map(|at| RowsFile {
                meta: self.files[at].object_meta.clone(),
                name: self.names[at].clone(),
                compression: format::compression(&self.names[at]),
                folders: self.files[at].partition_values.clone(),
                rows: self.rows[at],
            })
            .collect();
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(project_schema(
                &self.schema(),
                projection,
            )?)));
        }
        let all = || (0..self.schema.table_schema().fields().len()).collect();
        let scan = RowsScan {
            store: session.runtime_env().object_store(&self.store)?,
            #[cfg(feature = "cluster")]
            store_url: self.store.clone(),
            format,
            file_schema: Arc::clone(self.schema.file_schema()),
            folder_fields: self.folder_fields().clone(),
            projection: projection.cloned().unwrap_or_else(all),
        };
        let partitions = session.config().target_partitions().max(1);
        Ok(Arc::new(RowsExec::new(scan, files, partitions)))
    }

    fn statistics(&self, rows: Precision<usize>) -> Statistics {
        Statistics::new_unknown(self.schema.table_schema()).with_num_rows(rows)
    }
}

#[async_trait]
impl TableProvider for FilesTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let pushdown = |filter: &&Expr| match self.decides_files(filter) {
            true => TableProviderFilterPushDown::Exact,
            // The reader skips row groups by it; the filter stays above.
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
        let by_folder: Vec<Expr> = filters
            .iter()
            .filter(|filter| self.decides_files(filter))
            .cloned()
            .collect();
        let chosen = self.chosen(session, &by_folder)?;
        let format = match &self.reader {
            Reader::Columns(format) => format,
            Reader::Rows(format) => return self.scan_rows(session, *format, &chosen, projection),
        };
        let mut total = Precision::Exact(0);
        let mut files = Vec::new();
        for ((file, rows), _) in self
            .files
            .iter()
            .zip(&self.rows)
            .zip(chosen)
            .filter(|(_, chosen)| *chosen)
        {
            total = total.add(rows);
            let mut file = file.clone();
            file.statistics = Some(Arc::new(self.statistics(*rows)));
            files.push(file);
        }
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(project_schema(
                &self.schema(),
                projection,
            )?)));
        }
        let partitions = session.config().target_partitions().max(1);
        let scan =
            FileScanConfigBuilder::new(self.store.clone(), format.file_source(self.schema.clone()))
                .with_file_groups(FileGroup::new(files).split_files(partitions))
                .with_statistics(self.statistics(total))
                .with_projection_indices(projection.cloned())?
                .with_limit(limit)
                .build();
        format.create_physical_plan(session, scan).await
    }
}

/// For a refresh, which reads some of the files and wants to know which rows are whose.
#[cfg(all(feature = "cli", feature = "delta"))]
impl FilesTable {
    /// The store of the files.
    pub(super) fn store(&self) -> &ObjectStoreUrl {
        &self.store
    }

    /// What the store says of each file.
    pub(super) fn metas(&self) -> impl Iterator<Item = &datafusion::object_store::ObjectMeta> {
        self.files.iter().map(|file| &file.object_meta)
    }

    /// Only some of the files, by their place among [`Self::metas`], each with a number that stands in a column beside
    /// those of the table.
    pub(super) fn numbered(&self, files: &[(usize, u32)], column: &str) -> Self {
        let number = Field::new(column, DataType::UInt32, false);
        let folders = self.folder_fields().iter().cloned();
        let folders = folders.chain([Arc::new(number)]).collect::<Vec<_>>();
        let mut table = Self {
            reader: self.reader.clone(),
            store: self.store.clone(),
            schema: TableSchema::builder(Arc::clone(self.schema.file_schema()))
                .with_table_partition_cols(folders)
                .build(),
            files: Vec::with_capacity(files.len()),
            names: Vec::with_capacity(files.len()),
            rows: Vec::with_capacity(files.len()),
        };
        for (place, number) in files {
            let (Some(file), Some(rows), Some(name)) = (
                self.files.get(*place),
                self.rows.get(*place),
                self.names.get(*place),
            ) else {
                continue;
            };
            table.names.push(name.clone());
            let mut file = file.clone();
            let number = ScalarValue::UInt32(Some(*number));
            file.partition_values.push(number);
            table.files.push(file);
            table.rows.push(*rows);
        }
        table
    }
}
