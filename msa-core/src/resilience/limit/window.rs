//! What was measured since the last estimate, added up without a lock.

use std::fmt;
use std::time::Duration;

use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::Sample;

/// How long measurements are added up before an estimate is made of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowConfig {
    /// At least so long. 100 ms.
    pub min: Duration,
    /// At most so long, unless too few requests end in it. In between, twice the mean latency of the last window: so that
    /// what begins after a change of the limit also ends within two windows. 5 s.
    pub max: Duration,
    /// Until so many requests ended. 10.
    pub samples: u32,
}

impl Default for WindowConfig {
    fn default() -> Self {
        Self {
            min: Duration::from_millis(100),
            max: Duration::from_secs(5),
            samples: 10,
        }
    }
}

/// Low bits: the sum of latencies in microseconds, 50 days of it; above: the number of them, up to four million.
const SUM_BITS: u32 = 42;
const ONE: u64 = 1 << SUM_BITS;
const SUM: u64 = ONE - 1;

/// A latency counts as 35 minutes at most, so that a thousand of the slowest still fit.
const LONGEST_US: u64 = 1 << 31;

/// Nobody closes the window: somebody is at it.
const CLOSING: u64 = u64::MAX;

pub(super) struct Window {
    config: WindowConfig,
    /// Count and sum in one word: a measurement is in one window or the next, never half in each.
    sums: AtomicU64,
    most_in_flight: AtomicU32,
    dropped: AtomicBool,
    /// When it may be closed, in nanoseconds of the limiter's life.
    ends: AtomicU64,
}

impl Window {
    pub(super) fn new(config: WindowConfig) -> Self {
        Self {
            config,
            sums: AtomicU64::new(0),
            most_in_flight: AtomicU32::new(0),
            dropped: AtomicBool::new(false),
            ends: AtomicU64::new(nanos(config.min)),
        }
    }

    #[inline]
    pub(super) fn add(&self, rtt: Duration, in_flight: u32, dropped: bool) {
        let us = u64::try_from(rtt.as_nanos().div_ceil(1000))
            .unwrap_or(LONGEST_US)
            .min(LONGEST_US);
        self.sums.fetch_add(ONE | us, Ordering::Relaxed);
        // Both are mostly there already, and reading is cheap.
        if self.most_in_flight.load(Ordering::Relaxed) < in_flight {
            self.most_in_flight.fetch_max(in_flight, Ordering::Relaxed);
        }
        if dropped && !self.dropped.load(Ordering::Relaxed) {
            self.dropped.store(true, Ordering::Relaxed);
        }
    }

    /// Closes the window when it is over and full enough; one caller gets what was in it.
    #[inline]
    pub(super) fn close(&self, now: u64) -> Option<Sample> {
        let ends = self.ends.load(Ordering::Relaxed);
        if now < ends || self.sums.load(Ordering::Relaxed) >> SUM_BITS < self.config.samples.into()
        {
            return None;
        }
        self.close_over(now, ends)
    }

    #[cold]
    fn close_over(&self, now: u64, ends: u64) -> Option<Sample> {
        self.ends
            .compare_exchange(ends, CLOSING, Ordering::AcqRel, Ordering::Relaxed)
            .ok()?;
        let sums = self.sums.swap(0, Ordering::Relaxed);
        let count = (sums >> SUM_BITS).max(1);
        let rtt = Duration::from_nanos((sums & SUM).saturating_mul(1000) / count);
        let in_flight = self.most_in_flight.swap(0, Ordering::Relaxed);
        let dropped = self.dropped.swap(false, Ordering::Relaxed);
        let length = (rtt * 2).max(self.config.min).min(self.config.max);
        let next = now.saturating_add(nanos(length)).min(CLOSING - 1);
        self.ends.store(next, Ordering::Release);
        Some(Sample::new(rtt, in_flight, dropped))
    }
}

#[cfg(all(test, msa_loom))]
impl Window {
    /// How many measurements are in the open window.
    pub(super) fn counted(&self) -> u64 {
        self.sums.load(Ordering::Relaxed) >> SUM_BITS
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn window(samples: u32) -> Window {
        Window::new(WindowConfig {
            samples,
            ..WindowConfig::default()
        })
    }

    #[test]
    fn a_window_is_closed_when_it_is_over_and_enough_ended_in_it() {
        let window = window(2);
        window.add(Duration::from_millis(10), 3, false);
        assert_eq!(window.close(200 * MS), None);
        window.add(Duration::from_millis(20), 1, true);
        assert_eq!(window.close(99 * MS), None);
        let sample = Sample::new(Duration::from_millis(15), 3, true);
        assert_eq!(window.close(200 * MS), Some(sample));
        assert_eq!(window.close(200 * MS), None);
    }

    #[test]
    fn the_next_window_lasts_twice_the_mean_latency() {
        let window = window(1);
        window.add(Duration::from_secs(1), 1, false);
        assert!(window.close(100 * MS).is_some());
        window.add(Duration::from_secs(1), 1, false);
        assert_eq!(window.close(2099 * MS), None);
        assert!(window.close(2100 * MS).is_some());
    }

    #[test]
    fn endless_latencies_do_not_overflow_into_the_count() {
        let window = window(1000);
        for _ in 0..1000 {
            window.add(Duration::MAX, 1, false);
        }
        let sample = window.close(100 * MS).unwrap();
        assert_eq!(sample.rtt, Duration::from_micros(LONGEST_US));
    }
}
