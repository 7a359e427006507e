//! How many, how soon again.

use std::time::Duration;

use crate::config::Rate;

/// How permits come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RateLimitKind {
    /// One by one, evenly.
    #[default]
    Gcra,
    /// All together at the start of each period.
    Window,
}

/// A rate, how permits come back, and how long a caller may wait for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct RateLimitConfig {
    pub(super) kind: RateLimitKind,
    pub(super) rate: Rate,
    pub(super) burst: Option<u32>,
    pub(super) max_wait: Duration,
}

impl RateLimitConfig {
    /// Permits come back one by one: a tenth of a second after the other at `10/s`. Amounts above 2³² − 1 count as that.
    pub fn gcra(rate: Rate) -> Self {
        Self {
            kind: RateLimitKind::Gcra,
            rate,
            burst: None,
            max_wait: Duration::ZERO,
        }
    }

    /// Permits come back all together at the start of each period, which are counted from the limiter's own beginning.
    pub fn window(rate: Rate) -> Self {
        Self {
            kind: RateLimitKind::Window,
            ..Self::gcra(rate)
        }
    }

    /// As `AtomicRateLimiter` of resilience4j: so many in each period, and who waits no longer than this takes a permit of a
    /// later one. `None` when the period is zero.
    #[must_use]
    pub fn resilience4j(
        limit_for_period: u32,
        period: Duration,
        timeout: Duration,
    ) -> Option<Self> {
        let rate = Rate::new(limit_for_period.into(), period)?;
        Some(Self::window(rate).max_wait(timeout))
    }

    /// Permits that may be spent at once, at least 1. Defaults to the rate's amount. [`RateLimitKind::Gcra`] only.
    pub fn burst(mut self, permits: u32) -> Self {
        self.burst = Some(permits.max(1));
        self
    }

    /// The longest that a caller waits for its turn. Defaults to zero: it is refused at once.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// The longest that a caller waits for its turn.
    #[must_use]
    pub fn longest_wait(&self) -> Duration {
        self.max_wait
    }

    pub(super) fn amount(&self) -> u32 {
        u32::try_from(self.rate.amount()).unwrap_or(u32::MAX)
    }
}
