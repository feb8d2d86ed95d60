//! The functions that table functions plan and people do not write: their names begin with `dayrate_`.

mod checked;
mod consumer_slots;
mod contract_periods;
mod contract_rows;
mod contract_terms;
mod day;
mod drawdown;
mod field;
mod focus_charges;
pub(crate) mod instant;
mod invoice;
pub(super) mod listed_rows;
mod message_reason;
mod of_one_row;
mod offer_costs;
mod outcomes;
pub(super) mod rows_out;
mod shares;
mod site_periods;

#[cfg(all(feature = "cli", feature = "delta"))]
pub(crate) use contract_periods::agreed;
pub(crate) use contract_rows::{CONTRACT_FIGURES, CONTRACT_TEXTS};
pub(crate) use day::NAME as DAY_NAME;
pub(crate) use instant::{instants, per_second};
pub(crate) use message_reason::rejection;
pub(crate) use offer_costs::OFFER_FIGURES;
pub(crate) use outcomes::COST_COLUMNS;
#[cfg(all(feature = "cli", feature = "delta"))]
pub(crate) use rows_out::scaled;

use datafusion::logical_expr::ScalarUDF;

use crate::domain::zone::ZoneDatabase;

/// Every function of this module, for a process that only reads their names in a plan.
#[cfg(feature = "cluster")]
pub(crate) fn all(zones: &ZoneDatabase) -> Vec<ScalarUDF> {
    vec![
        site_periods(zones),
        gen_ai_spans(),
        day(zones),
        sender(),
        message_reason(),
        billable(),
        checked(),
        consumer_slots(),
        field(),
        element(),
        contract_terms(),
        contract_periods(),
        in_contract(),
        drawdown(),
        message_charges(),
        charged_sites(),
        shares(),
        engaged(),
        focus_charges(),
        of_one_row(),
        offer_costs(),
        invoice(),
        scenarios(),
        credit_parts(),
    ]
}

/// `dayrate_site_periods(sites, feature_periods, gen_ai_scope, type)`.
pub(crate) fn site_periods(zones: &ZoneDatabase) -> ScalarUDF {
    site_periods::SitePeriods::new(zones.clone()).into()
}

/// `dayrate_gen_ai_spans(sites, feature_periods, gen_ai_scope, type)`.
pub(crate) fn gen_ai_spans() -> ScalarUDF {
    site_periods::GenAiSpans::new().into()
}

/// `dayrate_day(ts, zone)`.
pub(crate) fn day(zones: &ZoneDatabase) -> ScalarUDF {
    day::Day::new(zones.clone()).into()
}

/// `local_day_start(day, zone)`.
pub(crate) fn day_start(zones: &ZoneDatabase) -> ScalarUDF {
    super::local_day_start::LocalDayStart::new(zones.clone()).into()
}

/// `dayrate_sender(sent_by)`.
pub(crate) fn sender() -> ScalarUDF {
    message_reason::SenderName::new().into()
}

/// `dayrate_reason(…)`.
pub(crate) fn message_reason() -> ScalarUDF {
    message_reason::MessageReason::new().into()
}

/// `dayrate_billable(…, rejects)`.
pub(crate) fn billable() -> ScalarUDF {
    message_reason::Billable::new().into()
}

/// `dayrate_checked(value)`.
pub(crate) fn checked() -> ScalarUDF {
    checked::Checked::new().into()
}

/// `dayrate_consumer_slots(consumers)`.
pub(crate) fn consumer_slots() -> ScalarUDF {
    consumer_slots::ConsumerSlots::new().into()
}

/// `dayrate_field(struct, name)`.
pub(crate) fn field() -> ScalarUDF {
    field::StructField::new().into()
}

/// `dayrate_element(list, slot)`.
pub(crate) fn element() -> ScalarUDF {
    consumer_slots::Element::new().into()
}

/// `dayrate_contract_terms(contracts, scenario)`.
pub(crate) fn contract_terms() -> ScalarUDF {
    contract_terms::ContractTerms::new().into()
}

/// `dayrate_contract_periods(contracts, price_tiers)`.
pub(crate) fn contract_periods() -> ScalarUDF {
    contract_periods::ContractPeriods::new().into()
}

/// `dayrate_in_contract(contract_id, org_id, day, period_start, credits)`.
pub(crate) fn in_contract() -> ScalarUDF {
    contract_periods::InContract::new().into()
}

/// `dayrate_drawdown(…)`.
pub(crate) fn drawdown() -> ScalarUDF {
    drawdown::Drawdown::new().into()
}

/// `dayrate_message_charges(channel_charges, with_feature)`.
pub(crate) fn message_charges() -> ScalarUDF {
    invoice::MessageCharges::new().into()
}

/// `dayrate_charged_sites(sites, channel_charges, with_feature)`.
pub(crate) fn charged_sites() -> ScalarUDF {
    invoice::ChargedSites::new().into()
}

/// `dayrate_shares(conversations, credits, amount)`.
pub(crate) fn shares() -> ScalarUDF {
    shares::Shares::new().into()
}

/// `dayrate_engaged(conversation_id, parts)`.
pub(crate) fn engaged() -> ScalarUDF {
    outcomes::EngagedParts::new().into()
}

/// `dayrate_focus_charges(lines, previous)`.
pub(crate) fn focus_charges() -> ScalarUDF {
    focus_charges::FocusCharges::new().into()
}

/// `dayrate_of_one_row(rows, relation, key)`.
pub(crate) fn of_one_row() -> ScalarUDF {
    of_one_row::OfOneRow::new().into()
}

/// `dayrate_offer_costs(offers, history)`.
pub(crate) fn offer_costs() -> ScalarUDF {
    offer_costs::OfferCosts::new().into()
}

/// `dayrate_invoice(…)`.
pub(crate) fn invoice() -> ScalarUDF {
    invoice::Invoice::new().into()
}

/// `dayrate_scenarios(contracts, scenario)`.
pub(crate) fn scenarios() -> ScalarUDF {
    contract_terms::Scenarios::new().into()
}

/// `dayrate_credit_parts(…, growth)`.
pub(crate) fn credit_parts() -> ScalarUDF {
    super::engagement_credits::CreditParts::new().into()
}
