//! Sharing, written down once more: whole numbers, a period at a time, a DAR at a time.

use std::collections::{BTreeMap, BTreeSet};

type Cells = Vec<Option<String>>;

/// Site, relationship, day.
type Key = [String; 3];

/// Contract and start; a contract of several terms starts each once.
type Period = (String, String);

/// What a credit costs an engagement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    Drawdown,
    Average,
    Amortised,
}

/// A row of the ledger, numbers as counts of their last decimal.
struct Dar {
    key: Key,
    org_id: Option<String>,
    consumer_id: Option<String>,
    credits: i128,
    currency: Option<String>,
    /// `None`: no contract.
    period: Option<Period>,
    cumulative: i128,
    amount: i128,
}

/// A counted message: when, and over which channel.
type Message = (i64, Option<String>);

/// What the model starts from.
pub(super) struct Usage {
    dars: Vec<Dar>,
    messages: BTreeMap<Key, BTreeMap<String, Vec<Message>>>,
    /// Money and credits of each.
    periods: BTreeMap<Period, (i128, i128)>,
    unused: BTreeMap<Period, i128>,
}

/// What one conversation has in one DAR.
pub(super) struct Part {
    org_id: Option<String>,
    key: Key,
    conversation: String,
    consumer_id: Option<String>,
    first: Message,
    messages: usize,
    credits: i128,
    amount: Option<i128>,
    currency: Option<String>,
}

fn text(cell: &Option<String>) -> String {
    cell.clone().unwrap()
}

/// `12.3400` as 123400.
fn units(cell: &str) -> i128 {
    cell.replace('.', "").parse().unwrap()
}

fn decimal(units: i128, scale: usize) -> String {
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, decimals) = digits.split_at(digits.len() - scale);
    let sign = if units < 0 { "-" } else { "" };
    format!("{sign}{whole}.{decimals}")
}

impl Usage {
    pub(super) fn read(counted: &[Cells], ledger: &[Cells], unused: &[Cells]) -> Self {
        let key = |cells: &Cells| [0, 1, 2].map(|place| text(&cells[place]));
        let mut messages: BTreeMap<Key, BTreeMap<String, Vec<Message>>> = BTreeMap::new();
        for cells in counted {
            let by_conversation = messages.entry(key(cells)).or_default();
            let sent_at = text(&cells[4]).parse().unwrap();
            by_conversation
                .entry(text(&cells[3]))
                .or_default()
                .push((sent_at, cells[5].clone()));
        }
        let dars: Vec<Dar> = ledger
            .iter()
            .map(|cells| Dar {
                key: key(cells),
                org_id: cells[3].clone(),
                consumer_id: cells[4].clone(),
                credits: units(&text(&cells[5])),
                currency: cells[6].clone(),
                period: cells[7].clone().zip(cells[8].clone()),
                cumulative: cells[9].as_deref().map_or(0, units),
                amount: cells[10].as_deref().map_or(0, units),
            })
            .collect();
        let mut periods: BTreeMap<Period, (i128, i128)> = BTreeMap::new();
        for dar in &dars {
            if let Some(period) = &dar.period {
                let (money, credits) = periods.entry(period.clone()).or_default();
                *money += dar.amount;
                *credits += dar.credits;
            }
        }
        let unused = unused
            .iter()
            .map(|cells| ((text(&cells[0]), text(&cells[1])), units(&text(&cells[2]))));
        Self {
            dars,
            messages,
            periods,
            unused: unused.collect(),
        }
    }

    /// How many DARs there are.
    pub(super) fn dars(&self) -> usize {
        self.dars.len()
    }

    /// Whether amortised money differs from the average anywhere.
    pub(super) fn leaves_credits_unused(&self) -> bool {
        self.periods
            .keys()
            .any(|period| self.unused.contains_key(period))
    }

    /// The money of a DAR.
    fn money(&self, dar: &Dar, cost: Cost) -> Option<i128> {
        let period = dar.period.as_ref()?;
        if cost == Cost::Drawdown {
            return Some(dar.amount);
        }
        let (mut money, credits) = self.periods[period];
        if cost == Cost::Amortised {
            money += self.unused.get(period).copied().unwrap_or_default();
        }
        // Half up: twice the dividend and one divisor more, over twice the divisor.
        let up_to = |cumulative: i128| (2 * money * cumulative + credits) / (2 * credits);
        Some(up_to(dar.cumulative) - up_to(dar.cumulative - dar.credits))
    }
}

/// Largest remainder: everybody's whole units first, then one each to those who lost most, the first of equals first.
fn shared(total: i128, weights: &[usize]) -> Vec<i128> {
    let all: i128 = weights.iter().map(|weight| *weight as i128).sum();
    let exact = |place: usize| total * weights[place] as i128;
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|place| (-(exact(*place) % all), *place));
    let given: i128 = (0..weights.len()).map(|place| exact(place) / all).sum();
    let lucky: BTreeSet<usize> = order
        .into_iter()
        .take(usize::try_from(total - given).unwrap())
        .collect();
    (0..weights.len())
        .map(|place| exact(place) / all + i128::from(lucky.contains(&place)))
        .collect()
}

/// NULL last.
fn first(messages: &[Message]) -> Message {
    let order = |(at, channel): &&Message| (*at, channel.is_none(), channel.clone());
    messages.iter().min_by_key(order).unwrap().clone()
}

/// The rows of `engagement_days`.
pub(super) fn parts(usage: &Usage, cost: Cost) -> Vec<Part> {
    let mut parts = Vec::new();
    for dar in &usage.dars {
        let conversations = &usage.messages[&dar.key];
        let weights: Vec<usize> = conversations.values().map(Vec::len).collect();
        let credits = shared(dar.credits, &weights);
        let amounts = usage
            .money(dar, cost)
            .map(|amount| shared(amount, &weights));
        for (place, (conversation, messages)) in conversations.iter().enumerate() {
            parts.push(Part {
                org_id: dar.org_id.clone(),
                key: dar.key.clone(),
                conversation: conversation.clone(),
                consumer_id: dar.consumer_id.clone(),
                first: first(messages),
                messages: messages.len(),
                credits: credits[place],
                amount: amounts.as_ref().map(|amounts| amounts[place]),
                currency: dar.currency.clone(),
            });
        }
    }
    parts
}

impl Part {
    /// As `engagement_days` has it.
    pub(super) fn row(&self) -> Cells {
        let [site, relationship, day] = self.key.clone();
        vec![
            self.org_id.clone(),
            Some(site),
            Some(self.conversation.clone()),
            Some(relationship),
            Some(day),
            self.consumer_id.clone(),
            self.first.1.clone(),
            Some(self.messages.to_string()),
            Some(decimal(self.credits, 4)),
            self.amount.map(|amount| decimal(amount, 10)),
            self.currency.clone(),
        ]
    }
}

/// The rows of `engagements`.
pub(super) fn wholes(parts: &[Part]) -> Vec<Cells> {
    let mut conversations: BTreeMap<(&str, &str), Vec<&Part>> = BTreeMap::new();
    for part in parts {
        let key = (part.key[0].as_str(), part.conversation.as_str());
        conversations.entry(key).or_default().push(part);
    }
    let mut rows = Vec::new();
    for ((site, conversation), mut parts) in conversations {
        parts.sort_by_key(|part| {
            let (at, channel) = &part.first;
            (
                *at,
                channel.is_none(),
                channel.clone(),
                part.consumer_id.is_none(),
                part.consumer_id.clone(),
            )
        });
        let home = parts.iter().find_map(|part| part.currency.clone());
        let mut currencies: BTreeMap<Option<String>, Vec<&Part>> = BTreeMap::new();
        for part in parts {
            let currency = part.currency.clone().or_else(|| home.clone());
            currencies.entry(currency).or_default().push(part);
        }
        for (currency, parts) in currencies {
            let days = || parts.iter().map(|part| part.key[2].clone());
            let amounts = parts.iter().filter_map(|part| part.amount);
            rows.push(vec![
                parts[0].org_id.clone(),
                Some(site.to_owned()),
                Some(conversation.to_owned()),
                parts[0].consumer_id.clone(),
                parts[0].first.1.clone(),
                days().min(),
                days().max(),
                Some(parts.len().to_string()),
                Some(
                    parts
                        .iter()
                        .map(|part| part.messages)
                        .sum::<usize>()
                        .to_string(),
                ),
                Some(decimal(parts.iter().map(|part| part.credits).sum(), 4)),
                currency.as_ref().map(|_| decimal(amounts.sum(), 10)),
                currency,
            ]);
        }
    }
    rows
}
