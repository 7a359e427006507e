//! The window for a policy of one's own, and the choice of its kind.

use std::time::Duration;

use super::count::CountWindow;
use super::{Counts, Mark, TimeWindow, Timeline};
use crate::clock::Instant;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Which calls are looked at together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// Those of the last time.
    Time {
        /// How far back it goes.
        length: Duration,
        /// In how many equal buckets it is counted, of a millisecond each at least; one at least.
        buckets: u32,
    },
    /// The last calls, whenever they were.
    Count {
        /// How many; one at least.
        size: u32,
    },
}

impl Default for Window {
    /// 10 s in 10 buckets.
    fn default() -> Self {
        Self::Time {
            length: Duration::from_secs(10),
            buckets: 10,
        }
    }
}

/// A window of either kind, over times of a timeline.
#[derive(Debug)]
pub(crate) enum Kind {
    Time(TimeWindow),
    Count(CountWindow),
}

impl Kind {
    pub(crate) fn new(window: Window, timed: bool) -> Self {
        match window {
            Window::Time { length, buckets } => Self::Time(TimeWindow::new(length, buckets, timed)),
            Window::Count { size } => Self::Count(CountWindow::new(size)),
        }
    }

    #[inline]
    pub(crate) fn record(
        &self,
        generation: u64,
        mark: Mark,
        elapsed: Duration,
        at: u64,
        current: impl Fn() -> bool,
    ) {
        match self {
            Self::Time(window) => window.record(generation, mark, elapsed, at, current),
            Self::Count(window) => {
                window.record(generation, mark, elapsed);
            }
        }
    }

    /// After which time nothing of what is in it now is left; 0 for a count window, which time does not change.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Time(window) => window.length(),
            Self::Count(_) => 0,
        }
    }

    /// When the passing of time alone changes what it holds.
    pub(crate) fn next_change(&self, at: u64) -> Option<u64> {
        match self {
            Self::Time(window) => window.next_change(at),
            Self::Count(_) => None,
        }
    }

    #[inline]
    pub(crate) fn counts(&self, generation: u64, at: u64) -> Counts {
        match self {
            Self::Time(window) => window.counts(generation, at),
            Self::Count(window) => window.counts(generation),
        }
    }

    /// The buckets of a time window, the oldest first; a count window has none.
    pub(crate) fn buckets(&self, generation: u64, at: u64) -> Vec<Counts> {
        match self {
            Self::Time(window) => window.buckets(generation, at),
            Self::Count(_) => Vec::new(),
        }
    }
}

/// A window that is told outcomes and counts them.
#[derive(Debug)]
pub struct SlidingWindow {
    timeline: Timeline,
    generation: AtomicU64,
    kind: Kind,
}

impl SlidingWindow {
    /// An empty window. A time window's first bucket begins with the first time that is told.
    #[must_use]
    pub fn new(window: Window) -> Self {
        Self {
            timeline: Timeline::default(),
            generation: AtomicU64::new(1),
            kind: Kind::new(window, true),
        }
    }

    /// The same with its first bucket beginning at this time.
    #[must_use]
    pub fn beginning(self, at: Instant) -> Self {
        self.timeline.at(at);
        self
    }

    /// Counts a call that ended now and took so long.
    pub fn record(&self, ok: bool, elapsed: Duration, now: Instant) {
        self.mark(ok, false, elapsed, now);
    }

    /// Counts a slow call that ended now and took so long.
    pub fn record_slow(&self, ok: bool, elapsed: Duration, now: Instant) {
        self.mark(ok, true, elapsed, now);
    }

    fn mark(&self, ok: bool, slow: bool, elapsed: Duration, now: Instant) {
        let generation = self.generation.load(Ordering::Acquire);
        let current = || self.generation.load(Ordering::Acquire) == generation;
        let mark = Mark { failed: !ok, slow };
        let at = self.timeline.at(now);
        self.kind.record(generation, mark, elapsed, at, current);
    }

    /// What the window holds at this time.
    #[must_use]
    pub fn counts(&self, now: Instant) -> Counts {
        let generation = self.generation.load(Ordering::Acquire);
        self.kind.counts(generation, self.timeline.peek(now))
    }

    /// Empties the window. What is being recorded at the same time may count before or after.
    pub fn reset(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(all(test, not(msa_loom)))]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_window_is_emptied_by_a_reset() {
        for window in [Window::default(), Window::Count { size: 5 }] {
            let window = SlidingWindow::new(window);
            let now = clock::now();
            window.record_slow(false, Duration::from_secs(1), now);
            let counts = window.counts(now);
            assert_eq!((counts.failed, counts.slow), (1, 1));
            assert_eq!(counts.time, Duration::from_secs(1));
            window.reset();
            assert_eq!(window.counts(now), Counts::default());
            window.record(true, Duration::ZERO, now);
            assert_eq!(window.counts(now).total(), 1);
        }
    }
}
