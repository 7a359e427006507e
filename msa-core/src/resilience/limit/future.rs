//! A call behind a limit.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower::Service;

use super::guard::LimitGuard;
use super::service::{Classify, LimitError};
use super::{Overloaded, Permit, Waiting};
use crate::clock;
use crate::txn::Criticality;

pin_project! {
    /// The future of a [`LimitService`](super::LimitService).
    #[must_use = "futures do nothing unless polled"]
    pub struct LimitFuture<S, C, Req>
    where
        S: Service<Req>,
    {
        #[pin]
        state: State<S, S::Future, Req>,
        guard: LimitGuard,
        classify: C,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, F, Req> {
        Refused { error: Option<Overloaded> },
        Waiting { waiting: Waiting, class: Criticality, call: Option<(S, Req)> },
        Running { #[pin] future: F, permit: Option<Permit> },
    }
}

impl<S, C, Req> LimitFuture<S, C, Req>
where
    S: Service<Req>,
{
    pub(super) const fn running(
        future: S::Future,
        permit: Option<Permit>,
        guard: LimitGuard,
        classify: C,
    ) -> Self {
        Self {
            state: State::Running { future, permit },
            guard,
            classify,
        }
    }

    pub(super) const fn refused(error: Overloaded, guard: LimitGuard, classify: C) -> Self {
        Self {
            state: State::Refused { error: Some(error) },
            guard,
            classify,
        }
    }

    pub(super) const fn waiting(
        waiting: Waiting,
        class: Criticality,
        call: (S, Req),
        guard: LimitGuard,
        classify: C,
    ) -> Self {
        Self {
            state: State::Waiting {
                waiting,
                class,
                call: Some(call),
            },
            guard,
            classify,
        }
    }
}

impl<S, C, Req> Future for LimitFuture<S, C, Req>
where
    S: Service<Req>,
    C: Classify<S::Response, S::Error>,
{
    type Output = Result<S::Response, LimitError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProjection::Refused { error } => {
                    // Polled again after its end it has nothing more to say.
                    return error
                        .take()
                        .map_or(Poll::Pending, |error| Poll::Ready(Err(error.into())));
                }
                StateProjection::Waiting {
                    waiting,
                    class,
                    call,
                } => {
                    let state = match ready!(Pin::new(waiting).poll(cx)) {
                        Ok(permit) => match call.take() {
                            Some((mut service, request)) => State::Running {
                                future: service.call(request),
                                permit: Some(permit),
                            },
                            None => return Poll::Pending,
                        },
                        Err(error) => {
                            this.guard.refused(*class, &error);
                            State::Refused { error: Some(error) }
                        }
                    };
                    this.state.set(state);
                }
                StateProjection::Running { future, permit } => {
                    let result = ready!(future.poll(cx));
                    if let Some(mut permit) = permit.take() {
                        let outcome = this.classify.classify(&result);
                        this.guard.record(&mut permit, outcome, clock::now());
                    }
                    return Poll::Ready(result.map_err(LimitError::Failed));
                }
            }
        }
    }
}

impl<S, C, Req> fmt::Debug for LimitFuture<S, C, Req>
where
    S: Service<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitFuture")
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}
