//! Relations from files.
