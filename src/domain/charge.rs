//! What a channel or a feature costs beside the credits: carrier charges, passed through.

use super::Fault;
use super::contract::show;
use super::day::Day;
use super::money::{MinorUnit, Price6};
use super::site::Feature;

/// What a charge is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Per {
    /// Every counted message.
    Message,
    /// Every DAR.
    Dar,
}

/// Every `per` by its name in SQL.
pub(crate) const PERS: [(&str, Per); 2] = [("message", Per::Message), ("dar", Per::Dar)];

/// One row of `channel_charges`. The order is that of its fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Charge {
    /// Who pays.
    pub(crate) org_id: String,
    /// `None`: any channel, and DARs without one.
    pub(crate) channel: Option<String>,
    /// `None`: with any features or none.
    pub(crate) feature: Option<Feature>,
    /// Messages or DARs.
    pub(crate) per: Per,
    /// ISO 4217, its own and not the contract's.
    pub(crate) currency: String,
    /// The first local day; `None` is unbounded.
    pub(crate) from: Option<Day>,
    /// The first local day after the last; `None` is unbounded.
    pub(crate) to: Option<Day>,
    /// For one of them.
    pub(crate) price: Price6,
}

impl Charge {
    /// Whether it is in force on `day`.
    pub(crate) fn holds_on(&self, day: Day) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day < to)
    }

    /// As an error names it.
    fn show(&self) -> String {
        let end = |day: Option<Day>| day.map_or_else(|| "…".into(), show);
        format!(
            "channel_charges: org_id '{}', channel {}, valid [{}, {})",
            self.org_id,
            self.channel
                .as_deref()
                .map_or("NULL".into(), |c| format!("'{c}'")),
            end(self.from),
            end(self.to),
        )
    }
}

/// Checks every charge and returns them in order.
///
/// # Errors
///
/// A negative price, an unknown currency, an empty range, or two charges of one kind and currency at one time: the
/// text names the rows and the remedy.
pub(crate) fn charges(mut charges: Vec<Charge>) -> Result<Vec<Charge>, Fault> {
    charges.sort();
    for charge in &charges {
        let fault = |what: String| Err(Fault::new(format!("{}: {what}", charge.show())));
        if charge.price < 0 {
            return fault("price is negative; a refund is no charge".into());
        }
        if let (Some(from), Some(to)) = (charge.from, charge.to)
            && from >= to
        {
            return fault(
                "valid_from is not before valid_to; the range is half open, mend the row".into(),
            );
        }
        if let Err(unknown) = MinorUnit::of(&charge.currency) {
            return fault(unknown.to_string());
        }
    }
    let kind = |charge: &Charge| {
        let Charge {
            org_id,
            channel,
            feature,
            per,
            currency,
            ..
        } = charge.clone();
        (org_id, channel, feature, per, currency)
    };
    for pair in charges.windows(2) {
        if let [before, after] = pair
            && kind(before) == kind(after)
            && before
                .to
                .is_none_or(|to| after.from.is_none_or(|from| from < to))
        {
            return Err(Fault::new(format!(
                "{} overlaps another charge of the same channel, feature, unit and currency, valid from {}; end the \
                 earlier one where the later one starts",
                before.show(),
                after.from.map_or_else(|| "ever".into(), show),
            )));
        }
    }
    Ok(charges)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    fn charge(from: Option<Day>, to: Option<Day>) -> Charge {
        Charge {
            org_id: "acme".into(),
            channel: Some("SMS".into()),
            feature: None,
            per: Per::Message,
            currency: "USD".into(),
            from,
            to,
            price: 7_500,
        }
    }

    #[test]
    fn overlaps_are_faults_and_neighbours_are_not() {
        assert!(charges(vec![charge(Some(5), None), charge(None, Some(5))]).is_ok());
        assert!(charges(vec![charge(Some(4), None), charge(None, Some(5))]).is_err());
        assert!(charges(vec![charge(None, None), charge(None, None)]).is_err());
        let other = Charge {
            channel: None,
            ..charge(None, None)
        };
        assert!(charges(vec![charge(None, None), other]).is_ok());
    }

    #[test]
    fn faults_of_one_row() {
        for wrong in [
            charge(Some(5), Some(5)),
            Charge {
                price: -1,
                ..charge(None, None)
            },
            Charge {
                currency: "usd".into(),
                ..charge(None, None)
            },
        ] {
            let text = charges(vec![wrong]).unwrap_err().to_string();
            assert!(text.contains("'acme'"), "{text}");
        }
    }
}
