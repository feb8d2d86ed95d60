//! What the page is written from: one session, the DARs of it computed once, and the constants that its queries share.
//!
//! The messages are read for the DARs, for their dispositions and for what else needs each of them (charges by the
//! message, engagements). Every figure of use and money comes from the DARs, which lie in a temporary file meanwhile.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::sqlparser::ast::{CastKind, DataType, Expr, Value};
use futures::StreamExt;
use jiff::civil::Date;
use tempfile::TempDir;

use super::answer::{Answer, Row, printable};
use super::relation;
use super::scope::Scope;
use crate::cli::format::{self, Kind};
use crate::cli::{engine, progress};
use crate::sql::{self, Parameters};
use crate::{error, lake};

/// See the module.
pub(super) struct Book {
    pub(super) ctx: SessionContext,
    pub(super) scope: Scope,
    /// Which of the relations that a page can do without there are.
    pub(super) has: Has,
    totals: Answer,
    /// Holds the DARs while the page is made.
    folder: TempDir,
}

/// See [`Book::has`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Has {
    pub(super) contracts: bool,
    pub(super) feature_periods: bool,
    pub(super) outcomes: bool,
    pub(super) seats: bool,
}

/// Where there are this many names or fewer, a chart shows each.
const SHOWN: i128 = 12;

impl Book {
    /// Computes the DARs of `scope`.
    ///
    /// # Errors
    ///
    /// Those of the functions: a relation missing, a row that cannot be billed.
    pub(super) async fn open(ctx: SessionContext, scope: Scope) -> Result<Self> {
        let has = |name| relation::exists(&ctx, name);
        let has = Has {
            contracts: has("contracts"),
            feature_periods: has("feature_periods"),
            outcomes: has("outcomes"),
            seats: has("seats"),
        };
        let folder = tempfile::Builder::new()
            .prefix("dayrate-page-")
            .tempdir()
            .map_err(DataFusionError::IoError)?;
        let mut book = Self {
            ctx,
            scope,
            has,
            totals: Answer::default(),
            folder,
        };
        book.knows_org().await?;
        book.keep_dars().await?;
        book.totals = book.ask(include_str!("sql/totals.sql")).await?;
        Ok(book)
    }

    /// An organization that no site belongs to is a mistake, and no page of nothing.
    async fn knows_org(&self) -> Result<()> {
        let Some(org) = &self.scope.org else {
            return Ok(());
        };
        if !relation::exists(&self.ctx, "sites") {
            return Ok(());
        }
        let orgs = self
            .ask("SELECT DISTINCT org_id::VARCHAR AS org_id FROM sites")
            .await?;
        let orgs: Vec<&str> = orgs.rows().filter_map(|row| row.text("org_id")).collect();
        if orgs.contains(&printable(org).as_str()) {
            return Ok(());
        }
        let nearest = error::nearest(org, &orgs).map(|near| format!(": did you mean '{near}'?"));
        Err(error::config(format!(
            "no site belongs to the organization '{org}'{} All of them: SELECT DISTINCT org_id FROM sites",
            nearest.unwrap_or_else(|| ".".into())
        )))
    }

    /// Writes the DARs beside the system's other temporary files and names them `page_dars` and `page_rated`.
    async fn keep_dars(&self) -> Result<()> {
        let query = if self.has.contracts {
            relation::contracts(self).await?;
            include_str!("sql/dars.sql")
        } else {
            include_str!("sql/dars_without_contracts.sql")
        };
        let path = self.folder.path().join("dars.parquet");
        let file = File::create(&path).map_err(DataFusionError::IoError)?;
        let rows = self.plan(query, &[]).await?;
        let context = Arc::new(rows.task_ctx());
        let plan = rows.create_physical_plan().await.map_err(hint)?;
        let _watch = progress::watch(&plan);
        let mut batches = execute_stream(plan, context).map_err(hint)?;
        let mut file = BufWriter::new(file);
        let mut writer = format::writer(Kind::Parquet, &mut file, &batches.schema(), None)?;
        while let Some(batch) = batches.next().await {
            writer.write(&batch.map_err(hint)?)?;
        }
        writer.finish()?;
        drop(writer);
        file.into_inner()
            .map_err(|cause| DataFusionError::IoError(cause.into_error()))?;
        let dars = lake::open(&self.ctx.state(), &path.to_string_lossy()).await?;
        self.ctx.register_table("page_dars", dars)?;
        self.ask(include_str!("sql/rated.sql")).await?;
        Ok(())
    }

    /// What the page adds up to: the one row of `totals.sql`.
    pub(super) fn totals(&self) -> Result<Row<'_>> {
        self.totals
            .first()
            .ok_or_else(|| error::data("the totals of the page have no row; report this"))
    }

    /// Whether there is any DAR.
    pub(super) fn has_use(&self) -> bool {
        self.totals()
            .is_ok_and(|row| row.amount("dars").is_positive())
    }

    /// The rows of a query of the page, or nothing of a statement that returns none.
    ///
    /// # Errors
    ///
    /// Those of the query.
    pub(super) async fn ask(&self, text: &str) -> Result<Answer> {
        self.ask_with(text, &[]).await
    }

    /// [`Book::ask`] with further constants.
    ///
    /// # Errors
    ///
    /// Those of the query.
    pub(super) async fn ask_with(&self, text: &str, more: &[(&str, Expr)]) -> Result<Answer> {
        let rows = self.plan(text, more).await?;
        let columns = rows
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let batches = engine::collected(rows).await?;
        Answer::of(columns, &batches)
    }

    async fn plan(&self, text: &str, more: &[(&str, Expr)]) -> Result<DataFrame> {
        let mut parameters = Parameters::default();
        let org = match &self.scope.org {
            Some(org) => text_constant(org),
            None => Expr::Value(Value::Null.into()),
        };
        let scenario = match &self.scope.scenario {
            Some(scenario) => text_constant(scenario),
            None => Expr::Value(Value::Null.into()),
        };
        parameters.insert("as_of", day(self.scope.as_of));
        parameters.insert("org", cast(org, DataType::Varchar(None)));
        parameters.insert("scenario", cast(scenario, DataType::Varchar(None)));
        parameters.insert("top", number_constant(SHOWN));
        for (name, value) in more {
            parameters.insert(*name, value.clone());
        }
        Box::pin(sql::sql_with(&self.ctx, text, &parameters)).await
    }
}

/// A row that cannot be billed stops the page as it stops an invoice; here is how to have the page all the same.
fn hint(cause: DataFusionError) -> DataFusionError {
    let text = cause.to_string();
    if text.contains("rejects => 'skip'") {
        cause.context(
            "in the dashboard (which takes rejects = \"skip\" from [options] of dayrate.toml)",
        )
    } else {
        cause
    }
}

/// `DATE '2026-01-01'`
pub(super) fn day(day: Date) -> Expr {
    cast(text_constant(&day.to_string()), DataType::Date)
}

/// `'text'`
pub(super) fn text_constant(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).into())
}

/// A whole number.
pub(super) fn number_constant(number: i128) -> Expr {
    Expr::Value(Value::Number(number.to_string(), false).into())
}

/// An exact number of the type that credits and prices have.
pub(super) fn decimal(digits: &str, precision: u64, scale: i64) -> Expr {
    use datafusion::sql::sqlparser::ast::ExactNumberInfo;
    let kind = DataType::Decimal(ExactNumberInfo::PrecisionAndScale(precision, scale));
    cast(text_constant(digits), kind)
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(expr),
        data_type,
        array: false,
        format: None,
    }
}
