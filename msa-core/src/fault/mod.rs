//! Faults on purpose: delays, aborts, resets and slow bodies, to see what a service and its callers make of them.
//!
//! Compiled in by the feature `fault`, on only by configuration, `server.fault` for requests that come in and
//! `clients.<name>.fault` for calls; both are live. A request cannot ask for a fault itself unless `allow_headers` is on.
//!
//! ```
//! use http::HeaderMap;
//! use msa_core::config::{FaultSettings, Percent};
//! use msa_core::fault::{End, Faults};
//!
//! let mut settings = FaultSettings::default();
//! settings.abort_percentage = Percent::ALL;
//! settings.paths = vec!["/stock/*".into()];
//! let faults = Faults::new(&settings, 1)?;
//! assert_eq!(faults.decide(None, "/stock/7", &HeaderMap::new()).end, Some(End::Abort(http::StatusCode::SERVICE_UNAVAILABLE)));
//! assert_eq!(faults.decide(None, "/orders", &HeaderMap::new()).end, None);
//! # Ok::<(), msa_core::fault::FaultError>(())
//! ```
//!
//! # Settings
//!
//! | setting | default | what |
//! | --- | --- | --- |
//! | `paths`, `header` | all | which requests: routes or paths, `*` at the end; `x-chaos` or `x-chaos: yes` |
//! | `delay`, `delay_percentage` | `100ms`, 0 % | waits before anything else |
//! | `abort`, `abort_percentage` | 503, 0 % | is answered with this status, 400 to 599, without being done |
//! | `reset_percentage` | 0 % | loses its connection |
//! | `slow_body`, `slow_body_percentage` | `1KiB` a second, 0 % | is done, and its answer's body drips |
//! | `allow_headers` | no | whether a request's headers may ask |
//! | `max_delay` | `10s` | the longest delay that a header gets |
//!
//! # Headers
//!
//! Where `allow_headers` is on, a header asks for a fault of its own, whatever `paths` and `header` say:
//!
//! | header | value |
//! | --- | --- |
//! | `x-msa-fault-delay` | a time, `250ms`; `x-envoy-fault-delay-request` has milliseconds |
//! | `x-msa-fault-abort`, `x-envoy-fault-abort-request` | a status, 400 to 599 |
//! | `x-msa-fault-reset` | `true` |
//! | `x-msa-fault-slow-body` | bytes a second, `64KiB` |
//! | each with `-percentage` | how many, a whole number of percent; all unless it says |
//!
//! What is not well formed, or out of bounds, asks for nothing. (Envoy lets a header lower its configured percentage; here it
//! stands for itself, since the configured one is zero when only headers ask.)

mod body;
mod call;
mod error;
mod faults;
mod headers;
mod layer;

#[cfg(test)]
mod tests;

pub use body::{ResetBody, SlowBody};
pub(crate) use call::tell;
pub use call::{Injected, Struck};
pub use error::FaultError;
pub use faults::{End, Faults, Plan};
pub use layer::{FaultFuture, FaultLayer, FaultService};
