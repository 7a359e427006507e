//! Which one: choosing the endpoint of an attempt.
//!
//! A [`Balancer`] is told of each new [`EndpointSet`] and picks from it. What a pick counts (requests in flight,
//! latency) is held by the [`Pick`], which gives it back when it is dropped.
//!
//! | name | how it chooses |
//! | --- | --- |
//! | `round-robin` | one after the other: [`RoundRobin`] |
//!
//! ```
//! use msa_core::balance::{self, PickHint};
//! use msa_core::clock;
//! use msa_core::config::BalancerName;
//! use msa_core::discovery::EndpointSet;
//!
//! let users: EndpointSet = ["http://10.0.0.1:8081", "http://10.0.0.2:8081"]
//!     .into_iter()
//!     .map(str::parse)
//!     .collect::<Result<_, _>>()?;
//! let balancer = balance::build(BalancerName::RoundRobin, 7);
//! balancer.update(&users, clock::now());
//!
//! let now = clock::now();
//! let first = balancer.pick(&PickHint::default(), now).ok_or("no endpoint")?;
//! let tried = [first.endpoint().clone()];
//! let second = balancer.pick(&PickHint::avoiding(&tried), now).ok_or("no endpoint")?;
//! assert_ne!(first.endpoint(), second.endpoint());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod build;
mod pick;
mod round_robin;

pub use build::build;
pub use pick::{End, Pick, PickHint, Tracked};
pub use round_robin::RoundRobin;

use std::fmt;

use crate::clock::Instant;
use crate::discovery::EndpointSet;

/// An algorithm that chooses endpoints for one service.
///
/// Both methods are called from many threads at once; `pick` stands on the path of every attempt and should neither lock nor
/// allocate. An implementation reads no clock and draws chance from a seed.
pub trait Balancer: Send + Sync + fmt::Debug + 'static {
    /// Takes over a new snapshot; statistics of endpoints that stay, by their
    /// [identity](crate::discovery::Endpoint::identity), are kept.
    fn update(&self, endpoints: &EndpointSet, now: Instant);

    /// Chooses an endpoint, or `None` when there is none to choose.
    ///
    /// An endpoint that the hint avoids is chosen only when there is no other, and one of weight 0 only when no other may be
    /// chosen.
    fn pick(&self, hint: &PickHint<'_>, now: Instant) -> Option<Pick>;
}
