//! The right to make one call.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::state::Word;
use super::{Breaker, Epoch, Outcome, State};
use crate::clock::Instant;

/// A permit that owns its share of the breaker, for futures that live on their own.
pub type OwnedPermit = Permit<Arc<Breaker>>;

/// The right to make one call, and the duty to tell how it went.
///
/// A permit that is dropped means that the call was cancelled: it counts neither way, and a trial call's place is free again.
/// `B` is `&Breaker` or, for [`OwnedPermit`], `Arc<Breaker>`.
#[must_use = "dropping a permit at once means that the call was cancelled"]
pub struct Permit<B: Deref<Target = Breaker> = Arc<Breaker>> {
    breaker: B,
    word: Word,
    begun: Instant,
    ended: bool,
}

impl<B: Deref<Target = Breaker>> Permit<B> {
    #[inline]
    pub(super) fn new(breaker: B, word: Word, begun: Instant) -> Self {
        Self {
            breaker,
            word,
            begun,
            ended: false,
        }
    }

    /// The call succeeded.
    #[inline]
    pub fn success(self, now: Instant) -> Epoch {
        self.end(Outcome::Success, now)
    }

    /// The call failed.
    #[inline]
    pub fn failure(self, now: Instant) -> Epoch {
        self.end(Outcome::Failure, now)
    }

    /// The call says nothing about the callee.
    #[inline]
    pub fn ignored(self, now: Instant) -> Epoch {
        self.end(Outcome::Ignored, now)
    }

    /// The call ended like this, after the time from the permit until now. A result that comes after the epoch in which its
    /// permit was given is ignored.
    ///
    /// The epoch serves [`Breaker::record`], to tell of a body that failed after its headers.
    #[inline]
    pub fn end(mut self, outcome: Outcome, now: Instant) -> Epoch {
        self.ended = true;
        self.breaker.end(self.word, outcome, self.begun, now);
        Epoch(self.word)
    }

    /// Whether this is a trial call.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.word.is(State::HalfOpen)
    }

    /// The epoch in which it was given.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        Epoch(self.word)
    }

    /// The breaker that gave it.
    #[must_use]
    pub fn breaker(&self) -> &Breaker {
        &self.breaker
    }
}

impl<B: Deref<Target = Breaker>> Drop for Permit<B> {
    #[inline]
    fn drop(&mut self) {
        // Only a trial call holds something that can be given back; no time is needed for that.
        if !self.ended && self.word.is(State::HalfOpen) {
            self.breaker.cancel(self.word, self.begun);
        }
    }
}

impl<B: Deref<Target = Breaker>> fmt::Debug for Permit<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("state", &self.word.state())
            .field("epoch", &self.word.epoch())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
