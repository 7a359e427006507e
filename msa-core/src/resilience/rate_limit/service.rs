//! The service that waits for its turn.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};
use tower::{BoxError, Service};

use super::engine::ONE;
use super::{Limited, RateLimit};
use crate::clock;
use crate::resilience::timeout::Deadline;

/// Takes a permit for each request, for which it waits no longer than its deadline allows; made by [`RateLimitLayer`](super::RateLimitLayer).
#[derive(Debug, Clone)]
pub struct RateLimitService<S> {
    inner: S,
    limit: RateLimit,
}

impl<S> RateLimitService<S> {
    pub(super) fn new(inner: S, limit: RateLimit) -> Self {
        Self { inner, limit }
    }
}

impl<S, R> Service<R> for RateLimitService<S>
where
    S: Service<R> + Clone,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = RateLimitFuture<S, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: R) -> RateLimitFuture<S, R> {
        let now = clock::now();
        // A turn that comes after the deadline is of no use, and would be lost to others.
        let max_wait = match Deadline::inherited(now) {
            Some(deadline) => self.limit.config().max_wait.min(deadline.left(now)),
            None => self.limit.config().max_wait,
        };
        let state = match self.limit.reserve(ONE, max_wait, now) {
            Err(limited) => State::Refused { limited },
            Ok(wait) if wait.is_zero() => State::Running {
                running: self.inner.call(request),
            },
            Ok(wait) => {
                // The one that is ready goes along; the clone that stays is asked again.
                let fresh = self.inner.clone();
                State::Waiting {
                    turn: sleep_until(now + wait),
                    call: Some((mem::replace(&mut self.inner, fresh), request)),
                }
            }
        };
        RateLimitFuture { state }
    }
}

pin_project! {
    /// One request that waits for its turn, or has had it.
    pub struct RateLimitFuture<S, R>
    where
        S: Service<R>,
    {
        #[pin]
        state: State<S, R, S::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, R, F> {
        Refused {
            limited: Limited,
        },
        Waiting {
            #[pin]
            turn: Sleep,
            call: Option<(S, R)>,
        },
        Running {
            #[pin]
            running: F,
        },
    }
}

impl<S, R> Future for RateLimitFuture<S, R>
where
    S: Service<R>,
    S::Error: Into<BoxError>,
{
    type Output = Result<S::Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::Refused { limited } => return Poll::Ready(Err((*limited).into())),
                StateProjection::Waiting { turn, call } => {
                    ready!(turn.poll(cx));
                    let Some((mut service, request)) = call.take() else {
                        return Poll::Pending; // polled after its end
                    };
                    let running = service.call(request);
                    state.set(State::Running { running });
                }
                StateProjection::Running { running } => {
                    return running.poll(cx).map_err(Into::into);
                }
            }
        }
    }
}

impl<S, R> fmt::Debug for RateLimitFuture<S, R>
where
    S: Service<R>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RateLimitFuture")
    }
}
