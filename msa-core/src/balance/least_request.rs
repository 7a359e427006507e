//! The one of two with fewer requests in flight.

use super::Slot;
use super::p2c::{Cost, P2c};
use crate::clock::Instant;

/// The one of two drawn by chance that has fewer requests in flight, measured against its weight.
///
/// For calls of any length against endpoints of known strength: what is slow fills up and gets less. It sees a slow endpoint only
/// while requests wait there, and it takes one that fails fast for one that works fast: [`P2cEwma`](super::P2cEwma) does not.
///
/// Envoy's least request (<https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/load_balancers>) and
/// gRPC's (<https://github.com/grpc/proposal/blob/master/A48-xds-least-request-lb-policy.md>).
pub type LeastRequest = P2c<InFlight>;

/// Costs by requests in flight.
#[derive(Debug, Clone, Copy)]
pub struct InFlight;

impl Cost for InFlight {
    #[inline]
    #[allow(clippy::cast_precision_loss)] // a ratio
    fn cost(slot: &Slot, share: f32, _now: Instant) -> f32 {
        // Nothing in flight is equal for all weights: how often each is drawn then decides alone.
        slot.in_flight() as f32 / share
    }
}
