//! Why a call failed, for programs ([`CallError::kind`]) and for people (its `Display`).

mod kind;
mod recover;
mod tries;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};

use super::transport::{Failure, TransportError};
use crate::discovery::Endpoint;
use crate::txn::Gtxid;

pub use kind::CallErrorKind;
pub use tries::{Try, TryEnd};

/// A call failed.
///
/// A `send()` returns it inside of a [`reqwest_middleware::Error`], and reading a body inside of a [`reqwest::Error`];
/// `CallError::from` gets it back from both, [`CallError::find`] from any chain of errors.
#[derive(Debug, Clone)]
pub struct CallError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: CallErrorKind,
    message: Cow<'static, str>,
    service: Option<Arc<str>>,
    endpoint: Option<Endpoint>,
    attempts: u32,
    gtxid: Option<Gtxid>,
    response_status: Option<StatusCode>,
    retry_after: Option<Duration>,
    document: Option<Arc<Map<String, Value>>>,
    tries: Vec<Try>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// Without the document: an `unwrap` would print it, and it is the service's text for its caller.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members =
            (self.document.as_deref()).map(|document| document.keys().collect::<Vec<_>>());
        f.debug_struct("Inner")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("service", &self.service)
            .field("endpoint", &self.endpoint)
            .field("attempts", &self.attempts)
            .field("gtxid", &self.gtxid)
            .field("response_status", &self.response_status)
            .field("retry_after", &self.retry_after)
            .field("document", &members)
            .field("tries", &self.tries)
            .field("source", &self.source)
            .finish()
    }
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
            document: None,
            tries: Vec::new(),
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

    /// The same with the members of the problem document that the service answered.
    #[must_use]
    pub fn with_document(mut self, document: Map<String, Value>) -> Self {
        self.0.document = Some(Arc::new(document));
        self
    }

    /// The same with the attempts before the last one.
    #[must_use]
    pub fn with_tries(mut self, tries: Vec<Try>) -> Self {
        self.0.tries = tries;
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

    /// The attempts before the last one, in their order; the last one is what this error tells of itself.
    #[must_use]
    pub fn tries(&self) -> &[Try] {
        &self.0.tries
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
    ///
    /// Of what the called service answered, these mean the same one hop up: 503 and 429 are 503, since trying later may help; 504 and
    /// 508 stay.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        let answered = self.0.response_status.map(|status| status.as_u16());
        match (self.0.kind, answered) {
            (CallErrorKind::Status, Some(429 | 503)) => StatusCode::SERVICE_UNAVAILABLE,
            (CallErrorKind::Status, Some(504)) => StatusCode::GATEWAY_TIMEOUT,
            (CallErrorKind::Status, Some(508)) => StatusCode::LOOP_DETECTED,
            (kind, _) => kind.status(),
        }
    }

    /// How long to wait before trying again, when that is known: the `Retry-After` of the answer.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The members of the problem document that the service answered, for [`CallErrorKind::Status`] of a [typed call](super::typed).
    ///
    /// It is the service's text for its caller, and not part of the answer that this error becomes: pass on what one's own caller may
    /// read.
    #[must_use]
    pub fn document(&self) -> Option<&Map<String, Value>> {
        self.0.document.as_deref()
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
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            service,
            endpoint,
            attempts,
            gtxid,
            message,
            tries,
            ..
        } = &*self.0;
        match service {
            Some(service) => write!(f, "call to `{service}` failed: {message}")?,
            None => write!(f, "call failed: {message}")?,
        }
        if let Some(endpoint) = endpoint {
            write!(f, " at {endpoint}")?;
        }
        for (place, one) in tries.iter().enumerate() {
            let before = if place == 0 { "; before that" } else { "," };
            write!(f, "{before} {one}")?;
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
