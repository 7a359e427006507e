//! Circuit breaker.

mod admit;
#[allow(clippy::module_inception)] // the core is named by its noun, as in every policy's folder
mod breaker;
mod classify;
mod config;
mod core;
mod error;
mod judge;
mod manual;
mod metrics;
mod permit;
mod policy;
mod presets;
mod rules;
mod settings;
mod state;
mod streak;
mod transition;
mod trials;

pub use breaker::Breaker;
pub use classify::{AnyError, Classify, ErrorKinds, HttpStatus, Outcome};
pub use config::{BreakerConfig, HalfOpen, Judge, OpenTime, Stuck, TrialRule};
pub use error::{BreakerError, OpenError};
pub use metrics::Metrics;
pub use permit::{OwnedPermit, Permit};
pub use policy::FailurePolicy;
pub use state::{Epoch, State};
pub use transition::{Reason, Transition, Transitions};
