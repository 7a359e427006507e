//! How many requests may be in flight at once, found out while they run.
//!
//! A server that takes more than it can do at once does not do more: requests wait in its depths, where nobody counts them,
//! until their callers give up, and it works for nobody. A limit on the requests in flight keeps what is taken within what
//! can be done. The right limit is the rate of answers times their latency without waiting (Little's law), and it moves
//! with every deployment and every neighbour; so an *adaptive* limit watches latency and finds it.
//!
//! Use it where requests come in (`server.overload`), or towards a service that does not protect itself
//! (`clients.<name>.limit`). A bulkhead is the other thing: it bounds what one destination may cost its caller, and is fixed.
//!
//! ```
//! use msa_core::clock;
//! use msa_core::resilience::limit::{LimitConfig, Limiter};
//! use msa_core::txn::Criticality;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let limiter = Limiter::new(&LimitConfig::default(), 1, clock::now());
//! let permit = limiter.acquire(Criticality::Default, clock::now()).await?;
//! // The work goes here.
//! permit.success(clock::now());
//! # Ok(()) }
//! ```
//!
//! # The parts
//!
//! - An [`Estimator`] turns measurements into a limit: [`Gradient`] (the default), [`Vegas`], [`Aimd`], [`Fixed`], or one of
//!   your own.
//! - [`Shares`] say how much of the limit each [criticality](crate::txn::Criticality) may use.
//! - A short [queue](codel) takes up bursts.
//! - The [`Limiter`] puts them together, and hands out a [`Permit`] for each request. A dropped permit gives its place
//!   back and measures nothing.
//! - [`LimitLayer`] is the limiter around any [`tower::Service`].
//!
//! # What it does under overload
//!
//! `simulation.rs` beside this file plays it on the paused clock: ten workers of 10 ms on average, offered 2, 5 and 10 times
//! what they can do. Answers within 100 ms, in percent of what the workers can do on average, and the 99th percentile, from
//! the third to the sixth second after a cold start:
//!
//! | | 2 times | 5 times | 10 times |
//! | --- | --- | --- | --- |
//! | [`Gradient`] | 97 %, 28 ms | 97 %, 25 ms | 98 %, 26 ms |
//! | [`Vegas`] | 101 %, 31 ms | 101 %, 30 ms | 100 %, 31 ms |
//! | Netflix's Gradient2 | 101 %, 52 ms | 101 %, 50 ms | 101 %, 50 ms |
//! | fixed at 20, which is right | 99 %, 27 ms | 100 %, 27 ms | 100 %, 27 ms |
//! | fixed at 1000, or none | below 5 % | below 5 % | below 5 % |
//!
//! The missing 2 or 3 % are probes, which become rare later: from one in 7 windows to one in 300. What they buy shows in an
//! hour: Gradient2's limit has climbed to its maximum by then, Gradient's stands. `docs/resilience.md` has more, over ten seeds.
//!
//! # Settings
//!
//! | setting | default | what |
//! | --- | --- | --- |
//! | `mode` | `off` for clients, `dark` for the server | `dark` limits nothing and tells what it would have done |
//! | `algorithm` | `gradient` | or `vegas`, `aimd`, `fixed` |
//! | `initial`, `min`, `max` | 20, 5, 1000 | where the limit begins, and its bounds; `fixed` stays at `initial` |
//! | `loss_after` | `5s` | a latency that counts as lost; `aimd` only |
//! | `queue.length` | 100 | 0 is no queue |
//! | `queue.target`, `queue.interval` | `5ms`, `100ms` | see [`codel`] |
//! | `queue.max_wait` | `100ms` | nobody waits longer |
//! | `queue.adaptive_lifo` | on | the newest first while the queue stands |
//! | `shares.background` … `shares.critical` | 50 %, 75 %, 100 %, 100 % | see [`Shares`] |

mod aimd;
mod average;
mod body;
pub mod codel;
mod core;
mod error;
mod estimate;
mod fixed;
mod future;
mod gradient;
mod guard;
mod layer;
mod limiter;
mod service;
mod settings;
mod shares;
mod slots;
mod vegas;
mod waiting;
mod window;

#[cfg(all(test, msa_loom))]
mod loom_tests;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use aimd::{Aimd, AimdConfig};
pub use average::Average;
pub use body::PermitBody;
pub use codel::QueueConfig;
pub use error::{Overloaded, Reason};
pub use estimate::{Algorithm, Estimator, Sample, Scale};
pub use fixed::Fixed;
pub use future::LimitFuture;
pub use gradient::{Gradient, GradientConfig, Growth, Probe};
pub use guard::{Entry, LimitGuard};
pub use layer::LimitLayer;
pub use limiter::{Admission, Limiter, Outcome, Permit};
pub use service::{ByResult, Classify, LimitError, LimitService};
pub use shares::Shares;
pub use vegas::{Decrease, Vegas, VegasConfig};
pub use waiting::Waiting;
pub use window::WindowConfig;

pub use crate::config::LimitMode;

/// The settings of a [`Limiter`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct LimitConfig {
    /// Who finds the limit. [`Gradient`].
    pub algorithm: Algorithm,
    /// How measurements are added up.
    pub window: WindowConfig,
    /// What each criticality may use.
    pub shares: Shares,
    /// Who may wait.
    pub queue: QueueConfig,
}

impl LimitConfig {
    /// A limit that never moves, without a queue, the same for all.
    #[must_use]
    pub fn fixed(limit: u32) -> Self {
        Self {
            algorithm: Algorithm::Fixed(limit),
            window: WindowConfig::default(),
            shares: Shares::equal(),
            queue: QueueConfig::none(),
        }
    }
}
