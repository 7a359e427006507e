//! The service that [`RetryLayer`](super::RetryLayer) makes.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::Service;

use super::{Judge, Retry, RetryFuture};
use crate::event::Observers;

/// Tries the calls of the service inside again.
#[derive(Debug, Clone)]
pub struct RetryService<S, J> {
    pub(super) inner: S,
    pub(super) retry: Arc<Retry>,
    pub(super) name: Arc<str>,
    pub(super) judge: J,
    pub(super) observers: Observers,
}

impl<S, J, Q> Service<Q> for RetryService<S, J>
where
    S: Service<Q> + Clone,
    Q: Clone,
    J: Judge<Q, S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RetryFuture<S, J, Q>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Q) -> RetryFuture<S, J, Q> {
        // The one that was made ready goes with the call, the clone stays.
        let fresh = self.clone();
        RetryFuture::new(mem::replace(self, fresh), request)
    }
}
