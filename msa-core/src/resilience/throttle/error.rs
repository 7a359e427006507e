//! Calls turned away at home.

/// The throttle turned the call away: most calls of late were refused by the callee.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "throttled: the callee accepted {accepts} of the last {requests} calls; try again later, or less often"
)]
#[non_exhaustive]
pub struct Throttled {
    /// Calls in the window, those turned away included.
    pub requests: u64,
    /// Those that the callee accepted.
    pub accepts: u64,
    /// The probability with which it was turned away, from 0 to 1.
    pub probability: f64,
}

/// What a service behind a throttle fails with.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ThrottleError<E> {
    /// The throttle turned the call away; it was not made.
    #[error(transparent)]
    Throttled(#[from] Throttled),
    /// The call was made and failed.
    #[error(transparent)]
    Inner(E),
}
