//! Which one: choosing the endpoint of an attempt.
//!
//! A [`Balancer`] is told of each new [`EndpointSet`] and picks from it. What a pick counts (requests in flight,
//! latency) is held by the [`Pick`], which gives it back when it is dropped.
//!
//! | name | how it chooses |
//! | --- | --- |
//! | `p2c-ewma` | the better of two drawn by chance, by latency, requests in flight and failures: [`P2cEwma`]; the default |
//! | `least-request` | the one of two drawn by chance with fewer requests in flight: [`LeastRequest`] |
//! | `round-robin` | one after the other: [`RoundRobin`] |
//! | `weighted` | in turns by weight, spread out evenly: [`Weighted`] |
//! | `random` | by chance: [`Random`] |
//! | `ring-hash` | by the call's [key](PickHint::key), on a ring, the load of each endpoint bounded: [`RingHash`] |
//! | `maglev` | by the call's key, in a table that is more even: [`Maglev`] |
//! | `prequal` | the fastest of those that are not overloaded, by what they report of themselves: [`Prequal`] |
//!
//! Beside each, settings can prefer the own zone ([`ZoneAware`]) and keep a client to a part of many endpoints ([`Subset`]).
//!
//! Every one respects weights, avoids what a call has tried, what is set aside and whose breaker is open, and brings new
//! endpoints to their share slowly.
//!
//! ```
//! use msa_core::balance::{self, Balancer, PickHint};
//! use msa_core::clock;
//! use msa_core::config::{BalanceSettings, BalancerName};
//! use msa_core::discovery::EndpointSet;
//!
//! let users: EndpointSet = ["http://10.0.0.1:8081", "http://10.0.0.2:8081"]
//!     .into_iter()
//!     .map(str::parse)
//!     .collect::<Result<_, _>>()?;
//! let balancer = balance::build(BalancerName::RoundRobin, &BalanceSettings::default(), 7, clock::now());
//! balancer.update(&users, clock::now());
//!
//! let now = clock::now();
//! let first = balancer.pick(&PickHint::default(), now).ok_or("no endpoint")?;
//! let tried = [first.endpoint().clone()];
//! let second = balancer.pick(&PickHint::avoiding(&tried), now).ok_or("no endpoint")?;
//! assert_ne!(first.endpoint(), second.endpoint());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod active_health;
mod answer;
mod balanced;
mod build;
mod chance;
mod draw;
mod ewma;
mod fleet;
mod gate;
mod hash;
mod hint;
mod least_request;
mod load_report;
mod members;
pub mod outlier;
mod p2c;
mod p2c_ewma;
mod pick;
mod prequal;
mod ramp;
mod random;
mod round_robin;
pub mod service;
mod slot;
mod subset;
mod watch;
mod weighted;
mod zone;

pub use crate::config::LatencyEnd;
pub use active_health::{ActiveHealth, Health};
pub use answer::{Answer, End, LoadReport};
pub use balanced::{Algorithm, Balanced};
pub use build::{algorithm, build, build_on};
pub use chance::Chance;
pub use fleet::{Fleet, Measures};
pub use gate::{Gate, MakeGate};
pub use hash::{
    ConsistentHash, MAGLEV_TABLE_SIZE, Maglev, MaglevTable, RingHash, RingSize, RingTable, hash_key,
};
pub use hint::{Only, PickHint};
pub use least_request::{InFlight, LeastRequest};
pub use load_report::LOAD_HEADER;
pub use members::Members;
pub use p2c::{Compare, P2c};
pub use p2c_ewma::{P2cEwma, PeakEwmaCost};
pub use pick::Pick;
pub use prequal::{Prequal, PrequalRules, Probe};
pub use ramp::Ramp;
pub use random::Random;
pub use round_robin::RoundRobin;
pub use slot::{Mark, Slot, Standing};
pub use subset::{ClientIndex, Subset};
pub use watch::Watch;
pub use weighted::Weighted;
pub use zone::{MakeAlgorithm, ZoneAware};

use std::fmt;
use std::sync::Arc;

use crate::clock::Instant;
use crate::discovery::EndpointSet;

/// What chooses the endpoints of one service; as a rule a [`Balanced`].
pub trait Balancer: Send + Sync + fmt::Debug + 'static {
    /// Takes over a new snapshot; statistics of endpoints that stay, by their
    /// [identity](crate::discovery::Endpoint::identity), are kept.
    fn update(&self, endpoints: &EndpointSet, now: Instant);

    /// Chooses an endpoint, or `None` when there is none to choose.
    ///
    /// An endpoint that the hint avoids is chosen only when there is no other, and one of weight 0 only when no other may be
    /// chosen; one that is set aside or whose breaker is open only when no healthy one is there, and one that the hint excludes
    /// never.
    fn pick(&self, hint: &PickHint<'_>, now: Instant) -> Option<Pick>;

    /// The slots that it chooses from, when it is made so.
    fn fleet(&self) -> Option<&Arc<Fleet>> {
        None
    }

    /// A probe for an endpoint's load that is due at `now`, to be sent beside the calls: asked after a pick, until there is `None`.
    fn probe_due(&self, now: Instant) -> Option<Probe> {
        let _ = now; // most do not care
        None
    }
}
