//! Hearing how calls went, and opening for it.

use std::time::Duration;

use super::rules::Rules;
use super::state::Word;
use super::{Breaker, Epoch, Judge, Outcome, Reason, State};
use crate::clock::Instant;
use crate::resilience::window::Mark;
use crate::sync::atomic::Ordering;

impl Breaker {
    /// Counts how a call went that has no permit, or whose permit has told already: a body that failed after its headers is one more
    /// failure. Ignored when the epoch is over.
    pub fn record(&self, epoch: Epoch, outcome: Outcome, elapsed: Duration, now: Instant) {
        let (word, at) = (epoch.0, self.timeline.at(now));
        match (word.state(), outcome) {
            (_, Outcome::Ignored | Outcome::Cancelled) => {}
            (State::Closed | State::MetricsOnly, _) => self.count(word, outcome, elapsed, now),
            (State::HalfOpen, _) => {
                let mut core = self.lock();
                let rules = self.rules.load();
                self.pass_time(&mut core, &rules, at, false);
                if self.word() == word {
                    let slow = is_slow(&rules, elapsed);
                    let verdict = core.trials.count(outcome, slow, elapsed, &rules.config);
                    self.follow(&mut core, &rules, verdict, at, now);
                }
            }
            (State::Open | State::ForcedOpen | State::Disabled, _) => {}
        }
    }

    /// A call that was admitted under this word has ended.
    #[inline]
    pub(super) fn end(&self, word: Word, outcome: Outcome, begun: Instant, now: Instant) {
        let elapsed = now.saturating_duration_since(begun);
        if word.is(State::HalfOpen) {
            self.end_trial(word, outcome, elapsed, now);
        } else if !matches!(outcome, Outcome::Ignored | Outcome::Cancelled)
            && !word.is(State::Disabled)
        {
            self.count(word, outcome, elapsed, now);
        }
    }

    /// A trial call was dropped. Should that reopen the breaker, it does so as of the time at which the trial began: a drop knows
    /// no other.
    pub(super) fn cancel(&self, word: Word, begun: Instant) {
        self.end_trial(word, Outcome::Cancelled, Duration::ZERO, begun);
    }

    #[inline(never)]
    fn end_trial(&self, word: Word, outcome: Outcome, elapsed: Duration, now: Instant) {
        let at = self.timeline.at(now);
        let mut core = self.lock();
        let rules = self.rules.load();
        self.pass_time(&mut core, &rules, at, false);
        if self.word() == word {
            let slow = is_slow(&rules, elapsed);
            let verdict = core.trials.end(outcome, slow, elapsed, &rules.config);
            self.follow(&mut core, &rules, verdict, at, now);
        }
    }

    /// Counts in the window, and judges.
    #[inline]
    fn count(&self, word: Word, outcome: Outcome, elapsed: Duration, now: Instant) {
        let at = self.timeline.at(now);
        if word.is(State::Closed) && at >= self.due.load(Ordering::Relaxed) {
            self.judge_due(at);
        }
        if self.word() != word {
            return;
        }
        let rules = self.rules.load();
        let mark = Mark {
            failed: outcome != Outcome::Success,
            slow: is_slow(&rules, elapsed),
        };
        rules
            .window
            .record(word.epoch(), mark, elapsed, at, || self.word() == word);
        if !mark.failed {
            self.streak.end(word.epoch());
            let judged = rules.config.judge == Judge::AnyCall
                || (mark.slow && rules.config.judge == Judge::Failures);
            if !judged && !self.driven {
                return;
            }
        }
        self.weigh(word, &rules, outcome, at, now);
    }

    /// Whether what has just been counted is too much.
    #[inline(never)]
    fn weigh(&self, word: Word, rules: &Rules, outcome: Outcome, at: u64, now: Instant) {
        let in_a_row = (outcome != Outcome::Success).then(|| {
            let connect = outcome == Outcome::ConnectFailure;
            self.streak.fail(word.epoch(), connect)
        });
        if !word.is(State::Closed) {
            return;
        }
        let config = &rules.config;
        let reached = |row: u32, most: Option<u32>| most.is_some_and(|most| row >= most.max(1));
        let reason = in_a_row.and_then(|row| {
            if reached(row.connect, config.consecutive_connect_failures) {
                Some(Reason::ConsecutiveConnectFailures)
            } else if reached(row.any, config.consecutive_failures) {
                Some(Reason::ConsecutiveFailures)
            } else {
                None
            }
        });
        let judged = !matches!(config.judge, Judge::Every(_));
        let reason = reason.or_else(|| {
            let counts = judged.then(|| rules.window.counts(word.epoch(), at))?;
            config.judges(&counts)
        });
        if reason.is_none() && !self.driven {
            return;
        }
        let mut core = self.lock();
        if self.word() != word {
            return;
        }
        let told = core.policy.as_mut().and_then(|policy| {
            if in_a_row.is_none() {
                policy.success(now);
                return None;
            }
            policy.failure(now)
        });
        match (reason, told) {
            (Some(reason), time) => self.open_at(&mut core, rules, reason, at, time),
            (None, Some(time)) => self.open_at(&mut core, rules, Reason::Policy, at, Some(time)),
            (None, None) => {}
        }
    }

    /// Judges the window as of every due time up to now, and opens as of the one at which it was too much.
    #[inline(never)]
    pub(super) fn judge_due(&self, at: u64) {
        let mut core = self.lock();
        let word = self.word();
        let rules = self.rules.load();
        let (Some(interval), true) = (rules.interval(), word.is(State::Closed)) else {
            return;
        };
        let due = self.due.load(Ordering::Acquire);
        if at < due {
            return;
        }
        match self.verdict_due(word, at) {
            Some((reason, tick)) => self.open_at(&mut core, &rules, reason, tick, None),
            None => {
                let next = due + ((at - due) / interval + 1) * interval;
                self.due.store(next, Ordering::Release);
            }
        }
    }

    /// The first due time up to now at which the window was too much, with the reason.
    ///
    /// Nothing is counted after a due time before it was judged, so all that changes from one due time to the next is that old
    /// buckets leave the window; once it has passed by as a whole, nothing does.
    pub(super) fn verdict_due(&self, word: Word, at: u64) -> Option<(Reason, u64)> {
        let rules = self.rules.load();
        let interval = rules.interval()?;
        let due = self.due.load(Ordering::Acquire);
        let last = at.min(due.saturating_add(rules.window.length()));
        let mut tick = due;
        while tick <= last {
            let counts = rules.window.counts(word.epoch(), tick);
            if let Some(reason) = rules.config.judges(&counts) {
                return Some((reason, tick));
            }
            let change = rules.window.next_change(tick)?;
            let intervals = (change - due).div_ceil(interval).max(1);
            tick = due.checked_add(intervals.checked_mul(interval)?)?;
        }
        None
    }
}

#[inline]
fn is_slow(rules: &Rules, elapsed: Duration) -> bool {
    rules
        .config
        .slow_after
        .is_some_and(|limit| elapsed >= limit)
}
