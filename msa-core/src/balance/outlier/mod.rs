//! Outlier detection: endpoints that answer worse than they should are set aside for a while.
//!
//! For services with several instances, of which one may be broken in a way that discovery does not see. [`Outliers`]
//! follows a [`Fleet`](crate::balance::Fleet): it is told every answer, marks the slots of outliers, which balancers then
//! pass over, and tells the observers what it did. Its core, without I/O, is the [`Detector`].
//!
//! The rules are Envoy's
//! (<https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier>, also gRPC's in its proposal A50),
//! and two more:
//!
//! | rule | judged | default |
//! | --- | --- | --- |
//! | [gateway failures](OutlierConfig::gateway_failures): 502, 503, 504 in a row | at once | 5 |
//! | [server errors](OutlierConfig::server_errors): any 5xx in a row | at once | off |
//! | [local failures](OutlierConfig::local_failures): refused, reset, timed out, in a row | at once | 5 |
//! | [success rate](SuccessRate): below the mean of all by so many standard deviations | by interval | 1.9 σ, 5 endpoints, 100 requests |
//! | [failure percentage](FailurePercentage): at least that share | by interval | off |
//! | [latency](LatencyOutlier): many times the median of all; our own rule | by interval | off |
//! | [failure accrual](accrual), as Finagle has it, with times of its own | at once | off |
//! | [active health checks](crate::balance::ActiveHealth), told by [`Outliers::checked`] | at once | off |
//!
//! # How long
//!
//! The n-th ejection in a row lasts n times the base (30 s), at most 300 s; n falls by one with each healthy interval
//! (10 s). An endpoint that returns begins with a small share of its traffic
//! ([slow start](crate::balance::Ramp)). Sweeps ride on the answers: the first that comes when one is due does it.
//!
//! # How many
//!
//! Ejected, unhealthy and broken endpoints (those whose [gate](crate::balance::Gate) is shut) together are never brought
//! above half by an ejection; what would have been one more is only reported. Below half available the fleet panics: all
//! endpoints are used, and their breakers only report, since few that carry everything fail next. Endpoints of weight 0 and
//! draining ones are not counted on either side.
//!
//! # Draining
//!
//! An endpoint that answers with `x-msa-draining` is leaving. It gets no further calls, and that is no failure. It comes back
//! when discovery brings it anew, when an active health check finds it healthy, or after 30 s, which is what orchestrators
//! give a process to end; a process that was restarted at the same address is then no longer the one that said so.
//!
//! ```
//! use std::sync::Arc;
//! use msa_core::balance::outlier::{OutlierConfig, Outliers};
//! use msa_core::balance::{Answer, Fleet, Mark, Measures, Pick, Watch};
//! use msa_core::clock;
//! use msa_core::discovery::EndpointSet;
//! use msa_core::event::Observers;
//!
//! let now = clock::now();
//! let outliers = Outliers::new("users", OutlierConfig::default(), Observers::none(), 7, now);
//! let outliers: Arc<dyn Watch> = Arc::new(outliers);
//! let fleet = Fleet::with(Measures::default(), None, [outliers]);
//! let users: EndpointSet = ["http://10.0.0.1:8081", "http://10.0.0.2:8081"]
//!     .into_iter()
//!     .map(str::parse)
//!     .collect::<Result<_, _>>()?;
//! fleet.update(&users, now, |_| {});
//!
//! let members = fleet.members();
//! let first = members.all().first().ok_or("no endpoint")?;
//! for _ in 0..5 {
//!     Pick::new(first.clone(), now).headers(Answer::of_status(503), now);
//! }
//! assert!(first.is(Mark::Ejected));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod accrual;

mod change;
mod config;
mod detector;
mod health;
mod observe;
mod outliers;
mod settings;
mod state;
mod statistics;
mod streak;
mod sweep;
mod tally;

#[cfg(test)]
mod tests;

pub use accrual::{Accrual, AccrualConfig, AccrualPolicy, AccrualRule, DeadTimes};
pub use change::{Change, Rule};
pub use config::{Consecutive, FailurePercentage, LatencyOutlier, OutlierConfig, SuccessRate};
pub use detector::{Counts, Detector};
pub use health::EndpointHealth;
pub use observe::Broken;
pub use outliers::Outliers;
pub use statistics::Rates;
