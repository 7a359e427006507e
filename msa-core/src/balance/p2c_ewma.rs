//! The one of two with less work ahead of it, by latency.

use super::Slot;
use super::ewma::Latency;
use super::p2c::{Compare, P2c};
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
///   between them. It fades with the same time as latency does, so that the endpoint is tried again every few seconds. Of an endpoint that
///   has only failed it is not known how fast it works: it is taken to be as fast as the one that it is compared with, and the failures
///   decide.
/// - **Weights.** A request in flight counts less where the weight is greater, and heavier endpoints are drawn more often.
/// - A look at an estimate does not change it.
#[doc(alias = "peak ewma")]
pub type P2cEwma = P2c<PeakEwmaCost>;

/// Compares by peak-sensitive latency, requests in flight and failures.
#[derive(Debug, Clone, Copy)]
pub struct PeakEwmaCost;

/// The cost of an endpoint that has never answered and is being tried by somebody: above any measured one, so that it
/// gets one request and not all of them until the first answer. Finagle's penalty.
const UNKNOWN: f32 = 1e30;

impl Compare for PeakEwmaCost {
    #[inline]
    fn is_better(one: (&Slot, f32), other: (&Slot, f32), now: Instant) -> bool {
        let (one, other) = (Work::at(one, now), Work::at(other, now));
        one.cost(&other) < other.cost(&one)
    }
}

/// What is ahead of a request at an endpoint.
struct Work {
    /// Requests in flight, in those that an endpoint of mean weight would have.
    load: f32,
    latency: Latency,
    failures: f32,
}

impl Work {
    #[inline]
    fn at((slot, share): (&Slot, f32), now: Instant) -> Self {
        let (latency, failures) = slot.estimates(now);
        Self {
            load: slot.in_flight() as f32 / share,
            latency,
            failures,
        }
    }

    #[inline]
    fn cost(&self, other: &Self) -> f32 {
        let latency = match self.latency {
            Latency::Unknown => return self.load * UNKNOWN,
            Latency::Known(latency) => latency,
            Latency::AtLeast(bound) => match other.latency {
                Latency::Known(latency) | Latency::AtLeast(latency) => latency.max(bound),
                Latency::Unknown => bound,
            },
        };
        let cost = latency * (self.load + 1.0);
        if self.failures == 0.0 {
            return cost;
        }
        let success = (1.0 - self.failures).max(0.01);
        let square = success * success;
        cost / (square * square)
    }
}
