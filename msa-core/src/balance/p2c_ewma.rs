//! The one of two with less work ahead of it, by latency.

use super::Slot;
use super::p2c::{Cost, P2c};
use crate::clock::Instant;

/// The one of two drawn by chance where a request is expected to take less time: its latency times the requests in flight there,
/// with failures counted against it.
///
/// The default. An endpoint that turns slow loses its traffic with the first slow answer, and one that hangs while its requests pile
/// up; when it is well again it gets its share back as its estimate fades. The algorithm is Finagle's peak EWMA
/// (<https://twitter.github.io/finagle/guide/Clients.html#power-of-two-choices-p2c-peak-ewma>), and differs in this:
///
/// - **A failure is never fast.** Its latency counts only if it is above the estimate, and the cost is divided by the fourth power of
///   the share of answers that were not failures. That share moves by a tenth with an answer, so one failure makes an endpoint
///   half as costly again, ten in a row 70 times, and the 1 % of failures that every endpoint of a service may have change nothing
///   between them. It fades with the same time as latency does, so that the endpoint is tried again every few seconds.
/// - **Weights.** A request in flight counts less where the weight is greater, and heavier endpoints are drawn more often.
/// - A look at an estimate does not change it.
#[doc(alias = "peak ewma")]
pub type P2cEwma = P2c<PeakEwmaCost>;

/// Costs by peak-sensitive latency, requests in flight and failures.
#[derive(Debug, Clone, Copy)]
pub struct PeakEwmaCost;

/// The cost of an endpoint that was never measured and is being tried by somebody: above any measured one, so that
/// it gets one request and not all of them until the first answer. Finagle's penalty.
const UNKNOWN: f32 = 1e30;

impl Cost for PeakEwmaCost {
    #[inline]
    #[allow(clippy::cast_precision_loss)] // a ratio
    fn cost(slot: &Slot, share: f32, now: Instant) -> f32 {
        let load = slot.in_flight() as f32 / share;
        let (latency, failures) = slot.estimates(now);
        let Some(latency) = latency else {
            return if load > 0.0 { UNKNOWN * load } else { 0.0 };
        };
        let cost = latency * (load + 1.0);
        if failures == 0.0 {
            return cost;
        }
        let success = (1.0 - failures).max(0.01);
        let square = success * success;
        cost / (square * square)
    }
}
