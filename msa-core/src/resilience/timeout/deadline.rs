//! The moment at which a call must be over.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use super::{Elapsed, Guarded, inherited};
use crate::clock::Instant;

/// Who set a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// The time limit of one attempt.
    Attempt,
    /// The time limit of the whole call.
    Total,
    /// Whoever waits for the transaction, or for the work around this one, stops waiting.
    Deadline,
}

impl Limit {
    /// Its name in logs, metrics and [`Event::TimedOut`](crate::event::Event::TimedOut).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::Total => "total",
            Self::Deadline => "deadline",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When work must be over, and who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Deadline {
    at: Instant,
    limit: Limit,
    length: Duration,
}

impl Deadline {
    /// So long after `now`. More than a year is a year: clocks cannot count for ever, and no limit is meant.
    #[inline]
    pub fn after(now: Instant, length: Duration, limit: Limit) -> Self {
        let at = now.checked_add(length.min(YEAR)).unwrap_or(now);
        Self { at, limit, length }
    }

    /// What this task inherits: the sooner of the transaction's deadline and that of the [`Guarded`] work around it.
    #[inline]
    #[must_use]
    pub fn inherited(now: Instant) -> Option<Self> {
        let at = inherited::deadline()?;
        Some(Self {
            at,
            limit: Limit::Deadline,
            length: at.saturating_duration_since(now),
        })
    }

    /// The sooner of the two; this one when they are the same moment.
    #[inline]
    pub fn or_sooner(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.at < self.at => other,
            _ => self,
        }
    }

    /// The moment.
    #[inline]
    #[must_use]
    pub fn at(&self) -> Instant {
        self.at
    }

    /// Who said so.
    #[must_use]
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// The time that is left; zero once it has passed.
    #[inline]
    #[must_use]
    pub fn left(&self, now: Instant) -> Duration {
        self.at.saturating_duration_since(now)
    }

    /// Whether the time is over. A limit of zero is over at once.
    #[inline]
    #[must_use]
    pub fn has_passed(&self, now: Instant) -> bool {
        now >= self.at
    }

    /// The time is over if it has passed.
    ///
    /// # Errors
    ///
    /// It has passed.
    #[inline]
    pub fn check(&self, now: Instant) -> Result<(), Elapsed> {
        if self.has_passed(now) {
            Err(self.elapsed())
        } else {
            Ok(())
        }
    }

    /// What to say when it has passed.
    #[must_use]
    pub fn elapsed(&self) -> Elapsed {
        Elapsed {
            limit: self.limit,
            after: self.length,
        }
    }

    /// Runs a future until the deadline, and drops it then. The future inherits the deadline.
    ///
    /// Whether it has passed before is for the caller to [`check`](Self::check), who has read the clock; the future is polled first,
    /// so what is ready at once is not late.
    #[inline]
    pub fn guard<F: Future>(self, future: F) -> Guarded<F> {
        Guarded::new(future, Some(self))
    }
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
