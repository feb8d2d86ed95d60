//! The scalar functions, one file each: a thin Arrow skin over [`crate::domain`].
