//! One request at the endpoint that was picked for it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::util::Oneshot;
use tower::{BoxError, Service};

use super::{BalancedBody, NoEndpoint, grpc};
use crate::balance::{Answer, Pick};
use crate::clock;

pin_project! {
    /// The answer of a [`BalanceService`](super::BalanceService). Dropped before its end the request was cancelled, which is neither
    /// success nor failure.
    #[must_use = "futures do nothing unless you poll them"]
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        // `None` when there is no endpoint.
        #[pin]
        sent: Option<Oneshot<S, Request<B>>>,
        waiting: Option<Waiting>,
    }
}

/// A pick whose headers are awaited. Dropped before them it was cancelled, at a time that is known here.
#[derive(Debug)]
struct Waiting(Option<Pick>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(mut pick) = self.0.take() {
            pick.cancelled(clock::now());
        }
    }
}

impl<S: Service<Request<B>>, B> ResponseFuture<S, B> {
    pub(super) fn sent(pick: Pick, to: S, request: Request<B>) -> Self {
        Self {
            sent: Some(Oneshot::new(to, request)),
            waiting: Some(Waiting(Some(pick))),
        }
    }

    pub(super) fn no_endpoint() -> Self {
        Self {
            sent: None,
            waiting: None,
        }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError>,
{
    type Output = Result<Response<BalancedBody<R>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(sent) = this.sent.as_pin_mut() else {
            return Poll::Ready(Err(NoEndpoint.into()));
        };
        let answer = ready!(sent.poll(cx));
        let Some(mut pick) = this.waiting.take().and_then(|mut waiting| waiting.0.take()) else {
            return Poll::Ready(Err(NoEndpoint.into())); // polled after its end
        };
        let now = clock::now();
        Poll::Ready(match answer {
            Ok(response) => {
                pick.headers(grpc::answer(response.status(), response.headers()), now);
                if grpc::is_draining(response.headers()) {
                    pick.draining(now);
                }
                Ok(response.map(|body| BalancedBody::new(body, pick)))
            }
            Err(error) => {
                pick.headers(Answer::LocalFailure, now);
                pick.complete(now);
                Err(error.into())
            }
        })
    }
}

impl<S: Service<Request<B>>, B> std::fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}
