//! Random contracts, prices and rated DARs.

use chrono::{Days, NaiveDate};
use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;

/// How many organizations a world has.
pub(super) const ORGS: usize = 3;

/// Everything a bill depends on.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) contracts: Vec<Contract>,
    pub(super) charges: Vec<Charge>,
    /// In the order in which they are stored, which is none.
    pub(super) dars: Vec<Dar>,
    pub(super) as_of: NaiveDate,
    /// Days on which a statement is drawn up, in order.
    pub(super) statements: Vec<NaiveDate>,
}

/// How overage is priced.
#[derive(Debug, Clone)]
pub(super) enum Overage {
    Plain,
    Blocks { size: i128, mode: &'static str },
    Graduated(Vec<(i128, i128)>),
    Volume(Vec<(i128, i128)>),
}

/// Credits in ten-thousandths, prices in millionths.
#[derive(Debug, Clone)]
pub(super) struct Contract {
    pub(super) scenario: Option<&'static str>,
    pub(super) org: usize,
    /// Each is a commitment of its own.
    pub(super) terms: Vec<(NaiveDate, NaiveDate)>,
    pub(super) currency: (&'static str, u32),
    pub(super) committed: i128,
    pub(super) credit_price: i128,
    pub(super) overage_price: i128,
    pub(super) monthly: bool,
    pub(super) advance: bool,
    pub(super) overage: Overage,
}

impl Contract {
    pub(super) fn id(&self) -> String {
        format!("{}{}", self.scenario.unwrap_or("C"), self.org)
    }
}

/// Of one organization and channel, per DAR.
#[derive(Debug, Clone)]
pub(super) struct Charge {
    pub(super) org: usize,
    pub(super) channel: Option<&'static str>,
    pub(super) feature: Option<&'static str>,
    pub(super) price: i128,
    pub(super) currency: (&'static str, u32),
    pub(super) valid: (Option<NaiveDate>, Option<NaiveDate>),
}

#[derive(Debug, Clone)]
pub(super) struct Dar {
    pub(super) org: usize,
    pub(super) site: &'static str,
    /// No two have the same.
    pub(super) relationship: usize,
    pub(super) day: NaiveDate,
    pub(super) credits: i128,
    /// Seconds after the day began.
    pub(super) first_message: u32,
    pub(super) channel: Option<&'static str>,
    pub(super) gen_ai: bool,
    pub(super) intent_analyzer: bool,
}

/// The first day that anything happens on, near the end of a month.
fn start() -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, 28).unwrap()
}

fn day(after: u64) -> NaiveDate {
    start() + Days::new(after)
}

fn currency() -> impl Strategy<Value = (&'static str, u32)> {
    prop_oneof![Just(("USD", 2)), Just(("JPY", 0)), Just(("KWD", 3))]
}

fn price() -> impl Strategy<Value = i128> {
    prop_oneof![
        Just(0),
        Just(500_000),
        0..3_000_000_i128,
        (0..300_i128).prop_map(|cents| cents * 10_000)
    ]
}

/// Thresholds from the first credit on or above it, each once.
fn tiers() -> impl Strategy<Value = Vec<(i128, i128)>> {
    vec((0..120_000_i128, price()), 1..4).prop_map(|mut tiers| {
        tiers.sort();
        tiers.dedup_by_key(|(from, _)| *from);
        tiers
    })
}

fn overage() -> impl Strategy<Value = Overage> {
    let mode = prop_oneof![Just("ceil"), Just("floor"), Just("prorate")];
    prop_oneof![
        Just(Overage::Plain),
        (1..50_000_i128, mode).prop_map(|(size, mode)| Overage::Blocks { size, mode }),
        tiers().prop_map(Overage::Graduated),
        tiers().prop_map(Overage::Volume),
    ]
}

fn terms() -> impl Strategy<Value = Vec<(NaiveDate, NaiveDate)>> {
    (0..8_u64, vec((1..130_u64, 0..3_u64), 1..3)).prop_map(|(first, lengths)| {
        let mut from = first;
        let mut terms = Vec::new();
        for (length, gap) in lengths {
            terms.push((day(from), day(from + length)));
            from += length + gap;
        }
        terms
    })
}

fn contract(scenario: Option<&'static str>, org: usize) -> impl Strategy<Value = Option<Contract>> {
    let amounts = (0..200_000_i128, price(), price());
    let contract = (terms(), currency(), amounts, any::<[bool; 2]>(), overage()).prop_map(
        move |(terms, currency, amounts, [monthly, advance], overage)| Contract {
            scenario,
            org,
            terms,
            currency,
            committed: amounts.0,
            credit_price: amounts.1,
            overage_price: amounts.2,
            monthly,
            advance,
            overage,
        },
    );
    weighted(0.8, contract)
}

fn channel() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![Just(Some("SMS")), Just(Some("WEB")), Just(None)]
}

fn charge(org: usize, channel: Option<&'static str>) -> impl Strategy<Value = Option<Charge>> {
    let feature = of(prop_oneof![Just("gen_ai"), Just("intent_analyzer")]);
    let valid = (of(0..60_u64), of(60..120_u64));
    let charge = (feature, price(), currency(), valid).prop_map(
        move |(feature, price, currency, (from, to))| Charge {
            org,
            channel,
            feature,
            price,
            currency,
            valid: (from.map(day), to.map(day)),
        },
    );
    of(charge)
}

fn dar() -> impl Strategy<Value = Dar> {
    let credits = prop_oneof![
        Just(10_000_i128),
        Just(15_000),
        Just(17_000),
        Just(2_000),
        1..40_000_i128
    ];
    (
        0..ORGS,
        any::<[bool; 3]>(),
        prop_oneof![0..8_u64, 0..130_u64],
        credits,
        0..2_u32,
        channel(),
    )
        .prop_map(
            |(org, [site, gen_ai, intent_analyzer], after, credits, first_message, channel)| Dar {
                org,
                site: if site { "s1" } else { "s2" },
                relationship: 0,
                day: day(after),
                credits,
                first_message,
                channel,
                gen_ai,
                intent_analyzer,
            },
        )
}

pub(super) fn world() -> impl Strategy<Value = World> {
    let real: Vec<_> = (0..ORGS).map(|org| contract(None, org)).collect();
    let plan: Vec<_> = (0..ORGS).map(|org| contract(Some("plan"), org)).collect();
    let charges: Vec<_> = (0..ORGS)
        .flat_map(|org| [charge(org, Some("SMS")), charge(org, None)])
        .collect();
    let dars = vec(dar(), 1..60).prop_map(|mut dars| {
        for (number, dar) in dars.iter_mut().enumerate() {
            dar.relationship = number;
        }
        dars
    });
    (real, plan, charges, dars.prop_shuffle(), vec(1..200_u64, 4)).prop_map(
        |(real, plan, charges, dars, mut days)| {
            days.sort_unstable();
            days.dedup();
            let statements: Vec<NaiveDate> = days.into_iter().map(day).collect();
            World {
                contracts: real.into_iter().chain(plan).flatten().collect(),
                charges: charges.into_iter().flatten().collect(),
                dars,
                as_of: *statements.last().unwrap(),
                statements,
            }
        },
    )
}
