//! The aggregates, one file each.
