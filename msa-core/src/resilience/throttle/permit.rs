//! The right to make one call.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::Throttle;
use crate::clock::Instant;
use crate::resilience::breaker::Outcome;

/// The right to make one call, and the duty to tell whether it was accepted. One that is dropped was cancelled, and counts neither
/// way.
#[must_use = "dropping a permit at once means that the call was cancelled"]
pub struct ThrottlePermit<T: Deref<Target = Throttle> = Arc<Throttle>>(T);

impl<T: Deref<Target = Throttle>> ThrottlePermit<T> {
    pub(super) fn new(throttle: T) -> Self {
        Self(throttle)
    }

    /// The callee took the call, whatever came of it.
    #[inline]
    pub fn accepted(self, now: Instant) {
        self.0.count(true, now);
    }

    /// The callee refused the call, or could not be reached.
    #[inline]
    pub fn rejected(self, now: Instant) {
        self.0.count(false, now);
    }

    /// As an outcome says: a failure was not accepted, a cancelled call counts neither way, everything else was accepted.
    pub fn end(self, outcome: Outcome, now: Instant) {
        match outcome {
            Outcome::Success | Outcome::Ignored => self.accepted(now),
            Outcome::Failure | Outcome::ConnectFailure => self.rejected(now),
            Outcome::Cancelled => {}
        }
    }
}

impl<T: Deref<Target = Throttle>> fmt::Debug for ThrottlePermit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ThrottlePermit").finish()
    }
}
