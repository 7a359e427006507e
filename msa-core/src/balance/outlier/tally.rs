//! What an endpoint answered in one interval.

use std::time::Duration;

use crate::sync::atomic::{AtomicU64, Ordering};

/// Counts successes and failures, and the time of the successes, until it is emptied.
///
/// Both counts stand in one word, so that no sweep sees a success without its answer. Each has room for 4 billion answers
/// an interval. The time is a word of its own: an answer that falls between the two readings of a sweep may give its time
/// to the next interval, which bends an average over at least `min_requests` by one answer.
#[derive(Debug)]
pub(super) struct Tally {
    /// Successes in the high half, all in the low one.
    counts: AtomicU64,
    micros: AtomicU64,
}

const SUCCESS: u64 = (1 << 32) + 1;
const FAILURE: u64 = 1;

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            counts: AtomicU64::new(0),
            micros: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(super) fn success(&self) {
        self.counts.fetch_add(SUCCESS, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn failure(&self) {
        self.counts.fetch_add(FAILURE, Ordering::Relaxed);
    }

    /// The time that a success took.
    #[inline]
    pub(super) fn took(&self, elapsed: Duration) {
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What was counted since the last time.
    pub(super) fn empty(&self) -> Counted {
        let counts = self.counts.swap(0, Ordering::Relaxed);
        Counted {
            successes: counts >> 32,
            all: counts & u64::from(u32::MAX),
            micros: self.micros.swap(0, Ordering::Relaxed),
        }
    }
}

/// The counts of one interval.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counted {
    pub(super) successes: u64,
    pub(super) all: u64,
    micros: u64,
}

// Casts: 2^53 µs are 285 years
impl Counted {
    /// The success rate in percent, when at least so many answers were counted, and any at all.
    pub(super) fn success_rate(self, least: u32) -> Option<f64> {
        let enough = self.all > 0 && self.all >= least.into();
        enough.then(|| self.successes as f64 * 100.0 / self.all as f64)
    }

    /// The average time of a success in seconds, when there were at least so many, and any at all.
    pub(super) fn latency(self, least: u32) -> Option<f64> {
        let enough = self.successes > 0 && self.successes >= least.into();
        enough.then(|| self.micros as f64 / 1e6 / self.successes as f64)
    }
}
