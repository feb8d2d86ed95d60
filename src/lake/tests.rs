//! Locations and files, through a plain session.
