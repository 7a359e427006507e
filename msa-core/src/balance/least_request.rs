//! The one of two with fewer requests in flight.

use super::Slot;
use super::p2c::{Compare, P2c};
use crate::clock::Instant;

/// The one of two drawn by chance that has fewer requests in flight, measured against its weight.
///
/// For calls of any length against endpoints of known strength: what is slow fills up and gets less. It sees a slow endpoint only
/// while requests wait there, and it takes one that fails fast for one that works fast: [`P2cEwma`](super::P2cEwma) does not.
///
/// Envoy's least request (<https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/load_balancers>) and
/// gRPC's (<https://github.com/grpc/proposal/blob/master/A48-xds-least-request-lb-policy.md>).
pub type LeastRequest = P2c<InFlight>;

/// Compares by requests in flight.
#[derive(Debug, Clone, Copy)]
pub struct InFlight;

impl Compare for InFlight {
    #[inline]
    fn is_better(one: (&Slot, f32), other: (&Slot, f32), _now: Instant) -> bool {
        // Nothing in flight is equal for all weights: how often each is drawn then decides alone.
        let load = |(slot, share): (&Slot, f32)| slot.in_flight() as f32 / share;
        load(one) < load(other)
    }
}
