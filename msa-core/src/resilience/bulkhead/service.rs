//! The service that takes a permit for each request.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{BoxError, Service};

use super::{Bulkhead, BulkheadBody, Full, OwnedPermit};
use crate::clock;
use crate::resilience::timeout::Deadline;

/// Takes a permit for each request, for which it waits no longer than its deadline allows; made by [`BulkheadLayer`](super::BulkheadLayer).
#[derive(Debug, Clone)]
pub struct BulkheadService<S> {
    inner: S,
    bulkhead: Bulkhead,
}

impl<S> BulkheadService<S> {
    pub(super) fn new(inner: S, bulkhead: Bulkhead) -> Self {
        Self { inner, bulkhead }
    }
}

impl<S, R, B> Service<R> for BulkheadService<S>
where
    S: Service<R, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: Body,
{
    type Response = Response<BulkheadBody<B>>;
    type Error = BoxError;
    type Future = BulkheadFuture<S, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: R) -> BulkheadFuture<S, R> {
        let state = match self.bulkhead.try_acquire() {
            Ok(permit) => State::Running {
                running: self.inner.call(request),
                permit: Some(permit.into_owned()),
            },
            Err(_) => {
                // The one that is ready goes along; the clone that stays is asked again.
                let fresh = self.inner.clone();
                let bulkhead = self.bulkhead.clone();
                State::Waiting {
                    permit: Box::pin(async move {
                        let now = clock::now();
                        let mut permit = bulkhead.acquire(now);
                        if let Some(deadline) = Deadline::inherited(now) {
                            permit = permit.no_later_than(deadline.at());
                        }
                        Ok(permit.await?.into_owned())
                    }),
                    call: Some((mem::replace(&mut self.inner, fresh), request)),
                }
            }
        };
        BulkheadFuture { state }
    }
}

type Waits = Pin<Box<dyn Future<Output = Result<OwnedPermit, Full>> + Send>>;

pin_project! {
    /// One request on its way through the bulkhead.
    pub struct BulkheadFuture<S, R>
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
        Waiting {
            permit: Waits,
            call: Option<(S, R)>,
        },
        Running {
            #[pin]
            running: F,
            permit: Option<OwnedPermit>,
        },
    }
}

impl<S, R, B> Future for BulkheadFuture<S, R>
where
    S: Service<R, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body,
{
    type Output = Result<Response<BulkheadBody<B>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::Waiting { permit, call } => {
                    let permit = ready!(permit.as_mut().poll(cx))?;
                    let Some((mut service, request)) = call.take() else {
                        return Poll::Pending; // polled after its end
                    };
                    let running = service.call(request);
                    state.set(State::Running {
                        running,
                        permit: Some(permit),
                    });
                }
                StateProjection::Running { running, permit } => {
                    let response = ready!(running.poll(cx)).map_err(Into::into);
                    let Some(permit) = permit.take() else {
                        return Poll::Pending; // polled after its end
                    };
                    let response = response?;
                    return Poll::Ready(Ok(response.map(|body| BulkheadBody::new(body, permit))));
                }
            }
        }
    }
}

impl<S, R> fmt::Debug for BulkheadFuture<S, R>
where
    S: Service<R>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BulkheadFuture")
    }
}
