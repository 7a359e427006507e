//! The innermost step of the inbound stack: the routes' own answer, once there is a place for the request.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::Response;
use http::Request;
use pin_project_lite::pin_project;
use tower::Service;

use crate::resilience::limit::Waiting;
use crate::server::inbound::Inbound;
use crate::server::layers::held::Held;
use crate::server::layers::rate::Passed;
use crate::server::layers::{Refusal, panic, shed};
use crate::txn::Criticality;

pin_project! {
    #[project = HandlerProjection]
    /// The call of the routes: under way, not made, or not made yet.
    pub(super) enum Handler<S, F> {
        Running {
            #[pin]
            inner: F,
        },
        Refused {
            response: Option<Refusal>,
        },
        // Boxed: only under overload.
        Queued {
            queued: Box<Queued<S>>,
        },
    }
}

/// A request that waits for its place within the limit.
pub(super) struct Queued<S> {
    pub(super) place: Waiting,
    pub(super) class: Criticality,
    pub(super) call: Option<(S, Request<Body>)>,
}

impl<S, F> Handler<S, F> {
    #[inline]
    pub(super) fn refused(response: Refusal) -> Self {
        Self::Refused {
            response: Some(response),
        }
    }
}

impl<S, F, E> Handler<S, F>
where
    S: Service<Request<Body>, Future = F>,
    F: Future<Output = Result<Response, E>>,
{
    #[inline]
    pub(super) fn poll(
        mut self: Pin<&mut Self>,
        inbound: &Inbound,
        held: &mut Option<Held>,
        passed: &mut Passed,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response, E>> {
        loop {
            let called = match self.as_mut().project() {
                HandlerProjection::Running { inner } => {
                    return panic::guard(|| inner.poll(cx))
                        .unwrap_or_else(|response| Poll::Ready(Ok(*response)));
                }
                HandlerProjection::Refused { response } => {
                    return match response.take() {
                        Some(response) => Poll::Ready(Ok(*response)),
                        // Polled again after its end it has nothing more to say.
                        None => Poll::Pending,
                    };
                }
                HandlerProjection::Queued { queued } => {
                    match ready!(Pin::new(&mut queued.place).poll(cx)) {
                        Err(error) => {
                            inbound.overload.guard().refused(queued.class, &error);
                            Err(shed::refusal(&error))
                        }
                        Ok(permit) => {
                            if let Some(held) = held {
                                held.permit = Some(permit);
                            }
                            let Some((mut service, request)) = queued.call.take() else {
                                return Poll::Pending; // polled again after its end
                            };
                            match inbound.rate.pass(&inbound.observers) {
                                Ok(quota) => {
                                    *passed = quota;
                                    panic::guard(|| service.call(request))
                                }
                                Err(response) => Err(response),
                            }
                        }
                    }
                }
            };
            self.set(match called {
                Ok(inner) => Self::Running { inner },
                Err(response) => Self::refused(response),
            });
        }
    }
}
