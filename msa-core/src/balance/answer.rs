//! What a call tells of the endpoint that it was sent to.

use std::time::Duration;

use crate::clock::Instant;

/// What came of an attempt, as far as its endpoint is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Answer {
    /// A response that is no failure of the server; a 4xx too.
    Success,
    /// A 5xx that does not come from a gateway: the service itself failed.
    Failure,
    /// 502, 503 or 504: what stands behind the endpoint, or the endpoint as a whole, is not there.
    GatewayFailure,
    /// No response: the connection was refused or reset, or the attempt timed out.
    LocalFailure,
    /// An answer that says nothing about the endpoint, such as a fault that was injected here.
    Ignored,
}

impl Answer {
    /// What this status says.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            502..=504 => Self::GatewayFailure,
            500..=599 => Self::Failure,
            _ => Self::Success,
        }
    }

    /// Whether the endpoint failed.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(
            self,
            Self::Failure | Self::GatewayFailure | Self::LocalFailure
        )
    }
}

/// How a picked request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The body ended, or was dropped after its headers, at this time.
    Complete(Instant),
    /// The body failed at this time: one more failure, beside what the headers were.
    BodyFailed(Instant),
    /// Dropped after the headers or the failure were told, without a time: complete, but no measure of latency.
    Answered,
    /// Dropped before the headers: neither success nor failure.
    Cancelled,
}

/// What an endpoint says of its own load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadReport {
    /// Requests in flight there.
    pub in_flight: u32,
    /// Its estimate of what a request that arrives now will take.
    pub latency: Duration,
}

impl LoadReport {
    /// A report.
    #[must_use]
    pub fn new(in_flight: u32, latency: Duration) -> Self {
        Self { in_flight, latency }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateway_failures_are_told_from_other_failures_and_a_4xx_is_no_failure() {
        assert_eq!(Answer::of_status(404), Answer::Success);
        assert_eq!(Answer::of_status(429), Answer::Success);
        assert_eq!(Answer::of_status(500), Answer::Failure);
        assert_eq!(Answer::of_status(501), Answer::Failure);
        for status in 502..=504 {
            assert_eq!(Answer::of_status(status), Answer::GatewayFailure);
        }
        assert_eq!(Answer::of_status(505), Answer::Failure);
        assert!(!Answer::Ignored.is_failure() && Answer::LocalFailure.is_failure());
    }
}
