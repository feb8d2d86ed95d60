//! The table functions, one file each: relations and options to a logical plan.

/// A table function.
pub(crate) trait TableFunction: Send + Sync {
    /// Its SQL name.
    fn name(&self) -> &'static str;
    /// Its reference.
    fn documentation(&self) -> TableFunctionDoc;
}

/// The reference of a table function.
#[derive(Debug, Clone)]
pub(crate) struct TableFunctionDoc {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) syntax: &'static str,
    /// Name, whether it is required, its columns.
    pub(crate) relations: Vec<(&'static str, bool, &'static str)>,
    /// Name, values, default, description.
    pub(crate) options: Vec<(&'static str, &'static str, &'static str, &'static str)>,
    /// Name and type.
    pub(crate) columns: Vec<(&'static str, &'static str)>,
    pub(crate) example: &'static str,
}

/// Every table function.
pub(crate) fn all() -> &'static [&'static dyn TableFunction] {
    &[]
}
