//! Rate limit: only so many calls a time (feature `rate-limit`).
//!
//! Two kinds, by [`RateLimitConfig`]:
//!
//! - **GCRA**, the default: the virtual-scheduling form of a leaky bucket (ITU-T I.371), by the `governor` crate. Permits come back one by
//!   one, evenly, and up to `burst` of them may be spent at once. There is no edge of a window at which twice as many pass.
//! - **window**: all permits come back together at the start of each period, as in resilience4j's `AtomicRateLimiter`.
//!
//! Either lets a caller take permits of the near future and wait for them. [`RateLimit`] is one limit, around calls;
//! [`KeyedRateLimit`] is one for each key (a client's address, an API key) in bounded memory, in front of a server.
//!
//! ```
//! use std::time::Duration;
//! use msa_core::clock;
//! use msa_core::resilience::rate_limit::{RateLimit, RateLimitConfig};
//!
//! let now = clock::now();
//! let limit = RateLimit::new(RateLimitConfig::gcra("10/s".parse()?).burst(2), now);
//! assert_eq!(limit.try_acquire(now)?.remaining, 1);
//! assert_eq!(limit.try_acquire(now)?.remaining, 0);
//! let limited = limit.try_acquire(now).unwrap_err();
//! assert_eq!(limited.retry_after, Some(Duration::from_millis(100)));
//! assert!(limit.try_acquire(now + Duration::from_millis(100)).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Settings
//!
//! | key below `client` | default | meaning |
//! | --- | --- | --- |
//! | `rate_limit.rate` | none: off | such as `100/s`; `0/s` lets nothing through |
//! | `rate_limit.burst` | `0` | calls at once (gcra); `0` is as many as the rate's amount |
//! | `rate_limit.kind` | `gcra` | `gcra` or `window` |
//! | `rate_limit.max_wait` | `0s` | the longest that a call waits for its turn |
//! | `rate_limit.dark` | `false` | reports what it would refuse, and lets it through |
//!
//! `server.rate_limit` has the same keys, but for `max_wait`: one rate for all requests of the server, which answers 429 above it.
//! Probes and the management listener do not count. A rate for each client is [`InboundRateLimitLayer`]'s.
//!
//! # On the wire
//!
//! [`Quota::headers`] writes `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers has them, and
//! [`InboundRateLimitLayer`] and the server answer 429 with them and `Retry-After`.

mod config;
mod engine;
mod error;
mod headers;
mod inbound;
mod key;
mod keyed;
mod layer;
mod passed;
mod quota;
mod rate_limit;
mod service;
mod settings;
mod store;

pub use config::{RateLimitConfig, RateLimitKind};
pub use error::Limited;
pub(crate) use inbound::refusal;
pub use inbound::{InboundRateLimitFuture, InboundRateLimitLayer, InboundRateLimitService};
pub use key::RateLimitKey;
pub use keyed::KeyedRateLimit;
pub use layer::RateLimitLayer;
pub use quota::Quota;
pub use rate_limit::RateLimit;
pub use service::{RateLimitFuture, RateLimitService};

#[cfg(all(test, not(msa_loom)))]
mod tests;
