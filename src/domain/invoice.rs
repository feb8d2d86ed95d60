//! The lines of an invoice, from what each day used.
//!
//! The drawdown order is (day, credits, …), so how many DARs of how many credits each day has determines every line,
//! what it bills and from which day to which; no DAR is looked at alone. Usage is sorted into [`Folio`]s: one for each
//! period of each contract, one for each organization's calendar month without a contract.

mod folio;
mod line;

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;

use super::Fault;
use super::agreement::{Agreement, periods};
use super::charge::{Charge, Per};
use super::contract::{Scenario, show};
use super::day::{Day, date_of, day_of};
use super::money::Credits4;
use super::site::Feature;
use folio::{Counted, Folio};
pub(crate) use line::{Line, LineType, Unit};

/// What an invoice is computed from, besides usage.
#[derive(Debug)]
pub(crate) struct Book {
    /// Every checked contract row, of all scenarios.
    pub(crate) agreements: Vec<Agreement>,
    /// Every checked charge, in order.
    pub(crate) charges: Vec<Charge>,
    /// Whose periods are billed; `None`: those of the scenarios that occur in the usage.
    pub(crate) scenario: Option<Scenario>,
    /// Days from this one on are left out.
    pub(crate) as_of: Day,
    /// A statement begins here.
    pub(crate) since: Option<Day>,
}

/// The DARs of one scenario, organization and contract, by day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// As rated.
    pub(crate) scenario: Option<String>,
    /// As text.
    pub(crate) org_id: String,
    /// As rated; `None`: under no contract.
    pub(crate) contract_id: Option<String>,
    /// In any order.
    pub(crate) days: Vec<DayOfUse>,
}

/// DARs of one day that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DayOfUse {
    /// The local day.
    pub(crate) day: Day,
    /// Of each DAR.
    pub(crate) credits: Credits4,
    /// Of the first message.
    pub(crate) channel: Option<String>,
    /// With generative AI.
    pub(crate) gen_ai: bool,
    /// Listened to.
    pub(crate) intent_analyzer: bool,
    /// How many.
    pub(crate) dars: i64,
}

/// Messages that a charge counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChargedMessages {
    /// The place of the charge in [`Book::charges`].
    pub(crate) charge: usize,
    /// The local day.
    pub(crate) day: Day,
    /// How many, copies counted once.
    pub(crate) messages: i64,
}

/// The key of a folio: scenario, organization, contract, start of the period.
type Key = (Option<String>, String, Option<String>, Day);

/// Where each contract's days belong.
type Contracts<'a> = BTreeMap<(Option<&'a str>, &'a str), Vec<Entry<'a>>>;

/// A contract row and one of its periods.
#[derive(Debug, Clone, Copy)]
struct Entry<'a> {
    agreement: &'a Agreement,
    period: (Day, Day),
}

/// Every line of every invoice, by scenario, organization, contract, period and number.
///
/// `messages` is `None` where there are no messages to count.
///
/// # Errors
///
/// Usage under a contract that the book does not have, or on a day outside its term; a charge per message without
/// messages; money that does not fit.
pub(crate) fn invoice(
    book: &Book,
    accounts: &[Account],
    messages: Option<&[ChargedMessages]>,
) -> Result<Vec<Line>, Fault> {
    if messages.is_none()
        && let Some(charge) = book
            .charges
            .iter()
            .find(|charge| charge.per == Per::Message)
    {
        return Err(Fault::new(format!(
            "channel_charges: org_id '{}' pays per message, and there are no messages to count: give invoice_lines \
             messages => … and sites => …, or take the row out",
            charge.org_id
        )));
    }
    let scenarios = scenarios(book, accounts);
    let mut contracts = Contracts::new();
    let mut folios = BTreeMap::new();
    for agreement in &book.agreements {
        let term = &agreement.term;
        if !scenarios.contains(&term.scenario.as_deref()) {
            continue;
        }
        let entries = contracts
            .entry((term.scenario.as_deref(), term.org_id.as_str()))
            .or_default();
        for period in periods(term) {
            entries.push(Entry { agreement, period });
            if period.0 < book.as_of {
                let key = (
                    term.scenario.clone(),
                    term.org_id.clone(),
                    Some(term.contract_id.clone()),
                    period.0,
                );
                folios.insert(key, Folio::new(Some(agreement), period));
            }
        }
    }
    for account in accounts {
        enter(book, &contracts, account, &mut folios)?;
    }
    for counted in messages.unwrap_or_default() {
        let Some(charge) = book.charges.get(counted.charge) else {
            continue;
        };
        for scenario in &scenarios {
            let entry = contracts
                .get(&(*scenario, charge.org_id.as_str()))
                .and_then(|entries| entry_of(entries, None, counted.day));
            let owner = (scenario.map(Into::into), charge.org_id.clone());
            folio(&mut folios, owner, entry, counted.day).charge(
                counted.charge,
                Counted {
                    day: counted.day,
                    count: counted.messages,
                },
            );
        }
    }
    let mut lines = Vec::new();
    for ((scenario, org_id, contract_id, _), folio) in folios {
        let mut page = folio.lines(book).map_err(|fault| {
            let whose = contract_id.as_ref().map_or_else(
                || format!("organization '{org_id}'"),
                |id| format!("contract_id '{id}'"),
            );
            Fault::new(format!(
                "invoice of {whose}, period from {}: {fault}",
                show(folio.period().0)
            ))
        })?;
        for (number, line) in (1..).zip(&mut page) {
            line.scenario.clone_from(&scenario);
            line.org_id.clone_from(&org_id);
            line.contract_id.clone_from(&contract_id);
            line.line_no = number;
        }
        lines.append(&mut page);
    }
    Ok(lines)
}

/// Whose periods are billed.
fn scenarios<'a>(book: &'a Book, accounts: &'a [Account]) -> BTreeSet<Option<&'a str>> {
    let contracts = book
        .agreements
        .iter()
        .map(|agreement| agreement.term.scenario.as_deref());
    let used = accounts.iter().map(|account| account.scenario.as_deref());
    match &book.scenario {
        Some(Scenario::Real) => BTreeSet::from([None]),
        Some(Scenario::Named(name)) => BTreeSet::from([Some(name.as_str())]),
        Some(Scenario::All) => contracts.chain(used).collect(),
        None if accounts.is_empty() => BTreeSet::from([None]),
        None => used.collect(),
    }
}

/// Enters an account's days, and what is charged for them, into their folios.
fn enter<'a>(
    book: &'a Book,
    contracts: &Contracts<'a>,
    account: &Account,
    folios: &mut BTreeMap<Key, Folio<'a>>,
) -> Result<(), Fault> {
    let key = (account.scenario.as_deref(), account.org_id.as_str());
    let entries = contracts.get(&key).map_or(&[][..], Vec::as_slice);
    let charges: Vec<(usize, &Charge)> = book
        .charges
        .iter()
        .enumerate()
        .filter(|(_, charge)| charge.per == Per::Dar && charge.org_id == account.org_id)
        .collect();
    for used in account.days.iter().filter(|used| used.day < book.as_of) {
        let entry = match &account.contract_id {
            None => None,
            Some(id) => Some(
                entry_of(entries, Some(id), used.day)
                    .ok_or_else(|| unknown(account, id, used.day))?,
            ),
        };
        let owner = (account.scenario.clone(), account.org_id.clone());
        let folio = folio(folios, owner, entry, used.day);
        folio.enter(used);
        for (number, charge) in &charges {
            let channel = charge.channel.is_none() || charge.channel == used.channel;
            let feature = match charge.feature {
                None => true,
                Some(Feature::GenAi) => used.gen_ai,
                Some(Feature::IntentAnalyzer) => used.intent_analyzer,
            };
            if channel && feature && charge.holds_on(used.day) {
                let (day, count) = (used.day, used.dars);
                folio.charge(*number, Counted { day, count });
            }
        }
    }
    Ok(())
}

/// The folio of an entry, or else of the calendar month.
fn folio<'a, 'f>(
    folios: &'f mut BTreeMap<Key, Folio<'a>>,
    (scenario, org_id): (Option<String>, String),
    entry: Option<Entry<'a>>,
    day: Day,
) -> &'f mut Folio<'a> {
    let period = entry.map_or_else(|| month_of(day), |entry| entry.period);
    let contract_id = entry.map(|entry| entry.agreement.term.contract_id.clone());
    folios
        .entry((scenario, org_id, contract_id, period.0))
        .or_insert_with(|| Folio::new(entry.map(|entry| entry.agreement), period))
}

/// The period that `day` falls in, of this contract or of any.
fn entry_of<'a>(entries: &[Entry<'a>], contract_id: Option<&str>, day: Day) -> Option<Entry<'a>> {
    // Terms of one organization and scenario do not overlap and come by start, so their periods do too.
    let place = entries.partition_point(|entry| entry.period.1 <= day);
    entries.get(place).copied().filter(|entry| {
        entry.period.0 <= day && contract_id.is_none_or(|id| id == entry.agreement.term.contract_id)
    })
}

/// The error for usage under a contract that is not in force.
fn unknown(account: &Account, contract_id: &str, day: Day) -> Fault {
    let scenario = account
        .scenario
        .as_ref()
        .map_or_else(String::new, |name| format!(" in scenario '{name}'"));
    Fault::new(format!(
        "rated_dars has DARs of org_id '{}' on {} under contract_id '{contract_id}'{scenario}, and contracts has no such \
         term on that day; rate and bill with the same contracts",
        account.org_id,
        show(day),
    ))
}

/// The calendar month of a day, half open.
fn month_of(day: Day) -> (Day, Day) {
    let Some(date) = date_of(day) else {
        return (day, day + 1);
    };
    let first = date.first_of_month();
    let next = first.checked_add(1.month());
    (
        day_of(first),
        next.map_or_else(|_| day_of(date.last_of_month()) + 1, day_of),
    )
}
