//! What changes under the lock, and the changes.

use std::time::Duration;

use super::breaker::NEVER;
use super::config::Stuck;
use super::policy::OpenTimes;
use super::rules::{Rules, nanos};
use super::state::Word;
use super::transition::Untold;
use super::trials::{Trials, Verdict};
use super::{Breaker, BreakerConfig, FailurePolicy, Reason, State, Transition};
use crate::clock::Instant;
use crate::resilience::window::Counts;
use crate::sync::atomic::Ordering;

/// What only those touch who hold the lock.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) trials: Trials,
    /// What made it open, for as long as it is.
    pub(super) frozen: Counts,
    /// When it came into its state, and why; none while it is in its first.
    pub(super) entered: Option<(u64, Reason)>,
    /// When it first opened since it was closed last; none while it is closed.
    pub(super) unwell: Option<u64>,
    /// Refusals before this epoch.
    pub(super) refused_before: u64,
    pub(super) untold: Untold,
    pub(super) policy: Option<Box<dyn FailurePolicy>>,
    pub(super) open_times: Option<OpenTimes>,
    /// Times in a row that it opened.
    opened: u32,
    /// For how long it will open next, drawn beforehand: so the state at a later time can be told without changing anything.
    next_open: Duration,
    last_open: Duration,
    seed: u64,
}

impl Core {
    pub(super) fn new(seed: u64, config: &BreakerConfig) -> Self {
        let mut core = Self {
            trials: Trials::default(),
            frozen: Counts::default(),
            entered: None,
            unwell: None,
            refused_before: 0,
            untold: Untold::default(),
            policy: None,
            open_times: None,
            opened: 0,
            next_open: Duration::ZERO,
            last_open: config.open.first,
            seed,
        };
        core.draw_open_time(config);
        core
    }

    /// The next open time in nanoseconds.
    pub(super) fn next_open(&self) -> u64 {
        nanos(self.next_open)
    }

    /// The time to open for now; the next one is drawn.
    pub(super) fn take_open_time(&mut self, config: &BreakerConfig) -> Duration {
        let time = self.next_open;
        self.opened = self.opened.saturating_add(1);
        self.draw_open_time(config);
        time
    }

    /// Forgets that it ever opened.
    pub(super) fn begin_anew(&mut self, config: &BreakerConfig) {
        self.opened = 0;
        if let Some(times) = &mut self.open_times {
            times.begin_anew();
        }
        self.draw_open_time(config);
    }

    pub(super) fn draw_open_time(&mut self, config: &BreakerConfig) {
        self.next_open = match &mut self.open_times {
            Some(times) => times.next(),
            None => {
                let chance = self.chance();
                config.open.nth(self.opened.saturating_add(1), chance)
            }
        };
    }

    /// From 0 to 1, by SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    // Casts: 53 bits are exact
    fn chance(&mut self) -> f64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Changes of state. Each is made by the holder of the lock: the times first, the word last, so that who reads the word without the
/// lock finds times that are at least as new.
impl Breaker {
    fn enter(
        &self,
        core: &mut Core,
        rules: &Rules,
        to: State,
        reason: Reason,
        at: u64,
        until: u64,
    ) {
        let from = self.word();
        core.frozen = match (from.state(), to) {
            (State::Closed | State::MetricsOnly, State::Open) => {
                rules.window.counts(from.epoch(), at)
            }
            (State::HalfOpen, State::Open) => core.trials.counts,
            _ => Counts::default(),
        };
        core.refused_before = self.refused.load(Ordering::Acquire);
        core.trials = Trials::default();
        let next = from.next(to);
        self.begin(core, rules, next, at, until);
        if from.state() != to {
            core.entered = Some((at, reason));
            core.unwell = match to {
                State::Closed | State::Disabled | State::MetricsOnly => None,
                State::Open | State::HalfOpen | State::ForcedOpen => core.unwell.or(Some(at)),
            };
            core.untold.push(Transition {
                from: from.state(),
                to,
                reason,
                at: self.timeline.instant(at),
                epoch: next.epoch(),
            });
            self.untold.store(true, Ordering::Release);
        }
    }

    fn begin(&self, core: &Core, rules: &Rules, next: Word, at: u64, until: u64) {
        let free = core.trials.free(&rules.config.half_open);
        self.free.store(free, Ordering::Release);
        self.until.store(until, Ordering::Release);
        let due = rules.interval().map_or(NEVER, |interval| at + interval);
        self.due.store(due, Ordering::Release);
        self.word.store(next.0, Ordering::Release);
    }

    /// Opens, for this time or the one that is next.
    pub(super) fn open_at(
        &self,
        core: &mut Core,
        rules: &Rules,
        reason: Reason,
        at: u64,
        time: Option<Duration>,
    ) {
        core.last_open = match time {
            Some(time) => time,
            None => core.take_open_time(&rules.config),
        };
        let until = at.saturating_add(nanos(core.last_open));
        self.enter(core, rules, State::Open, reason, at, until);
    }

    pub(super) fn half_open_at(&self, core: &mut Core, rules: &Rules, reason: Reason, at: u64) {
        let until = self.trials_until(rules, at);
        self.enter(core, rules, State::HalfOpen, reason, at, until);
    }

    fn trials_until(&self, rules: &Rules, at: u64) -> u64 {
        let wait = rules.config.half_open.max_wait;
        wait.map_or(NEVER, |wait| at.saturating_add(nanos(wait)))
    }

    /// Any other state than open and half-open.
    pub(super) fn settle_at(
        &self,
        core: &mut Core,
        rules: &Rules,
        (to, reason): (State, Reason),
        at: u64,
        now: Instant,
    ) {
        if to != State::ForcedOpen {
            core.begin_anew(&rules.config);
            if let Some(policy) = &mut core.policy {
                policy.revived(now);
            }
        }
        self.enter(core, rules, to, reason, at, NEVER);
    }

    /// Lets the time that has passed have its effect. `calls` says that a call wants to be made now.
    pub(super) fn pass_time(&self, core: &mut Core, rules: &Rules, at: u64, calls: bool) {
        let stuck = rules.config.half_open.stuck;
        if self.word().is(State::HalfOpen) && self.is_over(at) {
            match stuck {
                Stuck::Reopen => {
                    let since = self.until.load(Ordering::Acquire);
                    self.open_at(core, rules, Reason::TrialsStuck, since, None);
                }
                Stuck::Readmit if calls => {
                    // A new epoch makes the trials that did not end late ones.
                    core.trials = Trials::default();
                    let next = self.word().next(State::HalfOpen);
                    self.begin(core, rules, next, at, self.trials_until(rules, at));
                }
                Stuck::Readmit => {}
            }
        }
        if calls && self.word().is(State::Open) && self.is_over(at) {
            self.half_open_at(core, rules, Reason::OpenTimeOver, at);
        }
    }

    /// Does what the trials have come to.
    pub(super) fn follow(
        &self,
        core: &mut Core,
        rules: &Rules,
        verdict: Option<Verdict>,
        at: u64,
        now: Instant,
    ) {
        match verdict {
            Some(Verdict::Close) => {
                let closed = (State::Closed, Reason::TrialsSucceeded);
                self.settle_at(core, rules, closed, at, now);
            }
            Some(Verdict::Reopen(reason)) => {
                let last = core.last_open;
                let policy = core.policy.as_mut();
                let time = policy.map(|policy| policy.failure(now).unwrap_or(last));
                self.open_at(core, rules, reason, at, time);
            }
            None => {
                let free = core.trials.free(&rules.config.half_open);
                self.free.store(free, Ordering::Release);
            }
        }
    }
}
