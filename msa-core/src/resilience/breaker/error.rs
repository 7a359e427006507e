//! Refusals.

use std::time::Duration;

use super::State;

/// The breaker refuses the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the circuit breaker is {state}: try again in {}", humantime::format_duration(*.retry_after))]
#[non_exhaustive]
pub struct OpenError {
    /// The state it is in: open, half-open with all trial calls under way, or forced open.
    pub state: State,
    /// When it may be worth trying again, in whole milliseconds, at least one.
    ///
    /// Open: the rest of its time. Half-open: the first open time, since nobody knows how long the trial calls take. Forced open:
    /// the longest open time.
    pub retry_after: Duration,
}

impl OpenError {
    pub(super) fn new(state: State, retry_after: Duration) -> Self {
        let nanos = retry_after.as_nanos().div_ceil(1_000_000).max(1);
        Self {
            state,
            retry_after: Duration::from_millis(u64::try_from(nanos).unwrap_or(u64::MAX)),
        }
    }
}

/// What a service behind a breaker fails with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BreakerError<E> {
    /// The breaker refused the call; it was not made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The call was made and failed.
    #[error(transparent)]
    Inner(E),
}
