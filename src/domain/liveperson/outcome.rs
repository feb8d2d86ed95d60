//! What came of a conversation: purchases among its engagement attributes, and answers to its surveys.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::scalar::{Instant, Scalar, shown};
use super::shape::{self, object, objects};
use super::unusable::{Flaw, Unit, Unusable, snippet};

/// An outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome<'a> {
    /// `sales`: a purchase; `support`: a survey that was answered.
    pub(crate) kind: &'static str,
    /// The order, or `survey:` and its dialog.
    pub(crate) outcome_id: Option<Cow<'a, str>>,
    /// What its copies have in common where it has no id.
    pub(crate) unnamed: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) occurred_at: Option<i64>,
    /// As written; three letters in upper case.
    pub(crate) currency: Option<Cow<'a, str>>,
    /// In ten-thousandths.
    pub(crate) revenue: Option<i128>,
    /// The answer to the question whether the customer was helped.
    pub(crate) resolved: Option<bool>,
    /// Satisfaction, 1 to 5.
    pub(crate) csat: Option<i64>,
    /// Would recommend, 0 to 10.
    pub(crate) nps: Option<i64>,
    /// The vendor's Meaningful Connection Score, 0 to 100.
    pub(crate) mcs: Option<i64>,
    /// Its place among the outcomes of the record, from 0.
    pub(crate) place: i64,
}

/// The purchases among the engagement attributes, with their amounts exact.
///
/// # Errors
///
/// Each purchase whose amount cannot be kept exactly.
pub(super) fn purchases<'a>(
    record: &shape::Record<'a>,
    conversation_id: &str,
) -> Vec<Result<Outcome<'a>, Box<Unusable>>> {
    let attributes = [record.sdes, record.un_auth_sdes].into_iter().flatten();
    let events = attributes
        .filter_map(object::<shape::Sdes<'a>>)
        .flat_map(|sdes| objects::<shape::Event<'a>>(sdes.events));
    events
        .filter_map(|event| {
            let raw = event.purchase?;
            let outer: shape::Purchase<'a> = object(raw)?;
            let inner = outer.purchase.and_then(object::<shape::Purchase<'a>>);
            let stamps = [
                outer.original_time_stamp,
                outer.server_time_stamp,
                event.server_time_stamp,
            ];
            let purchase = inner.unwrap_or(outer);
            let own = [purchase.original_time_stamp, purchase.server_time_stamp];
            let occurred_at = own.into_iter().chain(stamps).find_map(instant);
            let Ok(revenue) = Scalar::of(purchase.total).ten_thousandths() else {
                return Some(Err(Box::new(Unusable {
                    unit: Unit::Outcome,
                    flaw: Flaw::UnknownAmount,
                    found: format!(
                        "total is {}, which is no number of at most 4 decimals",
                        shown(purchase.total)
                    ),
                    conversation_id: Some(conversation_id.to_owned()),
                    message_id: None,
                    messages: 0,
                    json: snippet(raw.get()),
                })));
            };
            let outcome_id = Scalar::of(purchase.order_id).text();
            let currency = Scalar::of(purchase.currency).text().map(upper_case);
            let unnamed = outcome_id.is_none().then(|| {
                let currency = currency.as_deref().unwrap_or_default();
                format!("{occurred_at:?} {revenue:?} {currency}")
            });
            Some(Ok(Outcome {
                kind: "sales",
                outcome_id,
                unnamed,
                occurred_at,
                currency,
                revenue,
                resolved: None,
                csat: None,
                nps: None,
                mcs: None,
                place: 0,
            }))
        })
        .collect()
}

/// The answers to surveys, one outcome for each dialog that has any; or the satisfaction that `info` tells.
pub(super) fn answers<'a>(
    record: &shape::Record<'a>,
    info: &shape::Info<'a>,
    ended_at: Option<i64>,
) -> Vec<Outcome<'a>> {
    let told = [info.csat, info.csat_rate]
        .into_iter()
        .find_map(|raw| within(raw, 1, 5));
    let ends: BTreeMap<_, _> = objects::<shape::Dialog<'a>>(record.dialogs)
        .filter_map(|dialog| {
            Some((
                Scalar::of(dialog.dialog_id).text()?,
                instant(dialog.end_time_l)?,
            ))
        })
        .collect();
    let mut given: BTreeMap<Option<Cow<'a, str>>, Given> = BTreeMap::new();
    for survey in objects::<shape::Survey<'a>>(record.conversation_surveys) {
        let mut answers = Given::default();
        for answer in objects::<shape::Answer<'a>>(survey.survey_data) {
            answers.add(&answer, survey.survey_type);
        }
        if answers != Given::default() {
            let dialog_id = Scalar::of(survey.dialog_id).text();
            given.entry(dialog_id).or_default().replace(&answers);
        }
    }
    if given.is_empty() && told.is_some() {
        given.insert(None, Given::default());
    }
    let mcs = within(info.mcs, 0, 100);
    given
        .into_iter()
        .map(|(dialog_id, given)| Outcome {
            kind: "support",
            occurred_at: dialog_id
                .as_ref()
                .and_then(|id| ends.get(id).copied())
                .or(ended_at),
            outcome_id: Some(dialog_id.map_or(Cow::Borrowed("survey"), |id| {
                Cow::Owned(format!("survey:{id}"))
            })),
            unnamed: None,
            currency: None,
            revenue: None,
            resolved: given.resolved,
            csat: given.csat.or(told),
            nps: given.nps,
            mcs,
            place: 0,
        })
        .collect()
}

/// What was answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Given {
    resolved: Option<bool>,
    csat: Option<i64>,
    nps: Option<i64>,
}

impl Given {
    /// Adds an answer to a question whose purpose its type, its name, its words or the survey's type tell.
    fn add(&mut self, answer: &shape::Answer<'_>, survey_type: shape::Raw<'_>) {
        let texts = [
            answer.question_type,
            answer.question_name,
            answer.question,
            survey_type,
        ];
        let purpose = texts.into_iter().find_map(|raw| {
            let text = Scalar::of(raw).text()?.to_lowercase();
            let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
            if has(&["fcr", "resol"]) {
                Some(Purpose::Resolved)
            } else if has(&["csat", "satisf"]) {
                Some(Purpose::Csat)
            } else if has(&["nps", "recommend"]) {
                Some(Purpose::Nps)
            } else {
                None
            }
        });
        match purpose {
            Some(Purpose::Resolved) => {
                self.resolved = Scalar::of(answer.answer).yes().or(self.resolved);
            }
            Some(Purpose::Csat) => self.csat = within(answer.answer, 1, 5).or(self.csat),
            Some(Purpose::Nps) => self.nps = within(answer.answer, 0, 10).or(self.nps),
            None => {}
        }
    }

    /// Takes what a later survey of the same dialog says.
    fn replace(&mut self, later: &Self) {
        self.resolved = later.resolved.or(self.resolved);
        self.csat = later.csat.or(self.csat);
        self.nps = later.nps.or(self.nps);
    }
}

enum Purpose {
    Resolved,
    Csat,
    Nps,
}

fn within(raw: shape::Raw<'_>, least: i64, most: i64) -> Option<i64> {
    Scalar::of(raw)
        .count()
        .filter(|number| (least..=most).contains(number))
}

/// The instant of a key that has one.
pub(super) fn instant(raw: shape::Raw<'_>) -> Option<i64> {
    match Scalar::of(raw).instant() {
        Instant::At(at) => Some(at),
        Instant::None | Instant::Impossible => None,
    }
}

/// A code of ISO 4217 is in upper case, and compared exactly.
fn upper_case(currency: Cow<'_, str>) -> Cow<'_, str> {
    let is_lower = currency.len() == 3 && currency.bytes().any(|b| b.is_ascii_lowercase());
    match is_lower {
        true => Cow::Owned(currency.to_ascii_uppercase()),
        false => currency,
    }
}
