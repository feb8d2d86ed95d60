//! The rules of money, written down once more: fractions, one DAR at a time.

use chrono::{Datelike, Months, NaiveDate};
use num_rational::Ratio;

use super::world::{Contract, Dar, Overage, World};
use crate::model::Row;

/// Money or blocks, exactly.
type Exact = Ratio<i128>;

/// The scenarios that the DARs are rated in.
pub(super) const SCENARIOS: [Option<&str>; 2] = [None, Some("plan")];

fn credits(units: i128) -> Exact {
    Exact::new(units, 10_000)
}

fn price(units: i128) -> Exact {
    Exact::new(units, 1_000_000)
}

/// The nearest count of the last of some decimals, the upper one of two.
fn half_up(value: Exact, decimals: u32) -> i128 {
    (value * Exact::from(10_i128.pow(decimals)) + Exact::new(1, 2))
        .floor()
        .to_integer()
}

/// `amount`, at the four decimals of an invoice.
fn rounded(amount: Exact, minor: u32) -> i128 {
    half_up(amount, minor) * 10_i128.pow(4 - minor)
}

fn decimal(units: i128, scale: usize) -> Option<String> {
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, decimals) = digits.split_at(digits.len() - scale);
    let sign = if units < 0 { "-" } else { "" };
    Some(format!("{sign}{whole}.{decimals}"))
}

fn text(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}

/// A month period begins on the day of the month that the term does, or on the month's last.
fn periods(contract: &Contract) -> Vec<(NaiveDate, NaiveDate)> {
    let mut periods = Vec::new();
    for (start, end) in &contract.terms {
        let mut from = *start;
        for month in 1.. {
            let next = *start + Months::new(month);
            let to = if contract.monthly {
                next.min(*end)
            } else {
                *end
            };
            periods.push((from, to));
            if to == *end {
                break;
            }
            from = to;
        }
    }
    periods
}

/// A line of overage: quantity, its unit, price, money, stretch.
type AboveLine = (i128, &'static str, i128, Exact, (i128, i128));

/// What credits above the commitment cost, and the lines that say so.
struct Above {
    lines: Vec<AboveLine>,
}

impl Above {
    fn of(contract: &Contract, used: i128) -> Self {
        let by_credit = |from: i128, to: i128, at: i128| {
            let money = credits(to - from) * price(at);
            (to - from, "credit", at, money, (from, to))
        };
        let mut lines = match &contract.overage {
            Overage::Plain => vec![by_credit(0, used, contract.overage_price)],
            Overage::Blocks { size, mode } => {
                let begun = Exact::new(used, *size);
                let blocks = match *mode {
                    "ceil" => begun.ceil(),
                    "floor" => begun.floor(),
                    _ => begun,
                };
                let money = blocks * price(contract.overage_price);
                let shown = half_up(blocks, 4);
                vec![(shown, "block", contract.overage_price, money, (0, used))]
            }
            Overage::Volume(tiers) => {
                let tier = tiers.iter().rev().find(|(from, _)| *from <= used);
                vec![by_credit(
                    0,
                    used,
                    tier.map_or(contract.overage_price, |tier| tier.1),
                )]
            }
            Overage::Graduated(tiers) => {
                let mut steps = vec![(0, contract.overage_price)];
                steps.extend(tiers.iter().copied());
                let ends = steps.iter().skip(1).map(|step| step.0).chain([used]);
                let steps: Vec<_> = steps.iter().zip(ends).collect();
                let line = |((from, at), to): (&(i128, i128), i128)| {
                    by_credit((*from).min(used), to.min(used), *at)
                };
                steps.into_iter().map(line).collect()
            }
        };
        lines.retain(|line| line.0 != 0);
        Self { lines }
    }

    fn money(contract: &Contract, used: i128) -> Exact {
        Self::of(contract, used)
            .lines
            .iter()
            .map(|line| line.3)
            .sum()
    }
}

/// The DARs of an organization before `as_of` and in a stretch of days, in the order of the drawdown.
fn drawn(
    world: &World,
    org: usize,
    (from, to): (NaiveDate, NaiveDate),
    as_of: NaiveDate,
) -> Vec<&Dar> {
    let is_in = |dar: &&Dar| dar.org == org && dar.day >= from && dar.day < to && dar.day < as_of;
    let mut dars: Vec<&Dar> = world.dars.iter().filter(is_in).collect();
    dars.sort_by_key(|dar| {
        (
            dar.day,
            dar.credits,
            dar.first_message,
            dar.site,
            format!("r{}", dar.relationship),
        )
    });
    dars
}

/// The contract of an organization in a scenario.
fn contract_of<'a>(world: &'a World, scenario: Option<&str>, org: usize) -> Option<&'a Contract> {
    let mut contracts = world.contracts.iter();
    contracts.find(|contract| contract.scenario == scenario && contract.org == org)
}

/// The contract whose term holds a DAR.
pub(super) fn contract_on<'a>(
    world: &'a World,
    scenario: Option<&str>,
    dar: &Dar,
) -> Option<&'a Contract> {
    let holds = |contract: &&Contract| {
        let mut terms = contract.terms.iter();
        terms.any(|(start, end)| dar.day >= *start && dar.day < *end)
    };
    contract_of(world, scenario, dar.org).filter(holds)
}

/// The rows of `ledger`: scenario, relationship, contract, then what the function adds.
pub(super) fn ledger(world: &World, as_of: NaiveDate) -> Vec<Row> {
    let mut rows = Vec::new();
    for scenario in SCENARIOS {
        let of_scenario = |contract: &&Contract| contract.scenario == scenario;
        for contract in world.contracts.iter().filter(of_scenario) {
            for period in periods(contract) {
                rows.extend(drawdown(world, contract, period, as_of));
            }
        }
        for dar in world.dars.iter().filter(|dar| dar.day < as_of) {
            if contract_on(world, scenario, dar).is_none() {
                let key = [
                    scenario.map(Into::into),
                    text(format!("r{}", dar.relationship)),
                ];
                rows.push(
                    key.into_iter()
                        .chain(std::iter::repeat_n(None, 9))
                        .collect(),
                );
            }
        }
    }
    rows.sort();
    rows
}

fn drawdown(
    world: &World,
    contract: &Contract,
    period: (NaiveDate, NaiveDate),
    as_of: NaiveDate,
) -> Vec<Row> {
    let dars = drawn(world, contract.org, period, as_of);
    let total: i128 = dars.iter().map(|dar| dar.credits).sum();
    let above = |cumulative: i128| (cumulative - contract.committed).max(0);
    // A price by volume is the period's last.
    let last = Above::of(contract, above(total));
    let money = |credits_above: i128| match contract.overage {
        Overage::Volume(_) => last.lines.first().map_or(Exact::from(0), |line| {
            credits(credits_above) * price(line.2)
        }),
        _ => Above::money(contract, credits_above),
    };
    let mut before = 0;
    let mut rows = Vec::new();
    for dar in dars {
        let after = before + dar.credits;
        let overage = above(after) - above(before);
        let within = dar.credits - overage;
        let paid = half_up(money(above(after)), 10) - half_up(money(above(before)), 10);
        let amount = paid + half_up(credits(within) * price(contract.credit_price), 10);
        rows.push(vec![
            contract.scenario.map(Into::into),
            text(format!("r{}", dar.relationship)),
            text(contract.id()),
            text(period.0),
            text(period.1),
            decimal(contract.committed, 4),
            decimal(after, 4),
            decimal(within, 4),
            decimal(overage, 4),
            decimal((contract.committed - after).max(0), 4),
            decimal(amount, 10),
        ]);
        before = after;
    }
    rows
}

/// A line before it has its place: its order, and its columns from `line_type` on.
struct Line {
    kind: &'static str,
    order: (u8, i128, i128),
    channel: Option<&'static str>,
    dars: usize,
    quantity: i128,
    unit: &'static str,
    unit_price: Option<i128>,
    amount: Option<i128>,
    currency: Option<&'static str>,
    days: Vec<NaiveDate>,
    stretch: Option<(i128, i128)>,
}

/// The rows of `invoice_lines`, all columns.
pub(super) fn invoice(world: &World, as_of: NaiveDate) -> Vec<Row> {
    let mut rows = Vec::new();
    for scenario in SCENARIOS {
        for org in 0..super::world::ORGS {
            let contract = contract_of(world, scenario, org);
            for period in contract.map(periods).unwrap_or_default() {
                if let Some(contract) = contract.filter(|_| period.0 < as_of) {
                    let mut lines = contracted(world, contract, period, as_of);
                    let dars = drawn(world, org, period, as_of);
                    lines.extend(charged(world, org, &dars));
                    rows.extend(page(scenario, org, Some(contract), period, lines));
                }
            }
            let mut free: Vec<&Dar> = world
                .dars
                .iter()
                .filter(|dar| dar.org == org && dar.day < as_of)
                .collect();
            free.retain(|dar| contract_on(world, scenario, dar).is_none());
            let mut months: Vec<NaiveDate> =
                free.iter().filter_map(|dar| dar.day.with_day(1)).collect();
            months.sort();
            months.dedup();
            for month in months {
                let period = (month, month + Months::new(1));
                let dars: Vec<&Dar> = free
                    .iter()
                    .copied()
                    .filter(|dar| dar.day.with_day(1) == Some(month))
                    .collect();
                let mut lines = charged(world, org, &dars);
                lines.push(Line {
                    kind: "uncontracted",
                    order: (9, 0, 0),
                    channel: None,
                    dars: dars.len(),
                    quantity: dars.iter().map(|dar| dar.credits).sum(),
                    unit: "credit",
                    unit_price: None,
                    amount: None,
                    currency: None,
                    days: dars.iter().map(|dar| dar.day).collect(),
                    stretch: None,
                });
                rows.extend(page(scenario, org, None, period, lines));
            }
        }
    }
    rows.sort();
    rows
}

fn contracted(
    world: &World,
    contract: &Contract,
    period: (NaiveDate, NaiveDate),
    as_of: NaiveDate,
) -> Vec<Line> {
    let dars = drawn(world, contract.org, period, as_of);
    let committed = contract.committed;
    let total: i128 = dars.iter().map(|dar| dar.credits).sum();
    let used = total.min(committed);
    let (currency, minor) = contract.currency;
    let at = |units: i128| rounded(credits(units) * price(contract.credit_price), minor);
    // Where each DAR begins and ends in the drawdown.
    let mut places = Vec::new();
    let mut before = 0;
    for dar in &dars {
        places.push((dar.day, before, before + dar.credits));
        before += dar.credits;
    }
    let days = |(from, to): (i128, i128)| -> Vec<NaiveDate> {
        let touching = places.iter().filter(|place| place.1 < to && place.2 > from);
        touching.map(|place| place.0).collect()
    };
    let within = places.iter().filter(|place| place.1 < committed).count();
    let of_commitment =
        |kind, rank, dars, (from, to): (i128, i128), priced: bool, amount, days| Line {
            kind,
            order: (rank, 0, 0),
            channel: None,
            dars,
            quantity: to - from,
            unit: "credit",
            unit_price: priced.then_some(contract.credit_price),
            amount: Some(if priced { amount } else { 0 }),
            currency: Some(currency),
            days,
            stretch: Some((from, to)),
        };
    let mut lines = Vec::new();
    if contract.advance {
        lines.push(of_commitment(
            "commitment_fee",
            0,
            0,
            (0, committed),
            true,
            at(committed),
            Vec::new(),
        ));
    }
    let arrears = !contract.advance;
    let stretch = (0, used);
    lines.push(of_commitment(
        "committed_usage",
        1,
        within,
        stretch,
        arrears,
        at(used),
        days(stretch),
    ));
    if period.1 <= as_of {
        let rest = at(committed) - at(used);
        lines.push(of_commitment(
            "unused_commitment",
            2,
            0,
            (used, committed),
            arrears,
            rest,
            Vec::new(),
        ));
    }
    let above = Above::of(contract, total - used).lines;
    let lowest = above.iter().map(|line| line.4).min();
    for (quantity, unit, unit_price, money, stretch) in above {
        let whole = (committed + stretch.0, committed + stretch.1);
        lines.push(Line {
            kind: "overage",
            order: (3, unit_price, stretch.0),
            channel: None,
            dars: if Some(stretch) == lowest {
                dars.len() - within
            } else {
                0
            },
            quantity,
            unit,
            unit_price: Some(unit_price),
            amount: Some(rounded(money, minor)),
            currency: Some(currency),
            days: days(whole),
            stretch: Some(whole),
        });
    }
    lines.retain(|line| line.quantity != 0);
    lines
}

fn charged(world: &World, org: usize, dars: &[&Dar]) -> Vec<Line> {
    let mut lines = Vec::new();
    for charge in world.charges.iter().filter(|charge| charge.org == org) {
        let pays = |dar: &&&Dar| {
            let has = match charge.feature {
                Some("gen_ai") => dar.gen_ai,
                Some(_) => dar.intent_analyzer,
                None => true,
            };
            has && charge
                .channel
                .is_none_or(|channel| dar.channel == Some(channel))
                && charge.valid.0.is_none_or(|from| dar.day >= from)
                && charge.valid.1.is_none_or(|to| dar.day < to)
        };
        let days: Vec<NaiveDate> = dars.iter().filter(pays).map(|dar| dar.day).collect();
        let count = i128::try_from(days.len()).unwrap();
        lines.push(Line {
            kind: "channel_charge",
            order: (if charge.channel.is_some() { 4 } else { 5 }, 0, 0),
            channel: charge.channel,
            dars: days.len(),
            quantity: count * 10_000,
            unit: "dar",
            unit_price: Some(charge.price),
            amount: Some(rounded(
                Exact::from(count) * price(charge.price),
                charge.currency.1,
            )),
            currency: Some(charge.currency.0),
            days,
            stretch: None,
        });
    }
    lines.retain(|line| line.quantity != 0);
    lines
}

/// Numbered.
fn page(
    scenario: Option<&str>,
    org: usize,
    contract: Option<&Contract>,
    period: (NaiveDate, NaiveDate),
    mut lines: Vec<Line>,
) -> Vec<Row> {
    lines.sort_by_key(|line| line.order);
    let row = |(number, line): (usize, Line)| {
        vec![
            scenario.map(Into::into),
            text(format!("o{org}")),
            contract.map(Contract::id),
            text(period.0),
            text(period.1),
            text(number + 1),
            text(line.kind),
            line.channel.map(Into::into),
            text(line.dars),
            decimal(line.quantity, 4),
            text(line.unit),
            line.unit_price.and_then(|price| decimal(price, 6)),
            line.amount.and_then(|amount| decimal(amount, 4)),
            line.currency.map(Into::into),
            line.days.iter().min().and_then(text),
            line.days.iter().max().and_then(text),
            line.stretch.and_then(|stretch| decimal(stretch.0, 4)),
            line.stretch.and_then(|stretch| decimal(stretch.1, 4)),
        ]
    };
    lines.into_iter().enumerate().map(row).collect()
}
