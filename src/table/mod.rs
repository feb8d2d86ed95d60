//! The table functions, one file each: relations and options to a logical plan.
