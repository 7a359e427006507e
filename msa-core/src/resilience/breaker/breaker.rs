//! The breaker itself: what it keeps, and what can be read of it.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::config::Stuck;
use super::core::Core;
use super::policy::OpenTimes;
use super::rules::Rules;
use super::state::Word;
use super::streak::Streak;
use super::{BreakerConfig, Epoch, FailurePolicy, State};
use crate::clock::Instant;
use crate::resilience::window::Timeline;
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// No time at which anything is due.
pub(super) const NEVER: u64 = u64::MAX;

/// A circuit breaker.
///
/// It is told what happens and when, and answers; it reads no clock, starts no task and does no I/O. In the closed state permits
/// and successes take no lock: a permit reads one word, a success adds to one other. Every change of state happens under a lock
/// that only those calls take that make one, that are trial calls, or that come to an open breaker whose time is over.
pub struct Breaker {
    /// State and epoch. Written under the lock of `core`, read without.
    pub(super) word: AtomicU64,
    /// When the open time, or the longest wait for trial calls, is over.
    pub(super) until: AtomicU64,
    /// Trial permits to be had; a hint for those who come without the lock.
    pub(super) free: AtomicU32,
    /// When the window is to be judged next, by [`Judge::Every`](super::Judge::Every).
    pub(super) due: AtomicU64,
    /// Whether there are changes of which nobody was told.
    pub(super) untold: AtomicBool,
    pub(super) streak: Streak,
    pub(super) timeline: Timeline,
    pub(super) rules: ArcSwap<Rules>,
    /// Whether an [`FailurePolicy`] drives it.
    pub(super) driven: bool,
    pub(super) refused: AtomicU64,
    core: Mutex<Core>,
}

impl Breaker {
    /// A closed breaker by these rules, with a seed of its own.
    #[must_use]
    pub fn new(config: BreakerConfig) -> Self {
        Self::seeded(config, RandomState::new().hash_one(0_u8))
    }

    /// A closed breaker by these rules; the seed decides on the jitter of its open times.
    #[must_use]
    pub fn seeded(config: BreakerConfig, seed: u64) -> Self {
        let rules = Rules::new(config);
        let due = rules.interval().unwrap_or(NEVER);
        Self {
            word: AtomicU64::new(Word::first(State::Closed).0),
            until: AtomicU64::new(NEVER),
            free: AtomicU32::new(0),
            due: AtomicU64::new(due),
            untold: AtomicBool::new(false),
            streak: Streak::new(),
            timeline: Timeline::default(),
            driven: false,
            refused: AtomicU64::new(0),
            core: Mutex::new(Core::new(seed, &rules.config)),
            rules: ArcSwap::from_pointee(rules),
        }
    }

    /// The same, with its windows beginning at this time instead of that of its first call.
    #[must_use]
    pub fn beginning(self, at: Instant) -> Self {
        self.timeline.at(at);
        self
    }

    /// The same, opened by a policy from outside besides the rules. Rules that should not matter are to be switched off.
    #[must_use]
    pub fn driven_by(mut self, policy: impl FailurePolicy) -> Self {
        self.driven = true;
        self.lock().policy = Some(Box::new(policy));
        self
    }

    /// The same, opening for these times in turn: any iterator of durations, such as a backoff of failsafe. Begins anew when the
    /// breaker closes; after the last one that one stays.
    #[must_use]
    pub fn with_open_times<I>(self, times: I) -> Self
    where
        I: IntoIterator<Item = Duration>,
        I::IntoIter: Clone + Send + 'static,
    {
        let config = self.config();
        let mut core = self.lock();
        core.open_times = Some(OpenTimes::new(times));
        core.draw_open_time(&config);
        drop(core);
        self
    }

    /// Judges by other rules from now on. The state stays; of the calls before, nothing is kept when the window is another one.
    pub fn update(&self, config: BreakerConfig) {
        let mut core = self.lock();
        let old = self.rules.load_full();
        if old.config == config {
            return;
        }
        let rules = Arc::new(old.followed_by(config));
        core.draw_open_time(&rules.config);
        self.free
            .store(core.trials.free(&rules.config.half_open), Ordering::Release);
        let judged = self.due.load(Ordering::Acquire);
        let due = match rules.interval() {
            Some(_) if judged != NEVER => judged,
            Some(interval) => interval,
            None => NEVER,
        };
        self.due.store(due, Ordering::Release);
        self.rules.store(rules);
    }

    /// The rules it judges by.
    #[must_use]
    pub fn config(&self) -> BreakerConfig {
        self.rules.load().config.clone()
    }

    /// The state at this time. Asking changes nothing: an open breaker whose time is over is half-open, though only the next call
    /// will make it so.
    #[must_use]
    pub fn state(&self, now: Instant) -> State {
        self.project(self.word(), self.timeline.peek(now))
    }

    /// The state that the last call left, whatever the time is now.
    #[must_use]
    pub fn last_state(&self) -> State {
        self.word().state()
    }

    /// The epoch that goes on.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        Epoch(self.word())
    }

    /// Whether a call would get a permit at this time. Asking changes nothing, so a balancer may ask of many and use one.
    #[must_use]
    #[inline]
    pub fn would_admit(&self, now: Instant) -> bool {
        let word = self.word();
        if word.is(State::Closed) && self.due.load(Ordering::Relaxed) == NEVER {
            return true;
        }
        self.would_admit_slowly(word, now)
    }

    fn would_admit_slowly(&self, word: Word, now: Instant) -> bool {
        let at = self.timeline.peek(now);
        match self.project(word, at) {
            State::Closed | State::Disabled | State::MetricsOnly => true,
            State::Open | State::ForcedOpen => false,
            // Half-open already, and not stuck: is a permit left?
            State::HalfOpen if word.is(State::HalfOpen) && !self.is_over(at) => {
                self.free.load(Ordering::Acquire) > 0
            }
            State::HalfOpen => true,
        }
    }

    /// What the state of this word has become at this time, if nobody called.
    fn project(&self, word: Word, at: u64) -> State {
        let reopened_at = match word.state() {
            State::Closed => self.verdict_due(word, at).map(|(_, tick)| tick),
            State::Open if self.is_over(at) => return State::HalfOpen,
            State::HalfOpen if self.is_over(at) => {
                let stuck = self.rules.load().config.half_open.stuck;
                (stuck == Stuck::Reopen).then(|| self.until.load(Ordering::Acquire))
            }
            _ => None,
        };
        match reopened_at {
            Some(opened) if at >= opened.saturating_add(self.lock().next_open()) => State::HalfOpen,
            Some(_) => State::Open,
            None => word.state(),
        }
    }

    /// Whether the open time, or the wait for trials, is over.
    #[inline]
    pub(super) fn is_over(&self, at: u64) -> bool {
        at >= self.until.load(Ordering::Acquire)
    }

    #[inline]
    pub(super) fn word(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        // A policy or an iterator of the user's may panic under it: what they were told of then is all that is lost.
        self.core
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Default for Breaker {
    /// By the default rules, with a seed of its own.
    fn default() -> Self {
        Self::new(BreakerConfig::default())
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("state", &self.last_state())
            .field("epoch", &self.word().epoch())
            .field("config", &self.rules.load().config)
            .finish_non_exhaustive()
    }
}
