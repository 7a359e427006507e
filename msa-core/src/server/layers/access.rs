//! One log line a request.

use axum::body::Body;
use axum::extract::MatchedPath;
use http::{Method, Request, StatusCode};

use crate::clock::{self, Instant};
use crate::server::inbound::Inbound;

/// What nginx logs for a client that went away before its answer.
const CLIENT_CLOSED_REQUEST: u16 = 499;

struct Line {
    method: Method,
    route: Option<MatchedPath>,
    began: Instant,
}

impl Line {
    fn write(&self, status: u16, now: Instant) {
        let method = self.method.as_str();
        let route = self.route.as_ref().map_or("unmatched", MatchedPath::as_str);
        // Microseconds are as fine as a log needs.
        let ms = now.saturating_duration_since(self.began).as_micros() as f64 / 1000.0;
        if status < 500 {
            tracing::info!(target: "msa::access", method, route, status, ms, "request");
        } else {
            tracing::warn!(target: "msa::access", method, route, status, ms, "request");
        }
    }
}

/// The line of a request that has no answer yet: dropped, it tells that the client went away.
pub(crate) struct Unfinished(Option<Line>);

impl Unfinished {
    /// The request is named by its matched route, never by its raw path.
    #[inline]
    pub(crate) fn begin(inbound: &Inbound, request: &Request<Body>, now: Instant) -> Self {
        Self(inbound.access_log().then(|| Line {
            method: request.method().clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            began: now,
        }))
    }

    #[inline]
    pub(crate) fn finish(&mut self, status: StatusCode, now: Instant) {
        if let Some(line) = self.0.take() {
            line.write(status.as_u16(), now);
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(line) = self.0.take() {
            line.write(CLIENT_CLOSED_REQUEST, clock::now());
        }
    }
}
