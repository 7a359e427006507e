//! Outlier detection at work on a fleet.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use super::change::Change;
use super::config::OutlierConfig;
use super::detector::Detector;
use super::observe::Broken;
use crate::balance::{Answer, End, Members, Slot, Watch};
use crate::clock::Instant;
use crate::discovery::Endpoint;
use crate::event::Observers;
use crate::sync::Mutex;

/// Follows a [`Fleet`](crate::balance::Fleet) as its [`Watch`], marks its outliers, and tells the observers.
///
/// Sweeps ride on the answers: the first one that comes when a sweep is due does it. While nothing is answered, nothing
/// has to be decided either.
#[derive(Debug)]
pub struct Outliers {
    service: Arc<str>,
    observers: Observers,
    detector: Detector,
    /// Weak, since the members' slots hold their fleet's watches.
    members: Mutex<Weak<Members>>,
}

impl Outliers {
    /// Outlier detection for a service; to be given to [`Fleet::with`](crate::balance::Fleet::with). All its chance comes
    /// from the seed.
    #[must_use]
    pub fn new(
        service: impl Into<Arc<str>>,
        config: OutlierConfig,
        observers: Observers,
        seed: u64,
        now: Instant,
    ) -> Self {
        Self {
            service: service.into(),
            observers,
            detector: Detector::new(config, seed, now),
            members: Mutex::new(Weak::new()),
        }
    }

    /// Takes over changed settings. Who is out stays out for its time, unless no rule is left or dark mode is on.
    pub fn configure(&self, config: OutlierConfig, now: Instant) {
        self.tell(|members| self.detector.configure(config, members, now));
    }

    /// Does what is due. For tasks that run anyway, such as active health checks; calls see to it by themselves.
    #[inline]
    pub fn poll(&self, now: Instant) {
        if self.detector.is_due(now) {
            self.tell(|members| self.detector.poll(members, now));
        }
    }

    /// Sweeps now, due or not: for tests and tools.
    pub fn sweep(&self, now: Instant) {
        self.tell(|members| self.detector.sweep(members, now));
    }

    /// An endpoint's breaker opened or closed: looks anew whether enough endpoints are available.
    pub fn breaker_changed(&self, now: Instant) {
        self.tell(|members| self.detector.reassess(members, now));
    }

    /// The result of active health checks of an endpoint: see [`Detector::checked`].
    pub fn checked(&self, endpoint: &Endpoint, healthy: bool, time: Duration, now: Instant) {
        self.tell(|members| {
            let slot = (members.iter()).find(|slot| slot.endpoint().same_instance(endpoint));
            slot.map_or_else(Vec::new, |slot| {
                (self.detector).checked(members, slot, healthy, time, now)
            })
        });
    }

    /// The core, to be read.
    #[must_use]
    pub fn detector(&self) -> &Detector {
        &self.detector
    }

    #[cold]
    fn eject(&self, slot: &Slot, broken: Broken, now: Instant) {
        self.tell(|members| self.detector.eject(members, slot, broken, now));
    }

    fn tell(&self, decide: impl FnOnce(&[Arc<Slot>]) -> Vec<Change>) {
        let members = self.members.lock();
        let members = members.unwrap_or_else(PoisonError::into_inner).upgrade();
        let members = members.as_deref().map_or(&[][..], Members::all);
        for change in decide(members) {
            self.observers.tell(&change.event(&self.service));
        }
    }
}

impl Watch for Outliers {
    fn updated(&self, members: &Arc<Members>, now: Instant) {
        let mut known = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Arc::downgrade(members);
        drop(known);
        self.tell(|members| self.detector.reassess(members, now));
    }

    fn answered(&self, slot: &Arc<Slot>, answer: Answer, latency: Duration, now: Instant) {
        let broken = self.detector.observe(slot, answer, latency, now);
        if !broken.is_none() {
            self.eject(slot, broken, now);
        }
        self.poll(now);
    }

    fn ended(&self, slot: &Arc<Slot>, end: End) {
        if let End::BodyFailed(now) = end {
            self.answered(slot, Answer::LocalFailure, Duration::ZERO, now);
        }
    }

    fn draining(&self, slot: &Arc<Slot>, now: Instant) {
        self.tell(|members| self.detector.drain(members, slot, now));
    }
}
