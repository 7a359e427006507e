//! The kinds of failures.

use std::fmt;

use http::StatusCode;

use crate::client::transport::Failure;

/// What kind of failure a call met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The host is no known service, or the service has no instance now.
    NoEndpoint,
    /// The circuit breaker of every instance is open.
    CircuitOpen,
    /// Too many calls to the service are under way: more than its bulkhead or its concurrency limit let in.
    BulkheadFull,
    /// The service turns most calls away, and this client this one: see `clients.<name>.throttle`.
    Throttled,
    /// This client's own rate limit for the service is used up.
    RateLimited,
    /// The total timeout or the deadline of the transaction passed.
    DeadlineExceeded,
    /// No connection: refused, name not resolved, TLS, connect timeout; or it was given up before the request was processed.
    Connect,
    /// One attempt took too long up to the response's headers.
    AttemptTimeout,
    /// The connection broke while waiting for the response: the request may have been processed.
    Reset,
    /// The response's status is an error; from typed clients and `error_for_status`.
    Status,
    /// The response's body is too large, broke off, or is not what was expected.
    Body,
    /// The call was given up by its caller.
    Cancelled,
    /// An injected fault.
    Fault,
    /// The request cannot be sent by anybody: not HTTP, a URL without a host, a stream that failed.
    Invalid,
}

impl CallErrorKind {
    /// The kind's name in logs and metrics, such as `deadline_exceeded`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoEndpoint => "no_endpoint",
            Self::CircuitOpen => "circuit_open",
            Self::BulkheadFull => "bulkhead_full",
            Self::Throttled => "throttled",
            Self::RateLimited => "rate_limited",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Connect => "connect",
            Self::AttemptTimeout => "attempt_timeout",
            Self::Reset => "reset",
            Self::Status => "status",
            Self::Body => "body",
            Self::Cancelled => "cancelled",
            Self::Fault => "fault",
            Self::Invalid => "invalid",
        }
    }

    /// The status that a server answers when a call it depended on failed so.
    ///
    /// 504 when time ran out; 502 when the other side answered wrongly or broke off; 500 when the request was this service's own
    /// mistake; else 503, since trying later may help.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::DeadlineExceeded | Self::AttemptTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Reset | Self::Status | Self::Body => StatusCode::BAD_GATEWAY,
            Self::Invalid => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoEndpoint
            | Self::CircuitOpen
            | Self::BulkheadFull
            | Self::Throttled
            | Self::RateLimited
            | Self::Connect
            | Self::Cancelled
            | Self::Fault => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl fmt::Display for CallErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Failure> for CallErrorKind {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Timeout => Self::AttemptTimeout,
            Failure::Reset | Failure::Protocol => Self::Reset,
            Failure::Invalid => Self::Invalid,
            _ => Self::Connect, // nothing was processed
        }
    }
}
