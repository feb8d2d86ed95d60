//! The one place that makes a session.
