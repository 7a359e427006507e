//! Which answers say that the callee has too much to do.

use std::time::Duration;

use crate::resilience::breaker::{Classify, Outcome};

/// HTTP: 429 and 503, and every error, say that a call was not accepted. Any other answer took the callee's work, whatever it says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Overload;

impl Overload {
    /// What an answer with this status says.
    #[must_use]
    pub fn of(status: http::StatusCode) -> Outcome {
        match status {
            http::StatusCode::TOO_MANY_REQUESTS | http::StatusCode::SERVICE_UNAVAILABLE => {
                Outcome::Failure
            }
            _ => Outcome::Success,
        }
    }
}

impl<B, E> Classify<http::Response<B>, E> for Overload {
    fn classify(&self, result: Result<&http::Response<B>, &E>, _: Duration) -> Outcome {
        result.map_or(Outcome::Failure, |response| Self::of(response.status()))
    }
}
