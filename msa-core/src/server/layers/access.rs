//! One log line a request.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::MatchedPath;
use axum::response::Response;
use http::{Method, Request, StatusCode};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::explained;
use crate::clock::{self, Instant};
use crate::server::inbound::Inbound;
use crate::txn::{self, Txn};

/// What nginx logs for a client that went away before its answer.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Logs each request by its matched route, never by its raw path; also one whose client went away.
#[derive(Debug, Clone)]
pub(crate) struct AccessLayer(pub(crate) Arc<Inbound>);

impl<S> Layer<S> for AccessLayer {
    type Service = AccessService<S>;

    fn layer(&self, inner: S) -> AccessService<S> {
        AccessService {
            inner,
            inbound: self.0.clone(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct AccessService<S> {
    inner: S,
    inbound: Arc<Inbound>,
}

impl<S> Service<Request<Body>> for AccessService<S>
where
    S: Service<Request<Body>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = AccessFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<Body>) -> AccessFuture<S::Future> {
        let line = self.inbound.access_log().then(|| Line {
            method: request.method().clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            began: txn::with_current(Txn::received)
                .flatten()
                .unwrap_or_else(clock::now),
        });
        AccessFuture {
            inner: self.inner.call(request),
            line: Unfinished(line),
        }
    }
}

struct Line {
    method: Method,
    route: Option<MatchedPath>,
    began: Instant,
}

impl Line {
    fn write(&self, status: u16) {
        let method = self.method.as_str();
        let route = self.route.as_ref().map_or("unmatched", MatchedPath::as_str);
        // Microseconds are as fine as a log needs.
        let ms = clock::since(self.began).as_micros() as f64 / 1000.0;
        if status < 500 {
            tracing::info!(target: "msa::access", method, route, status, ms, "request");
        } else {
            tracing::warn!(target: "msa::access", method, route, status, ms, "request");
        }
    }
}

/// The line of a request that has no answer yet: dropped, it tells that the client went away.
struct Unfinished(Option<Line>);

impl Unfinished {
    fn finish(&mut self, status: StatusCode) {
        if let Some(line) = self.0.take() {
            line.write(status.as_u16());
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(line) = self.0.take() {
            line.write(CLIENT_CLOSED_REQUEST);
        }
    }
}

pin_project! {
    pub struct AccessFuture<F> {
        #[pin]
        inner: F,
        line: Unfinished,
    }
}

impl<F, E> Future for AccessFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = explained(ready!(this.inner.poll(cx))?);
        this.line.finish(response.status());
        Poll::Ready(Ok(response))
    }
}
