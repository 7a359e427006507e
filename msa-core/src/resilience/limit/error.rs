//! Why there was no place.

use std::time::Duration;

/// What a request was turned away for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The limit, or the share of it that its criticality has, was reached, and there is no queue.
    Limit,
    /// The queue was full of what mattered at least as much.
    QueueFull,
    /// It waited for too long, or the queue stood and it was the one to go.
    QueueTime,
}

impl Reason {
    /// Its name in events, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::QueueFull => "queue_full",
            Self::QueueTime => "queue_time",
        }
    }
}

/// There was no place within the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} ({limit} may be in flight at once now): try again after {retry_after:?}, elsewhere if possible",
    match .reason {
        Reason::Limit => "the concurrency limit is reached",
        Reason::QueueFull => "the concurrency limit is reached and its queue is full",
        Reason::QueueTime => "no place within the concurrency limit came free in time",
    }
)]
#[non_exhaustive]
pub struct Overloaded {
    /// What stood against it.
    pub reason: Reason,
    /// The limit at that moment.
    pub limit: u32,
    /// When it may be worth another try: a second, in which the limit has had time to move.
    pub retry_after: Duration,
}

impl Overloaded {
    /// Turned away at this limit.
    #[must_use]
    pub const fn new(reason: Reason, limit: u32) -> Self {
        Self {
            reason,
            limit,
            retry_after: Duration::from_secs(1),
        }
    }
}
