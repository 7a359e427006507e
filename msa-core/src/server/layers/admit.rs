//! Whether a request may run, and for how long.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};
use tower::{Layer, Service};

use crate::clock::Instant;
use crate::event::Event;
use crate::problem::Problem;
use crate::server::inbound::Inbound;
use crate::txn::{self, Ltxid};

/// Refuses a transaction that runs in a loop (508); ends a request at its deadline (504), dropping its handler.
#[derive(Debug, Clone)]
pub(crate) struct AdmitLayer(pub(crate) Arc<Inbound>);

impl<S> Layer<S> for AdmitLayer {
    type Service = AdmitService<S>;

    fn layer(&self, inner: S) -> AdmitService<S> {
        AdmitService {
            inner,
            inbound: self.0.clone(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct AdmitService<S> {
    inner: S,
    inbound: Arc<Inbound>,
}

impl<S> Service<Request<Body>> for AdmitService<S>
where
    S: Service<Request<Body>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = AdmitFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<Body>) -> AdmitFuture<S::Future> {
        let (ltxid, received, deadline) =
            txn::with_current(|txn| (txn.ltxid(), txn.received(), txn.deadline())).unwrap_or((
                Ltxid::FIRST,
                None,
                None,
            ));
        if ltxid.get() > self.inbound.max_hops {
            return AdmitFuture::Refused {
                problem: Some(too_many_hops(&self.inbound, ltxid)),
            };
        }
        // It came too late already. What passed since then is for the handler's timer.
        if deadline.is_some_and(|deadline| received.is_some_and(|received| deadline <= received)) {
            return AdmitFuture::Refused {
                problem: Some(too_late()),
            };
        }
        AdmitFuture::Running {
            inner: self.inner.call(request),
            deadline,
            sleep: None,
        }
    }
}

#[cold]
fn too_many_hops(inbound: &Inbound, ltxid: Ltxid) -> Problem {
    inbound.observers.tell(&Event::LoopRefused {
        ltxid: ltxid.get().into(),
    });
    Problem::new(StatusCode::LOOP_DETECTED)
        .title("Too many hops")
        .detail(format!(
            "the transaction has crossed {ltxid} servers, more than the {} allowed: look for services that call each \
             other in a circle, or raise txn.max_hops",
            inbound.max_hops
        ))
        .never_retry()
}

#[cold]
fn too_late() -> Problem {
    Problem::new(StatusCode::GATEWAY_TIMEOUT)
        .title("Deadline exceeded")
        .detail("the caller's deadline, or server.request_timeout, passed before the request was answered")
}

pin_project! {
    #[project = AdmitProjection]
    pub enum AdmitFuture<F> {
        Refused {
            problem: Option<Problem>,
        },
        Running {
            #[pin]
            inner: F,
            deadline: Option<Instant>,
            // The handler first: most are ready at once, and then no timer is ever made.
            #[pin]
            sleep: Option<Sleep>,
        },
    }
}

impl<F, E> Future for AdmitFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            AdmitProjection::Refused { problem } => {
                let problem = problem.take().unwrap_or_else(too_late);
                Poll::Ready(Ok(problem.into_response()))
            }
            AdmitProjection::Running {
                inner,
                deadline,
                mut sleep,
            } => {
                if let Poll::Ready(answer) = inner.poll(cx) {
                    return Poll::Ready(answer);
                }
                if let (Some(deadline), None) = (*deadline, sleep.as_ref().as_pin_ref()) {
                    sleep.set(Some(sleep_until(deadline)));
                }
                match sleep.as_pin_mut().map(|sleep| sleep.poll(cx)) {
                    Some(Poll::Ready(())) => Poll::Ready(Ok(too_late().into_response())),
                    _ => Poll::Pending,
                }
            }
        }
    }
}
