//! Letting calls through, and refusing them.

use std::sync::Arc;
use std::time::Duration;

use super::permit::{OwnedPermit, Permit};
use super::state::Word;
use super::{Breaker, OpenError, State};
use crate::clock::Instant;
use crate::sync::atomic::Ordering;

impl Breaker {
    /// A permit to make one call now.
    ///
    /// # Errors
    ///
    /// When the breaker refuses the call, with the time after which it may be worth asking again.
    #[inline]
    pub fn try_acquire(&self, now: Instant) -> Result<Permit<&Self>, OpenError> {
        Ok(Permit::new(self, self.admit(now)?, now))
    }

    /// The same, for a permit that lives on its own. It costs counting the share of the breaker up and down, which threads
    /// contend for.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire).
    #[inline]
    pub fn try_acquire_owned(self: &Arc<Self>, now: Instant) -> Result<OwnedPermit, OpenError> {
        let word = self.admit(now)?;
        Ok(Permit::new(Arc::clone(self), word, now))
    }

    #[inline]
    fn admit(&self, now: Instant) -> Result<Word, OpenError> {
        let word = self.word();
        if word.is(State::Closed) && self.due.load(Ordering::Relaxed) == super::breaker::NEVER {
            // The first call begins the timeline, and the buckets of its window.
            self.timeline.begin(now);
            return Ok(word);
        }
        self.admit_slowly(word, now)
    }

    #[inline(never)]
    fn admit_slowly(&self, mut word: Word, now: Instant) -> Result<Word, OpenError> {
        let at = self.timeline.at(now);
        if word.is(State::Closed) && at >= self.due.load(Ordering::Acquire) {
            self.judge_due(at);
            word = self.word();
        }
        // Most callers of an open or half-open breaker are refused, and those take no lock.
        match word.state() {
            State::Closed | State::Disabled | State::MetricsOnly => return Ok(word),
            State::ForcedOpen => return Err(self.refuse(State::ForcedOpen, at)),
            State::Open if !self.is_over(at) => return Err(self.refuse(State::Open, at)),
            State::HalfOpen if !self.is_over(at) && self.free.load(Ordering::Acquire) == 0 => {
                return Err(self.refuse(State::HalfOpen, at));
            }
            State::Open | State::HalfOpen => {}
        }
        let mut core = self.lock();
        let rules = self.rules.load();
        self.pass_time(&mut core, &rules, at, true);
        let word = self.word();
        match word.state() {
            State::HalfOpen if core.trials.admit(&rules.config.half_open) => {
                let free = core.trials.free(&rules.config.half_open);
                self.free.store(free, Ordering::Release);
                Ok(word)
            }
            State::Closed | State::Disabled | State::MetricsOnly => Ok(word),
            state => {
                drop(core);
                Err(self.refuse(state, at))
            }
        }
    }

    fn refuse(&self, state: State, at: u64) -> OpenError {
        self.refused.fetch_add(1, Ordering::AcqRel);
        let open = self.rules.load().config.open;
        let retry_after = match state {
            State::Open => {
                let until = self.until.load(Ordering::Acquire);
                Duration::from_nanos(until.saturating_sub(at))
            }
            State::ForcedOpen => open.max,
            _ => open.first,
        };
        OpenError::new(state, retry_after)
    }
}
