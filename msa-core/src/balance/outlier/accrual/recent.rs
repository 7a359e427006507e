//! How many requests there were lately.

use std::time::Duration;

use crate::clock::Instant;

const SLICES: u64 = 5;

/// Counts over a window of five slices, the newest of which is still filling.
#[derive(Debug)]
pub(super) struct Recent {
    start: Instant,
    slice: Duration,
    /// The number, since the start, of the slice that is filling.
    at: u64,
    counts: [u64; SLICES as usize],
}

impl Recent {
    pub(super) fn new(window: Duration, now: Instant) -> Self {
        Self {
            start: now,
            // A window of less than five nanoseconds would have slices of none.
            slice: (window / SLICES as u32).max(Duration::from_nanos(1)),
            at: 0,
            counts: [0; SLICES as usize],
        }
    }

    pub(super) fn add(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.start).as_nanos() / self.slice.as_nanos();
        let at = u64::try_from(passed).unwrap_or(u64::MAX).max(self.at);
        let turned = (at - self.at).min(SLICES) as usize;
        self.counts.rotate_right(turned);
        for old in self.counts.iter_mut().take(turned) {
            *old = 0;
        }
        self.at = at;
        if let Some(newest) = self.counts.first_mut() {
            *newest += 1;
        }
    }

    /// Up to the last one that was added.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}
