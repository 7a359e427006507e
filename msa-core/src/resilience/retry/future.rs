//! A call that is tried again.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tower::Service;

use super::{Circumstances, Judge, Retry, RetryCall, RetryService};
use crate::clock;
use crate::txn::{self, Txn};

pin_project! {
    /// The response of a [`RetryService`].
    pub struct RetryFuture<S, J, Q>
    where
        S: Service<Q>,
    {
        service: RetryService<S, J>,
        call: RetryCall<Arc<Retry>>,
        request: Q,
        idempotent: bool,
        txn: Option<Txn>,
        #[pin]
        state: State<S::Future>,
    }
}

pin_project! {
    #[project = Now]
    enum State<F> {
        Called { #[pin] future: F },
        Waiting { #[pin] sleep: Sleep },
        Ready,
    }
}

impl<S, J, Q> RetryFuture<S, J, Q>
where
    S: Service<Q>,
    Q: Clone,
    J: Judge<Q, S::Response, S::Error>,
{
    pub(super) fn new(mut service: RetryService<S, J>, request: Q) -> Self {
        let call = service.retry.begin_shared(clock::now());
        let idempotent = service.judge.is_idempotent(&request);
        let future = service.inner.call(request.clone());
        Self {
            service,
            call,
            request,
            idempotent,
            txn: txn::current(),
            state: State::Called { future },
        }
    }
}

impl<S, J, Q> Future for RetryFuture<S, J, Q>
where
    S: Service<Q>,
    Q: Clone,
    J: Judge<Q, S::Response, S::Error>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                Now::Called { future } => {
                    let result = ready!(future.poll(cx));
                    let service = &*this.service;
                    let ending = service.judge.judge(&result, &service.retry.on);
                    let mut circumstances = Circumstances {
                        idempotent: *this.idempotent,
                        txn: this.txn.as_ref(),
                        ..Circumstances::default()
                    };
                    circumstances.deadline = this.txn.as_ref().and_then(Txn::deadline);
                    let attempt = this.call.attempt();
                    let decision = this.call.after(&ending, &circumstances, clock::now);
                    decision.tell(&service.observers, &service.name, attempt, &ending);
                    match decision.delay() {
                        None => return Poll::Ready(result),
                        Some(delay) if delay.is_zero() => this.state.set(State::Ready),
                        Some(delay) => {
                            let sleep = tokio::time::sleep(delay);
                            this.state.set(State::Waiting { sleep });
                        }
                    }
                }
                Now::Waiting { sleep } => {
                    ready!(sleep.poll(cx));
                    this.state.set(State::Ready);
                }
                Now::Ready => {
                    ready!(this.service.inner.poll_ready(cx))?;
                    this.call.started();
                    let future = this.service.inner.call(this.request.clone());
                    this.state.set(State::Called { future });
                }
            }
        }
    }
}

impl<S: Service<Q>, J, Q> fmt::Debug for RetryFuture<S, J, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryFuture")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}
