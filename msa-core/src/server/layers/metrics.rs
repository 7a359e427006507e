//! Counts a request, under its matched route.

use axum::body::{Body, HttpBody as _};
use axum::extract::MatchedPath;
use axum::response::Response;
use http::Request;

use crate::clock::Instant;
use crate::server::inbound::Inbound;
use crate::telemetry::metrics::ActiveRequest;
use crate::txn::Txn;

/// A request that has no answer yet; dropped, it is counted as cancelled.
pub(crate) struct Counted(Option<ActiveRequest>);

impl Counted {
    #[inline]
    pub(crate) fn begin(inbound: &Inbound, request: &Request<Body>, now: Instant) -> Self {
        Self(inbound.metrics.as_ref().map(|metrics| {
            let route = request.extensions().get::<MatchedPath>();
            let route = route.map_or("", MatchedPath::as_str);
            let size = request.body().size_hint().exact();
            metrics.begin(request.method(), route, size, now)
        }))
    }

    /// The answer's head is there.
    #[inline]
    pub(crate) fn answer(&mut self, txn: &Txn, response: &Response, now: Instant) {
        if let Some(active) = &mut self.0 {
            let size = response.body().size_hint().exact();
            active.answer(response.status(), size, txn, now);
        }
    }
}
