//! What can be reported of a breaker.

use super::{Breaker, HalfOpen, State, TrialRule};
use crate::clock::Instant;
use crate::resilience::window::Counts;
use crate::sync::atomic::Ordering;

/// What a breaker has seen, for reports.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// The state at the time that was asked for.
    pub state: State,
    /// The calls that are judged: of the window while closed, of the trials while half-open, and while open those that opened it.
    pub counts: Counts,
    /// The share of failures, from 0 to 1; `None` while there are too few calls to judge.
    pub failure_rate: Option<f64>,
    /// The share of slow calls, from 0 to 1; `None` while there are too few calls to judge.
    pub slow_rate: Option<f64>,
    /// Calls refused since the state was entered.
    pub refused: u64,
    /// Calls refused ever.
    pub refused_total: u64,
}

impl Breaker {
    /// What it has seen, at this time. Asking changes nothing.
    #[must_use]
    pub fn metrics(&self, now: Instant) -> Metrics {
        let state = self.state(now);
        let at = self.timeline.peek(now);
        let core = self.lock();
        let rules = self.rules.load();
        let word = self.word();
        let (counts, needed) = match word.state() {
            State::Closed | State::MetricsOnly => (
                rules.window.counts(word.epoch(), at),
                rules.config.min_calls,
            ),
            State::HalfOpen => (core.trials.counts, rules.config.half_open.results()),
            _ => (core.frozen, 1),
        };
        let known = counts.total() >= u64::from(needed);
        let refused_total = self.refused.load(Ordering::Acquire);
        Metrics {
            state,
            counts,
            failure_rate: known.then(|| counts.failure_rate()),
            slow_rate: known.then(|| counts.slow_rate()),
            refused: refused_total.saturating_sub(core.refused_before),
            refused_total,
        }
    }
}

impl HalfOpen {
    /// How many results make a rate worth telling.
    fn results(&self) -> u32 {
        match self.rule {
            TrialRule::Rate { results } => results,
            TrialRule::AllSucceed | TrialRule::Thresholds { .. } => 1,
        }
    }
}
