//! `ledger` and `invoice_lines` against a model in exact fractions.
//!
//! The model (`model`) is written from the rules and from nothing of the crate: money is a fraction of whole numbers,
//! periods come from another calendar library, and every DAR is looked at alone, where the crate counts them by day.
//! Random worlds (`world`) are small and dense: commitments of a few credits, terms around the ends of months, equal
//! days, credits and instants, three minor units, every block mode and both kinds of tiers.

mod model;
mod properties;
mod world;
