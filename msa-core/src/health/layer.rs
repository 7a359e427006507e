//! The probes as a layer before everything else.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use http::{Request, Response};
use pin_project_lite::pin_project;

use super::Probes;

/// Answers the probes and passes every other request on.
#[derive(Debug, Clone)]
pub struct ProbeLayer(Probes);

impl ProbeLayer {
    /// Answers them with `probes`.
    #[must_use]
    pub fn new(probes: Probes) -> Self {
        Self(probes)
    }
}

impl<S> tower::Layer<S> for ProbeLayer {
    type Service = ProbeService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ProbeService {
            inner,
            probes: self.0.clone(),
        }
    }
}

/// The service of [`ProbeLayer`].
#[derive(Debug, Clone)]
pub struct ProbeService<S> {
    inner: S,
    probes: Probes,
}

impl<S, B> tower::Service<Request<B>> for ProbeService<S>
where
    S: tower::Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ProbeFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        let state = match self.probes.answer(&request) {
            None => State::Passed {
                future: self.inner.call(request),
            },
            Some(response) => State::Answered {
                // Behind a box it does not widen the future of every other request.
                response: Some(Box::new(response)),
            },
        };
        ProbeFuture { state }
    }
}

pin_project! {
    /// The answer of a [`ProbeService`].
    pub struct ProbeFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Passed { #[pin] future: F },
        Answered { response: Option<Box<Response<Body>>> },
    }
}

impl<F, E> Future for ProbeFuture<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = Result<Response<Body>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Passed { future } => Poll::Ready(ready!(future.poll(cx))),
            // Polled again after its end it has nothing more to say.
            StateProj::Answered { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(*response)),
                None => Poll::Pending,
            },
        }
    }
}

impl<F> fmt::Debug for ProbeFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeFuture").finish_non_exhaustive()
    }
}
