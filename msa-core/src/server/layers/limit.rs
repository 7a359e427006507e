//! How large a request's body may be.

use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody as _};
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse as _, Response};
use futures_util::future::Either;
use http::{Request, StatusCode};
use http_body_util::Limited;
use tower::{Layer, Service};

use crate::problem::Problem;

/// Refuses a body that is longer than the limit: at once when its length is told, else while it is read.
///
/// tower-http's layer answers in plain text and wraps every body, also those that are empty; this one answers with a
/// problem document and leaves an empty body alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LimitLayer(pub(crate) usize);

impl<S> Layer<S> for LimitLayer {
    type Service = LimitService<S>;

    fn layer(&self, inner: S) -> LimitService<S> {
        LimitService {
            inner,
            limit: self.0,
        }
    }
}

#[derive(Debug, Clone)]
pub struct LimitService<S> {
    inner: S,
    limit: usize,
}

impl<S> Service<Request<Body>> for LimitService<S>
where
    S: Service<Request<Body>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response, S::Error>>>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if request.body().is_end_stream() {
            return Either::Left(self.inner.call(request));
        }
        let size = request.body().size_hint();
        if size.lower() > self.limit as u64 {
            return Either::Right(ready(Ok(too_large(self.limit).into_response())));
        }
        // axum's extractors have a limit of their own, of 2 MB: ours stands before them and holds for every body.
        DefaultBodyLimit::disable().apply(&mut request);
        let limit = self.limit;
        let request = match size.exact() {
            // hyper holds a body to the length that it told.
            Some(_) => request,
            None => request.map(|body| Body::new(Limited::new(body, limit))),
        };
        Either::Left(self.inner.call(request))
    }
}

#[cold]
fn too_large(limit: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE)
        .detail(format!(
            "the body may have {limit} bytes at most (server.body_limit)"
        ))
        .never_retry()
}
