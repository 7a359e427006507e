//! How a call went, as a breaker sees it.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

use crate::problem::forbids_retry;

/// How a call went, as a breaker sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The callee did its work.
    Success,
    /// The callee failed.
    Failure,
    /// No connection could be made: a failure, and one of those that are counted in a row.
    ConnectFailure,
    /// Says nothing about the callee, such as a request that was wrong before it was sent. Not counted.
    Ignored,
    /// The call was given up before it ended. Not counted. What a dropped permit means.
    Cancelled,
}

/// Says how a call went, by its response or error and the time it took.
///
/// Any `Fn(Result<&T, &E>, Duration) -> Outcome` is one:
///
/// ```
/// use std::time::Duration;
/// use msa_core::resilience::breaker::{Classify, Outcome};
///
/// let late_is_failed = |result: Result<&u64, &std::io::Error>, elapsed: Duration| match result {
///     Ok(_) if elapsed < Duration::from_secs(1) => Outcome::Success,
///     Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Outcome::ConnectFailure,
///     Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => Outcome::Ignored,
///     _ => Outcome::Failure,
/// };
/// assert_eq!(late_is_failed.classify(Ok(&7), Duration::from_secs(2)), Outcome::Failure);
/// ```
pub trait Classify<T, E> {
    /// How the call went.
    fn classify(&self, result: Result<&T, &E>, elapsed: Duration) -> Outcome;

    /// The same for whoever has the result as a whole. Defaults to [`classify`](Self::classify).
    #[inline]
    fn classify_result(&self, result: &Result<T, E>, elapsed: Duration) -> Outcome {
        self.classify(result.as_ref(), elapsed)
    }
}

impl<T, E, F> Classify<T, E> for F
where
    F: Fn(Result<&T, &E>, Duration) -> Outcome,
{
    fn classify(&self, result: Result<&T, &E>, elapsed: Duration) -> Outcome {
        self(result, elapsed)
    }
}

/// Every error is a failure.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnyError;

impl<T, E> Classify<T, E> for AnyError {
    fn classify(&self, result: Result<&T, &E>, _: Duration) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        }
    }
}

/// HTTP: an answer of 500 or above is a failure, as every error is; any other answer shows that the callee works. A request that was
/// [shed](Self::answered) shows neither.
///
/// Of reqwest's errors, one that happened while connecting is a failure to connect, and one of the request's own (a wrong URL, too
/// many redirects) or of reading the answer's content is ignored.
#[derive(Debug, Clone, Copy, Default)]
pub struct HttpStatus;

impl HttpStatus {
    /// What an answer with this status and these headers says: as [`of`](Self::of), but a request that was shed is ignored.
    ///
    /// That is a 503 with `Retry-After` and `x-txn-retry: never`, as a server answers that has a concurrency limit. It is alive, and
    /// takes what it can. A breaker that opened for it would leave it idle and then flood it; of a server that was too slow for
    /// a while, most callers would learn seconds later that it no longer is (`docs/resilience.md`).
    #[must_use]
    pub fn answered(status: StatusCode, headers: &HeaderMap) -> Outcome {
        let shed = status == StatusCode::SERVICE_UNAVAILABLE
            && headers.contains_key(header::RETRY_AFTER)
            && forbids_retry(headers);
        if shed {
            Outcome::Ignored
        } else {
            Self::of(status)
        }
    }

    /// What an answer with this status says.
    #[must_use]
    pub fn of(status: StatusCode) -> Outcome {
        if status.is_server_error() {
            Outcome::Failure
        } else {
            Outcome::Success
        }
    }
}

impl<B, E> Classify<http::Response<B>, E> for HttpStatus {
    fn classify(&self, result: Result<&http::Response<B>, &E>, _: Duration) -> Outcome {
        result.map_or(Outcome::Failure, |response| {
            Self::answered(response.status(), response.headers())
        })
    }
}

impl Classify<reqwest::Response, reqwest::Error> for HttpStatus {
    fn classify(
        &self,
        result: Result<&reqwest::Response, &reqwest::Error>,
        _: Duration,
    ) -> Outcome {
        match result {
            Ok(response) => Self::answered(response.status(), response.headers()),
            Err(error) if error.is_connect() => Outcome::ConnectFailure,
            Err(error) if error.is_builder() || error.is_redirect() || error.is_decode() => {
                Outcome::Ignored
            }
            Err(_) => Outcome::Failure,
        }
    }
}

/// Which errors count, by the names of their kinds.
///
/// An error that is of several kinds, a special one and the more general ones above it, is told with all of them. A kind that is
/// excluded wins over one that is included, and an error of which no kind is listed does not count (the rules of MicroProfile's
/// `failOn` and `skipOn`).
///
/// ```
/// use msa_core::resilience::breaker::{ErrorKinds, Outcome};
///
/// let kinds = ErrorKinds::default().include(["io", "timeout"]).exclude(["not_found"]);
/// assert!(kinds.counts(["connect_timeout", "timeout", "io"]));
/// assert!(!kinds.counts(["not_found", "io"]));
/// assert_eq!(kinds.outcome(["syntax"]), Outcome::Success);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorKinds {
    include: BTreeSet<String>,
    exclude: BTreeSet<String>,
    ignore: bool,
}

impl ErrorKinds {
    /// Counts errors of these kinds as well. While none is included, every error counts that is not excluded.
    #[must_use]
    pub fn include<S: Into<String>>(mut self, kinds: impl IntoIterator<Item = S>) -> Self {
        self.include.extend(kinds.into_iter().map(Into::into));
        self
    }

    /// Counts no errors of these kinds.
    #[must_use]
    pub fn exclude<S: Into<String>>(mut self, kinds: impl IntoIterator<Item = S>) -> Self {
        self.exclude.extend(kinds.into_iter().map(Into::into));
        self
    }

    /// What does not count is [`Outcome::Ignored`], as resilience4j's `ignoreExceptions`; by default it is a success, as
    /// MicroProfile's `skipOn`.
    #[must_use]
    pub fn ignoring(mut self) -> Self {
        self.ignore = true;
        self
    }

    /// Whether an error of these kinds counts as a failure.
    #[must_use]
    pub fn counts<'k>(&self, kinds: impl IntoIterator<Item = &'k str>) -> bool {
        let mut included = self.include.is_empty();
        for kind in kinds {
            if self.exclude.contains(kind) {
                return false;
            }
            included |= self.include.contains(kind);
        }
        included
    }

    /// What an error of these kinds says.
    #[must_use]
    pub fn outcome<'k>(&self, kinds: impl IntoIterator<Item = &'k str>) -> Outcome {
        match (self.counts(kinds), self.ignore) {
            (true, _) => Outcome::Failure,
            (false, true) => Outcome::Ignored,
            (false, false) => Outcome::Success,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16) -> http::Response<()> {
        let mut response = http::Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    }

    #[test]
    fn an_answer_of_503_is_a_failure_though_it_is_ok_to_rust() {
        let says = |status| {
            let response = response(status);
            HttpStatus.classify(Ok::<_, &()>(&response), Duration::ZERO)
        };
        assert_eq!([500, 502, 503, 504, 599].map(says), [Outcome::Failure; 5]);
        assert_eq!([200, 204, 304, 404, 429].map(says), [Outcome::Success; 5]);
    }

    #[test]
    fn a_request_that_was_shed_says_nothing_of_a_server_that_lives() {
        let says = |status, marks: &[(&'static str, &'static str)]| {
            let mut response = response(status);
            for (name, value) in marks {
                let value = http::HeaderValue::from_static(value);
                response.headers_mut().insert(*name, value);
            }
            HttpStatus.classify(Ok::<_, &()>(&response), Duration::ZERO)
        };
        let (later, never) = (("retry-after", "1"), ("x-txn-retry", "never"));
        assert_eq!(says(503, &[later, never]), Outcome::Ignored);
        // What was tried in vain below, what is down for maintenance, and what broke.
        for (status, marks) in [(503, never), (503, later), (500, never)] {
            assert_eq!(says(status, &[marks]), Outcome::Failure, "{status}");
        }
        assert_eq!(says(502, &[later, never]), Outcome::Failure);
    }

    #[test]
    fn an_exclusion_wins_and_what_is_not_listed_does_not_count() {
        let kinds = ErrorKinds::default().include(["e0", "e2"]).exclude(["e1"]);
        assert!(kinds.counts(["e0", "exception"]));
        assert!(!kinds.counts(["e2", "e1", "e0", "exception"]));
        assert!(!kinds.counts(["runtime", "exception"]));
        assert_eq!(kinds.ignoring().outcome(["error"]), Outcome::Ignored);
        assert!(ErrorKinds::default().counts(["anything"]));
    }
}
