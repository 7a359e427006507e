//! The server's parts.

pub mod accept;
pub mod body;
pub mod signal;
