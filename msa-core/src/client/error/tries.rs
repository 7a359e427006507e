//! What came of each attempt.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use super::CallErrorKind;
use crate::discovery::Endpoint;

/// One attempt of a call that had several.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Try {
    /// Whom it called.
    pub endpoint: Endpoint,
    /// What it came to.
    pub end: TryEnd,
    /// Up to the response's headers, or to the failure.
    pub took: Duration,
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryEnd {
    /// A response with this status, which was not good enough.
    Status(StatusCode),
    /// No response.
    Failed(CallErrorKind),
}

impl fmt::Display for TryEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.as_u16().fmt(f),
            Self::Failed(kind) => kind.fmt(f),
        }
    }
}

impl fmt::Display for Try {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.end, self.endpoint)
    }
}
