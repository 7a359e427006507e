//! Finding a call's failure again in what reqwest and reqwest-middleware made of it.

use std::error::Error;
use std::sync::Arc;

use super::{CallError, CallErrorKind};
use crate::client::transport::TransportError;
use crate::problem::Unread;

impl CallError {
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
        let service = service(&error);
        let failure = if let Some(status) = error.status() {
            let message = format!("it answered {}", status.as_u16());
            Self::new(CallErrorKind::Status, message)
                .with_response_status(status)
                .with_source(error.without_url())
        } else if error.is_decode() || error.is_body() {
            let message = "the response's body is not what was expected";
            let failure = Self::new(CallErrorKind::Body, message);
            match unread(&error) {
                Some(unread) => failure.with_source(unread),
                None => failure.with_source(error.without_url()),
            }
        } else {
            Self::from(TransportError::from(error))
        };
        match service {
            Some(service) => failure.with_service(service),
            None => failure,
        }
    }
}

/// What is wrong with JSON that reqwest read, without the value.
fn unread(error: &reqwest::Error) -> Option<Unread> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(json) = error.downcast_ref() {
            return Some(Unread::from(json));
        }
        next = error.source();
    }
    None
}

/// The service, by the URL of its response. An IP address is no service's name and not for a caller's eyes.
fn service(error: &reqwest::Error) -> Option<Arc<str>> {
    error.url()?.domain().map(Arc::from)
}

impl From<TransportError> for CallError {
    fn from(error: TransportError) -> Self {
        Self::new(error.failure().into(), error.failure().as_str()).with_source(error)
    }
}
