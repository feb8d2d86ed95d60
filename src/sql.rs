//! The entry that plans a statement with relations in it.
