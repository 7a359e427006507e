//! The service that ends what takes too long.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tower::{BoxError, Service};

use super::{Deadline, Elapsed, Guarded, Limit};
use crate::clock;

/// Ends requests at their deadline; made by [`TimeoutLayer`](super::TimeoutLayer).
#[derive(Debug, Clone)]
pub struct TimeoutService<S> {
    inner: S,
    timeout: Duration,
}

impl<S> TimeoutService<S> {
    pub(super) fn new(inner: S, timeout: Duration) -> Self {
        Self { inner, timeout }
    }
}

impl<S, R> Service<R> for TimeoutService<S>
where
    S: Service<R>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = TimeoutFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: R) -> TimeoutFuture<S::Future> {
        let now = clock::now();
        let deadline = Deadline::after(now, self.timeout, Limit::Total);
        let deadline = deadline.or_sooner(Deadline::inherited(now));
        let state = match deadline.check(now) {
            Ok(()) => State::Runs {
                work: deadline.guard(self.inner.call(request)),
            },
            Err(late) => State::Late { late },
        };
        TimeoutFuture { state }
    }
}

pin_project! {
    /// One request under its deadline.
    #[derive(Debug)]
    pub struct TimeoutFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    #[derive(Debug)]
    enum State<F> {
        Late {
            late: Elapsed,
        },
        Runs {
            #[pin]
            work: Guarded<F>,
        },
    }
}

impl<F, T, E> Future for TimeoutFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    type Output = Result<T, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().state.project() {
            StateProjection::Late { late } => Err((*late).into()),
            StateProjection::Runs { work } => match ready!(work.poll(cx)) {
                Ok(answer) => answer.map_err(Into::into),
                Err(late) => Err(late.into()),
            },
        })
    }
}
