//! `NotedFoldExec`: the fold of a refresh in a process that shares no memory with the refresh. What it notes of each file
//! goes with the parts, as rows after them.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Date32Array, RecordBatch, UInt32Array, new_null_array,
};
use arrow::compute::filter_record_batch;
use arrow::compute::is_null;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties,
    InputDistributionRequirements, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::day_scope::DayScope;
use super::file_notes::{FileNotes, FoldedFiles};
use super::fold::{FoldMessagesExec, Folding, SharedCalendar};
use super::parts;

/// The column of the notes, beside those of parts: a row has a part or a note.
const NOTE: &str = "note";

fn schema() -> SchemaRef {
    let parts = parts::schema();
    let note = Arc::new(Field::new(NOTE, DataType::Binary, true));
    let fields = parts.fields().iter().cloned().chain([note]);
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// See the module. Children: as of [`FoldMessagesExec`], and messages have the column [`super::FILE`] besides.
#[derive(Debug)]
pub(crate) struct NotedFoldExec {
    folding: Folding,
    wanted: Vec<Arc<DayScope>>,
    calendar_rows: Arc<dyn ExecutionPlan>,
    messages: Arc<dyn ExecutionPlan>,
    calendar: SharedCalendar,
    properties: Arc<PlanProperties>,
}

impl NotedFoldExec {
    /// The fold of files of which these days are `wanted`, by their numbers.
    pub(crate) fn new(
        folding: Folding,
        wanted: Vec<Arc<DayScope>>,
        calendar_rows: Arc<dyn ExecutionPlan>,
        messages: Arc<dyn ExecutionPlan>,
    ) -> Self {
        let partitions = messages.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            folding,
            wanted,
            calendar_rows,
            messages,
            calendar: SharedCalendar::default(),
            properties: Arc::new(properties),
        }
    }

    /// What is made of the messages.
    pub(crate) fn folding(&self) -> &Folding {
        &self.folding
    }

    /// The days that are wanted of each file.
    pub(crate) fn wanted(&self) -> &[Arc<DayScope>] {
        &self.wanted
    }
}

impl DisplayAs for NotedFoldExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NotedFoldExec: files={}", self.wanted.len())
    }
}

impl ExecutionPlan for NotedFoldExec {
    fn name(&self) -> &'static str {
        "NotedFoldExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![
            Distribution::SinglePartition,
            Distribution::UnspecifiedDistribution,
        ])
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false, false]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.calendar_rows, &self.messages]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([calendar_rows, messages]) = <[_; 2]>::try_from(children) else {
            return Err(exec_datafusion_err!("NotedFoldExec has two children"));
        };
        let (folding, wanted) = (self.folding.clone(), self.wanted.clone());
        Ok(Arc::new(Self::new(
            folding,
            wanted,
            calendar_rows,
            messages,
        )))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        // The notes of this partition alone: whoever does it over notes the same again.
        let files = Arc::new(FoldedFiles::new(self.wanted.clone()));
        let folding = Folding {
            files: Some(Arc::clone(&files)),
            ..self.folding.clone()
        };
        let fold = FoldMessagesExec::new(
            folding,
            Arc::clone(&self.calendar_rows),
            Arc::clone(&self.messages),
            Arc::clone(&self.calendar),
        );
        let parts = fold.execute(partition, context)?;
        let parts = parts.map(|batch| without_notes(&batch?));
        // They are complete when the parts are.
        let notes = stream::once(async move { notes(&files.notes()) });
        let rows = RecordBatchStreamAdapter::new(schema(), parts.chain(notes));
        Ok(Box::pin(rows))
    }
}

/// Parts, as rows beside notes.
fn without_notes(parts: &RecordBatch) -> Result<RecordBatch> {
    let note = new_null_array(&DataType::Binary, parts.num_rows());
    let columns = parts.columns().iter().cloned().chain([note]);
    Ok(RecordBatch::try_new(schema(), columns.collect())?)
}

/// The rows of what was noted: the number of a file in the place of a site, and the note.
fn notes(notes: &[FileNotes]) -> Result<RecordBatch> {
    let nothing = FileNotes::default();
    let (mut files, mut written) = (Vec::new(), Vec::new());
    for (file, note) in (0_u32..).zip(notes).filter(|(_, note)| **note != nothing) {
        files.push(file);
        written.push(serde_json::to_vec(note).map_err(unreadable)?);
    }
    let rows = files.len();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from(files)),
        Arc::new(Date32Array::from(vec![0; rows])),
        Arc::new(BinaryArray::from_iter_values(vec![b""; rows])),
        Arc::new(BinaryArray::from_iter_values(written)),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}

/// The parts among the rows of a [`NotedFoldExec`]; the notes among them go to `files`.
///
/// # Errors
///
/// Those of the rows; a note that cannot be read.
pub(crate) fn heard(
    rows: SendableRecordBatchStream,
    files: Arc<FoldedFiles>,
) -> SendableRecordBatchStream {
    let parts = rows.and_then(move |batch| {
        let parts = heard_of(&batch, &files);
        std::future::ready(parts)
    });
    Box::pin(RecordBatchStreamAdapter::new(parts::schema(), parts))
}

fn heard_of(batch: &RecordBatch, files: &FoldedFiles) -> Result<RecordBatch> {
    let column = batch.column_by_name(NOTE);
    let column = column.ok_or_else(|| exec_datafusion_err!("rows of a fold have no notes"))?;
    let is_part = is_null(column)?;
    let numbers = batch.column(0).as_primitive::<UInt32Type>();
    let notes: &BinaryArray = column.as_binary();
    for (file, note) in numbers.values().iter().zip(notes) {
        if let Some(note) = note {
            let note: FileNotes = serde_json::from_slice(note).map_err(unreadable)?;
            files.hear(*file as usize, &note)?;
        }
    }
    let parts = batch.project(&[0, 1, 2])?;
    let parts = match column.null_count() == batch.num_rows() {
        true => parts,
        false => filter_record_batch(&parts, &is_part)?,
    };
    Ok(RecordBatch::try_new(
        parts::schema(),
        parts.columns().to_vec(),
    )?)
}

fn unreadable(cause: serde_json::Error) -> DataFusionError {
    DataFusionError::External(Box::new(cause))
}
