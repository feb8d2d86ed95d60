//! The files of a Delta table, for a refresh: what the log says of each, and the rows of some of them.
//!
//! What a file holds is what the log says of it, deleted rows and partition values included: under other words of the log
//! it is another file. All that makes rows of a file, deletion vectors and renamed columns too, is left to `deltalake`.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type, UInt16Type};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Column, Result, TableReference, exec_datafusion_err};
use datafusion::datasource::provider_as_source;
#[cfg(feature = "cluster")]
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use deltalake::table::state::DeltaTableState;
use sha2::{Digest, Sha256};
use url::Url;

use super::DeltaRelation;
use crate::error;

/// What a refresh asks of a table.
#[derive(Debug)]
pub(super) struct Contents {
    /// The address of the table's folder, with a slash at its end.
    folder: Url,
    state: DeltaTableState,
    config: DeltaScanConfig,
}

/// A file of a Delta table.
#[derive(Debug, Clone)]
pub(in crate::lake) struct DeltaFile {
    /// Its address.
    pub(in crate::lake) address: String,
    /// In bytes.
    pub(in crate::lake) size: u64,
    /// A digest of all else that decides which rows it has: the time that it was made, its partition values, its deletion
    /// vector.
    pub(in crate::lake) version: String,
}

/// Addresses as a scan gives them.
static ADDRESSES: LazyLock<DataType> =
    LazyLock::new(|| DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8)));

/// The column in which a scan says which file a row is of.
const ADDRESS: &str = "dayrate delta file";

/// What the columns of the log begin with that say which rows a file has, beside its path and size.
const SAID: [&str; 3] = ["modification_time", "partition.", "deletion_vector."];

impl Contents {
    pub(super) fn new(folder: Url, state: DeltaTableState, config: DeltaScanConfig) -> Self {
        Self {
            folder,
            state,
            config,
        }
    }

    /// The settings of the relation's scan.
    #[cfg(feature = "cluster")]
    pub(super) fn config(&self) -> DeltaScanConfig {
        self.config.clone()
    }

    /// The address of a path as the log writes it: below the table, or an address already.
    fn address(&self, path: &str) -> Result<String> {
        let address = Url::parse(path).or_else(|_| self.folder.join(path));
        let address = address.map_err(|cause| {
            let folder = &self.folder;
            error::data(format!(
                "the log of the Delta table '{folder}' names the file '{path}', which is no path: {cause}"
            ))
        })?;
        Ok(address.into())
    }
}

impl DeltaRelation {
    /// Every file of the table, in the order of their addresses.
    ///
    /// # Errors
    ///
    /// A log that cannot be understood.
    pub(in crate::lake) fn files(&self) -> Result<Vec<DeltaFile>> {
        let mut files = Vec::new();
        for batch in self.contents.state.add_actions_batches(true)? {
            self.read(&batch, &mut files)?;
        }
        files.sort_unstable_by(|one, other| one.address.cmp(&other.address));
        Ok(files)
    }

    /// The files of some rows of the log.
    fn read(&self, log: &RecordBatch, files: &mut Vec<DeltaFile>) -> Result<()> {
        let column = |name: &str, data_type: &DataType| -> Result<ArrayRef> {
            let column = log.column_by_name(name);
            let column = column.ok_or_else(|| exec_datafusion_err!("a Delta log has no {name}"))?;
            Ok(cast(column, data_type)?)
        };
        let paths = column("path", &DataType::Utf8View)?;
        let paths = paths.as_string_view();
        let sizes = column("size_bytes", &DataType::Int64)?;
        let sizes = sizes.as_primitive::<Int64Type>();
        let options = FormatOptions::default().with_null("NULL");
        let schema = log.schema();
        let said = schema.fields().iter().zip(log.columns());
        let said = said.filter(|(field, _)| SAID.iter().any(|name| field.name().starts_with(name)));
        let said = said.map(|(field, column)| {
            let values = ArrayFormatter::try_new(column, &options)?;
            Ok((field.name(), values))
        });
        let said = said.collect::<Result<Vec<_>>>()?;
        for row in 0..log.num_rows() {
            let mut digest = Sha256::new();
            for (name, values) in &said {
                let value = values.value(row).try_to_string()?;
                // The length keeps two values apart.
                digest.update(format!("{name} {} {value} ", value.len()));
            }
            let digest = digest.finalize();
            files.push(DeltaFile {
                address: self.contents.address(paths.value(row))?,
                size: u64::try_from(sizes.value(row)).unwrap_or_default(),
                version: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            });
        }
        Ok(())
    }

    /// What the files call a column: it may have been renamed since, and another have got its name.
    pub(in crate::lake) fn in_files(&self, column: &str) -> Result<String> {
        let contents = &self.contents;
        let mode = contents.state.metadata().configuration();
        let mode = mode.get("delta.columnMapping.mode");
        if mode.is_none_or(|mode| mode == "none") {
            return Ok(column.to_owned());
        }
        let schema = serde_json::to_value(contents.state.schema().as_ref())
            .map_err(|cause| error::data(cause.to_string()))?;
        let fields = schema["fields"].as_array().into_iter().flatten();
        let mut named = fields.filter(|field| field["name"] == column);
        let name = named
            .next()
            .and_then(|field| field["metadata"]["delta.columnMapping.physicalName"].as_str());
        let name = name.ok_or_else(|| {
            exec_datafusion_err!(
                "the Delta table '{}' does not say where {column} is",
                contents.folder
            )
        })?;
        Ok(name.to_owned())
    }

    /// The rows of some of the files, by address, each with the number of its file in a column of that name.
    ///
    /// # Errors
    ///
    /// A file that is none of the table.
    pub(in crate::lake) fn numbered(
        &self,
        table: &TableReference,
        files: BTreeMap<String, u32>,
        column: &str,
    ) -> Result<LogicalPlan> {
        let contents = &self.contents;
        let config = contents.config.clone().with_file_column_name(ADDRESS);
        let scan = DeltaScanNext::new(contents.state.snapshot().clone(), config.clone())?;
        let scan = scan.with_file_paths(files.keys().cloned());
        let scan = provider_as_source(self.other(scan, config));
        let scan = LogicalPlanBuilder::scan(table.clone(), scan, None)?.build()?;
        let number = ScalarUDF::from(FileNumber::new(files));
        let columns = scan.schema().iter().map(|(qualifier, field)| {
            let value = Expr::Column(Column::new(qualifier.cloned(), field.name()));
            match field.name() == ADDRESS {
                true => number.call(vec![value]).alias(column),
                false => value,
            }
        });
        let columns: Vec<Expr> = columns.collect();
        LogicalPlanBuilder::from(scan).project(columns)?.build()
    }
}

/// The name of [`FileNumber`].
const NAME: &str = "dayrate_delta_file";

/// The number of a file by its address.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileNumber {
    signature: Signature,
    numbers: BTreeMap<String, u32>,
}

impl FileNumber {
    fn new(numbers: BTreeMap<String, u32>) -> Self {
        Self {
            signature: Signature::any(1, Volatility::Immutable),
            numbers,
        }
    }
}

#[cfg(feature = "cluster")]
impl FileNumber {
    /// The function of that name.
    pub(crate) const NAME: &str = NAME;

    /// The numbers, for another process.
    ///
    /// # Errors
    ///
    /// None that can be.
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) -> Result<()> {
        serde_json::to_writer(bytes, &self.numbers)
            .map_err(|cause| DataFusionError::External(Box::new(cause)))
    }

    /// The function with the numbers that another process wrote.
    ///
    /// # Errors
    ///
    /// Bytes that it did not write.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let numbers = serde_json::from_slice(bytes);
        let numbers = numbers.map_err(|cause| DataFusionError::External(Box::new(cause)))?;
        Ok(Self::new(numbers))
    }
}

impl ScalarUDFImpl for FileNumber {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::UInt32)
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), DataType::UInt32, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [addresses] = take_function_args(self.name(), args.args)?;
        let rows = match &addresses {
            ColumnarValue::Scalar(_) => 1,
            ColumnarValue::Array(addresses) => addresses.len(),
        };
        let addresses = addresses.to_array(rows)?;
        // Many rows, few files: each address is looked for once.
        let addresses = cast(&addresses, &ADDRESSES)?;
        let addresses = addresses.as_dictionary::<UInt16Type>();
        let known = cast(addresses.values(), &DataType::Utf8View)?;
        let known = known.as_string_view().iter();
        let known: Vec<Option<u32>> = known
            .map(|address| self.numbers.get(address?).copied())
            .collect();
        let number = |key: Option<u16>| {
            let known = known.get(usize::from(key?)).copied();
            known.flatten()
        };
        let numbers: UInt32Array = addresses.keys().iter().map(number).collect();
        match numbers.null_count() {
            0 => Ok(ColumnarValue::Array(Arc::new(numbers))),
            _ => Err(exec_datafusion_err!(
                "a Delta table gave rows of a file that was not asked for"
            )),
        }
    }
}
