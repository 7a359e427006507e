//! Why a call failed, for programs ([`CallError::kind`]) and for people (its `Display`).

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::transport::{Failure, TransportError};
use crate::discovery::Endpoint;
use crate::txn::Gtxid;

/// What kind of failure a call met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The host is no known service, or the service has no instance now.
    NoEndpoint,
    /// The circuit breaker of every instance is open.
    CircuitOpen,
    /// Too many calls to the service are under way.
    BulkheadFull,
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

/// A call failed.
///
/// A `send()` returns it inside of a [`reqwest_middleware::Error`], and reading a body inside of a [`reqwest::Error`];
/// `CallError::from` gets it back from both, [`CallError::find`] from any chain of errors.
#[derive(Debug, Clone)]
pub struct CallError(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: CallErrorKind,
    message: Cow<'static, str>,
    service: Option<Arc<str>>,
    endpoint: Option<Endpoint>,
    attempts: u32,
    gtxid: Option<Gtxid>,
    response_status: Option<StatusCode>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl CallError {
    /// A failure of this kind; `message` says what happened, without the names that the other fields hold.
    pub fn new(kind: CallErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            service: None,
            endpoint: None,
            attempts: 0,
            gtxid: None,
            response_status: None,
            retry_after: None,
            source: None,
        }))
    }

    /// The same with the service that was called.
    #[must_use]
    pub fn with_service(mut self, service: Arc<str>) -> Self {
        self.0.service = Some(service);
        self
    }

    /// The same with the endpoint of the last attempt.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: Endpoint) -> Self {
        self.0.endpoint = Some(endpoint);
        self
    }

    /// The same with how many attempts there were.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// The same with the transaction.
    #[must_use]
    pub fn with_gtxid(mut self, gtxid: Gtxid) -> Self {
        self.0.gtxid = Some(gtxid);
        self
    }

    /// The same with the status that the service answered.
    #[must_use]
    pub fn with_response_status(mut self, status: StatusCode) -> Self {
        self.0.response_status = Some(status);
        self
    }

    /// The same with how long to wait before trying again.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// The same with what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> CallErrorKind {
        self.0.kind
    }

    /// The logical name of the service that was called.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.0.service.as_deref()
    }

    /// The endpoint of the last attempt, when there was one.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.0.endpoint.as_ref()
    }

    /// How many attempts there were; 0 when the call was refused before the first.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The transaction that the call belonged to.
    #[must_use]
    pub fn gtxid(&self) -> Option<&Gtxid> {
        self.0.gtxid.as_ref()
    }

    /// The status that the service answered, for [`CallErrorKind::Status`] and errors of a response's body.
    #[must_use]
    pub fn response_status(&self) -> Option<StatusCode> {
        self.0.response_status
    }

    /// The status to answer to whoever waits for this service, see [`CallErrorKind::status`].
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.kind.status()
    }

    /// How long to wait before trying again, when that is known: the `Retry-After` of the answer.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How the last attempt failed, when the transport had no response.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        let transport: &TransportError = self.0.source.as_ref()?.downcast_ref()?;
        Some(transport.failure())
    }

    /// Whether the service cannot have processed anything, so that the call may be made again whatever its method.
    #[must_use]
    pub fn never_sent(&self) -> bool {
        self.failure()
            .map_or(self.0.attempts == 0, Failure::never_sent)
    }

    /// What happened, without the names around it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Finds the failure of a call anywhere in a chain of errors, also behind reqwest-middleware's boxing.
    ///
    /// For an `anyhow::Error`: `CallError::find(error.as_ref())`.
    #[must_use]
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found);
            }
            // This error is transparent: its source is that of the boxed one, which would be passed over.
            if let Some(reqwest_middleware::Error::Middleware(boxed)) = error.downcast_ref() {
                return boxed.chain().find_map(Self::find);
            }
            next = error.source();
        }
        None
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            service,
            endpoint,
            attempts,
            gtxid,
            message,
            ..
        } = &*self.0;
        match service {
            Some(service) => write!(f, "call to `{service}` failed: {message}")?,
            None => write!(f, "call failed: {message}")?,
        }
        if let Some(endpoint) = endpoint {
            write!(f, " at {endpoint}")?;
        }
        match (attempts, gtxid) {
            (0, None) => Ok(()),
            (0, Some(gtxid)) => write!(f, " (gtxid {gtxid})"),
            (1, None) => Ok(()),
            (1, Some(gtxid)) => write!(f, " (gtxid {gtxid})"),
            (n, None) => write!(f, " (attempt {n})"),
            (n, Some(gtxid)) => write!(f, " (attempt {n}, gtxid {gtxid})"),
        }
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<CallError> for reqwest_middleware::Error {
    fn from(error: CallError) -> Self {
        Self::middleware(error)
    }
}

impl From<reqwest_middleware::Error> for CallError {
    /// Gets back the failure that a `send()` returned. An error of somebody else's middleware becomes
    /// [`CallErrorKind::Invalid`] with that error as its source.
    fn from(error: reqwest_middleware::Error) -> Self {
        if let Some(found) = Self::find(&error) {
            return found.clone();
        }
        match error {
            reqwest_middleware::Error::Reqwest(error) => Self::from(error),
            other => Self::new(CallErrorKind::Invalid, "a middleware of the client failed")
                .with_source(other),
        }
    }
}

impl From<reqwest::Error> for CallError {
    /// Gets back the failure that reading a body returned, or tells what reqwest itself found wrong.
    fn from(error: reqwest::Error) -> Self {
        if let Some(found) = Self::find(&error) {
            return found.clone();
        }
        if let Some(status) = error.status() {
            return Self::new(
                CallErrorKind::Status,
                format!("it answered {}", status.as_u16()),
            )
            .with_response_status(status)
            .with_source(error);
        }
        if error.is_decode() || error.is_body() {
            return Self::new(
                CallErrorKind::Body,
                "the response's body is not what was expected",
            )
            .with_source(error);
        }
        Self::from(TransportError::from(error))
    }
}

impl From<TransportError> for CallError {
    fn from(error: TransportError) -> Self {
        Self::new(error.failure().into(), error.failure().as_str()).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::txn::Minter;

    fn refused() -> CallError {
        CallError::from(TransportError::because(
            Failure::Refused,
            std::io::Error::from(std::io::ErrorKind::ConnectionRefused),
        ))
        .with_service("user-service".into())
        .with_endpoint("http://10.0.0.1:8081".parse().unwrap())
        .with_attempts(2)
    }

    #[test]
    fn the_kind_survives_the_boxing_of_the_middleware_and_keeps_its_sources() {
        let boxed = reqwest_middleware::Error::from(refused());
        let error = CallError::from(boxed);
        assert_eq!(error.kind(), CallErrorKind::Connect);
        assert_eq!(error.failure(), Some(Failure::Refused));
        assert!(error.never_sent());
        let cause = error.source().unwrap().source().unwrap();
        assert!(cause.is::<std::io::Error>());
    }

    #[test]
    fn it_is_found_behind_other_errors() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot place the order")]
        struct Order(#[source] reqwest_middleware::Error);
        let error = Order(refused().into());
        assert_eq!(
            CallError::find(&error).unwrap().kind(),
            CallErrorKind::Connect
        );
        assert!(CallError::find(&std::io::Error::other("else")).is_none());
    }

    #[test]
    fn it_reads_as_a_sentence_that_names_everything() {
        let gtxid = Minter::seeded(1).mint(0);
        assert_eq!(
            refused().with_gtxid(gtxid).to_string(),
            format!(
                "call to `user-service` failed: connection refused at http://10.0.0.1:8081 (attempt 2, gtxid {gtxid})"
            )
        );
    }

    #[test]
    fn what_was_never_tried_was_never_sent() {
        assert!(CallError::new(CallErrorKind::NoEndpoint, "none").never_sent());
        let late = CallError::new(CallErrorKind::AttemptTimeout, "late").with_attempts(1);
        assert!(!late.never_sent());
    }
}
