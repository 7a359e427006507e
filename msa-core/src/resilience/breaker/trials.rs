//! The trial calls of a half-open breaker.

use std::time::Duration;

use super::config::{BreakerConfig, HalfOpen, TrialRule};
use super::{Outcome, Reason};
use crate::resilience::window::{Counts, Mark};

/// Permits given and results told, of one half-open epoch.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trials {
    /// Permits that were not given back.
    given: u32,
    in_flight: u32,
    pub(super) counts: Counts,
    /// Results that stand against closing: failures, and slow calls where those matter.
    bad: u64,
}

/// What the trials have come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Close,
    Reopen(Reason),
}

impl Trials {
    /// How many permits could be given now.
    pub(super) fn free(&self, rules: &HalfOpen) -> u32 {
        let left = rules.permits.max(1).saturating_sub(self.given);
        left.min(rules.at_once.max(1).saturating_sub(self.in_flight))
    }

    /// Takes a permit if there is one.
    pub(super) fn admit(&mut self, rules: &HalfOpen) -> bool {
        let free = self.free(rules) > 0;
        if free {
            self.given += 1;
            self.in_flight += 1;
        }
        free
    }

    /// Takes back the permit of a trial that ended like this, and judges.
    pub(super) fn end(
        &mut self,
        outcome: Outcome,
        slow: bool,
        elapsed: Duration,
        config: &BreakerConfig,
    ) -> Option<Verdict> {
        self.in_flight = self.in_flight.saturating_sub(1);
        match outcome {
            Outcome::Ignored => self.given = self.given.saturating_sub(1),
            Outcome::Cancelled => {
                self.given = self.given.saturating_sub(1);
                if config.half_open.cancelled_reopens {
                    return Some(Verdict::Reopen(Reason::TrialCancelled));
                }
            }
            Outcome::Success | Outcome::Failure | Outcome::ConnectFailure => {
                return self.count(outcome, slow, elapsed, config);
            }
        }
        None
    }

    /// Counts a result that has no permit to give back, and judges.
    pub(super) fn count(
        &mut self,
        outcome: Outcome,
        slow: bool,
        elapsed: Duration,
        config: &BreakerConfig,
    ) -> Option<Verdict> {
        let failed = outcome != Outcome::Success;
        self.counts.add(Mark { failed, slow }, elapsed);
        self.bad += u64::from(failed || (slow && config.slow_rate.is_some()));
        self.judge(config)
    }

    fn judge(&self, config: &BreakerConfig) -> Option<Verdict> {
        let good = self.counts.total() - self.bad;
        let (successes, failures) = match config.half_open.rule {
            TrialRule::AllSucceed => (config.half_open.permits, 1),
            TrialRule::Thresholds {
                successes,
                failures,
            } => (successes, failures),
            TrialRule::Rate { results } => {
                if self.counts.total() < u64::from(results.max(1)) {
                    return None;
                }
                let verdict = config
                    .rates_reached(&self.counts)
                    .map_or(Verdict::Close, Verdict::Reopen);
                return Some(verdict);
            }
        };
        if good >= u64::from(successes.max(1)) {
            Some(Verdict::Close)
        } else if self.bad >= u64::from(failures.max(1)) {
            Some(Verdict::Reopen(Reason::TrialFailed))
        } else {
            None
        }
    }
}

impl BreakerConfig {
    /// Which of the two rates these calls have reached, if any.
    pub(super) fn rates_reached(&self, counts: &Counts) -> Option<Reason> {
        let total = counts.total();
        let reached = |rate: Option<crate::config::Percent>, part| {
            rate.is_some_and(|rate| rate.reached_by(part, total))
        };
        if reached(self.failure_rate, counts.failed) {
            Some(Reason::FailureRate)
        } else if reached(self.slow_rate, counts.slow) {
            Some(Reason::SlowRate)
        } else {
            None
        }
    }

    /// Why a closed breaker with these calls in its window opens, if it does.
    pub(super) fn judges(&self, counts: &Counts) -> Option<Reason> {
        if counts.total() < u64::from(self.min_calls) {
            return None;
        }
        let too_many = |most: u32| counts.failed >= u64::from(most.max(1));
        if self.failures.is_some_and(too_many) {
            return Some(Reason::Failures);
        }
        self.rates_reached(counts)
    }
}
