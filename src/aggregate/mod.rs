//! Thin Arrow skins over the rules, for aggregates.
pub(crate) mod exact_sum;
