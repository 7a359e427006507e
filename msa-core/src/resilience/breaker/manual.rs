//! Operators' hands on the switch.

use super::{Breaker, Reason, State};
use crate::clock::Instant;

impl Breaker {
    /// Opens for its next open time, as a failure would.
    pub fn open(&self, now: Instant) {
        self.force(State::Open, now);
    }

    /// Lets trial calls through, whatever the open time is.
    pub fn half_open(&self, now: Instant) {
        self.force(State::HalfOpen, now);
    }

    /// Closes and forgets what was; on a closed one, only forgets. Also ends [`force_open`](Self::force_open),
    /// [`disable`](Self::disable) and [`only_measure`](Self::only_measure).
    pub fn close(&self, now: Instant) {
        self.force(State::Closed, now);
    }

    /// Refuses every call until it is told otherwise.
    pub fn force_open(&self, now: Instant) {
        self.force(State::ForcedOpen, now);
    }

    /// Lets every call through and counts nothing, until it is told otherwise.
    pub fn disable(&self, now: Instant) {
        self.force(State::Disabled, now);
    }

    /// Lets every call through and counts them, until it is told otherwise.
    pub fn only_measure(&self, now: Instant) {
        self.force(State::MetricsOnly, now);
    }

    /// Enters a state. What is under way belongs to an earlier epoch then, and is late.
    pub fn force(&self, to: State, now: Instant) {
        let at = self.timeline.at(now);
        let mut core = self.lock();
        let rules = self.rules.load();
        let reason = Reason::Manual;
        match to {
            State::Open => self.open_at(&mut core, &rules, reason, at, None),
            State::HalfOpen => self.half_open_at(&mut core, &rules, reason, at),
            to => self.settle_at(&mut core, &rules, (to, reason), at, now),
        }
    }
}
