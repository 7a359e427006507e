//! Whether to call, how often, and what instead: one folder per policy.
//!
//! Each policy has a core without I/O that is told what happened and when, and answers; a [`tower::Layer`] around it;
//! its settings under `client` in the [configuration](crate::config); and its events.

pub mod budget;
pub mod retry;
