//! Whether to call, how often, and what instead: one folder per policy.
//!
//! Each policy has a core without I/O that is told what happened and when, and answers; a [`tower::Layer`] around it;
//! its settings under `client` in the [configuration](crate::config); and its events.

pub mod breaker;
pub mod budget;
pub mod bulkhead;
pub mod cache;
pub mod coalesce;
pub mod fallback;
pub mod hedge;
pub mod limit;
pub mod policy;
#[cfg(feature = "rate-limit")]
pub mod rate_limit;
pub mod retry;
pub mod throttle;
pub mod timeout;
pub mod window;
