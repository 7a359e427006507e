//! One endpoint as the algorithms see it: what it is, how it does, whether it may be chosen.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::ewma::{Decay, FailureShare, Latency, PeakEwma, nanos};
use super::fleet::Common;
use super::outlier::EndpointHealth;
use super::{Gate, PickHint};
use crate::clock::Instant;
use crate::discovery::Endpoint;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// An endpoint and what is known of it. Its statistics live as long as the instance stays in the set, whatever happens to
/// its weight and labels; a request under way keeps them beyond that.
pub struct Slot {
    endpoint: Endpoint,
    weight: u32,
    gate: Option<Arc<dyn Gate>>,
    health: Arc<EndpointHealth>,
    vitals: Arc<Vitals>,
}

/// What belongs to the instance and changes. It fills one line of the cache, so that a choice among many endpoints waits for memory as seldom
/// as can be, and threads that are busy with neighbours do not disturb each other.
#[repr(align(64))]
pub(super) struct Vitals {
    pub(super) in_flight: AtomicU32,
    marks: AtomicU32,
    pub(super) latency: PeakEwma,
    pub(super) failures: FailureShare,
    /// When slow start began, in nanoseconds since `born`, plus one; 0 when it is over.
    ramp: AtomicU64,
    born: Instant,
    id: u64,
    pub(super) common: Arc<Common>,
}

/// Why an endpoint should get no traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mark {
    /// Outlier detection set it aside.
    Ejected,
    /// Its active health checks fail.
    Unhealthy,
    /// It said that it is draining.
    Draining,
}

impl Mark {
    fn bit(self) -> u32 {
        match self {
            Self::Ejected => 1,
            Self::Unhealthy => 2,
            Self::Draining => 4,
        }
    }
}

/// How good an endpoint is for one choice: the less the better, and [`Standing::BEST`] is as good as any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing(u8);

impl Standing {
    /// Healthy, not tried yet in this call, with a weight.
    pub const BEST: Self = Self(0);
    const STANDBY: u8 = 1;
    const TRIED: u8 = 2;
    const DRAINING: u8 = 4;
    const SET_ASIDE: u8 = 8;
    /// Worst: a call there would only be refused.
    const SHUT: u8 = 16;
}

impl Slot {
    pub(super) fn new(
        endpoint: Endpoint,
        id: u64,
        gate: Option<Arc<dyn Gate>>,
        common: Arc<Common>,
        now: Instant,
    ) -> Self {
        Self {
            weight: endpoint.weight(),
            endpoint,
            gate,
            health: Arc::new(EndpointHealth::new()),
            vitals: Arc::new(Vitals {
                in_flight: AtomicU32::new(0),
                marks: AtomicU32::new(0),
                latency: PeakEwma::new(),
                failures: FailureShare::new(),
                ramp: AtomicU64::new(0),
                born: now,
                id,
                common,
            }),
        }
    }

    /// The same instance, of which other things are known now.
    pub(super) fn with_endpoint(&self, endpoint: Endpoint) -> Self {
        Self {
            weight: endpoint.weight(),
            endpoint,
            gate: self.gate.clone(),
            health: self.health.clone(),
            vitals: self.vitals.clone(),
        }
    }

    /// The endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// A number that names the instance within its fleet and is never given twice.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.vitals.id
    }

    /// The endpoint's weight.
    #[must_use]
    #[inline]
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// Requests picked and not over yet.
    #[must_use]
    #[inline]
    pub fn in_flight(&self) -> u32 {
        self.vitals.in_flight.load(Ordering::Relaxed)
    }

    /// The peak-sensitive estimate of its latency, faded to `now`; `None` before its first success.
    #[must_use]
    pub fn latency(&self, now: Instant) -> Option<Duration> {
        match self.vitals.latency.read(self.age(now), self.decay()) {
            Latency::Known(nanos) => Some(Duration::from_secs_f64(f64::from(nanos) / 1e9)),
            Latency::Unknown | Latency::AtLeast(_) => None,
        }
    }

    /// The share of its recent answers that were failures, 0 to 1, faded to `now`.
    #[must_use]
    #[inline]
    pub fn failure_share(&self, now: Instant) -> f32 {
        self.vitals.failures.read(self.age(now), self.decay())
    }

    /// Both, for one reading of the time.
    #[inline]
    pub(super) fn estimates(&self, now: Instant) -> (Latency, f32) {
        let (age, decay) = (self.age(now), self.decay());
        let vitals = &*self.vitals;
        (
            vitals.latency.read(age, decay),
            vitals.failures.read(age, decay),
        )
    }

    /// The endpoint's breaker.
    #[must_use]
    pub fn gate(&self) -> Option<&Arc<dyn Gate>> {
        self.gate.as_ref()
    }

    /// Whether its gate would let a call through; `true` when it has none.
    #[must_use]
    #[inline]
    pub fn gate_admits(&self, now: Instant) -> bool {
        (self.gate.as_ref()).is_none_or(|gate| gate.would_admit(now))
    }

    /// What outlier detection keeps of it.
    #[must_use]
    #[inline]
    pub fn health(&self) -> &EndpointHealth {
        &self.health
    }

    /// Whether it is marked so.
    #[must_use]
    pub fn is(&self, mark: Mark) -> bool {
        self.vitals.marks.load(Ordering::Relaxed) & mark.bit() != 0
    }

    /// Sets or takes away a mark; tells whether that changed anything.
    pub fn mark(&self, mark: Mark, on: bool) -> bool {
        let bit = mark.bit();
        let before = if on {
            self.vitals.marks.fetch_or(bit, Ordering::Relaxed)
        } else {
            self.vitals.marks.fetch_and(!bit, Ordering::Relaxed)
        };
        (before & bit != 0) != on
    }

    /// Begins slow start at `now`: a new endpoint, or one that comes back.
    pub fn start_ramp(&self, now: Instant) {
        let age = self.age(now).saturating_add(1);
        self.vitals.ramp.store(age, Ordering::Relaxed);
    }

    /// The share of its weight that it may use, 0 to 1: 1 unless it is in slow start.
    #[must_use]
    #[inline]
    pub fn ramp(&self, now: Instant) -> f32 {
        match self.vitals.ramp.load(Ordering::Relaxed) {
            0 => 1.0,
            begun => self.ramp_since(begun, now),
        }
    }

    #[cold]
    fn ramp_since(&self, begun: u64, now: Instant) -> f32 {
        let after = self.age(now).saturating_sub(begun - 1);
        let share = self.vitals.common.ramp().share(Duration::from_nanos(after));
        if share >= 1.0 {
            // Failing means that it began anew meanwhile.
            let _ =
                self.vitals
                    .ramp
                    .compare_exchange(begun, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
        share
    }

    /// Whether it takes a turn that it was drawn for: always, unless it is in slow start and these random bits say no.
    #[must_use]
    #[inline]
    #[allow(clippy::cast_precision_loss)] // a chance
    pub fn takes_turn(&self, bits: u64, now: Instant) -> bool {
        match self.vitals.ramp.load(Ordering::Relaxed) {
            0 => true,
            begun => ((bits >> 40) as f32) < self.ramp_since(begun, now) * 16_777_216.0,
        }
    }

    /// How good it is for this choice; `None` when the hint excludes it.
    #[must_use]
    #[inline]
    pub fn standing(&self, hint: &PickHint<'_>, now: Instant) -> Option<Standing> {
        if !hint.only.admits(&self.endpoint) {
            return None;
        }
        let mut standing = Standing::BEST.0;
        if self.weight == 0 {
            standing |= Standing::STANDBY;
        }
        if hint.avoids(&self.endpoint) {
            standing |= Standing::TRIED;
        }
        let marks = self.vitals.marks.load(Ordering::Relaxed);
        if marks & Mark::Draining.bit() != 0 {
            standing |= Standing::DRAINING;
        }
        if !self.vitals.common.in_panic() {
            if marks & (Mark::Ejected.bit() | Mark::Unhealthy.bit()) != 0 {
                standing |= Standing::SET_ASIDE;
            }
            if !self.gate_admits(now) {
                standing |= Standing::SHUT;
            }
        }
        Some(Standing(standing))
    }

    /// Nanoseconds since the instance became known.
    #[inline]
    pub(super) fn age(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.vitals.born))
    }

    #[inline]
    pub(super) fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    #[inline]
    pub(super) fn decay(&self) -> Decay {
        self.vitals.common.decay()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("endpoint", &self.endpoint)
            .field("weight", &self.weight)
            .field("in_flight", &self.in_flight())
            .field("marks", &self.vitals.marks.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_fills_one_line_of_the_cache() {
        assert_eq!(size_of::<Vitals>(), 64);
    }
}
