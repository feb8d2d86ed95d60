//! `dayrate_site_periods` and `dayrate_gen_ai_spans`: `sites` and `feature_periods`, checked and cut.
//!
//! Both read `(sites, feature_periods, gen_ai_scope, NULL of the messages' timestamp type)`, the first two as lists of
//! rows, and return a list of rows whose instants have exactly that type, first and last inclusive, so that a message
//! finds its row by `sent_at BETWEEN first_instant AND last_instant`. Internal: table functions plan them.

use arrow::array::{ArrayRef, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Fields};
use datafusion::common::utils::take_function_args;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::instant::per_second;
use super::listed_rows::ListedRows;
use super::rows_out::{fields, flags, list_field, one_list, texts};
use crate::domain::site::{self, Feature, FeaturePeriod, GenAiScope, Site, SitePeriod, Span};
use crate::domain::zone::ZoneDatabase;
use crate::error;

/// What the two functions read.
struct Input {
    sites: Vec<Site>,
    features: Vec<FeaturePeriod>,
    scope: GenAiScope,
    instant: DataType,
}

impl Input {
    fn new(args: ScalarFunctionArgs) -> Result<Self> {
        let [sites, features, scope, instant] = take_function_args("site_periods", args.args)?;
        let scope = match scope {
            ColumnarValue::Scalar(scope) if scope.try_as_str().flatten() == Some("site") => {
                GenAiScope::Site
            }
            _ => GenAiScope::Organization,
        };
        Ok(Self {
            sites: read_sites(&ListedRows::new("sites", &sites)?)?,
            features: read_features(&ListedRows::new("feature_periods", &features)?)?,
            scope,
            instant: instant.data_type(),
        })
    }
}

fn read_sites(rows: &ListedRows) -> Result<Vec<Site>> {
    (0..rows.len())
        .map(|row| {
            Ok(Site {
                site_id: rows.required_text("site_id", row)?.into(),
                org_id: rows.required_text("org_id", row)?.into(),
                time_zone: rows.required_text("time_zone", row)?.into(),
                valid: Span {
                    from: rows.instant("valid_from", row)?,
                    to: rows.instant("valid_to", row)?,
                },
                is_test: rows.flag("is_test", row)?,
            })
        })
        .collect()
}

fn read_features(rows: &ListedRows) -> Result<Vec<FeaturePeriod>> {
    (0..rows.len())
        .map(|row| {
            let name = rows.required_text("feature", row)?;
            let feature = Feature::parse(name).ok_or_else(|| {
                error::data(format!(
                    "feature_periods: {} in the row {}",
                    error::unknown("feature", name, &Feature::NAMES),
                    rows.show(row)
                ))
            })?;
            Ok(FeaturePeriod {
                org_id: rows.required_text("org_id", row)?.into(),
                feature,
                site_id: rows.text("site_id", row)?.map(Into::into),
                enabled: Span {
                    from: Some(rows.required_instant("enabled_from", row)?),
                    to: rows.instant("enabled_to", row)?,
                },
            })
        })
        .collect()
}

/// The first and the last instant of `span`, inclusive, as counts of the unit of `instant`; `None` if no such instant
/// fits the type. A column of seconds is compared with a bound in nanoseconds exactly: bounds are rounded up.
fn bounds(span: &Span, instant: &DataType) -> Option<(i64, i64)> {
    let DataType::Timestamp(unit, _) = instant else {
        return None;
    };
    let nanoseconds = i128::from(1_000_000_000 / per_second(*unit));
    let ceil = |bound: i128| -(-bound).div_euclid(nanoseconds);
    let first = span
        .from
        .map_or(i128::from(i64::MIN), ceil)
        .max(i128::from(i64::MIN));
    let last = span
        .to
        .map_or(i128::from(i64::MAX), |to| ceil(to) - 1)
        .min(i128::from(i64::MAX));
    (first <= last)
        .then(|| Some((i64::try_from(first).ok()?, i64::try_from(last).ok()?)))
        .flatten()
}

fn counts(values: Vec<i64>, instant: &DataType) -> Result<ArrayRef> {
    Ok(cast(&Int64Array::from(values), instant)?)
}

fn instant_type(args: &ReturnFieldArgs) -> Result<DataType> {
    match args.arg_fields.get(3).map(|field| field.data_type()) {
        Some(instant @ DataType::Timestamp(_, _)) => Ok(instant.clone()),
        other => Err(exec_datafusion_err!(
            "the messages' timestamp type is expected, got {other:?}"
        )),
    }
}

/// `dayrate_site_periods(…)`: a list of
/// `{site_id, first_instant, last_instant, in_force, org_id, time_zone, is_test, gen_ai_on, intent_analyzer_on}`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct SitePeriods {
    zones: ZoneDatabase,
    signature: Signature,
}

impl SitePeriods {
    pub(crate) fn new(zones: ZoneDatabase) -> Self {
        Self {
            zones,
            signature: Signature::any(4, Volatility::Immutable),
        }
    }

    fn fields(instant: &DataType) -> Fields {
        fields([
            ("site_id", DataType::Utf8View),
            ("first_instant", instant.clone()),
            ("last_instant", instant.clone()),
            ("in_force", DataType::Boolean),
            ("org_id", DataType::Utf8View),
            ("time_zone", DataType::Utf8View),
            ("is_test", DataType::Boolean),
            ("gen_ai_on", DataType::Boolean),
            ("intent_analyzer_on", DataType::Boolean),
        ])
    }
}

impl ScalarUDFImpl for SitePeriods {
    fn name(&self) -> &str {
        "dayrate_site_periods"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Err(exec_datafusion_err!(
            "dayrate_site_periods is typed by its arguments"
        ))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(list_field(self.name(), Self::fields(&instant_type(&args)?)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let input = Input::new(args)?;
        let periods = site::site_periods(&input.sites, &input.features, input.scope, &self.zones)
            .map_err(|fault| error::data(fault.to_string()))?;
        let (periods, spans): (Vec<SitePeriod>, Vec<(i64, i64)>) = periods
            .into_iter()
            .filter_map(|period| bounds(&period.span, &input.instant).map(|span| (period, span)))
            .unzip();
        let in_force = || periods.iter().map(|period| period.in_force.as_ref());
        let columns = vec![
            texts(periods.iter().map(|period| Some(period.site_id.as_str()))),
            counts(spans.iter().map(|span| span.0).collect(), &input.instant)?,
            counts(spans.iter().map(|span| span.1).collect(), &input.instant)?,
            flags(in_force().map(|row| row.is_some())),
            texts(in_force().map(|row| row.map(|row| row.org_id.as_str()))),
            texts(in_force().map(|row| row.map(|row| row.time_zone.as_str()))),
            flags(in_force().map(|row| row.is_some_and(|row| row.is_test))),
            flags(in_force().map(|row| row.is_some_and(|row| row.gen_ai))),
            flags(in_force().map(|row| row.is_some_and(|row| row.intent_analyzer))),
        ];
        one_list(Self::fields(&input.instant), columns)
    }
}

/// `dayrate_gen_ai_spans(…)`: a list of `{site_id, org_id, first_instant, last_instant}`, disjoint for each pair.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct GenAiSpans {
    signature: Signature,
}

impl GenAiSpans {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(4, Volatility::Immutable),
        }
    }

    fn fields(instant: &DataType) -> Fields {
        fields([
            ("site_id", DataType::Utf8View),
            ("org_id", DataType::Utf8View),
            ("first_instant", instant.clone()),
            ("last_instant", instant.clone()),
        ])
    }
}

impl ScalarUDFImpl for GenAiSpans {
    fn name(&self) -> &str {
        "dayrate_gen_ai_spans"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Err(exec_datafusion_err!(
            "dayrate_gen_ai_spans is typed by its arguments"
        ))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(list_field(self.name(), Self::fields(&instant_type(&args)?)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let input = Input::new(args)?;
        let mut rows = Vec::new();
        for (site_id, org_id, span) in site::gen_ai_spans(&input.sites, &input.features) {
            if let Some((first, last)) = bounds(&span, &input.instant) {
                rows.push((site_id, org_id, first, last));
            }
        }
        let columns = vec![
            texts(rows.iter().map(|row| Some(row.0.as_str()))),
            texts(rows.iter().map(|row| Some(row.1.as_str()))),
            counts(rows.iter().map(|row| row.2).collect(), &input.instant)?,
            counts(rows.iter().map(|row| row.3).collect(), &input.instant)?,
        ];
        one_list(Self::fields(&input.instant), columns)
    }
}
