//! How this process is: its phase of life, its checks, and the three probes that an orchestrator asks.
//!
//! | probe | 200 when | an orchestrator that hears 503 |
//! | --- | --- | --- |
//! | `/livez` | every liveness check passes; there are none unless you register one | restarts the process |
//! | `/readyz` | every readiness check passes and the phase is [`Phase::Ready`] | sends no requests |
//! | `/startupz` | every startup check has passed once | waits before it asks the other two |
//!
//! Checks run in the background, each with its own interval and timeout, so a probe costs no more than reading the
//! latest results, however often it comes. A check that hangs, panics or has not been heard of for its maximal age is a
//! failed check.
//!
//! A check of the kind [`Kind::Advisory`] fails none of them and is shown by `/readyz?verbose` on the management listener:
//! a [`Service`](crate::Service) shows so a configuration file that was refused and a discovery source that fails, for
//! with the last good state it serves on.
//!
//! What a liveness check may ask: this process, nothing else. A restart heals no other service, and a liveness check
//! that asks a database turns the database's outage into that of every service before it. For the same reason no
//! breaker belongs in a readiness check.
//!
//! ```
//! use msa_core::health::{Lifecycle, Phase, Probes, Registry};
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let lifecycle = Lifecycle::new();
//! let health = Registry::new(lifecycle.clone());
//! health.readiness("database", || async { Ok::<(), std::io::Error>(()) });
//! health.start();
//! lifecycle.advance(Phase::Ready);
//!
//! let probes = Probes::new(health.clone());
//! let request = http::Request::get("/livez").body(()).unwrap();
//! assert_eq!(probes.answer(&request).unwrap().status(), 200);
//! let other = http::Request::get("/users/7").body(()).unwrap();
//! assert!(probes.answer(&other).is_none());
//! # }
//! ```

mod check;
mod layer;
mod lifecycle;
mod probe;
mod registry;
mod runner;

pub use check::{CheckBuilder, CheckReport, CheckStatus, Kind};
pub use layer::{ProbeFuture, ProbeLayer, ProbeService};
pub use lifecycle::{Lifecycle, Phase};
pub use probe::{Probe, Probes, router};
pub use registry::Registry;
