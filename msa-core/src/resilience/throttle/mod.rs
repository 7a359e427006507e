//! Client throttle: turns calls away at home while the callee turns most of them away.
//!
//! A callee that is overloaded spends its time on refusing. Each caller therefore counts what it asked for and what was accepted
//! in the last two minutes, and turns a call away with the probability
//!
//! ```text
//! max(0, (requests - K · accepts) / (requests + 1))
//! ```
//!
//! which is *adaptive throttling* of the chapter
//! [Handling Overload](https://sre.google/sre-book/handling-overload/) of Google's SRE book. With K = 2 the callee sees twice of what
//! it accepts, so it can show at once that it has recovered.
//!
//! **When to use it:** in place of a [breaker](super::breaker) where the callee is one load-balanced whole that sheds load by itself.
//! A breaker stops all calls to an endpoint that is broken; a throttle sends as much as a service can take.
//!
//! ```
//! use msa_core::clock;
//! use msa_core::resilience::throttle::Throttle;
//!
//! let throttle = Throttle::default();
//! let permit = throttle.try_acquire(clock::now())?;
//! // … call …
//! permit.accepted(clock::now());
//! # Ok::<(), msa_core::resilience::throttle::Throttled>(())
//! ```
//!
//! As a layer, around any service whose answers a [`Classify`](super::breaker::Classify) understands:
//!
//! ```
//! use std::sync::Arc;
//! use msa_core::resilience::throttle::{Overload, Throttle, ThrottleLayer};
//! use tower::{ServiceBuilder, service_fn};
//!
//! let stock = ServiceBuilder::new()
//!     .layer(ThrottleLayer::new(Arc::new(Throttle::default())).classify(Overload))
//!     .service(service_fn(async |_: http::Request<()>| Ok::<_, std::io::Error>(http::Response::new("7"))));
//! # let _ = stock;
//! ```
//!
//! | setting | default | meaning |
//! | --- | --- | --- |
//! | `enabled` | `false` | whether there is one; the breaker is the default |
//! | `dark` | `false` | decides and reports, but turns nothing away |
//! | `k` | `2.0` | how many times of what was accepted is sent |
//! | `window` | `2m` | what is looked at |
//! | `min_calls` | 10 | below so many in the window nothing is turned away, lest the first failure stops half of the next calls |
//! | `max_rejection` | `95%` | the highest probability, so that enough get through to see a recovery |

mod config;
mod error;
mod future;
mod layer;
mod overload;
mod permit;
mod service;
mod throttle;

pub use config::ThrottleConfig;
pub use error::{ThrottleError, Throttled};
pub use future::ThrottleFuture;
pub use layer::ThrottleLayer;
pub use overload::Overload;
pub use permit::ThrottlePermit;
pub use service::ThrottleService;
pub use throttle::Throttle;
