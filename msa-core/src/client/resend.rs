//! Sending again what was certainly never processed.
//!
//! A connection refused, a stream refused, a graceful GOAWAY that does not cover the request, an idle connection that
//! closed under it: no byte was processed, so any method may be sent again, and a rolling restart costs no call. Whatever
//! may have been processed is for the retry policy, which this is not. A body that is a stream can be sent again as long as
//! not much of it was read.

use reqwest::Request;
use url::Url;

use super::CallError;
use super::lend::Lent;
use super::transport::Failure;
use crate::discovery::Endpoint;

/// Three restarting instances in a row are bad luck; more are an outage, which repeating makes worse.
const MOST: usize = 2;

/// What a call knows of its attempts that never reached anybody.
#[derive(Default)]
pub(super) struct Resend {
    tried: Vec<Endpoint>,
    last: Option<CallError>,
}

impl Resend {
    /// The endpoints to avoid.
    pub(super) fn tried(&self) -> &[Endpoint] {
        &self.tried
    }

    /// Why the last attempt was not enough.
    pub(super) fn into_last(self) -> Option<CallError> {
        self.last
    }

    /// What stays here while the request is sent, when it may be sent again: a copy with its logical URL back, or of one
    /// whose body is a stream all the rest.
    pub(super) fn keep(&self, request: &mut Request, url: Url) -> Option<Kept> {
        if self.tried.len() >= MOST {
            return None;
        }
        if request.body().is_none() {
            return Some(Kept::Copy(without_body(request, url)));
        }
        if let Some(mut copy) = request.try_clone() {
            *copy.url_mut() = url;
            return Some(Kept::Copy(copy));
        }
        let copy = without_body(request, url);
        let (body, lent) = Lent::out(request.body_mut().take()?);
        *request.body_mut() = Some(body);
        Some(Kept::Lent(copy, lent))
    }

    /// Gives the request back for another attempt, or the error when it is the call's.
    pub(super) fn after(
        &mut self,
        error: CallError,
        kept: Option<Kept>,
    ) -> Result<Request, CallError> {
        match (
            error.failure().is_some_and(Failure::never_sent),
            kept.and_then(Kept::back),
            error.endpoint(),
        ) {
            (true, Some(request), Some(endpoint)) => {
                self.tried.push(endpoint.clone());
                self.last = Some(error);
                Ok(request)
            }
            _ => Err(error),
        }
    }

    /// Whether another attempt there would fail in the same way: nobody listens any more than a moment ago.
    ///
    /// A connection that was given up is different: the next one may live.
    pub(super) fn is_pointless_at(&self, endpoint: &Endpoint) -> bool {
        let failure = self.last.as_ref().and_then(CallError::failure);
        failure.is_some_and(Failure::is_connect)
            && self.tried.iter().any(|tried| tried.same_instance(endpoint))
    }
}

/// What stays of a request while it is sent.
pub(super) enum Kept {
    /// All of it.
    Copy(Request),
    /// All but its body, a stream that cannot be copied: it comes back unless much of it was read.
    Lent(Request, Lent),
}

impl Kept {
    fn back(self) -> Option<Request> {
        match self {
            Self::Copy(request) => Some(request),
            Self::Lent(mut request, lent) => {
                *request.body_mut() = Some(lent.back()?);
                Some(request)
            }
        }
    }
}

/// What `try_clone` does, without the map that it makes for a timeout that is not there.
fn without_body(request: &Request, url: Url) -> Request {
    let mut copy = Request::new(request.method().clone(), url);
    *copy.headers_mut() = request.headers().clone();
    *copy.version_mut() = request.version();
    copy
}
