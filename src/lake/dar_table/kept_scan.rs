//! The scan of a table of DARs: the files of the days that a query asks for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{AsArray, BooleanArray, Date32Array};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{
    DFSchema, Result, ScalarValue, Statistics, exec_datafusion_err, project_schema,
};
use datafusion::datasource::TableType;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::execution_plan::CardinalityEffect;
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream,
};
use futures::StreamExt;

use super::log::DayFile;
use super::place::Place;

/// The files of a table, one a day, and what plans call them.
#[derive(Debug)]
pub(super) struct KeptFiles {
    pub(super) place: Place,
    pub(super) days: BTreeMap<i32, DayFile>,
    /// Of the table's version; `None` before there is one.
    pub(super) version: Option<u64>,
    /// The columns of `dars`.
    pub(super) schema: SchemaRef,
}

#[async_trait]
impl TableProvider for KeptFiles {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        scan(session, self, projection, filters, limit).await
    }
}

async fn scan(
    session: &dyn Session,
    files: &KeptFiles,
    projection: Option<&Vec<usize>>,
    filters: &[Expr],
    limit: Option<usize>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let KeptFiles {
        place,
        schema,
        version,
        ..
    } = files;
    let output = project_schema(schema, projection)?;
    let in_files = schema.fields().iter().filter(|field| field.name() != "day");
    let in_files = Schema::new(in_files.cloned().collect::<Vec<_>>());
    let day = Arc::new(Field::new("day", DataType::Date32, true));
    let columns = TableSchema::builder(Arc::new(in_files))
        .with_table_partition_cols(vec![day])
        .build();
    let days = chosen(session, &files.days, filters)?;
    let count = days.len();
    let rows = days.iter().map(|(_, file)| file.rows).sum();
    let statistics = |rows| {
        Statistics::new_unknown(columns.table_schema()).with_num_rows(Precision::Exact(rows))
    };
    let files: Vec<PartitionedFile> = days
        .into_iter()
        .map(|(day, file)| {
            let path = place.below(&file.path).to_string();
            let mut found = PartitionedFile::new(path, file.size)
                .with_partition_values(vec![ScalarValue::Date32(Some(day))]);
            found.statistics = Some(Arc::new(statistics(file.rows)));
            found
        })
        .collect();
    let with_rows =
        |scan: FileScanConfigBuilder| scan.with_statistics(statistics(rows)).with_limit(limit);
    let input = parquet(session, place, &columns, files, &output, with_rows).await?;
    let version = version.map_or_else(String::new, |version| format!(", version={version}"));
    let title = format!("table={}{version}, days={count}", place.name);
    Ok(Arc::new(DarTableExec::new(input, title, output)?))
}

/// The columns `output` of some Parquet files below a table, whose columns are these; `more` adds to the scan.
pub(super) async fn parquet(
    session: &dyn Session,
    place: &Place,
    columns: &TableSchema,
    files: Vec<PartitionedFile>,
    output: &SchemaRef,
    more: impl FnOnce(FileScanConfigBuilder) -> FileScanConfigBuilder,
) -> Result<Arc<dyn ExecutionPlan>> {
    if files.is_empty() {
        return Ok(Arc::new(EmptyExec::new(Arc::clone(output))));
    }
    let places = output
        .fields()
        .iter()
        .map(|field| columns.table_schema().index_of(field.name()));
    let places = places.collect::<std::result::Result<Vec<_>, _>>()?;
    let options = session.default_table_options().parquet;
    let format: Arc<dyn FileFormat> = Arc::new(ParquetFormat::default().with_options(options));
    let partitions = session.config().target_partitions().max(1);
    let scan = FileScanConfigBuilder::new(
        place.store_url().clone(),
        format.file_source(columns.clone()),
    )
    .with_file_groups(FileGroup::new(files).split_files(partitions))
    .with_projection_indices(Some(places))?;
    format
        .create_physical_plan(session, more(scan).build())
        .await
}

/// The days whose rows may pass `filters`.
fn chosen<'s>(
    session: &dyn Session,
    days: &'s BTreeMap<i32, DayFile>,
    filters: &[Expr],
) -> Result<Vec<(i32, &'s DayFile)>> {
    let schema = Arc::new(Schema::new(vec![Field::new("day", DataType::Date32, true)]));
    let column = Date32Array::from_iter_values(days.keys().copied());
    let options = RecordBatchOptions::new().with_row_count(Some(days.len()));
    let rows =
        RecordBatch::try_new_with_options(Arc::clone(&schema), vec![Arc::new(column)], &options)?;
    let schema = DFSchema::try_from(schema)?;
    let mut chosen = vec![true; days.len()];
    for filter in filters {
        let columns = filter.column_refs();
        if columns.is_empty() || columns.iter().any(|column| column.name != "day") {
            continue;
        }
        let passes = session
            .create_physical_expr(filter.clone(), &schema)?
            .evaluate(&rows)?;
        let passes = passes.into_array(days.len())?;
        let passes: &BooleanArray = passes.as_boolean();
        for (chosen, passes) in chosen.iter_mut().zip(passes) {
            *chosen &= passes == Some(true);
        }
    }
    let days = days.iter().zip(chosen).filter(|(_, chosen)| *chosen);
    Ok(days.map(|((day, file), _)| (*day, file)).collect())
}

/// Names the table in a plan.
#[derive(Debug)]
pub(crate) struct DarTableExec {
    input: Arc<dyn ExecutionPlan>,
    title: String,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl DarTableExec {
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        title: String,
        schema: SchemaRef,
    ) -> Result<Self> {
        // A sort may have moved below: its order is the order here too.
        let order = input.equivalence_properties().clone();
        let properties = PlanProperties::new(
            order.with_new_schema(Arc::clone(&schema))?,
            input.output_partitioning().clone(),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Ok(Self {
            input,
            title,
            schema,
            properties: Arc::new(properties),
        })
    }
}

impl DisplayAs for DarTableExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DarTableExec: {}", self.title)
    }
}

impl ExecutionPlan for DarTableExec {
    fn name(&self) -> &str {
        "DarTableExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children
            .pop()
            .ok_or_else(|| exec_datafusion_err!("DarTableExec has one child"))?;
        Ok(Arc::new(Self::new(
            input,
            self.title.clone(),
            Arc::clone(&self.schema),
        )?))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let schema = Arc::clone(&self.schema);
        let rows = self.input.execute(partition, context)?.map(move |batch| {
            let batch = batch?;
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            // The table's columns may be NULL for all that its files say; those of `dars` may not.
            Ok(RecordBatch::try_new_with_options(
                Arc::clone(&schema),
                batch.columns().to_vec(),
                &options,
            )?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            rows,
        )))
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        #[expect(deprecated, reason = "the engine still asks this way")]
        self.input.partition_statistics(partition)
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    fn gather_filters_for_pushdown(
        &self,
        _phase: FilterPushdownPhase,
        parent_filters: Vec<Arc<dyn PhysicalExpr>>,
        _config: &ConfigOptions,
    ) -> Result<FilterDescription> {
        FilterDescription::from_children(parent_filters, &self.children())
    }

    fn handle_child_pushdown_result(
        &self,
        _phase: FilterPushdownPhase,
        child_pushdown_result: ChildPushdownResult,
        _config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::if_all(child_pushdown_result))
    }
}
