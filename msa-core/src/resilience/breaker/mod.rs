//! Circuit breaker: stops calling what is broken, and finds out when it works again.
//!
//! **When to use it:** before every callee that may fail as a whole. A [`ServiceClient`](crate::client::ServiceClient) keeps one for
//! each endpoint; [`BreakerLayer`] puts one before any service; [`Breaker`] alone guards anything. Where the callee is one
//! load-balanced whole that sheds load by itself, a [throttle](super::throttle) is the better choice; what a server of this library
//! sheds does not count for a breaker ([`HttpStatus::answered`]).
//!
//! ```
//! use std::time::Duration;
//! use msa_core::clock;
//! use msa_core::resilience::breaker::{Breaker, BreakerConfig, State};
//!
//! let mut config = BreakerConfig::default();
//! config.consecutive_failures = Some(3);
//! let breaker = Breaker::new(config);
//!
//! let start = clock::now();
//! for _ in 0..3 {
//!     breaker.try_acquire(start)?.failure(start);
//! }
//! let refused = breaker.try_acquire(start).unwrap_err();
//! assert!(refused.retry_after >= Duration::from_secs(5));
//!
//! // The open time is over: three trial calls, and all must succeed.
//! let later = start + refused.retry_after;
//! for _ in 0..3 {
//!     assert_eq!(breaker.state(later), State::HalfOpen);
//!     breaker.try_acquire(later)?.success(later);
//! }
//! assert_eq!(breaker.state(later), State::Closed);
//! # Ok::<(), msa_core::resilience::breaker::OpenError>(())
//! ```
//!
//! As a layer:
//!
//! ```
//! use std::sync::Arc;
//! use msa_core::resilience::breaker::{Breaker, BreakerLayer, HttpStatus};
//! use tower::{Service as _, ServiceBuilder, ServiceExt as _, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let breaker = Arc::new(Breaker::default());
//! let mut stock = ServiceBuilder::new()
//!     .layer(BreakerLayer::new(breaker.clone()).classify(HttpStatus))
//!     .service(service_fn(async |_: ()| Ok::<_, std::io::Error>(http::Response::new("7"))));
//! assert_eq!(*stock.ready().await?.call(()).await?.body(), "7");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # States
//!
//! | state | calls | leaves it |
//! | --- | --- | --- |
//! | closed | are made and counted | when the rules say so |
//! | open | are refused with [`OpenError`] | with the first call after its time |
//! | half-open | a few trial calls are made, the others refused | when the trials have been judged, or do not end |
//! | forced open, disabled, metrics only | are refused; made; made and counted | when somebody says so |
//!
//! Each change begins an [epoch](Epoch). A result counts only in the epoch in which its permit was given: a success left over from
//! before cannot close a breaker, and a failure left over cannot open it again. A permit that is dropped was cancelled: it counts
//! neither way, and a trial call's place is free again. [`Breaker::state`] and [`Breaker::would_admit`] change nothing.
//!
//! # Settings
//!
//! | key below `client.breaker` | default | meaning |
//! | --- | --- | --- |
//! | `enabled` | `true` | whether there is one |
//! | `dark` | `false` | decides and reports, but refuses nothing |
//! | `window`, `buckets` | `10s`, 10 | how far back it looks, in how many steps |
//! | `window_calls` | 0 | looks at the last so many calls instead; 0 is off |
//! | `failure_rate`, `min_calls` | `50%`, 20 | opens at this share of failures, of at least so many calls |
//! | `slow_after`, `slow_rate` | `0s`, `100%` | calls that take so long are slow; opens at this share of them; `0s` is off |
//! | `consecutive_failures` | 0 | opens after so many failures in a row; 0 is off |
//! | `consecutive_connect_failures` | 5 | opens after so many failures to connect in a row; 0 is off |
//! | `open`, `max_open`, `jitter` | `5s`, `60s`, `10%` | opens for so long, doubling each further time in a row, and up to that share longer |
//! | `trials`, `trials_at_once` | 3, 3 | trial calls that must all succeed; how many at the same time |
//! | `max_trial_wait` | `60s` | trials that do not end open it again |
//!
//! [`BreakerConfig`] can be told more than the settings: judging with every call or at intervals, other rules for the trials, and the
//! ways of MicroProfile, resilience4j, Polly, Hystrix and failsafe for Java as presets, which pass those projects' own tables of
//! behaviour.
//!
//! # What is exact
//!
//! While closed, threads share two atomic words: one with state and epoch, that they read, and the count of the bucket, that they add
//! to. No result is lost or counted twice, and none counts in another epoch or another bucket than its own; see
//! [`window`](super::window) for the limits of a bucket. A failure is judged over what is counted when it looks: of
//! two failures at the same time the later one sees both. Half-open permits are given under a lock, never more than configured.

mod admit;
mod breaker;
mod classify;
mod config;
mod core;
mod error;
#[cfg(feature = "failsafe")]
pub mod failsafe;
mod future;
mod gate;
mod judge;
mod layer;
mod manual;
mod metrics;
mod permit;
mod policy;
mod presets;
mod registry;
mod rules;
mod service;
mod settings;
mod state;
mod streak;
mod transition;
mod trials;

#[cfg(all(test, msa_loom))]
mod loom_tests;
#[cfg(all(test, not(msa_loom)))]
mod tests;

pub use breaker::Breaker;
pub use classify::{AnyError, Classify, ErrorKinds, HttpStatus, Outcome};
pub use config::{BreakerConfig, HalfOpen, Judge, OpenTime, Stuck, TrialRule};
pub use error::{BreakerError, OpenError};
pub use future::BreakerFuture;
pub use layer::BreakerLayer;
pub use metrics::Metrics;
pub use permit::{OwnedPermit, Permit};
pub use policy::FailurePolicy;
pub use registry::Registry;
pub use service::BreakerService;
pub use state::{Epoch, State};
pub use transition::{Reason, Transition, Transitions};
