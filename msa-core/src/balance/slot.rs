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
// What a choice reads comes first and in one allocation, count of owners included: among many endpoints it is memory that takes the time.
#[repr(C)]
pub struct Slot {
    weight: u32,
    in_flight: AtomicU32,
    marks: AtomicU32,
    latency: PeakEwma,
    failures: FailureShare,
    /// When slow start began, in nanoseconds since `born`, plus one; 0 when it is over.
    ramp: AtomicU64,
    /// The slot that keeps the statistics, when the instance was known by another weight or other labels before.
    home: Option<Arc<Slot>>,
    gate: Option<Arc<dyn Gate>>,
    common: Arc<Common>,
    born: Instant,
    endpoint: Endpoint,
    id: u64,
    health: EndpointHealth,
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
            in_flight: AtomicU32::new(0),
            marks: AtomicU32::new(0),
            latency: PeakEwma::new(),
            failures: FailureShare::new(),
            ramp: AtomicU64::new(0),
            home: None,
            gate,
            common,
            born: now,
            endpoint,
            id,
            health: EndpointHealth::new(),
        }
    }

    /// The same instance, of which other things are known now.
    pub(super) fn with_endpoint(self: &Arc<Self>, endpoint: Endpoint) -> Self {
        let home = self.home.as_ref().unwrap_or(self);
        Self {
            home: Some(home.clone()),
            ..Self::new(
                endpoint,
                home.id,
                home.gate.clone(),
                home.common.clone(),
                home.born,
            )
        }
    }

    /// Where the statistics are.
    #[inline]
    fn home(&self) -> &Self {
        self.home.as_deref().unwrap_or(self)
    }

    /// The endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// A number that names the instance within its fleet and is never given twice.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
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
        self.home().in_flight.load(Ordering::Relaxed)
    }

    /// The peak-sensitive estimate of its latency, faded to `now`; `None` before its first success.
    #[must_use]
    pub fn latency(&self, now: Instant) -> Option<Duration> {
        match self.home().latency.read(self.age(now), self.decay()) {
            Latency::Known(nanos) => Some(Duration::from_secs_f64(f64::from(nanos) / 1e9)),
            Latency::Unknown | Latency::AtLeast(_) => None,
        }
    }

    /// The share of its recent answers that were failures, 0 to 1, faded to `now`.
    #[must_use]
    #[inline]
    pub fn failure_share(&self, now: Instant) -> f32 {
        self.home().failures.read(self.age(now), self.decay())
    }

    /// Both, for one reading of the time.
    #[inline]
    pub(super) fn estimates(&self, now: Instant) -> (Latency, f32) {
        let (age, decay) = (self.age(now), self.decay());
        let home = self.home();
        (
            home.latency.read(age, decay),
            home.failures.read(age, decay),
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
        &self.home().health
    }

    /// Whether it is marked so.
    #[must_use]
    pub fn is(&self, mark: Mark) -> bool {
        self.home().marks.load(Ordering::Relaxed) & mark.bit() != 0
    }

    /// Sets or takes away a mark; tells whether that changed anything.
    pub fn mark(&self, mark: Mark, on: bool) -> bool {
        let bit = mark.bit();
        let before = if on {
            self.home().marks.fetch_or(bit, Ordering::Relaxed)
        } else {
            self.home().marks.fetch_and(!bit, Ordering::Relaxed)
        };
        (before & bit != 0) != on
    }

    /// Begins slow start at `now`: a new endpoint, or one that comes back.
    pub fn start_ramp(&self, now: Instant) {
        let age = self.age(now).saturating_add(1);
        self.home().ramp.store(age, Ordering::Relaxed);
    }

    /// The share of its weight that it may use, 0 to 1: 1 unless it is in slow start.
    #[must_use]
    #[inline]
    pub fn ramp(&self, now: Instant) -> f32 {
        match self.home().ramp.load(Ordering::Relaxed) {
            0 => 1.0,
            begun => self.ramp_since(begun, now),
        }
    }

    #[cold]
    fn ramp_since(&self, begun: u64, now: Instant) -> f32 {
        let after = self.age(now).saturating_sub(begun - 1);
        let share = self.common.ramp().share(Duration::from_nanos(after));
        if share >= 1.0 {
            // Failing means that it began anew meanwhile.
            let _ =
                self.home()
                    .ramp
                    .compare_exchange(begun, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
        share
    }

    /// Whether it takes a turn that it was drawn for: always, unless it is in slow start and these random bits say no.
    #[must_use]
    #[inline]
    pub fn takes_turn(&self, bits: u64, now: Instant) -> bool {
        match self.home().ramp.load(Ordering::Relaxed) {
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
        let marks = self.home().marks.load(Ordering::Relaxed);
        if marks & Mark::Draining.bit() != 0 {
            standing |= Standing::DRAINING;
        }
        if !self.common.in_panic() {
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
        nanos(now.saturating_duration_since(self.born))
    }

    /// Counts a request in.
    #[inline]
    pub(super) fn enter(&self) {
        self.home().in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request out.
    #[inline]
    pub(super) fn leave(&self) {
        self.home().in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Takes in how long a success took, in nanoseconds.
    #[inline]
    pub(super) fn took(&self, nanos: f32, now: Instant) {
        let (age, decay) = (self.age(now), self.decay());
        self.home().latency.observe(nanos, age, decay);
    }

    /// Takes in how long something took that was no success.
    #[inline]
    pub(super) fn took_at_least(&self, nanos: f32, now: Instant) {
        let (age, decay) = (self.age(now), self.decay());
        self.home().latency.at_least(nanos, age, decay);
    }

    /// Takes in whether the endpoint failed.
    #[inline]
    pub(super) fn answered(&self, failed: bool, now: Instant) {
        let (age, decay) = (self.age(now), self.decay());
        self.home().failures.observe(failed, age, decay);
    }

    #[inline]
    pub(super) fn common(&self) -> &Common {
        &self.common
    }

    #[inline]
    pub(super) fn decay(&self) -> Decay {
        self.common.decay()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("endpoint", &self.endpoint)
            .field("weight", &self.weight)
            .field("in_flight", &self.in_flight())
            .field("marks", &self.home().marks.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
