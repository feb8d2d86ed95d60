//! Which contract prices a day: the terms of every organization, checked against each other.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::Fault;
#[cfg(all(feature = "cli", feature = "delta"))]
use super::credits::Rates;
use super::credits::SurchargeMode;
use super::day::{Day, show_day};
use super::money::MinorUnit;
use super::tariff::BlockMode;

/// One row of `contracts`, as far as rating needs it. The key is (`scenario`, `contract_id`, `term_start`).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Term {
    /// Repeats in a multi-year agreement.
    pub(crate) contract_id: String,
    /// `org_id` as text.
    pub(crate) org_id: String,
    /// The first day.
    pub(crate) start: Day,
    /// The first day after the last.
    pub(crate) end: Day,
    /// ISO 4217.
    pub(crate) currency: String,
    /// A what-if; `None` is the real contract.
    pub(crate) scenario: Option<String>,
    /// The contract's own rates; `None` is the published one.
    pub(crate) dar_credits: Option<Decimal>,
    /// See [`super::credits::Rates`].
    pub(crate) gen_ai_multiplier: Option<Decimal>,
    /// See [`super::credits::Rates`].
    pub(crate) intent_analyzer_credits: Option<Decimal>,
    /// The contract's own mode.
    pub(crate) surcharge_mode: Option<SurchargeMode>,
    /// Whether a commitment holds for the term or for each month.
    pub(crate) period: PeriodKind,
    /// What a begun block of overage costs.
    pub(crate) block_mode: BlockMode,
    /// When the commitment is billed.
    pub(crate) collection: Collection,
    /// The figures that may not be negative, by column name; only those that are there.
    pub(crate) figures: Vec<(&'static str, Decimal)>,
}

#[cfg(all(feature = "cli", feature = "delta"))]
impl Term {
    /// What a DAR costs in credits; `surcharge_mode`, the reading of a session, wins over the contract's own.
    pub(crate) fn rates(&self, surcharge_mode: Option<SurchargeMode>) -> Rates {
        let standard = Rates::STANDARD;
        Rates {
            dar_credits: self.dar_credits.unwrap_or(standard.dar_credits),
            gen_ai_multiplier: self.gen_ai_multiplier.unwrap_or(standard.gen_ai_multiplier),
            intent_analyzer_credits: self
                .intent_analyzer_credits
                .unwrap_or(standard.intent_analyzer_credits),
            surcharge_mode: surcharge_mode
                .or(self.surcharge_mode)
                .unwrap_or(standard.surcharge_mode),
        }
    }
}

/// What a commitment holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeriodKind {
    /// The whole term.
    Term,
    /// Each month from the term's start day on.
    Month,
}

/// Every period by its name in SQL, the default first.
pub(crate) const PERIODS: [(&str, PeriodKind); 2] =
    [("term", PeriodKind::Term), ("month", PeriodKind::Month)];

/// When a commitment is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    /// As it is used, and what is left when the period has ended.
    Arrears,
    /// Whole, once the period has begun.
    Advance,
}

/// Every collection by its name in SQL, the default first.
pub(crate) const COLLECTIONS: [(&str, Collection); 2] = [
    ("arrears", Collection::Arrears),
    ("advance", Collection::Advance),
];

/// Which scenarios of `contracts` a query asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Scenario {
    /// The real contracts: those without a scenario.
    Real,
    /// One what-if, by name.
    Named(String),
    /// Every scenario side by side, the real one among them if it occurs.
    All,
}

/// Checks every term and returns those of the scenario asked for.
///
/// # Errors
///
/// A term that ends before it starts, a negative figure, an unknown currency, a key that repeats, two terms of one organization at one time within a scenario,
/// or a scenario name that no contract has: the text names the rows and the remedy.
pub(crate) fn terms(mut terms: Vec<Term>, scenario: &Scenario) -> Result<Vec<Term>, Fault> {
    for term in &terms {
        check(term)?;
    }
    terms.sort_by(|a, b| {
        (&a.scenario, &a.org_id, a.start, a.end).cmp(&(&b.scenario, &b.org_id, b.start, b.end))
    });
    for pair in terms.windows(2) {
        if let [before, after] = pair
            && before.scenario == after.scenario
            && before.org_id == after.org_id
            && before.end > after.start
        {
            return Err(Fault::new(format!(
                "contracts: org_id '{}' has two contracts at one time{}: contract_id '{}' [{}, {}) and contract_id '{}' \
                 [{}, {}); end the earlier one where the later one starts, or put one into a scenario of its own",
                before.org_id,
                before
                    .scenario
                    .as_ref()
                    .map_or_else(String::new, |s| format!(" in scenario '{s}'")),
                before.contract_id,
                show(before.start),
                show(before.end),
                after.contract_id,
                show(after.start),
                show(after.end),
            )));
        }
    }
    unique(&terms)?;
    match scenario {
        Scenario::All => {}
        Scenario::Real => terms.retain(|term| term.scenario.is_none()),
        Scenario::Named(name) => {
            let known: Vec<String> = scenarios(&terms)
                .into_iter()
                .flatten()
                .map(|s| format!("'{s}'"))
                .collect();
            terms.retain(|term| term.scenario.as_ref() == Some(name));
            if terms.is_empty() {
                return Err(Fault::new(format!(
                    "scenario => '{name}': contracts has no such scenario; it has {}",
                    if known.is_empty() {
                        "none".into()
                    } else {
                        known.join(", ")
                    },
                )));
            }
        }
    }
    Ok(terms)
}

/// The scenarios that occur, the real one first; the real one alone if there are no contracts.
pub(crate) fn scenarios(terms: &[Term]) -> Vec<Option<String>> {
    let mut names: Vec<Option<String>> = terms
        .iter()
        .map(|term| (term.scenario.clone(), ()))
        .collect::<BTreeMap<_, _>>()
        .into_keys()
        .collect();
    if names.is_empty() {
        names.push(None);
    }
    names
}

/// The key of a contract row is (scenario, contract_id, term_start).
fn unique(terms: &[Term]) -> Result<(), Fault> {
    let mut keys = BTreeMap::new();
    for term in terms {
        let key = (&term.scenario, &term.contract_id, term.start);
        if let Some(other) = keys.insert(key, &term.org_id) {
            return Err(Fault::new(format!(
                "contracts: contract_id '{}' has two rows with term_start {}, of org_id '{other}' and of '{}'; give each \
                 contract an id of its own",
                term.contract_id,
                show(term.start),
                term.org_id,
            )));
        }
    }
    Ok(())
}

fn check(term: &Term) -> Result<(), Fault> {
    if term.start >= term.end {
        return Err(Fault::new(format!(
            "contracts: contract_id '{}': term_start {} is not before term_end {}; the term is half open, mend the row",
            term.contract_id,
            show(term.start),
            show(term.end),
        )));
    }
    if let Some((column, value)) = term
        .figures
        .iter()
        .find(|(_, value)| value.is_sign_negative() && !value.is_zero())
    {
        return Err(Fault::new(format!(
            "contracts: contract_id '{}' (term_start {}): {column} is {value}; it may not be negative",
            term.contract_id,
            show(term.start),
        )));
    }
    MinorUnit::of(&term.currency).map_err(|fault| {
        Fault::new(format!(
            "contracts: contract_id '{}' (term_start {}): {fault}",
            term.contract_id,
            show(term.start),
        ))
    })?;
    Ok(())
}

/// A day as people write it.
pub(crate) fn show(day: Day) -> String {
    show_day(i64::from(day))
}

#[cfg(test)]
pub(crate) mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    pub(crate) fn term(id: &str, start: Day, end: Day, scenario: Option<&str>) -> Term {
        Term {
            contract_id: id.into(),
            org_id: "acme".into(),
            start,
            end,
            currency: "USD".into(),
            scenario: scenario.map(Into::into),
            dar_credits: None,
            gen_ai_multiplier: None,
            intent_analyzer_credits: None,
            surcharge_mode: None,
            period: PeriodKind::Term,
            block_mode: BlockMode::Ceil,
            collection: Collection::Arrears,
            figures: Vec::new(),
        }
    }

    #[test]
    fn overlap_is_a_fault_only_within_a_scenario() {
        let side_by_side = vec![term("a", 0, 10, None), term("b", 5, 15, Some("plan"))];
        assert_eq!(
            terms(side_by_side.clone(), &Scenario::All).unwrap().len(),
            2
        );
        assert_eq!(
            terms(side_by_side.clone(), &Scenario::Real).unwrap().len(),
            1
        );
        let text = terms(side_by_side, &Scenario::Named("plon".into()))
            .unwrap_err()
            .to_string();
        assert!(text.contains("'plan'"), "{text}");
        let text = terms(
            vec![term("a", 0, 10, None), term("b", 9, 15, None)],
            &Scenario::All,
        )
        .unwrap_err()
        .to_string();
        assert!(text.contains("'a' [1970-01-01, 1970-01-11)"), "{text}");
        assert!(
            terms(
                vec![term("a", 0, 10, None), term("a", 10, 15, None)],
                &Scenario::All
            )
            .is_ok()
        );
    }

    #[test]
    fn faults_of_one_row() {
        assert!(terms(vec![term("a", 3, 3, None)], &Scenario::Real).is_err());
        let mut negative = term("a", 0, 1, None);
        negative.figures = vec![("credit_price", dec("-0.01"))];
        let text = terms(vec![negative], &Scenario::Real)
            .unwrap_err()
            .to_string();
        assert!(text.contains("credit_price is -0.01"), "{text}");
    }
}
