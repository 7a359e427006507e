//! Times as nanoseconds since a beginning, which fit into an atomic word.

use std::sync::OnceLock;
use std::time::Duration;

use crate::clock::Instant;

/// Turns times into nanoseconds since the first one it was told, and back.
///
/// What lies before the first is 0. The range is 584 years.
#[derive(Debug, Default)]
pub(crate) struct Timeline(OnceLock<Instant>);

impl Timeline {
    /// The nanoseconds at `now`.
    #[inline]
    pub(crate) fn at(&self, now: Instant) -> u64 {
        let origin = self.0.get_or_init(|| now);
        let passed = now.saturating_duration_since(*origin);
        passed.as_secs().saturating_mul(1_000_000_000) + u64::from(passed.subsec_nanos())
    }

    /// Makes this the first time, unless there is one.
    #[inline]
    pub(crate) fn begin(&self, now: Instant) {
        self.0.get_or_init(|| now);
    }

    /// The nanoseconds at `now`, 0 as long as there is no first time.
    #[inline]
    pub(crate) fn peek(&self, now: Instant) -> u64 {
        match self.0.get() {
            Some(_) => self.at(now),
            None => 0,
        }
    }

    /// The time at so many nanoseconds, if the platform's clock can tell it.
    pub(crate) fn instant(&self, at: u64) -> Option<Instant> {
        self.0.get()?.checked_add(Duration::from_nanos(at))
    }
}
