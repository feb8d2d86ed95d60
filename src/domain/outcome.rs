//! What came of a conversation, beside what it cost: each outcome counted once, each cost once.

use std::collections::BTreeSet;

use super::Fault;

/// What a conversation cost on one site in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cost<'a> {
    /// As text.
    pub(crate) site_id: Option<&'a str>,
    /// `None`: no contract.
    pub(crate) currency: Option<&'a str>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome<'a> {
    /// As text; `None`: the one site that the conversation occurs on.
    pub(crate) site_id: Option<&'a str>,
    /// Names it; of several rows with one id, one counts.
    pub(crate) outcome_id: Option<&'a str>,
    /// `sales`, `support` or any other.
    pub(crate) kind: Option<&'a str>,
    /// Of the money in it; `None`: that of the cost.
    pub(crate) currency: Option<&'a str>,
    /// In ten-thousandths.
    pub(crate) revenue: Option<i128>,
    /// In ten-thousandths.
    pub(crate) saving: Option<i128>,
    /// Whether the customer was helped.
    pub(crate) resolved: Option<bool>,
}

/// Costs and outcomes of one conversation on one site in one currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Engaged<'a> {
    /// The place of its cost; `None`: no cost in this currency.
    pub(crate) cost: Option<usize>,
    /// The place of a cost that tells about the conversation; `None`: it has none on this site.
    pub(crate) about: Option<usize>,
    /// The place of an outcome, where there is no cost.
    pub(crate) outcome: Option<usize>,
    /// Of both.
    pub(crate) currency: Option<&'a str>,
    /// Distinct, in order.
    pub(crate) kinds: BTreeSet<&'a str>,
    /// How many.
    pub(crate) outcomes: i64,
    /// Of all that have one.
    pub(crate) revenue: Option<i128>,
    /// Of all that have one.
    pub(crate) saving: Option<i128>,
    /// Any of them was.
    pub(crate) resolved: Option<bool>,
    site_id: Option<&'a str>,
}

/// The rows of one conversation: every cost once, in the order given, and what is left of the outcomes.
///
/// An outcome goes to the cost on its site in its currency, or, without one or without money, to the first cost there.
/// Money in another currency stands in a row of its own; where the cost has no currency, it takes the first, by its code.
/// Outcomes of a conversation without any cost stay.
///
/// # Errors
///
/// An outcome without a site, of a conversation on several; an id with two different outcomes.
pub(crate) fn engaged<'a>(
    conversation: &str,
    costs: &[Cost<'a>],
    outcomes: &[Outcome<'a>],
) -> Result<Vec<Engaged<'a>>, Fault> {
    let fault = |what: String| {
        Err(Fault::new(format!(
            "outcomes: conversation_id '{conversation}': {what}"
        )))
    };
    let mut rows: Vec<Engaged<'a>> = costs
        .iter()
        .enumerate()
        .map(|(place, cost)| Engaged {
            cost: Some(place),
            about: Some(place),
            currency: cost.currency,
            site_id: cost.site_id,
            ..Engaged::default()
        })
        .collect();
    let sites: BTreeSet<Option<&str>> = costs.iter().map(|cost| cost.site_id).collect();
    let mut placed: Vec<(Outcome<'a>, usize)> = Vec::new();
    for (outcome, place) in outcomes.iter().zip(0..) {
        let site_id = match (outcome.site_id, sites.len()) {
            (None, 2..) => {
                let names: Vec<&str> = sites.iter().copied().flatten().collect();
                return fault(format!(
                    "an outcome has no site_id, and the conversation occurs on the sites '{}'; name the site",
                    names.join("', '")
                ));
            }
            (None, _) => sites.first().copied().flatten(),
            (given, _) => given,
        };
        // A currency means nothing without money.
        let has_money = outcome.revenue.is_some() || outcome.saving.is_some();
        let outcome = Outcome {
            site_id,
            currency: outcome.currency.filter(|_| has_money),
            ..outcome.clone()
        };
        let same_id = |(other, _): &&(Outcome, usize)| {
            other.outcome_id.is_some()
                && (other.outcome_id, other.site_id) == (outcome.outcome_id, outcome.site_id)
        };
        match placed.iter().find(same_id) {
            None => placed.push((outcome, place)),
            Some((same, _)) if *same == outcome => {}
            Some(_) => {
                return fault(format!(
                    "outcome_id '{}' has two rows that differ; keep the right one, or give each an id of its own",
                    outcome.outcome_id.unwrap_or_default()
                ));
            }
        }
    }
    placed.sort_by_key(|(outcome, _)| outcome.currency);
    for (outcome, place) in &placed {
        let site_id = outcome.site_id;
        let on_site = |row: &Engaged| row.site_id == site_id;
        let same = |row: &Engaged| {
            on_site(row) && (outcome.currency.is_none() || row.currency == outcome.currency)
        };
        let open = |row: &Engaged| on_site(row) && row.currency.is_none();
        let found = rows
            .iter()
            .position(same)
            .or_else(|| rows.iter().position(open));
        let row = match found {
            Some(found) => rows.get_mut(found),
            None => {
                let about = costs.iter().position(|cost| cost.site_id == site_id);
                rows.push(Engaged {
                    about,
                    outcome: Some(*place),
                    site_id,
                    ..Engaged::default()
                });
                rows.last_mut()
            }
        };
        if let Some(row) = row {
            row.currency = row.currency.or(outcome.currency);
            row.kinds.extend(outcome.kind);
            row.outcomes += 1;
            row.revenue = sum(row.revenue, outcome.revenue)?;
            row.saving = sum(row.saving, outcome.saving)?;
            row.resolved = match (row.resolved, outcome.resolved) {
                (Some(a), Some(b)) => Some(a || b),
                (a, b) => a.or(b),
            };
        }
    }
    Ok(rows)
}

fn sum(a: Option<i128>, b: Option<i128>) -> Result<Option<i128>, Fault> {
    match (a, b) {
        (Some(a), Some(b)) => {
            let sum = a.checked_add(b);
            Ok(Some(sum.ok_or_else(|| {
                Fault::new("outcomes: a sum of money is too large")
            })?))
        }
        (a, b) => Ok(a.or(b)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    fn cost(site: &'static str, currency: Option<&'static str>) -> Cost<'static> {
        Cost {
            site_id: Some(site),
            currency,
        }
    }

    fn outcome(
        id: &'static str,
        currency: Option<&'static str>,
        revenue: i128,
    ) -> Outcome<'static> {
        Outcome {
            site_id: None,
            outcome_id: Some(id),
            kind: Some("sales"),
            currency,
            revenue: Some(revenue),
            saving: None,
            resolved: None,
        }
    }

    #[test]
    fn two_outcomes_share_one_cost() {
        let outcomes = [
            outcome("1", Some("USD"), 5),
            outcome("2", None, 7),
            outcome("1", Some("USD"), 5),
        ];
        let rows = engaged("c", &[cost("s", Some("USD"))], &outcomes).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].outcomes, rows[0].revenue), (2, Some(12)));
    }

    #[test]
    fn another_currency_has_a_row_of_its_own() {
        let outcomes = [outcome("1", Some("EUR"), 5), outcome("2", Some("USD"), 7)];
        let rows = engaged("c", &[cost("s", Some("USD"))], &outcomes).unwrap();
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.cost, row.currency, row.revenue))
            .collect();
        assert_eq!(
            shown,
            [
                (Some(0), Some("USD"), Some(7)),
                (None, Some("EUR"), Some(5))
            ]
        );
        // Without a contract the first currency stands beside the cost.
        let rows = engaged("c", &[cost("s", None)], &outcomes).unwrap();
        let shown: Vec<_> = rows.iter().map(|row| (row.cost, row.currency)).collect();
        assert_eq!(shown, [(Some(0), Some("EUR")), (None, Some("USD"))]);
    }

    #[test]
    fn faults() {
        let costs = [cost("s", None), cost("t", None)];
        let text = engaged("c", &costs, &[outcome("1", None, 5)])
            .unwrap_err()
            .to_string();
        assert!(text.contains("'c'") && text.contains("'s', 't'"), "{text}");
        let twice = [outcome("1", None, 5), outcome("1", None, 6)];
        assert!(engaged("c", &costs[..1], &twice).is_err());
        assert_eq!(engaged("c", &[], &twice[..1]).unwrap()[0].outcome, Some(0));
    }
}
