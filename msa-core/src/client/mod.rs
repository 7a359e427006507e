//! Calling other services by name.

pub mod transport;
