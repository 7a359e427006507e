//! What a window holds.

use std::time::Duration;

/// How one call went, as far as a window counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
}

/// What came of the calls in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Calls that succeeded.
    pub ok: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Calls of either kind that were slow.
    pub slow: u64,
    /// The time that the calls took together; zero unless the window keeps it.
    pub time: Duration,
}

impl Counts {
    /// All calls.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.ok + self.failed
    }

    /// The share of failures, from 0 to 1; 0 when there were no calls.
    #[must_use]
    pub fn failure_rate(&self) -> f64 {
        share(self.failed, self.total())
    }

    /// The share of slow calls, from 0 to 1; 0 when there were no calls.
    #[must_use]
    pub fn slow_rate(&self) -> f64 {
        share(self.slow, self.total())
    }

    pub(crate) fn add(&mut self, mark: Mark, elapsed: Duration) {
        if mark.failed {
            self.failed += 1;
        } else {
            self.ok += 1;
        }
        self.slow += u64::from(mark.slow);
        self.time = self.time.saturating_add(elapsed);
    }

    pub(super) fn remove(&mut self, mark: Mark, elapsed: Duration) {
        if mark.failed {
            self.failed -= 1;
        } else {
            self.ok -= 1;
        }
        self.slow -= u64::from(mark.slow);
        self.time = self.time.saturating_sub(elapsed);
    }
}

// Casts: a window does not count to 2^53
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}
