//! What an endpoint's circuit breaker is to the choice.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::clock::Instant;
use crate::discovery::Endpoint;

/// Whether an endpoint would take a call: the endpoint's breaker, seen from below.
///
/// The choice only asks; the permit is taken by whoever makes the call, which finds its own type again:
///
/// ```
/// # use msa_core::balance::{Gate, Pick};
/// fn breaker_of<B: Gate>(pick: &Pick) -> Option<&B> {
///     let gate: &dyn std::any::Any = pick.gate()?;
///     gate.downcast_ref()
/// }
/// ```
pub trait Gate: Any + Send + Sync + fmt::Debug {
    /// Whether a call would be let through at `now`. Changes nothing; called on the hot path.
    fn would_admit(&self, now: Instant) -> bool;
}

/// Makes the gate of an endpoint that is new. Called once for each, outside the hot path; the gate lives as long as the
/// endpoint stays.
pub type MakeGate = Arc<dyn Fn(&Endpoint) -> Arc<dyn Gate> + Send + Sync>;
