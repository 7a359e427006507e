//! What can be reported of a breaker.

use super::{Breaker, HalfOpen, Reason, State, TrialRule};
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
    /// When it came into this state; `None` while it is in its first one, and while nobody has noticed yet that a time is over.
    pub since: Option<Instant>,
    /// Since when it has not been closed: an open breaker that has tried in vain, and opened again, counts on. `None` while it lets
    /// all calls through.
    pub unwell_since: Option<Instant>,
    /// What made it change last; `None` while it is in its first state.
    pub reason: Option<Reason>,
    /// When it lets trial calls through; `None` unless it is open.
    pub trial_at: Option<Instant>,
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
        let is_noticed = word.is(state);
        let until =
            (is_noticed && state == State::Open).then(|| self.until.load(Ordering::Acquire));
        Metrics {
            state,
            counts,
            failure_rate: known.then(|| counts.failure_rate()),
            slow_rate: known.then(|| counts.slow_rate()),
            refused: refused_total.saturating_sub(core.refused_before),
            refused_total,
            since: (core.entered.filter(|_| is_noticed))
                .and_then(|(at, _)| self.timeline.instant(at)),
            unwell_since: core.unwell.and_then(|at| self.timeline.instant(at)),
            reason: core.entered.map(|(_, reason)| reason),
            trial_at: until.and_then(|until| self.timeline.instant(until)),
        }
    }

    /// The window that is judged, bucket by bucket, the oldest first: up to this time while it counts, else up to the time when
    /// it stopped, so that an open breaker shows what opened it. Empty for a window of the last so many calls, and when nothing
    /// of the window is left. Asking changes nothing.
    #[must_use]
    pub fn buckets(&self, now: Instant) -> Vec<Counts> {
        let core = self.lock();
        let rules = self.rules.load();
        let word = self.word();
        match (word.state(), core.entered) {
            (State::Closed | State::MetricsOnly, _) => {
                (rules.window).buckets(word.epoch(), self.timeline.peek(now))
            }
            (_, Some((stopped, _))) => {
                (rules.window).buckets(word.epoch().saturating_sub(1), stopped)
            }
            (_, None) => Vec::new(),
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
