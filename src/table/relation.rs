//! A relation handed to a table function: a plan, and its columns by the names and types of the design.

use arrow::datatypes::{DataType, Field};
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, cast, lit};

use crate::error;

/// How an id is compared and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdKind {
    /// Text of any encoding.
    Text,
    /// A signed integer, or an unsigned one of at most 32 bits.
    Int64,
    /// An unsigned integer of 64 bits.
    UInt64,
}

impl IdKind {
    /// The kind of a column; `None` if it is no id.
    fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Dictionary(_, value) => Self::of(value),
            DataType::UInt64 => Some(IdKind::UInt64),
            integer if integer.is_integer() => Some(IdKind::Int64),
            text if text.is_string() => Some(IdKind::Text),
            _ => None,
        }
    }

    /// The one kind in which ids of both kinds can meet: ids compare as text.
    pub(crate) fn meet(self, other: Self) -> Self {
        if self == other { self } else { IdKind::Text }
    }

    /// The column type.
    pub(crate) fn data_type(self) -> DataType {
        match self {
            IdKind::Text => DataType::Utf8View,
            IdKind::Int64 => DataType::Int64,
            IdKind::UInt64 => DataType::UInt64,
        }
    }
}

/// A relation and the name of its parameter.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// The parameter: `messages`, `sites` …
    pub(crate) name: &'static str,
    /// Its rows.
    pub(crate) plan: LogicalPlan,
}

impl Relation {
    /// The relation `plan`, handed in as parameter `name`.
    pub(crate) fn new(name: &'static str, plan: LogicalPlan) -> Self {
        Self { name, plan }
    }

    /// Its columns.
    pub(crate) fn schema(&self) -> &DFSchema {
        self.plan.schema()
    }

    fn field(&self, column: &str) -> Option<(Column, &Field)> {
        self.schema()
            .iter()
            .find(|(_, field)| field.name() == column)
            .map(|(qualifier, field)| (Column::new(qualifier.cloned(), column), field.as_ref()))
    }

    /// Whether it has a column of that name, typed or not.
    pub(crate) fn has_column(&self, column: &str) -> bool {
        self.field(column).is_some()
    }

    /// The names of its columns, in order.
    pub(crate) fn column_names(&self) -> Vec<&str> {
        self.schema()
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect()
    }

    /// Checks that each of `columns` is there once.
    ///
    /// # Errors
    ///
    /// Names the relation, the missing columns and those it has.
    pub(crate) fn require(&self, columns: &[&str]) -> Result<()> {
        let have = self.column_names();
        let missing: Vec<&str> = columns
            .iter()
            .copied()
            .filter(|column| !have.contains(column))
            .collect();
        if !missing.is_empty() {
            let near: Vec<String> = missing
                .iter()
                .filter_map(|column| {
                    error::nearest(column, &have).map(|near| format!("{near} AS {column}"))
                })
                .collect();
            let remedy = if near.is_empty() {
                format!(
                    "name it in a query: (SELECT …, x AS {} FROM …)",
                    missing.join(", … AS ")
                )
            } else {
                format!("did you mean (SELECT *, {} FROM …)?", near.join(", "))
            };
            return Err(error::query(format!(
                "{} has no column {}; it has {}. {remedy}",
                self.name,
                missing.join(", "),
                have.join(", "),
            )));
        }
        let mut sorted = have.clone();
        sorted.sort_unstable();
        match sorted
            .windows(2)
            .find(|pair| pair.first() == pair.last())
            .and_then(|pair| pair.first())
        {
            Some(twice) => Err(error::query(format!(
                "{} has two columns named {twice}; select one of them",
                self.name
            ))),
            None => Ok(()),
        }
    }

    /// Checks that none of its columns has a name that `function` adds.
    ///
    /// # Errors
    ///
    /// Shows the `EXCLUDE` to write.
    pub(crate) fn leaves_free(&self, function: &str, added: &[&str]) -> Result<()> {
        let names = self.column_names();
        let taken: Vec<&str> = names
            .into_iter()
            .filter(|name| added.contains(name))
            .collect();
        if taken.is_empty() {
            return Ok(());
        }
        let taken = taken.join(", ");
        Err(error::query(format!(
            "{function} adds to {0} the columns {1}, but it already has {taken}; write {function}((SELECT * EXCLUDE \
             ({taken}) FROM …), …)",
            self.name,
            added.join(", "),
        )))
    }

    fn wrong_type(
        &self,
        column: &str,
        got: &DataType,
        remedy: &str,
    ) -> datafusion::error::DataFusionError {
        error::query(format!("{}.{column} is {got}: {remedy}", self.name))
    }

    /// The column as it is.
    pub(crate) fn column(&self, column: &str) -> Expr {
        self.field(column)
            .map_or_else(|| null(&DataType::Null), |(column, _)| Expr::Column(column))
    }

    fn typed(
        &self,
        column: &str,
        target: &DataType,
        fits: impl Fn(&DataType) -> bool,
        expected: &str,
    ) -> Result<Expr> {
        match self.field(column) {
            None => Ok(null(target)),
            Some((_, field)) if field.data_type() == &DataType::Null => Ok(null(target)),
            Some((found, field)) if field.data_type() == target => Ok(Expr::Column(found)),
            Some((found, field)) if fits(field.data_type()) => {
                Ok(cast(Expr::Column(found), target.clone()))
            }
            Some((_, field)) => Err(self.wrong_type(
                column,
                field.data_type(),
                &format!("{expected} is expected"),
            )),
        }
    }

    /// Text of any encoding, as `Utf8View`; NULL if there is no such column.
    pub(crate) fn text(&self, column: &str) -> Result<Expr> {
        let is_text = |data_type: &DataType| match data_type {
            DataType::Dictionary(_, value) => value.is_string(),
            other => other.is_string(),
        };
        self.typed(column, &DataType::Utf8View, is_text, "text")
    }

    /// The kind of an id column; `None` if there is no such column.
    pub(crate) fn id_kind(&self, column: &str) -> Result<Option<IdKind>> {
        match self.field(column) {
            None => Ok(None),
            Some((_, field)) if field.data_type() == &DataType::Null => Ok(None),
            Some((_, field)) => IdKind::of(field.data_type()).map(Some).ok_or_else(|| {
                self.wrong_type(
                    column,
                    field.data_type(),
                    "an id is text or an integer; CAST it to VARCHAR",
                )
            }),
        }
    }

    /// An id as `kind`; NULL if there is no such column.
    pub(crate) fn id(&self, column: &str, kind: IdKind) -> Result<Expr> {
        self.id_kind(column)?;
        self.typed(column, &kind.data_type(), |_| true, "an id")
    }

    /// A flag; NULL if there is no such column.
    pub(crate) fn flag(&self, column: &str) -> Result<Expr> {
        self.typed(column, &DataType::Boolean, |_| false, "BOOLEAN")
    }

    /// A calendar day; NULL if there is no such column.
    pub(crate) fn date(&self, column: &str) -> Result<Expr> {
        self.typed(
            column,
            &DataType::Date32,
            |data_type| data_type == &DataType::Date64,
            "DATE",
        )
    }

    /// A timestamp with a zone, in its own unit; NULL if there is no such column.
    ///
    /// # Errors
    ///
    /// A timestamp without a zone: says how to give it one.
    pub(crate) fn instant(&self, column: &str) -> Result<Expr> {
        match self.field(column) {
            None => Ok(null(&utc_microseconds())),
            Some((found, field)) => match field.data_type() {
                DataType::Null => Ok(null(&utc_microseconds())),
                DataType::Timestamp(_, Some(_)) => Ok(Expr::Column(found)),
                DataType::Timestamp(_, None) => Err(self.wrong_type(
                    column,
                    field.data_type(),
                    &format!(
                        "it has no time zone, so it names no instant; if it is UTC, write \
                         (SELECT * REPLACE ({column} AT TIME ZONE 'UTC' AS {column}) FROM …)"
                    ),
                )),
                other => {
                    Err(self.wrong_type(column, other, "TIMESTAMP WITH TIME ZONE is expected"))
                }
            },
        }
    }

    /// The type of a timestamp column that [`Self::instant`] has let through.
    pub(crate) fn instant_type(&self, column: &str) -> DataType {
        self.field(column)
            .map_or_else(utc_microseconds, |(_, field)| match field.data_type() {
                DataType::Null => utc_microseconds(),
                other => other.clone(),
            })
    }

    /// An exact number in its own type, integers widened; NULL if there is no such column.
    ///
    /// # Errors
    ///
    /// A float, with the cast to write; text.
    pub(crate) fn figure(&self, column: &str) -> Result<Expr> {
        let Some((found, field)) = self.field(column) else {
            return Ok(null(&DataType::Decimal128(18, 4)));
        };
        let column_expr = Expr::Column(found);
        match field.data_type() {
            DataType::Null => Ok(null(&DataType::Decimal128(18, 4))),
            DataType::Decimal128(_, _)
            | DataType::Decimal256(_, _)
            | DataType::Int64
            | DataType::UInt64 => Ok(column_expr),
            DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
                Ok(cast(column_expr, DataType::Decimal128(*precision, *scale)))
            }
            integer if integer.is_integer() => Ok(cast(column_expr, DataType::Int64)),
            float if float.is_floating() => Err(self.wrong_type(
                column,
                float,
                &format!("a float is not exact; write CAST({column} AS DECIMAL(18,6))"),
            )),
            other => Err(self.wrong_type(column, other, "DECIMAL is expected")),
        }
    }

    /// Credits as `DECIMAL(18,4)`; NULL if there is no such column.
    pub(crate) fn credits(&self, column: &str) -> Result<Expr> {
        self.decimal(column, 18, 4)
    }

    /// An exact number as `DECIMAL(precision,scale)`; NULL if there is no such column.
    ///
    /// # Errors
    ///
    /// A type with more decimals, which a cast would round; a float; text.
    pub(crate) fn decimal(&self, column: &str, precision: u8, scale: i8) -> Result<Expr> {
        let figure = self.figure(column)?;
        let target = DataType::Decimal128(precision, scale);
        match self.type_of(&figure)? {
            found @ (DataType::Decimal128(_, given) | DataType::Decimal256(_, given))
                if given > scale =>
            {
                let remedy = format!(
                    "it has at most {scale} decimals; write CAST({column} AS DECIMAL({precision},{scale})) if that loses \
                     nothing"
                );
                Err(self.wrong_type(column, &found, &remedy))
            }
            found if found == target => Ok(figure),
            _ => Ok(cast(figure, target)),
        }
    }

    /// The type of an expression over this relation.
    pub(crate) fn type_of(&self, expr: &Expr) -> Result<DataType> {
        expr.get_type(self.schema())
    }
}

/// NULL of a type.
pub(crate) fn null(data_type: &DataType) -> Expr {
    ScalarValue::try_from(data_type).map_or_else(|_| lit(ScalarValue::Null), lit)
}

/// `TIMESTAMP WITH TIME ZONE` as our outputs have it.
pub(crate) fn utc_microseconds() -> DataType {
    DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()))
}
