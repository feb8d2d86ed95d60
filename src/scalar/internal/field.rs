//! `dayrate_field(struct, name)`: one field of a struct.
//!
//! The engine's own `get_field` is moved towards the scans by its optimizer, which in version 55 confuses columns of
//! the same name on the way; this one stays where it is planned.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct StructField {
    signature: Signature,
}

impl StructField {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for StructField {
    fn name(&self) -> &str {
        "dayrate_field"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Err(exec_datafusion_err!(
            "dayrate_field is typed by its arguments"
        ))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let name = args
            .scalar_arguments
            .get(1)
            .copied()
            .flatten()
            .and_then(|name| name.try_as_str().flatten());
        match (args.arg_fields.first().map(|field| field.data_type()), name) {
            (Some(DataType::Struct(fields)), Some(name)) => fields
                .iter()
                .find(|field| field.name() == name)
                .map(|field| Arc::new(Field::new(self.name(), field.data_type().clone(), true)))
                .ok_or_else(|| exec_datafusion_err!("dayrate_field: no field {name}")),
            _ => Err(exec_datafusion_err!(
                "dayrate_field takes a struct and a name"
            )),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [rows, name] = take_function_args(self.name(), args.args)?;
        let rows = rows.into_array(args.number_rows)?;
        let name = match &name {
            ColumnarValue::Scalar(name) => name.try_as_str().flatten(),
            ColumnarValue::Array(_) => None,
        };
        let rows = rows.as_struct();
        let field = name.and_then(|name| rows.column_by_name(name));
        let field = field.ok_or_else(|| exec_datafusion_err!("dayrate_field: no such field"))?;
        if rows.null_count() == 0 {
            return Ok(ColumnarValue::Array(Arc::clone(field)));
        }
        // A NULL struct has NULL fields, whatever lies beneath.
        let missing = arrow::compute::is_null(rows)?;
        Ok(ColumnarValue::Array(arrow::compute::nullif(
            field, &missing,
        )?))
    }
}
