//! Sending again what was certainly never processed.
//!
//! A connection refused, a stream refused, a graceful GOAWAY that does not cover the request, an idle connection that
//! closed under it: no byte was processed, so any method may be sent again, and a rolling restart costs no call. Whatever
//! may have been processed is for the retry policy, which this is not.

use reqwest::Request;
use url::Url;

use super::CallError;
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

    /// The request once more for the next attempt, to `url`, when there may be one and the body can be sent twice.
    pub(super) fn keep(&self, request: &Request, url: Url) -> Option<Request> {
        if self.tried.len() >= MOST {
            return None;
        }
        copy(request, url)
    }

    /// Gives the request back for another attempt, or the error when it is the call's.
    pub(super) fn after(
        &mut self,
        error: CallError,
        kept: Option<Request>,
    ) -> Result<Request, CallError> {
        match (
            error.failure().is_some_and(Failure::never_sent),
            kept,
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

/// The same request once more to this URL, unless its body is a stream.
fn copy(request: &Request, url: Url) -> Option<Request> {
    if request.body().is_some() {
        let mut copy = request.try_clone()?;
        *copy.url_mut() = url;
        return Some(copy);
    }
    // What `try_clone` does, without the map that it makes for a timeout that is not there.
    let mut copy = Request::new(request.method().clone(), url);
    *copy.headers_mut() = request.headers().clone();
    *copy.version_mut() = request.version();
    Some(copy)
}
