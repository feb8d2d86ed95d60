//! The sections of the page, one file a question.

mod commitment;
mod curve;
mod drawdown;
mod engagement;
mod feature;
mod forecast;
mod invoice;
mod participant;
mod place;
mod quality;
mod rule;
mod seat;
mod time;

pub(super) use commitment::Commitments;
pub(super) use curve::curve;
pub(super) use engagement::engagements;
pub(super) use feature::features;
pub(super) use forecast::forecast;
pub(super) use invoice::Invoice;
pub(super) use participant::participants;
pub(super) use place::places;
pub(super) use quality::Quality;
pub(super) use rule::rules;
pub(super) use seat::seats;
pub(super) use time::time;

use super::page::Missing;

/// What to say where there are no contracts.
const NO_CONTRACTS: Missing = Missing {
    relation: "contracts",
    what: "What a credit costs and how many are committed",
    columns: "contract_id, org_id, term_start, term_end, currency, committed_credits, credit_price, overage_price",
};
