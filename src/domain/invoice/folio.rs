//! The page of one period: what was used in it, and the lines that bill it.

use std::collections::BTreeMap;

use super::super::Fault;
use super::super::agreement::Agreement;
use super::super::charge::{Charge, Per};
use super::super::contract::Collection;
use super::super::day::Day;
use super::super::money::{Credits4, MinorUnit, Money};
use super::super::tariff::Overage;
use super::{Book, DayOfUse, Line, LineType, Unit};

/// One, in the ten-thousandths of a quantity.
const ONE: i128 = 10_000;

/// Things of one day that a charge counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) day: Day,
    pub(super) count: i64,
}

/// DARs that are alike, at their place in the drawdown.
#[derive(Debug, Clone, Copy)]
struct Step {
    day: Day,
    /// Credits of the period before the first of them.
    before: Credits4,
    /// Of each.
    credits: Credits4,
    dars: i64,
}

impl Step {
    fn after(&self) -> Credits4 {
        self.before + self.credits * i128::from(self.dars)
    }

    /// How many of them begin within the commitment; a split one does.
    fn committed(&self, commitment: Credits4) -> i64 {
        if self.before >= commitment {
            // Nothing costs nothing: it stays with what is paid.
            return if self.credits == 0 && self.before == commitment {
                self.dars
            } else {
                0
            };
        }
        if self.credits == 0 {
            return self.dars;
        }
        let begun = (commitment - self.before + self.credits - 1) / self.credits;
        i64::try_from(begun).unwrap_or(i64::MAX).min(self.dars)
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Folio<'a> {
    agreement: Option<&'a Agreement>,
    period: (Day, Day),
    /// How many DARs, by day and credits: the order of the drawdown.
    used: BTreeMap<(Day, Credits4), i64>,
    /// What each charge counts, by its place in the book.
    charged: BTreeMap<usize, Vec<Counted>>,
}

impl<'a> Folio<'a> {
    pub(super) fn new(agreement: Option<&'a Agreement>, period: (Day, Day)) -> Self {
        Self {
            agreement,
            period,
            used: BTreeMap::new(),
            charged: BTreeMap::new(),
        }
    }

    pub(super) fn period(&self) -> (Day, Day) {
        self.period
    }

    pub(super) fn enter(&mut self, used: &DayOfUse) {
        *self.used.entry((used.day, used.credits)).or_default() += used.dars;
    }

    pub(super) fn charge(&mut self, charge: usize, counted: Counted) {
        self.charged.entry(charge).or_default().push(counted);
    }

    /// Its lines, in order, as of the book's day and since the other.
    pub(super) fn lines(&self, book: &Book) -> Result<Vec<Line>, Fault> {
        let steps = self.steps(book.as_of);
        let mut lines = match self.agreement {
            Some(agreement) => self.contracted(agreement, &steps, book)?,
            None => Vec::new(),
        };
        lines.extend(self.charges(book)?);
        if self.agreement.is_none() {
            lines.extend(self.uncontracted(&steps, book.since));
        }
        Ok(lines)
    }

    /// What was used before `until`, in the order of the drawdown.
    fn steps(&self, until: Day) -> Vec<Step> {
        let mut before = 0;
        let used = self.used.iter().take_while(|((day, _), _)| *day < until);
        used.map(|((day, credits), dars)| {
            let step = Step {
                day: *day,
                before,
                credits: *credits,
                dars: *dars,
            };
            before = step.after();
            step
        })
        .collect()
    }

    fn contracted(
        &self,
        agreement: &Agreement,
        steps: &[Step],
        book: &Book,
    ) -> Result<Vec<Line>, Fault> {
        let now = self.position(agreement, steps, book.as_of)?;
        let earlier =
            steps.partition_point(|step| book.since.is_some_and(|since| step.day < since));
        let (earlier, recent) = steps.split_at(earlier);
        let before = match book.since {
            Some(since) => self.position(agreement, earlier, since)?,
            None => Vec::new(),
        };
        let mut lines = difference(now, before);
        lines.sort_by_key(|line| (line.line_type, line.unit_price, line.stretch));

        let within: i64 = recent
            .iter()
            .map(|step| step.committed(agreement.committed))
            .sum();
        let mut above = recent.iter().map(|step| step.dars).sum::<i64>() - within;
        // Above the commitment, the lowest stretch takes the DARs; further lines bill credits of the same ones.
        let lowest = lines
            .iter()
            .filter(|line| line.line_type == LineType::Overage && line.quantity > 0)
            .filter_map(|line| line.stretch)
            .min();
        for line in &mut lines {
            line.currency = Some(agreement.term.currency.clone());
            match line.line_type {
                LineType::CommittedUsage => line.dars = within,
                LineType::Overage if line.stretch == lowest && line.quantity > 0 => {
                    line.dars = std::mem::take(&mut above);
                }
                LineType::Overage => {}
                _ => continue,
            }
            let billed = if line.quantity > 0 { recent } else { steps };
            (line.first_day, line.last_day) = days(billed, line.stretch);
        }
        Ok(lines)
    }

    /// The lines of a contract's period as they stand at the start of `until`.
    fn position(
        &self,
        agreement: &Agreement,
        steps: &[Step],
        until: Day,
    ) -> Result<Vec<Line>, Fault> {
        let minor = MinorUnit::of(&agreement.term.currency)?;
        let price = agreement.credit_price;
        let total = steps.last().map_or(0, Step::after);
        let committed = agreement.committed;
        let used = total.min(committed);
        let rounded = |credits| Money::of(credits, price)?.rounded(minor);
        let advance = agreement.term.collection == Collection::Advance;
        let mut lines = Vec::new();
        let mut push = |line_type, unit, quantity, stretch, unit_price, amount| {
            if quantity != 0 || amount != 0 {
                let mut line = Line::new(line_type, self.period, quantity, unit);
                line.unit_price = unit_price;
                line.amount = Some(amount);
                line.stretch = Some(stretch);
                lines.push(line);
            }
        };
        if advance && self.period.0 < until {
            let amount = rounded(committed)?;
            let stretch = (0, committed);
            push(
                LineType::CommitmentFee,
                Unit::Credit,
                committed,
                stretch,
                Some(price),
                amount,
            );
        }
        let mut of_commitment = |line_type, stretch: (Credits4, Credits4), amount| {
            let (unit_price, amount) = if advance {
                (None, 0)
            } else {
                (Some(price), amount)
            };
            let quantity = stretch.1 - stretch.0;
            push(
                line_type,
                Unit::Credit,
                quantity,
                stretch,
                unit_price,
                amount,
            );
        };
        of_commitment(LineType::CommittedUsage, (0, used), rounded(used)?);
        if self.period.1 <= until {
            let rest = rounded(committed)? - rounded(used)?;
            of_commitment(LineType::UnusedCommitment, (used, committed), rest);
        }
        let unit = match agreement.overage {
            Overage::Blocks { .. } => Unit::Block,
            Overage::Tiers(..) => Unit::Credit,
        };
        for line in agreement.overage.lines(total - used, minor)? {
            let stretch = (committed + line.from, committed + line.to);
            push(
                LineType::Overage,
                unit,
                line.quantity,
                stretch,
                Some(line.price),
                line.amount,
            );
        }
        Ok(lines)
    }

    fn charges(&self, book: &Book) -> Result<Vec<Line>, Fault> {
        let mut lines = Vec::new();
        for (number, counted) in &self.charged {
            let Some(charge) = book.charges.get(*number) else {
                continue;
            };
            lines.extend(self.charge_line(charge, counted, book)?);
        }
        // By channel, the charges of any channel last; the book's order decides between them.
        lines.sort_by_key(|line| (line.channel.is_none(), line.channel.clone()));
        Ok(lines)
    }

    fn charge_line(
        &self,
        charge: &Charge,
        counted: &[Counted],
        book: &Book,
    ) -> Result<Option<Line>, Fault> {
        let minor = MinorUnit::of(&charge.currency)?;
        let until = |day: Option<Day>| {
            let days = counted
                .iter()
                .filter(|c| day.is_some_and(|day| c.day < day));
            days.map(|c| i128::from(c.count)).sum::<i128>()
        };
        let (now, before) = (until(Some(book.as_of)), until(book.since));
        let count = now - before;
        if count == 0 {
            return Ok(None);
        }
        let amount = |count: i128| Money::of(count * ONE, charge.price)?.rounded(minor);
        let unit = match charge.per {
            Per::Message => Unit::Message,
            Per::Dar => Unit::Dar,
        };
        let mut line = Line::new(LineType::ChannelCharge, self.period, count * ONE, unit);
        if charge.per == Per::Dar {
            line.dars = i64::try_from(count).map_err(|_| Fault::new("too many DARs"))?;
        }
        line.channel.clone_from(&charge.channel);
        line.unit_price = Some(charge.price);
        line.amount = Some(amount(now)? - amount(before)?);
        line.currency = Some(charge.currency.clone());
        let billed = counted
            .iter()
            .map(|counted| counted.day)
            .filter(|day| *day < book.as_of && book.since.is_none_or(|since| *day >= since));
        line.first_day = billed.clone().min();
        line.last_day = billed.max();
        Ok(Some(line))
    }

    fn uncontracted(&self, steps: &[Step], since: Option<Day>) -> Option<Line> {
        let billed: Vec<&Step> = steps
            .iter()
            .filter(|step| since.is_none_or(|since| step.day >= since))
            .collect();
        let credits = billed.iter().map(|step| step.after() - step.before).sum();
        if credits == 0 {
            return None;
        }
        let mut line = Line::new(LineType::Uncontracted, self.period, credits, Unit::Credit);
        line.dars = billed.iter().map(|step| step.dars).sum();
        let days = || {
            billed
                .iter()
                .filter(|step| step.credits > 0)
                .map(|step| step.day)
        };
        (line.first_day, line.last_day) = (days().min(), days().max());
        Some(line)
    }
}

/// The first and last day with credits in a stretch of the drawdown.
fn days(steps: &[Step], stretch: Option<(Credits4, Credits4)>) -> (Option<Day>, Option<Day>) {
    let Some((from, to)) = stretch else {
        return (None, None);
    };
    let within = || {
        steps
            .iter()
            .filter(|step| step.before < to && step.after() > from && step.credits > 0)
            .map(|step| step.day)
    };
    (within().min(), within().max())
}

/// What `now` bills beyond `before`: rounded cumulative minus rounded cumulative, so that statements add up.
fn difference(now: Vec<Line>, mut before: Vec<Line>) -> Vec<Line> {
    let key = |line: &Line| {
        (
            line.line_type,
            line.unit_price,
            line.stretch.map(|(from, _)| from),
        )
    };
    let mut lines: Vec<Line> = now
        .into_iter()
        .map(|mut line| {
            if let Some(place) = before.iter().position(|other| key(other) == key(&line)) {
                let earlier = before.remove(place);
                line.quantity -= earlier.quantity;
                line.amount = line.amount.zip(earlier.amount).map(|(a, b)| a - b);
                line.stretch = line
                    .stretch
                    .zip(earlier.stretch)
                    .map(|((_, to), (_, from))| (from, to));
            }
            line
        })
        .collect();
    // A price of a volume tier that no longer holds is taken back.
    lines.extend(before.into_iter().map(|mut line| {
        line.quantity = -line.quantity;
        line.amount = line.amount.map(|amount| -amount);
        line
    }));
    lines.retain(|line| line.quantity != 0 || line.amount.is_some_and(|amount| amount != 0));
    lines
}
